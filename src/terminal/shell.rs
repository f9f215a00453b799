//! An argv as one line that a shell reads back.

use super::neutralise;

/// The words, quoted where it is needed, on one line. A word with characters that would move a cursor or deceive a
/// reader is written as `$'…'`, which bash, zsh and ksh read.
pub fn line(argv: &[String]) -> String {
    let words: Vec<_> = argv.iter().map(|word| self::word(word)).collect();
    words.join(" ")
}

/// The text with `command`, which begins each such command in it, become `longer` wherever `unless` does not stand behind it already.
pub fn led(text: &str, command: &str, longer: &str, unless: &str) -> String {
    let mut parts = text.split(command);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + if part.starts_with(unless) { command } else { longer } + part)
}

/// One word, the same way.
pub fn word(word: &str) -> String {
    // A tabulator is a blank to `neutralise::line`, so a difference means that something was replaced.
    if neutralise::line(word) == *word { shell_words::quote(word).into_owned() } else { escaped(word) }
}

fn escaped(word: &str) -> String {
    let mut out = "$'".to_owned();
    for c in word.chars() {
        match c {
            '\'' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if neutralise::line(c.encode_utf8(&mut [0; 4])).starts_with(c) => out.push(c),
            c if (c as u32) < 0x80 => out.push_str(&format!("\\x{:02x}", c as u32)),
            c => out.push_str(&format!("\\U{:08x}", c as u32)),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use proptest::prelude::*;

    use super::*;

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(
            line(&words(&["factory", "queue", "--issue", "4", "it's here", ""])),
            "factory queue --issue 4 'it'\\''s here' ''"
        );
    }

    #[test]
    fn whatever_would_move_the_cursor_is_escaped() {
        assert_eq!(line(&words(&["a\nb", "\u{1b}[31m", "a\u{202e}b'"])), r"$'a\nb' $'\x1b[31m' $'a\U0000202eb\''");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn a_shell_reads_the_same_words_back(argv in prop::collection::vec("[^\0]{0,12}", 1..4)) {
            let line = line(&argv);
            prop_assert!(line.lines().count() <= 1);
            let script = format!("printf '%s\\0' {line}");
            let output = Command::new("bash").env("LC_ALL", "C.UTF-8").args(["-c", &script]).output().unwrap();
            let read: Vec<_> = output.stdout.split(|&byte| byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
            prop_assert_eq!(&read[..argv.len()], argv.as_slice());
        }
    }
}
