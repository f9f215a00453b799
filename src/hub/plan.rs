//! How one worker is followed, as a plan that is told what has happened and says what is to be done: pure, so that every way it
//! can go is a test.

use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::failure::{Failure, Kind};

/// How often a worker looks by itself when nothing hastens it.
pub const EVERY: Duration = Duration::from_secs(5);
/// Who has not even said by then that all is as it was stands still.
const SILENCE: Duration = Duration::from_secs(15);
/// How often is tried what is refused until somebody does something about it.
const REFUSED: Duration = Duration::from_secs(60);

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// A relay is to be opened.
    Opening,
    /// It tells by itself, and was heard last at this moment.
    Live(Instant),
    /// It has no shell that could: it is looked at, next at this moment.
    Looks(Instant),
    /// It is tried again at this moment.
    Lost(Instant),
}

/// What is to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Do {
    /// Open a relay.
    Open,
    /// Hear what it tells, until then.
    Listen(Instant),
    /// Nothing, until then.
    Rest(Instant),
    /// Ask it for its tmux alone.
    Look,
}

/// What has happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// The relay is there.
    Opened,
    /// It has told something that is true.
    Told,
    /// It answered the look.
    Looked,
    /// What was to be done failed; or the relay has ended.
    Failed(&'a Failure),
    /// It may be there now: a pod of it has begun.
    MayBeThere,
}

/// The plan of one worker.
#[derive(Debug)]
pub struct Plan {
    phase: Phase,
    backoff: Backoff,
}

impl Plan {
    pub fn new() -> Self {
        Self { phase: Phase::Opening, backoff: Backoff::new() }
    }

    /// What is to be done now.
    pub fn next(&self, now: Instant) -> Do {
        match self.phase {
            Phase::Opening => Do::Open,
            Phase::Live(heard) => Do::Listen(heard + SILENCE),
            Phase::Looks(then) if now >= then => Do::Look,
            Phase::Lost(then) if now >= then => Do::Open,
            Phase::Looks(then) | Phase::Lost(then) => Do::Rest(then),
        }
    }

    /// Take in what has happened.
    pub fn hear(&mut self, event: Event<'_>, now: Instant) {
        self.phase = match (event, self.phase) {
            (Event::Opened, _) => Phase::Live(now),
            (Event::Told, Phase::Live(_)) => {
                // What answers is there; what is only reached may be lost at once again.
                self.backoff.reset();
                Phase::Live(now)
            }
            (Event::Looked, _) => {
                self.backoff.reset();
                Phase::Looks(now + EVERY)
            }
            (Event::Failed(failure), _) if failure.kind == Kind::NoShell => Phase::Looks(now),
            (Event::Failed(failure), _) => Phase::Lost(now + self.pause(failure)),
            (Event::MayBeThere, Phase::Lost(_)) => Phase::Opening,
            (Event::MayBeThere | Event::Told, phase) => phase,
        };
    }

    fn pause(&mut self, failure: &Failure) -> Duration {
        let next = self.backoff.next(None);
        if failure.lasting { REFUSED } else { next }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn lost() -> Failure {
        Failure::new(Kind::Unreachable, "the connection was lost")
    }

    #[test]
    fn it_is_opened_and_then_heard() {
        let (mut plan, now) = (Plan::new(), Instant::now());
        assert_eq!(plan.next(now), Do::Open);
        plan.hear(Event::Opened, now);
        assert_eq!(plan.next(now), Do::Listen(now + SILENCE));
        plan.hear(Event::Told, now + SECOND);
        assert_eq!(plan.next(now + SECOND), Do::Listen(now + SECOND + SILENCE));
    }

    #[test]
    fn who_is_lost_is_tried_less_and_less_often() {
        let (mut plan, mut now) = (Plan::new(), Instant::now());
        let mut pauses = Vec::new();
        for _ in 0..12 {
            plan.hear(Event::Opened, now);
            plan.hear(Event::Failed(&lost()), now);
            let Do::Rest(then) = plan.next(now) else { panic!("{plan:?}") };
            pauses.push(then - now);
            assert_eq!(plan.next(then), Do::Open);
            now = then;
        }
        assert_eq!(pauses[0], Duration::from_millis(200));
        assert!(pauses[11] >= 10 * SECOND && pauses.iter().all(|pause| *pause <= 15 * SECOND), "{pauses:?}");
        // Only what answers begins anew.
        plan.hear(Event::Opened, now);
        plan.hear(Event::Told, now);
        plan.hear(Event::Failed(&lost()), now);
        assert_eq!(plan.next(now), Do::Rest(now + pauses[0]));
    }

    #[rstest]
    #[case(Kind::Unauthorized)]
    #[case(Kind::Forbidden)]
    #[case(Kind::NoTmux)]
    #[case(Kind::NoContainer)]
    fn what_is_refused_is_tried_once_a_minute(#[case] kind: Kind) {
        let (mut plan, now) = (Plan::new(), Instant::now());
        plan.hear(Event::Failed(&Failure::new(kind, "no")), now);
        assert_eq!(plan.next(now), Do::Rest(now + REFUSED));
        // Unless there is a pod that was not there before.
        plan.hear(Event::MayBeThere, now + SECOND);
        assert_eq!(plan.next(now + SECOND), Do::Open);
    }

    #[test]
    fn a_pod_that_begins_disturbs_nobody_who_is_there() {
        let (mut plan, now) = (Plan::new(), Instant::now());
        plan.hear(Event::Opened, now);
        plan.hear(Event::MayBeThere, now + SECOND);
        assert_eq!(plan.next(now + SECOND), Do::Listen(now + SILENCE));
    }

    #[test]
    fn who_has_no_shell_is_looked_at() {
        let (mut plan, now) = (Plan::new(), Instant::now());
        plan.hear(Event::Failed(&Failure::new(Kind::NoShell, "no sh")), now);
        assert_eq!(plan.next(now), Do::Look);
        plan.hear(Event::Looked, now);
        assert_eq!(plan.next(now), Do::Rest(now + EVERY));
        assert_eq!(plan.next(now + EVERY), Do::Look);
        plan.hear(Event::Failed(&lost()), now + EVERY);
        assert!(matches!(plan.next(now + EVERY), Do::Rest(_)));
    }
}
