//! An attempt: when it is made, how far it has come, and how long that may take.

use std::time::Duration;

use super::{Action, DIAL, ENTER, Moment, Phase, Plan, Question, Sentence, State, Step};
use crate::failure::{Failure, Kind};

/// A first attempt that takes longer than this is told of, as one that has failed is.
const SLOW: Duration = Duration::from_secs(3);
/// An attempt that is older than this is begun anew when the network returns: its packets wait for their next try.
const STUCK: Duration = Duration::from_secs(1);
/// How long a worker on this machine may take: nothing is between us and it, and what is slow is the machine, which another
/// attempt makes slower.
const ON_THIS_MACHINE: Duration = Duration::from_secs(60);

/// How far an attempt has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Approach {
    /// A login plugin may be waiting for its operator, at a page somewhere; `asks`: on the terminal.
    LoggingIn { asks: bool },
    /// It is on its way to the worker, since then.
    Dialling(Moment),
    /// The worker was asked to let us in.
    Asked(Moment),
    /// The same, and nobody can say what became of that.
    Unknown,
}

impl Plan {
    pub(super) fn approach(&mut self, since: Moment, approach: Approach) -> Option<Action> {
        self.phase = Phase::Attaching { since, approach };
        None
    }

    pub(super) fn attaching_until(&self) -> Option<Moment> {
        let Phase::Attaching { approach, .. } = self.phase else { return None };
        let timeout = self.rules.timeout;
        match approach {
            Approach::LoggingIn { .. } | Approach::Unknown => None,
            Approach::Dialling(since) => Some(since + DIAL.max(timeout)),
            Approach::Asked(since) if !self.rules.pod => Some(since + ON_THIS_MACHINE.max(timeout)),
            Approach::Asked(since) => {
                let tries = self.down.as_ref().map_or(1, |down| down.tries.max(1));
                let patience = (ENTER * tries).min(DIAL.max(timeout));
                Some(since + if self.entered() { patience } else { patience.max(timeout) })
            }
        }
    }

    /// When a first connection that does not come is told of.
    pub(super) fn slow_at(&self) -> Option<Moment> {
        let coming = matches!(self.phase, Phase::Attaching { .. } | Phase::Asking { .. });
        (coming && self.rules.waits && !self.entered() && self.down.is_none()).then_some(self.began + SLOW)
    }

    pub(super) fn tick(&mut self, now: Moment) -> Option<Action> {
        if self.slow_at().is_some_and(|at| now >= at) {
            self.fall(State::Reconnecting, Failure::new(Kind::Unreachable, "there is no answer yet"), self.began);
        }
        match self.phase {
            Phase::Waiting { until, next } if now >= until => Some(self.step(next, now)),
            Phase::Attaching { .. } if self.attaching_until().is_some_and(|until| now >= until) => {
                self.phase = Phase::Ending;
                let why = Failure::new(Kind::Unreachable, "there is no answer");
                self.sentence = Some(Sentence::Because(why));
                Some(Action::End)
            }
            _ => None,
        }
    }

    pub(super) fn step(&mut self, step: Step, now: Moment) -> Action {
        match step {
            Step::Attach => {
                self.phase = Phase::Attaching { since: now, approach: Approach::Dialling(now) };
                self.attempt = Some(now);
                if let Some(down) = &mut self.down {
                    down.tries += 1;
                }
                Action::Attach
            }
            Step::Ask(question) => {
                self.phase = Phase::Asking { question, since: now };
                self.hurried = false;
                if question == Question::Pod {
                    self.attempt = Some(now);
                    self.looked_up = true;
                }
                Action::Ask(question)
            }
        }
    }

    /// Somebody knows better than the back-off that now is a good time; `by_hand`: the operator, who may know better than we
    /// that there will be no answer.
    pub(super) fn hurry(&mut self, by_hand: bool, now: Moment) -> Option<Action> {
        use Approach::{Dialling, LoggingIn};
        self.backoff.reset();
        match self.phase {
            Phase::Waiting { next, .. } if self.proof.is_none() => Some(self.step(next, now)),
            Phase::Settled { next } => {
                if let Some(down) = &mut self.down {
                    down.state = State::Reconnecting;
                    down.absent_since = None;
                }
                Some(self.step(next, now))
            }
            Phase::Attaching { since, approach }
                if self.down.is_some()
                    && now.saturating_sub(since) > STUCK
                    && (by_hand || matches!(approach, LoggingIn { .. } | Dialling(_))) =>
            {
                self.phase = Phase::Ending;
                self.sentence = Some(Sentence::Again);
                Some(Action::End)
            }
            Phase::Asking { since, .. } if now.saturating_sub(since) > STUCK => {
                self.hurried = true;
                Some(Action::Hurry)
            }
            _ => None,
        }
    }
}
