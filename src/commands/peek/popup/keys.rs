//! What a key does in the popup. Whoever types without a look means another place: a letter that would open, nudge or leave
//! counts only after a while without any, and when none follows it ([`crate::terminal::key`]). What only scrolls counts at once.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::scroll::Move;
use crate::terminal::key::{AFTER, QUIET};

/// What is done with the session, beside looking at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Open,
    Nudge,
    Leave,
}

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    Nothing,
    Go(Move),
    /// Ask what to search for.
    Search,
    /// The next place further up.
    Further,
    Act(Act),
    /// It would have done something, had it come alone.
    NotAlone,
}

/// What the keys so far mean.
#[derive(Debug)]
pub struct Keys {
    /// When a text was typed last, or when this was made.
    last: Instant,
    /// What is done then, if no key comes before.
    pending: Option<(Instant, Act)>,
}

impl Keys {
    pub fn new(now: Instant) -> Self {
        Self { last: now, pending: None }
    }

    /// Something is typed that goes elsewhere: into the search, or nowhere.
    pub fn note(&mut self, now: Instant) {
        self.last = now;
        self.pending = None;
    }

    pub fn hear(&mut self, key: KeyEvent, now: Instant) -> Meaning {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let is_text = !control && matches!(key.code, KeyCode::Char(_) | KeyCode::Enter | KeyCode::Tab | KeyCode::Backspace);
        let quiet = now.saturating_duration_since(self.last) >= QUIET;
        let came_between = self.pending.take().is_some();
        if is_text {
            self.last = now;
        }
        match meaning(key.code, key.modifiers, control) {
            Meaning::Act(Act::Leave) if !is_text => Meaning::Act(Act::Leave),
            Meaning::Act(act) if quiet => {
                self.pending = Some((now + AFTER, act));
                Meaning::Nothing
            }
            Meaning::Act(_) => Meaning::NotAlone,
            Meaning::Nothing if came_between => Meaning::NotAlone,
            meaning => meaning,
        }
    }

    /// What a key that came alone does, once nothing has followed it.
    pub fn settle(&mut self, now: Instant) -> Option<Act> {
        self.pending.take_if(|(at, _)| now >= *at).map(|(_, act)| act)
    }

    /// How long until [`Self::settle`] may have something to say.
    pub fn due(&self, now: Instant) -> Option<Duration> {
        self.pending.map(|(at, _)| at.saturating_duration_since(now))
    }
}

