//! Which keys count while there is no session to type into: those of somebody who sees that there is none
//! ([`crate::terminal::key`]). No word that begins with Q costs a window.

use std::time::Duration;

use crate::terminal::key::{AFTER, QUIET};
use crate::view::plan::Moment;

/// What a key means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Try now.
    Now,
    /// Close the window.
    Close,
    /// Show more, or less.
    Details,
}

/// What the keys typed so far mean.
#[derive(Debug)]
pub struct Keys {
    /// When the last one came, or when this was made.
    last: Moment,
    typed: bool,
    /// A key that closes, if nothing follows.
    close_at: Option<Moment>,
}

impl Keys {
    /// For a view that is down from now on.
    pub fn new(now: Moment) -> Self {
        Self { last: now, typed: false, close_at: None }
    }

    /// What these bytes mean, which came together: nothing when they are more than one key.
    pub fn hear(&mut self, bytes: &[u8], now: Moment) -> Option<Key> {
        let quiet = now.saturating_sub(self.last) >= QUIET;
        self.last = now;
        self.typed = true;
        self.close_at = None;
        match bytes {
            b"\r" | b"\n" if quiet => Some(Key::Now),
            b"d" if quiet => Some(Key::Details),
            b"Q" if quiet => {
                self.close_at = Some(now + AFTER);
                None
            }
            _ => None,
        }
    }

    /// Whether there was one at all.
    pub fn are_typed(&self) -> bool {
        self.typed
    }

    /// How long no key has to come from now on until it can be said that nobody types: whoever does presses the next one
    /// soon, and whoever did may only have paused.
    pub fn silence_needed(&self, now: Moment) -> Duration {
        let silence = if self.typed { QUIET } else { AFTER };
        (self.last + silence).saturating_sub(now)
    }

    /// When [`Self::settle_key`] may have something to say.
    pub fn due(&self) -> Option<Moment> {
        self.close_at
    }

    /// The key that closes, once nothing has followed it.
    pub fn settle_key(&mut self, now: Moment) -> Option<Key> {
        self.close_at.take_if(|at| now >= *at).map(|_| Key::Close)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn ms(ms: u64) -> Moment {
        Duration::from_millis(ms)
    }

    #[rstest]
    #[case(b"\r", Some(Key::Now))]
    #[case(b"d", Some(Key::Details))]
    #[case(b"q", None)]
    #[case(b"x", None)]
    #[case(b"\x1b[A", None)]
    #[case(b"\rd", None)]
    fn a_single_key_after_a_second_of_silence_counts(#[case] keys: &[u8], #[case] meaning: Option<Key>) {
        assert_eq!(Keys::new(ms(0)).hear(keys, ms(1000)), meaning);
        assert_eq!(Keys::new(ms(0)).hear(keys, ms(999)), None, "too early");
    }

    #[test]
    fn each_key_begins_the_silence_anew() {
        let mut keys = Keys::new(ms(0));
        assert_eq!(keys.hear(b"x", ms(900)), None);
        assert_eq!(keys.hear(b"\r", ms(1800)), None);
        assert_eq!(keys.hear(b"\r", ms(2800)), Some(Key::Now));
    }

    #[test]
    fn the_window_closes_when_nothing_follows_the_key() {
        let mut keys = Keys::new(ms(0));
        assert_eq!(keys.hear(b"Q", ms(1000)), None);
        assert_eq!(keys.due(), Some(ms(1400)));
        assert_eq!(keys.settle_key(ms(1399)), None);
        assert_eq!(keys.settle_key(ms(1400)), Some(Key::Close));
        assert_eq!(keys.settle_key(ms(2000)), None);
    }

    #[test]
    fn nobody_types_when_no_key_came_for_a_while() {
        let mut keys = Keys::new(ms(0));
        assert_eq!((keys.are_typed(), keys.silence_needed(ms(100))), (false, ms(300)));
        keys.hear(b"x", ms(300));
        assert_eq!((keys.are_typed(), keys.silence_needed(ms(500))), (true, ms(800)));
        assert_eq!(keys.silence_needed(ms(1300)), ms(0));
    }

    #[test]
    fn a_word_that_begins_with_that_key_closes_nothing() {
        let mut keys = Keys::new(ms(0));
        keys.hear(b"Q", ms(1000));
        keys.hear(b"u", ms(1200));
        assert_eq!((keys.due(), keys.settle_key(ms(9000))), (None, None));
        assert_eq!(Keys::new(ms(0)).hear(b"Quit", ms(5000)), None);
    }
}
