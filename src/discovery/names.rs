//! From what another system calls something to a worker's name.
//!
//! A name that is one already stays as it is behind the prefix. Any other is written in a worker's letters and gets an end that is made
//! of all its letters, so that it depends on nothing else and two of them do not meet.

use crate::registry::names::WorkerName;

/// The most that a worker's name holds.
const LIMIT: usize = 63;

/// `called` behind the prefix, when that is a worker's name.
pub fn plain(prefix: &str, called: &str) -> Option<WorkerName> {
    format!("{prefix}{called}").parse().ok()
}

/// A worker's name for any text, with an end of so many letters (1 to 13) that tells it from others.
pub fn mapped(prefix: &str, called: &str, letters: usize) -> Option<WorkerName> {
    let end = end(called, letters);
    let written = called.chars().flat_map(char::to_lowercase).map(|c| match c {
        'a'..='z' | '0'..='9' | '.' | '-' => c,
        _ => '-',
    });
    let room = LIMIT.saturating_sub(prefix.len() + end.len() + 1);
    let written: String = written.take(room).collect();
    let middle = written.trim_matches(['-', '.']);
    let name = if middle.is_empty() { format!("{prefix}{end}") } else { format!("{prefix}{middle}-{end}") };
    name.parse().ok()
}

/// FNV-1a of the text (64 bits), five bits a letter: it must be the same in every version of this program.
fn end(text: &str, letters: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let hash =
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (0..letters).map(|place| char::from(ALPHABET[(hash >> (place * 5) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("mayor", "gc-mayor")]
    #[case("rig--witness", "gc-rig--witness")]
    #[case("3", "gc-3")]
    fn a_name_that_is_one_stays(#[case] called: &str, #[case] name: &str) {
        assert_eq!(plain("gc-", called).unwrap().as_str(), name);
    }

    /// Windows and scripts hold these names: they may never change.
    #[rstest]
    #[case("a__b", "gc-a--b-akemyv")]
    #[case("Mayor", "gc-mayor-3au7jy")]
    #[case("日本", "gc-ruthnt")]
    #[case("", "gc-fziecc")]
    fn any_other_is_written_in_a_workers_letters(#[case] called: &str, #[case] name: &str) {
        assert_eq!(plain("gc-", called), None);
        assert_eq!(mapped("gc-", called, 6).unwrap().as_str(), name);
    }

    proptest! {
        #[test]
        fn everything_gets_a_name(prefix in "([a-z0-9][a-z0-9.-]{0,23})?", called in ".{0,120}", letters in 1_usize..=13) {
            let name = mapped(&prefix, &called, letters).unwrap();
            prop_assert!(name.as_str().starts_with(&prefix));
        }

        #[test]
        fn names_that_differ_in_one_letter_do_not_meet(called in "[A-Z_/]{1,80}", other in "[A-Z_/]") {
            let others = format!("{called}{other}");
            prop_assert_ne!(mapped("", &called, 6), mapped("", &others, 6));
        }
    }
}
