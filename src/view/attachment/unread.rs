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
    /// They are ours to read.
    ours: bool,
}

impl Unread {
    /// Whether they are ours to read.
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// Look whether keys lie there; `answered`: an answer has begun, so kubectl reads them from now on, be it a little late, and
    /// the terminal is not to be written to any more.
    fn look(&mut self, lie_there: impl FnOnce() -> bool, answered: bool, now: Moment) {
        if answered {
            *self = Self::default();
        } else if !self.ours {
            self.since = if lie_there() { self.since.or(Some(now)) } else { None };
            self.ours = self.since.is_some_and(|since| now.saturating_sub(since) >= LEFT);
        }
    }
}

impl Attachment<'_> {
    /// Whether the operator's keys are ours.
    pub(super) fn listens(&self) -> bool {
        !self.lent.asks && (self.plan.listens() || self.unread.is_ours())
    }

    /// Take keys that nobody reads, until somebody does.
    pub(super) fn look_at_unread_keys(&mut self, reading: Reading, now: Moment) {
        // Where the connection cannot be seen, nobody knows when kubectl begins to read.
        if reading.traffic.is_none() || !reading.asked || self.plan.down().is_none() {
            return;
        }
        let was_ours = self.unread.is_ours();
        let terminal = self.terminal;
        self.unread.look(|| terminal.has_unread(), reading.answered, now);
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
        unread.look(|| true, false, ms(0));
        unread.look(|| true, false, ms(40));
        assert!(!unread.is_ours());
        unread.look(|| true, false, ms(50));
        assert!(unread.is_ours());
        unread.look(|| false, false, ms(500));
        assert!(unread.is_ours(), "we read them ourselves");
        unread.look(|| false, true, ms(600));
        assert!(!unread.is_ours());
        unread.look(|| true, true, ms(700));
        unread.look(|| true, true, ms(900));
        assert!(!unread.is_ours(), "somebody reads them, if not at once");
    }

    #[test]
    fn what_lies_there_when_an_answer_has_begun_is_never_ours() {
        let mut unread = Unread::default();
        unread.look(|| true, true, ms(0));
        unread.look(|| true, true, ms(1000));
        assert!(!unread.is_ours(), "it may be the terminal's answer to the worker");
    }

    #[test]
    fn keys_that_somebody_reads_are_not_ours() {
        let mut unread = Unread::default();
        for now in [0, 40, 80] {
            unread.look(|| now != 40, false, ms(now));
        }
        assert!(!unread.is_ours());
    }
}
