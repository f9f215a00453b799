//! Texts on as many lines as they take.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text in lines of at most `width` columns, broken between words; a word that is longer than a line is broken, too.
pub fn lines(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
        while let Some(rest) = lines.last_mut().and_then(|line| beyond(line, width)) {
            lines.push(rest);
        }
    }
    lines
}

/// Take from a line what is beyond its width, which leaves one character at least.
fn beyond(line: &mut String, width: usize) -> Option<String> {
    let mut used = 0;
    let does_not_fit = |&(at, c): &(usize, char)| {
        used += c.width().unwrap_or(0);
        used > width && at > 0
    };
    let at = line.char_indices().find(does_not_fit)?.0;
    Some(line.split_off(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_break_between_words_and_within_those_that_are_too_long() {
        assert_eq!(lines("a verylongword b", 5), ["a", "veryl", "ongwo", "rd b"]);
        assert_eq!(lines("", 5), [""]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_wide(text in "[a-z日 ]{0,60}", width in 2usize..20) {
            let lines = lines(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width), "{lines:?}");
            prop_assert_eq!(lines.concat().replace(' ', ""), text.replace(' ', ""));
        }
    }
}
