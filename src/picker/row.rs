//! One row: what it stands for, what is matched, and how it is drawn.

use std::borrow::Cow;
use std::time::Duration;

use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use skim::{DisplayContext, Matches, SkimItem};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::failure::Failure;
use crate::registry::names::Target;
use crate::remote::session::State;
use crate::terminal::{age, neutralise, style, table};

/// A session, or a worker that has none to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was picked when this row was: never read back from the text.
    pub target: Target,
    /// The address without control characters: what is shown and matched.
    pub text: String,
    pub say: Say,
    /// Terminal columns of the widest address, so that what stands behind it is aligned.
    pub column: usize,
    /// Which list it belongs to; see [`super::highlight`].
    pub edition: u64,
}

/// What stands behind the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    Session {
        state: State,
        age: Option<Duration>,
    },
    NoSessions,
    /// The same, and another container of its pod has some; neutralised.
    Elsewhere(String),
    Failed(Failure),
}

impl Say {
    /// Where rows of this kind stand in the list.
    pub fn class(&self) -> u8 {
        match self {
            Self::Session { .. } => 0,
            Self::NoSessions | Self::Elsewhere(_) => 1,
            Self::Failed(_) => 2,
        }
    }

    /// Columns of the longest `attached   12s`.
    const STATE_WIDTH: usize = 13;

    fn text(&self) -> String {
        match self {
            Self::Session { state, age } => {
                format!("{:<8} {:>4}", state.word(), age.map(age::short).unwrap_or_default())
            }
            Self::NoSessions => "(none)".to_owned(),
            Self::Elsewhere(said) => said.clone(),
            Self::Failed(failure) => format!("{}: {}", failure.status(), neutralise::line(&failure.reason)),
        }
    }

    fn style(&self) -> Style {
        match self {
            Self::Session { state: State::Active | State::Working, .. } => colour(Color::Green),
            Self::Session { state: State::Attached, .. } => colour(Color::Cyan),
            Self::Session { state: State::Stuck, .. } => colour(Color::Yellow),
            Self::Session { state: State::Failed, .. } => colour(Color::Red),
            Self::Session { state: State::Idle | State::Done | State::Stopped, .. } | Self::NoSessions => {
                Style::new().add_modifier(Modifier::DIM)
            }
            Self::Failed(_) | Self::Elsewhere(_) => colour(Color::Red),
        }
    }
}

fn colour(colour: Color) -> Style {
    if style::colour() { Style::new().fg(colour) } else { Style::new() }
}

/// Columns at the right edge: over the last one skim draws its scroll bar, and one keeps it away from the age.
const SCROLL_BAR: usize = 2;
/// Columns that stay blank between the address and what stands behind it.
const GAP: usize = 2;

impl Row {
    pub fn new(target: Target, say: Say) -> Self {
        let text = match &target.session {
            Some(session) => neutralise::line(&format!("{}/{session}", target.worker)),
            None => target.worker.to_string(),
        };
        Self { target, text, say, column: 0, edition: 0 }
    }

    /// How many columns the address and what stands behind it get.
    fn widths(&self, width: usize) -> (usize, usize) {
        // Only states are aligned: a reason needs all the room that its worker's name leaves.
        let wanted = if matches!(self.say, Say::Session { .. }) { self.column } else { self.text.width() };
        let address = wanted.min(width.saturating_sub(GAP + Say::STATE_WIDTH));
        // A narrow list shows addresses only.
        if address < wanted.min(12) { (width, 0) } else { (address, width - address - GAP) }
    }
}

impl SkimItem for Row {
    fn text(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.text)
    }

    fn display(&self, context: DisplayContext) -> Line<'_> {
        let (address, behind) = self.widths(context.container_width.saturating_sub(SCROLL_BAR));
        let letters = shorten(letters(&self.text, &context.matches), address);
        let blank = address.saturating_sub(letters.iter().map(|letter| width(letter.0)).sum());
        let mut spans = spans(&letters, &context);
        if behind > 0 {
            spans.push(Span::styled(" ".repeat(blank + GAP), context.base_style));
            spans.push(Span::styled(table::fit(&self.say.text(), behind), context.base_style.patch(self.say.style())));
        }
        Line::from(spans)
    }
}

/// A character, and whether the query matched it.
type Letter = (char, bool);

