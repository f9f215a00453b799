//! What a session's pod is called, and by which label it is found: as Gas City's script makes both of the session's name.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::gascity::label;
use crate::registry::names::ObjectName;

/// The value of the label `gc-session`. Several names may have the same one; the annotation tells them apart.
pub fn label(session: &str) -> String {
    label::value(session, '-')
}

/// The value of the label by which a pod of ours is this session's and no other's, whatever has the same [`label`]: FNV-1a of the
/// name as it is, which every version of ours makes in the same way.
pub fn mark(session: &str) -> String {
    let hash =
        session.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

/// The name for a session's pod: the script's, unless another session's pod has it, or nothing is left of it.
pub fn pod(session: &str, taken: &BTreeSet<String>) -> Option<ObjectName> {
    let plain = sanitised(session);
    if !plain.is_empty() && !taken.contains(&plain) {
        return plain.parse().ok();
    }
    let mut hasher = DefaultHasher::new();
    session.hash(&mut hasher);
    let hash = format!("{:08x}", hasher.finish() as u32);
    let kept: String = plain.chars().take(label::LIMIT - hash.len() - 1).collect();
    let told_apart = match kept.trim_end_matches('-') {
        "" => format!("gc-{hash}"),
        kept => format!("{kept}-{hash}"),
    };
    if taken.contains(&told_apart) { None } else { told_apart.parse().ok() }
}

/// Lower-case letters, digits and `-`, at most 63, a letter or digit at both ends.
fn sanitised(session: &str) -> String {
    let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '-' };
    let name: String = session.chars().map(|c| plain(c.to_ascii_lowercase())).collect();
    let cut: String = name.trim_matches('-').chars().take(label::LIMIT).collect();
    cut.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("mayor", "mayor")]
    #[case("rig--Worker__1", "rig--worker--1")]
    #[case("/a/b/", "a-b")]
    fn pods_are_called_as_the_script_calls_them(#[case] session: &str, #[case] expected: &str) {
        assert_eq!(pod(session, &BTreeSet::new()).unwrap().as_str(), expected);
    }

    #[test]
    fn marks_stay_what_they_are() {
        assert_eq!(
            ["", "a", "a/b", "a-b"].map(mark),
            ["cbf29ce484222325", "af63dc4c8601ec8c", "e620c3190468cf61", "e61ab31904644883"]
        );
    }

    #[test]
    fn names_that_become_the_same_are_kept_apart() {
        let mut taken = BTreeSet::new();
        let long = "x".repeat(70);
        for session in ["a/b", "a-b", "A-b", &long, &format!("{long}y"), "日", "本"] {
            let name = pod(session, &taken).unwrap();
            assert!(taken.insert(name.as_str().to_owned()), "{session}");
        }
    }

    proptest! {
        #[test]
        fn any_session_has_a_name_that_the_server_takes(session in ".{1,100}") {
            let first = pod(&session, &BTreeSet::new()).unwrap();
            prop_assert!(first.as_str().len() <= 63 && !first.as_str().contains('.'));
            let second = pod(&session, &BTreeSet::from([first.as_str().to_owned()]));
            prop_assert!(second.is_none_or(|name| name.as_str().len() <= 63 && name != first));
        }
    }
}
