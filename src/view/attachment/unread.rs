//! Keys that nobody reads. kubectl takes the terminal for itself before it asks a worker to let us in, and reads it when the
//! answer has begun: on the way to a node that is dead that takes half a minute, in which the operator may want to leave.

use std::time::Duration;

use super::Attachment;
use crate::view::connection::socket_age::Reading;
use crate::view::plan::Moment;

/// How long a key lies there until it is clear that nobody reads it.
const LEFT: Duration = Duration::from_millis(50);

/// Whether keys are read, while an attempt has the terminal.
#[derive(Debug, Default)]
pub struct Unread {
    /// Since when some lie there.
    since: Option<Moment>,
    /// They are ours to read; this many bytes had come over the attempt's connection by then.
    ours: Option<u64>,
    /// An answer has begun, so somebody reads them.
    answered: bool,
}

impl Unread {
    /// Whether they are ours to read.
    pub fn is_ours(&self) -> bool {
        self.ours.is_some()
    }

    /// Look whether keys lie there; `bytes` is how many have come over the attempt's connection.
    fn look(&mut self, lie_there: impl FnOnce() -> bool, bytes: u64, now: Moment) {
        if let Some(then) = self.ours {
            if bytes > then {
                *self = Self { answered: true, ..Self::default() };
            }
            return;
        }
        self.since = if !self.answered && lie_there() { self.since.or(Some(now)) } else { None };
        self.ours = self.since.filter(|since| now.saturating_sub(*since) >= LEFT).map(|_| bytes);
    }
}

impl Attachment<'_> {
    /// Whether the operator's keys are ours.
    pub(super) fn listens(&self) -> bool {
        !self.asks && (self.plan.listens() || self.unread.is_ours())
    }

    /// Take keys that nobody reads, until somebody does.
    pub(super) fn look_at_unread_keys(&mut self, reading: Reading, now: Moment) {
        // Where the connection cannot be seen, nobody knows when kubectl begins to read.
        let Some(traffic) = reading.traffic.filter(|_| reading.asked && self.plan.down().is_some()) else { return };
        let was_ours = self.unread.is_ours();
        let terminal = self.terminal;
        self.unread.look(|| terminal.has_unread(), traffic.bytes, now);
        if was_ours && !self.unread.is_ours() {
            self.down_screen.stop_listening();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Moment {
        Duration::from_millis(ms)
    }

    #[test]
    fn keys_that_lie_there_for_a_while_are_ours_until_an_answer_begins() {
        let mut unread = Unread::default();
        unread.look(|| true, 100, ms(0));
        unread.look(|| true, 100, ms(40));
        assert!(!unread.is_ours());
        unread.look(|| true, 100, ms(50));
        assert!(unread.is_ours());
        unread.look(|| false, 100, ms(500));
        assert!(unread.is_ours(), "we read them ourselves");
        unread.look(|| false, 101, ms(600));
        assert!(!unread.is_ours());
        unread.look(|| true, 101, ms(700));
        unread.look(|| true, 101, ms(900));
        assert!(!unread.is_ours(), "somebody reads them, if not at once");
    }

    #[test]
    fn keys_that_somebody_reads_are_not_ours() {
        let mut unread = Unread::default();
        for now in [0, 40, 80] {
            unread.look(|| now != 40, 100, ms(now));
        }
        assert!(!unread.is_ours());
    }
}