fn meaning(code: KeyCode, modifiers: KeyModifiers, control: bool) -> Meaning {
    match code {
        KeyCode::Esc => Meaning::Act(Act::Leave),
        KeyCode::Up => Meaning::Go(Move::Up(1)),
        KeyCode::Down => Meaning::Go(Move::Down(1)),
        KeyCode::PageUp => Meaning::Go(Move::PageUp),
        KeyCode::PageDown => Meaning::Go(Move::PageDown),
        KeyCode::Home => Meaning::Go(Move::Top),
        KeyCode::End => Meaning::Go(Move::Bottom),
        KeyCode::Char('c') if control => Meaning::Act(Act::Leave),
        KeyCode::Char('b') if control => Meaning::Go(Move::PageUp),
        KeyCode::Char('f') if control => Meaning::Go(Move::PageDown),
        KeyCode::Char('n') if control => Meaning::Further,
        // What comes with Alt is not what it is without.
        _ if !modifiers.difference(KeyModifiers::SHIFT).is_empty() => Meaning::Nothing,
        KeyCode::Enter => Meaning::Act(Act::Open),
        KeyCode::Char('n') => Meaning::Act(Act::Nudge),
        KeyCode::Char('q') => Meaning::Act(Act::Leave),
        KeyCode::Char('k') => Meaning::Go(Move::Up(1)),
        KeyCode::Char('j') => Meaning::Go(Move::Down(1)),
        KeyCode::Char(' ') => Meaning::Go(Move::PageDown),
        KeyCode::Char('g') => Meaning::Go(Move::Top),
        KeyCode::Char('G') => Meaning::Go(Move::Bottom),
        KeyCode::Char('N') => Meaning::Further,
        KeyCode::Char('/') => Meaning::Search,
        _ => Meaning::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const AT_ONCE: Duration = Duration::ZERO;
    const ALONE: Duration = Duration::from_millis(1000);

    fn letter(c: char) -> KeyEvent {
        let modifiers = if c.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
        let code = if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) };
        KeyEvent::new(code, modifiers)
    }

    /// What these keys mean, each so long after the one before; and what is done when nothing follows.
    fn heard(keys: &[(Duration, KeyEvent)]) -> (Vec<Meaning>, Option<Act>) {
        let mut now = Instant::now();
        let mut state = Keys::new(now);
        let meanings = keys
            .iter()
            .map(|&(after, key)| {
                now += after;
                assert!(state.settle(now).is_none(), "done before the next key");
                state.hear(key, now)
            })
            .collect();
        (meanings, state.settle(now + AFTER))
    }

    #[rstest]
    #[case('\n', Act::Open)]
    #[case('n', Act::Nudge)]
    #[case('q', Act::Leave)]
    fn a_key_that_comes_alone_counts_once_nothing_has_followed(#[case] key: char, #[case] act: Act) {
        assert_eq!(heard(&[(ALONE, letter(key))]), (vec![Meaning::Nothing], Some(act)));
        assert_eq!(heard(&[(ALONE / 2, letter(key))]), (vec![Meaning::NotAlone], None));
        let started = Instant::now();
        let mut keys = Keys::new(started);
        keys.hear(letter(key), started + ALONE);
        assert_eq!(keys.settle(started + ALONE + AFTER / 2), None, "too early");
        assert_eq!(keys.due(started + ALONE), Some(AFTER));
    }

    #[rstest]
    #[case("now please\n")]
    #[case("next: run it again\n")]
    #[case("quit\n")]
    #[case("\n\n")]
    #[case("no\nq\nn")]
    #[case("g G N j k \n")]
    fn nothing_is_done_by_a_text_that_is_typed_blind(#[case] text: &str) {
        for begin in [AT_ONCE, ALONE] {
            let at = |(place, c): (usize, char)| (if place == 0 { begin } else { Duration::from_millis(100) }, letter(c));
            let keys: Vec<_> = text.chars().enumerate().map(at).collect();
            let (meanings, act) = heard(&keys);
            assert_eq!(act, None, "{meanings:?}");
            assert!(!meanings.iter().any(|meaning| matches!(meaning, Meaning::Act(_))), "{meanings:?}");
        }
    }

    #[test]
    fn whoever_scrolls_by_keys_that_are_no_letters_has_looked() {
        let keys = [(ALONE, KeyEvent::from(KeyCode::PageUp)), (AT_ONCE, letter('n'))];
        assert_eq!(heard(&keys), (vec![Meaning::Go(Move::PageUp), Meaning::Nothing], Some(Act::Nudge)));
    }

    #[rstest]
    #[case(KeyCode::Esc, KeyModifiers::NONE)]
    #[case(KeyCode::Char('c'), KeyModifiers::CONTROL)]
    fn what_nobody_types_in_a_text_leaves_at_once(#[case] code: KeyCode, #[case] modifiers: KeyModifiers) {
        let keys = [(AT_ONCE, letter('x')), (AT_ONCE, KeyEvent::new(code, modifiers))];
        assert_eq!(heard(&keys), (vec![Meaning::Nothing, Meaning::Act(Act::Leave)], None));
    }

    #[test]
    fn a_key_with_alt_is_another_one() {
        let keys = [(ALONE, KeyEvent::new(KeyCode::Char('n'), KeyModifiers::ALT))];
        assert_eq!(heard(&keys), (vec![Meaning::Nothing], None));
    }
}
