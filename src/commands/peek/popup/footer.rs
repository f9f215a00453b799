//! The lines at the bottom: whose session it is and which keys there are, or what is asked or said.

use unicode_width::UnicodeWidthStr;

use crate::terminal::table::fit;
use crate::terminal::wrap;

/// The keys, in less and less room.
const KEYS: [&str; 5] = [
    "Enter open · n nudge · / search · arrows scroll · Esc leave",
    "Enter open · n nudge · / search · Esc leave",
    "Enter open · n nudge · / · Esc",
    "Enter · n · / · Esc",
    "Esc",
];
/// What fits beside a title on one line has at least these.
const BESIDE: &str = KEYS[1];
/// From so many rows on there may be a second line.
const ROWS: usize = 6;
/// The most that something said may take.
const SAID: usize = 3;
const ASKING: &str = "  Enter search · Esc back";

/// What there is to say.
#[derive(Debug, Clone, Copy)]
pub enum Says<'a> {
    /// Which keys there are.
    Keys,
    /// This, to somebody who pressed one.
    Text(&'a str),
    /// What is typed to be searched for.
    Prompt(&'a str),
}

pub struct Footer<'a> {
    /// Whose session it is, harmless.
    pub title: &'a str,
    pub says: Says<'a>,
    pub columns: usize,
    pub rows: usize,
}

