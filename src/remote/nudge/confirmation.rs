//! Did the program take what was typed? The rules, on screens that were captured before and after.
//!
//! A pane that streams output changes all the time, and a terminal in echo mode shows what is typed even when nobody
//! reads it, so neither a change nor an echo alone proves anything.

use std::time::Duration;

/// How much of the end of a text is looked for. More would be broken up by scrolling boxes, less would be found by chance.
const NEEDLE: usize = 16;
/// What programs show in place of a long paste begins like this: `[Pasted text #1 +9 lines]`, `[Pasted Content 999 chars]`.
const PASTE_MARKER: &str = "[Paste";
/// The side of the box that an input line may be in.
const BORDER: char = '│';
/// A visible cursor is this close to what is typed.
const NEAR: usize = 3;
/// No output for this long: the pane was quiet, and what came after Enter came because of it.
const QUIET: Duration = Duration::from_secs(3);
const SOON: Duration = Duration::from_millis(500);

/// The end of a text, as [`squeeze`] leaves it: what to look for on the screen.
pub fn needle(text: &str) -> String {
    let last = text.lines().map(shown).rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let squeezed = squeeze(last);
    let skipped = squeezed.chars().count().saturating_sub(NEEDLE);
    squeezed.chars().skip(skipped).collect()
}

/// What of a line is on the screen as it was typed: the part behind its last control character.
fn shown(line: &str) -> &str {
    line.rsplit(|c: char| c.is_control() && c != '\t').find(|part| !part.trim().is_empty()).unwrap_or_default()
}

/// Words without what separates them and without the box they may be in, so that a text is found however it was wrapped.
fn squeeze(row: &str) -> String {
    let unboxed = |word: &str| {
        let word = word.strip_prefix(BORDER).unwrap_or(word);
        word.strip_suffix(BORDER).unwrap_or(word).to_owned()
    };
    row.split([' ', '\t']).map(unboxed).collect()
}

/// Whether a terminal echoes by itself what is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    On,
    /// Line editors and full-screen programs switch it off: what shows on the screen was written by the program.
    Off,
    #[default]
    Unknown,
}

impl Echo {
    /// By the word in the output of `stty -a`.
    pub fn parse(word: &str) -> Self {
        match word {
            "echo" => Self::On,
            "-echo" => Self::Off,
            _ => Self::Unknown,
        }
    }
}

/// A pane as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Screen {
    column: usize,
    row: usize,
    /// Programs that draw a cursor of their own hide the terminal's and leave it anywhere.
    cursor_visible: bool,
    /// When the window last wrote something, seconds since the epoch by the worker's clock.
    activity: Option<u64>,
    rows: Vec<String>,
}

impl Screen {
    /// A screen as `nudge.sh` prints it: a line of `$fields`, then the rows.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let fields: Vec<&str> = lines.next()?.split(' ').collect();
        let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
        Some(Self {
            column: number(1)? as usize,
            row: number(2)? as usize,
            cursor_visible: number(3)? == 1,
            activity: number(7),
            rows: lines.map(|line| line.trim_end().to_owned()).collect(),
        })
    }

    /// The row that is `offset` below the cursor's; empty beyond the screen.
    fn row_at(&self, offset: isize) -> &str {
        let row = self.row.checked_add_signed(offset).and_then(|row| self.rows.get(row));
        row.map_or("", String::as_str)
    }

    /// On which rows `text` ends near the cursor, as offsets from it; near is everywhere when it is hidden.
    fn ends(&self, text: &str) -> Vec<isize> {
        let (first, last) =
            if self.cursor_visible { (self.row.saturating_sub(NEAR), self.row + NEAR) } else { (0, self.rows.len()) };
        let mut squeezed = String::new();
        let mut boundaries = Vec::new();
        for (at, row) in self.rows.iter().enumerate().take(last + 1).skip(first) {
            squeezed.push_str(&squeeze(row));
            boundaries.push((squeezed.len(), at as isize - self.row as isize));
        }
        if text.is_empty() {
            return Vec::new();
        }
        let ends = squeezed.match_indices(text).map(|(start, _)| start + text.len());
        ends.filter_map(|end| boundaries.iter().find(|(boundary, _)| end <= *boundary).map(|&(_, row)| row)).collect()
    }

    fn place(&self) -> (bool, usize, usize) {
        (self.cursor_visible, self.column, self.row)
    }

    fn count(&self, row: &str) -> usize {
        self.rows.iter().filter(|other| *other == row).count()
    }
}