fn letters(text: &str, matches: &Matches) -> Vec<Letter> {
    let matched = |place: usize, byte: usize| match matches {
        Matches::None => false,
        Matches::CharIndices(places) => places.contains(&place),
        Matches::CharRange(start, end) => (*start..*end).contains(&place),
        Matches::ByteRange(start, end) => (*start..*end).contains(&byte),
    };
    text.char_indices().enumerate().map(|(place, (byte, c))| (c, matched(place, byte))).collect()
}

fn width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// At most `limit` columns: the middle of a long address is left out, since both its worker and its end tell it from others.
fn shorten(letters: Vec<Letter>, limit: usize) -> Vec<Letter> {
    if letters.iter().map(|letter| width(letter.0)).sum::<usize>() <= limit {
        return letters;
    }
    let room = limit.saturating_sub(1);
    let head = take(letters.iter(), room - room / 3);
    let tail = take(letters.iter().rev(), room / 3);
    let hidden = &letters[head..letters.len() - tail];
    let cut = ('…', hidden.iter().any(|letter| letter.1));
    letters[..head].iter().copied().chain([cut]).chain(letters[letters.len() - tail..].iter().copied()).collect()
}

/// How many of these letters fit into `room` columns.
fn take<'a>(letters: impl Iterator<Item = &'a Letter>, room: usize) -> usize {
    let mut used = 0;
    letters
        .take_while(|letter| {
            used += width(letter.0);
            used <= room
        })
        .count()
}

fn spans(letters: &[Letter], context: &DisplayContext) -> Vec<Span<'static>> {
    let styled = |run: &[Letter]| {
        let text: String = run.iter().map(|letter| letter.0).collect();
        let matched = run.first().is_some_and(|letter| letter.1);
        let style = if matched { context.base_style.patch(context.matched_style) } else { context.base_style };
        Span::styled(text, style)
    };
    letters.chunk_by(|a, b| a.1 == b.1).map(styled).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use rstest::rstest;

    fn row(address: &str, column: usize) -> Row {
        let say = Say::Session { state: State::Active, age: Some(Duration::from_secs(90)) };
        Row { column, ..Row::new(address.parse().unwrap(), say) }
    }

    fn drawn(row: &Row, width: usize) -> String {
        let context = DisplayContext { container_width: width + SCROLL_BAR, ..Default::default() };
        row.display(context).spans.iter().map(|span| span.content.as_ref()).collect()
    }

    #[rstest]
    #[case("w/qa", 10, 40, "w/qa        active     1m")]
    #[case("w/日本", 10, 40, "w/日本      active     1m")]
    #[case("worker-1/a-very-long-name-indeed", 32, 30, "worker-1/a…deed  active     1m")]
    #[case("worker-1/qa", 11, 12, "worker-1/qa")]
    fn the_state_is_aligned_and_the_middle_of_a_long_address_is_left_out(
        #[case] address: &str,
        #[case] column: usize,
        #[case] width: usize,
        #[case] line: &str,
    ) {
        assert_eq!(drawn(&row(address, column), width), line);
    }

    #[test]
    fn a_failure_says_its_status_and_reason_in_the_room_there_is() {
        let failure = Failure::new(Kind::Unreachable, "connection\x1b[2J refused");
        let row = Row { column: 4, ..Row::new("dead".parse().unwrap(), Say::Failed(failure)) };
        assert_eq!(drawn(&row, 60), "dead  unreachable: connection\u{fffd}[2J refused");
        assert_eq!(drawn(&row, 30), "dead  unreachable: connection…");
    }

    #[test]
    fn what_is_matched_is_marked_also_when_it_is_left_out() {
        let letters = |places: &[usize]| shorten(super::letters("0123456789", &Matches::CharIndices(places.to_vec())), 7);
        let text: String = letters(&[]).iter().map(|letter| letter.0).collect();
        assert_eq!(text, "0123…89");
        assert!(letters(&[5])[4].1 && !letters(&[9])[4].1 && letters(&[9])[6].1);
    }

    #[test]
    fn the_target_is_the_name_itself_and_the_text_is_harmless() {
        let row = row("w/ #(touch x)\u{202e} ", 9);
        assert_eq!(row.target.session.as_ref().unwrap().as_str(), " #(touch x)\u{202e} ");
        assert_eq!(row.text, "w/ #(touch x)\u{fffd} ");
    }
}