impl Footer<'_> {
    /// How many lines it takes.
    pub fn height(&self) -> usize {
        match self.says {
            Says::Keys => 1 + usize::from(!self.has_room_beside() && self.rows >= ROWS),
            Says::Text(text) => self.wrapped(text).len(),
            Says::Prompt(_) => 1,
        }
    }

    /// As many as it takes, when so many lines of the text are below what is shown.
    pub fn lines(&self, below: usize) -> Vec<String> {
        match self.says {
            Says::Keys => self.keys(below),
            Says::Text(text) => self.wrapped(text),
            Says::Prompt(typed) => vec![self.prompt(typed)],
        }
    }

    fn has_room_beside(&self) -> bool {
        self.title.width() + " · ".width() + BESIDE.width() <= self.columns
    }

    fn keys(&self, below: usize) -> Vec<String> {
        let place = if below > 0 { format!(" · {below} below") } else { String::new() };
        let fitting = |room: usize| KEYS.iter().find(|keys| keys.width() <= room).copied().unwrap_or_default();
        if self.height() > 1 {
            let title = fit(self.title, self.columns.saturating_sub(place.width()));
            return vec![fit(&format!("{title}{place}"), self.columns), fitting(self.columns).to_owned()];
        }
        if !self.has_room_beside() {
            return vec![fitting(self.columns).to_owned()];
        }
        let told = |place: &str, keys: &str| format!("{}{place} · {keys}", self.title);
        let all = [told(&place, KEYS[0]), told(&place, BESIDE), told(&place, KEYS[2]), told("", BESIDE)];
        vec![all.into_iter().find(|line| line.width() <= self.columns).unwrap_or_default()]
    }

    fn wrapped(&self, text: &str) -> Vec<String> {
        let mut lines = wrap::lines(text, self.columns.max(1));
        if lines.len() > SAID.min(self.rows) {
            let shown = SAID.min(self.rows).max(1);
            let rest = lines.split_off(shown - 1).join(" ");
            lines.push(fit(&rest, self.columns));
        }
        lines
    }

    /// The end of what is typed is always in sight.
    fn prompt(&self, typed: &str) -> String {
        let room = self.columns.saturating_sub("/ ".width());
        let from = typed.char_indices().map(|(at, _)| at).find(|&at| typed[at..].width() <= room).unwrap_or(typed.len());
        let line = format!("/{}\x1b[7m \x1b[27m", &typed[from..]);
        let used = "/ ".width() + typed[from..].width();
        if used + ASKING.width() <= self.columns { line + ASKING } else { line }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn footer<'a>(title: &'a str, says: Says<'a>, columns: usize, rows: usize) -> Footer<'a> {
        Footer { title, says, columns, rows }
    }

    #[rstest]
    #[case::wide(106, 20, 0, &["w/qa · Enter open · n nudge · / search · arrows scroll · Esc leave"])]
    #[case::sixty(60, 20, 0, &["w/qa · Enter open · n nudge · / search · Esc leave"])]
    #[case::sixty_above(60, 20, 7, &["w/qa · 7 below · Enter open · n nudge · / search · Esc leave"])]
    #[case::sixty_far_above(60, 20, 123, &["w/qa · 123 below · Enter open · n nudge · / · Esc"])]
    #[case::thirty(30, 20, 0, &["w/qa", "Enter open · n nudge · / · Esc"])]
    #[case::thirty_above(30, 20, 123, &["w/qa · 123 below", "Enter open · n nudge · / · Esc"])]
    #[case::thirty_and_low(30, 5, 123, &["Enter open · n nudge · / · Esc"])]
    #[case::twenty(20, 20, 0, &["w/qa", "Enter · n · / · Esc"])]
    #[case::tiny(3, 20, 0, &["w/…", "Esc"])]
    fn the_keys_are_told_in_the_columns_there_are(
        #[case] columns: usize,
        #[case] rows: usize,
        #[case] below: usize,
        #[case] lines: &[&str],
    ) {
        assert_eq!(footer("w/qa", Says::Keys, columns, rows).lines(below), lines);
    }

    #[test]
    fn a_long_name_does_not_cost_the_keys() {
        let lines = footer("worker-of-many-letters/session-of-many-more", Says::Keys, 60, 20).lines(12);
        assert_eq!(lines, ["worker-of-many-letters/session-of-many-more · 12 below", KEYS[0]]);
        let lines = footer("worker-of-many-letters/session-of-many-more", Says::Keys, 30, 20).lines(12);
        assert_eq!(lines, ["worker-of-many-let… · 12 below", KEYS[2]]);
    }

    #[rstest]
    #[case("", "/\x1b[7m \x1b[27m  Enter search · Esc back")]
    #[case("error", "/error\x1b[7m \x1b[27m  Enter search · Esc back")]
    #[case("a text of twenty or so", "/a text of twenty or so\x1b[7m \x1b[27m")]
    #[case("a text that is longer than that, too", "/xt that is longer than that, too\x1b[7m \x1b[27m")]
    fn the_end_of_what_is_typed_is_in_sight(#[case] typed: &str, #[case] line: &str) {
        assert_eq!(footer("w/qa", Says::Prompt(typed), 34, 20).lines(0), [line]);
    }

    #[test]
    fn what_is_said_takes_three_lines_at_most() {
        let text = "a polecat takes no input, and this is why that is so";
        assert_eq!(
            footer("w", Says::Text(text), 20, 20).lines(0),
            ["a polecat takes no", "input, and this is", "why that is so"]
        );
        assert_eq!(footer("w", Says::Text(text), 10, 20).lines(0), ["a polecat", "takes no", "input, an…"]);
        assert_eq!(footer("w", Says::Text("no"), 10, 20).lines(0), ["no"]);
    }

    proptest! {
        #[test]
        fn it_fits_and_is_as_high_as_it_says(
            title in "[a-z日/]{0,40}", text in "[a-z日 ]{0,90}", how in 0..3, columns in 2usize..130, rows in 1usize..40, below in 0usize..2000,
        ) {
            let says = [Says::Keys, Says::Text(&text), Says::Prompt(&text)][how as usize];
            let footer = footer(&title, says, columns, rows);
            let lines = footer.lines(below);
            prop_assert_eq!(lines.len(), footer.height());
            prop_assert!(lines.len() <= rows);
            for line in lines {
                let plain = line.replace("\x1b[7m", "").replace("\x1b[27m", "");
                prop_assert!(plain.width() <= columns, "{plain:?} in {columns}");
            }
        }
    }
}