/// Everything that was seen around a nudge whose text showed up on the screen.
#[derive(Debug, Default)]
pub struct Seen {
    pub needle: String,
    /// The worker's clock when `before` was captured, seconds since the epoch.
    pub now: Option<u64>,
    pub before: Screen,
    /// The text is on the screen, Enter is not pressed yet.
    pub pasted: Screen,
    /// Each different screen after Enter, with the time since.
    pub after: Vec<(Duration, Screen)>,
    pub echo_before: Echo,
    pub echo_after: Echo,
}

impl Seen {
    /// Whether the program has taken the text.
    pub fn proves_delivery(&self) -> bool {
        self.line_was_handed_over()
            || ((self.program_echoes() || self.was_quiet())
                && self.after.iter().any(|(_, screen)| self.input_was_cleared(screen)))
            || (self.was_quiet() && self.was_answered())
    }

    /// What shows was written by the program itself, so it reads what is typed.
    fn program_echoes(&self) -> bool {
        self.echo_before == Echo::Off
    }

    /// A line editor gives the terminal back to echo mode when, and only when, it has a whole line.
    fn line_was_handed_over(&self) -> bool {
        self.program_echoes() && self.echo_after == Echo::On
    }

    fn was_quiet(&self) -> bool {
        let age = self.now.zip(self.before.activity).map(|(now, activity)| now.saturating_sub(activity));
        age.is_some_and(|age| age >= QUIET.as_secs())
    }

    /// The row that the text was typed on is as it was before: a prompt came back, or an input box was cleared.
    fn input_was_cleared(&self, screen: &Screen) -> bool {
        self.input_rows().any(|offset| {
            let (before, now) = (self.before.row_at(offset), screen.row_at(offset));
            let same_prompt = self.program_echoes() && prompt(now).is_some() && prompt(now) == prompt(before);
            says_something(now) && !self.holds_text(now, before) && (now == before || same_prompt)
        }) || self.cursor_went_back(screen)
    }

    /// The rows that the text was typed on, as offsets from the cursor: where it ends, and where the cursor is if it
    /// went along with the text.
    fn input_rows(&self) -> impl Iterator<Item = isize> {
        let mut ends = self.pasted.ends(&self.needle);
        ends.extend(self.pasted.ends(PASTE_MARKER));
        if self.pasted.cursor_visible {
            ends.sort_by_key(|offset| offset.abs());
        } else {
            ends.sort_by_key(|offset| std::cmp::Reverse(*offset));
        }
        let followed = self.pasted.cursor_visible && self.pasted.place() != self.before.place();
        ends.into_iter().take(1).chain(followed.then_some(0))
    }

    /// The cursor is in the very cell where it was before the paste, and the text is gone from around it.
    fn cursor_went_back(&self, screen: &Screen) -> bool {
        let gone = |text: &str| screen.ends(text).len() <= self.before.ends(text).len();
        self.program_echoes()
            && screen.cursor_visible
            && screen.place() == self.before.place()
            && !screen.row_at(0).trim().is_empty()
            && gone(&self.needle)
            && gone(PASTE_MARKER)
    }

    /// Words that were not there before came right after Enter, and the text is not waiting at the cursor.
    fn was_answered(&self) -> bool {
        let soon = self.after.iter().enumerate().filter(|(at, (time, _))| *at == 0 || *time <= SOON);
        soon.map(|(_, (_, screen))| screen).any(|screen| {
            let is_new = |row: &String| row.contains(char::is_alphanumeric) && screen.count(row) > self.pasted.count(row);
            screen.rows.iter().any(is_new) && !self.holds_text(screen.row_at(0), self.before.row_at(0))
        })
    }

    /// Whether a row has the text, or a marker for it, that it did not have before.
    fn holds_text(&self, now: &str, before: &str) -> bool {
        let (now, before) = (squeeze(now), squeeze(before));
        let more = |text: &str| !text.is_empty() && now.matches(text).count() > before.matches(text).count();
        more(&self.needle) || more(PASTE_MARKER)
    }
}

/// Box drawing and block elements.
fn is_drawing(c: char) -> bool {
    matches!(c, '\u{2500}'..='\u{259F}')
}

/// Whether a row has more than blanks and lines of a box.
fn says_something(row: &str) -> bool {
    row.contains(|c: char| !c.is_whitespace() && !is_drawing(c))
}

/// The sign an input line begins with (`>`, `❯`, `$`); `None` when it begins with a word.
fn prompt(row: &str) -> Option<&str> {
    let sign = row.trim_start_matches(|c: char| c.is_whitespace() || is_drawing(c)).split_whitespace().next()?;
    (!sign.contains(char::is_alphanumeric)).then_some(sign)
}

#[cfg(test)]
mod tests;
