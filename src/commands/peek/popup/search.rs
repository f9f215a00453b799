//! Finding a text in lines, and marking it there.

use std::ops::Range;

use crate::terminal::{neutralise, style};

/// What marks a place, and what ends the mark.
const MARK: &str = "\x1b[0;30;43m";
const MARK_WITHOUT_COLOUR: &str = "\x1b[0;7m";
const END: &str = "\x1b[0m";
/// So much of what colours a line is put back behind a mark, in bytes: more is not colour but an attack.
const STYLE_LIMIT: usize = 512;

/// A text that is looked for, in any case unless it has a capital.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    text: String,
    letters: Vec<char>,
    exactly: bool,
}

impl Wanted {
    /// `None` when there is nothing to look for.
    pub fn new(text: &str) -> Option<Self> {
        let exactly = text.chars().any(char::is_uppercase);
        let letters: Vec<char> = text.chars().map(|c| fold(c, exactly)).collect();
        (!letters.is_empty()).then(|| Self { text: text.to_owned(), letters, exactly })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it is in a line without colours, by characters.
    fn places(&self, line: &str) -> Vec<Range<usize>> {
        let line: Vec<char> = line.chars().map(|c| fold(c, self.exactly)).collect();
        let (mut at, mut places) = (0, Vec::new());
        while at + self.letters.len() <= line.len() {
            let end = at + self.letters.len();
            if line[at..end] == self.letters[..] {
                places.push(at..end);
                at = end;
            } else {
                at += 1;
            }
        }
        places
    }

    /// Whether it is in this line, which may have colours.
    pub fn is_in(&self, line: &str) -> bool {
        !self.places(&neutralise::plain(line.as_bytes())).is_empty()
    }

    /// The line with each place marked, and with its own colours beside them.
    pub fn marked(&self, line: &str) -> String {
        let places = self.places(&neutralise::plain(line.as_bytes()));
        if places.is_empty() {
            return line.to_owned();
        }
        let mark = if style::colour() { MARK } else { MARK_WITHOUT_COLOUR };
        let (mut out, mut own, mut at) = (String::with_capacity(line.len() * 2), String::new(), 0);
        let mut places = places.into_iter().peekable();
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let is_inside = places.peek().is_some_and(|place| place.start < at);
            if c == '\x1b' {
                let (sequence, behind) = rest.split_at(rest.find('m').map_or(rest.len(), |end| end + 1));
                rest = behind;
                note(&mut own, sequence);
                if !is_inside {
                    out.push_str(sequence);
                }
                continue;
            }
            if places.peek().is_some_and(|place| place.start == at) {
                out.push_str(mark);
            }
            out.push(c);
            rest = &rest[c.len_utf8()..];
            at += 1;
            if places.next_if(|place| place.end == at).is_some() {
                out.push_str(END);
                out.push_str(&own);
            }
        }
        out
    }
}

/// Remember how the text behind this sequence looks.
fn note(own: &mut String, sequence: &str) {
    if matches!(sequence, "\x1b[m" | "\x1b[0m") || own.len() + sequence.len() > STYLE_LIMIT {
        own.clear();
    }
    if !matches!(sequence, "\x1b[m" | "\x1b[0m") && sequence.len() <= STYLE_LIMIT {
        own.push_str(sequence);
    }
}

/// One character for one, so that places stay where they are.
fn fold(c: char, exactly: bool) -> char {
    if exactly { c } else { c.to_lowercase().next().unwrap_or(c) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("error", "An Error here", true)]
    #[case("Error", "An error here", false)]
    #[case("Error", "An Error here", true)]
    #[case("ÄRGER", "viel Ärger", false)]
    #[case("ärger", "viel Ärger", true)]
    #[case("red text", "\x1b[31mred\x1b[0m text", true)]
    #[case("31", "\x1b[31mred\x1b[0m", false)]
    #[case("a.c", "abc", false)]
    #[case("abc", "ab", false)]
    fn case_counts_only_with_a_capital(#[case] text: &str, #[case] line: &str, #[case] found: bool) {
        assert_eq!(Wanted::new(text).unwrap().is_in(line), found);
    }

    #[rstest]
    #[case("b", "abc", "a<b>c")]
    #[case("b", "bb", "<b><b>")]
    #[case("aa", "aaa", "<aa>a")]
    #[case("x", "abc", "abc")]
    #[case("b", "\x1b[31mabc\x1b[0md", "\x1b[31ma<b>\x1b[31mc\x1b[0md")]
    #[case("bc", "a\x1b[31mb\x1b[32mc\x1b[0md", "a\x1b[31m<bc>\x1b[31m\x1b[32m\x1b[0md")]
    #[case("c", "\x1b[1mab\x1b[0mcd", "\x1b[1mab\x1b[0m<c>d")]
    #[case("本", "日本語", "日<本>語")]
    fn each_place_is_marked_and_the_line_keeps_its_colours(#[case] text: &str, #[case] line: &str, #[case] marked: &str) {
        let marked = marked.replace('<', MARK_WITHOUT_COLOUR).replace('>', END);
        assert_eq!(Wanted::new(text).unwrap().marked(line), marked);
    }

    #[test]
    fn nothing_is_nothing_to_look_for() {
        assert_eq!(Wanted::new(""), None);
    }

    #[test]
    fn however_much_colours_a_line_little_is_put_back_behind_each_mark() {
        let line = format!("{}{}", "\x1b[31m".repeat(10_000), "a".repeat(1000));
        assert!(Wanted::new("a").unwrap().marked(&line).len() < 1_000_000);
    }

    proptest! {
        #[test]
        fn marks_change_nothing_of_the_text(line in "[ab\u{c4}\u{1b}\\[0;31m日]{0,60}", text in "[abä]{1,3}") {
            let line = neutralise::coloured(line.as_bytes());
            let marked = Wanted::new(&text).unwrap().marked(&line);
            prop_assert_eq!(neutralise::plain(marked.as_bytes()), neutralise::plain(line.as_bytes()));
        }
    }
}
