//! What a view does next, decided without doing anything: what happened comes in, with the time; what to do goes out.
//!
//! The rules are those of an operator who wants the session back and no surprise:
//!
//! - An ending that proves nothing about the session is followed by another attach: after 200 ms, then backing off.
//! - A session is over when a whole answer says so *and* the cluster says afterwards that the container which gave the
//!   answer still runs as the start that was attached to. "No tmux server" is asked twice, two seconds apart: a container
//!   that is about to end loses its server first. A worker on this machine has no container, there the answer is enough.
//! - In another start of the container the session may still be coming, so it is awaited; when it does not come, a person
//!   decides. The same holds when nobody knows which start it was.
//! - A session that ended while another one got its name is not silently exchanged for that one, also when nobody could see
//!   it: in the same start of the container a session that is younger than the view's stay in it is another one. A person
//!   decides.
//! - What no repetition changes (a refused login, a missing context) waits for a key, or for the network to come back:
//!   login plugins fail in the same way when there is none.

mod backoff;
mod ended;
mod events;

use std::time::Duration;

use super::client::ending::Absence;
use crate::cluster::pod::Start;
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;

pub use backoff::Backoff;
pub use events::{Action, Answer, Event, Outcome, Question, State};

/// Moments, as the time since the view began. It goes on while the machine sleeps.
pub type Moment = Duration;

/// An attach that held this long was a good one: the next loss begins with the shortest wait. One kubectl in so many seconds
/// is no load, and whoever types does not know that it is the second cut in a row.
const GOOD: Duration = Duration::from_secs(3);
/// How long "no tmux server runs" has to stay true.
const SERVER_TWICE: Duration = Duration::from_secs(2);
/// How long an attempt may take to reach the worker.
pub const DIAL: Duration = Duration::from_secs(15);
/// How long the worker may take to begin once it was asked; later attempts are more patient.
pub const ENTER: Duration = Duration::from_secs(5);
/// An attempt that is older than this is begun anew when the network returns: its packets wait for their next try.
const STUCK: Duration = Duration::from_secs(1);
/// The age of the last byte at which a connection counts as stalled: kubectl's pings bring one every 5 s.
pub const STALLED: Duration = Duration::from_millis(6_000);
/// The age at which it is replaced.
pub const DEAD: Duration = Duration::from_secs(12);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Attaching {
        since: Moment,
        asked: Option<Moment>,
    },
    Attached {
        since: Moment,
        stalled: bool,
    },
    /// The attach was told to end.
    Ending,
    Asking {
        question: Question,
        since: Moment,
    },
    Waiting {
        until: Moment,
        next: Step,
    },
    Settled,
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Attach,
    Ask(Question),
}

/// Why the attach was told to end.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sentence {
    Because(Failure),
    /// A fresh one will be faster.
    Again,
}

/// What is known of a view that is down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Down {
    pub since: Moment,
    pub state: State,
    /// The last thing that went wrong.
    pub why: Failure,
    /// Attaches begun since then.
    pub tries: u32,
    /// Another session has the name: it is entered when the operator says so.
    pub another: bool,
    /// Since when a worker that answers has no such session.
    absent_since: Option<Moment>,
}

/// What never changes for a view.
#[derive(Debug, Clone)]
pub struct Rules {
    pub session: SessionName,
    /// The worker is a pod.
    pub pod: bool,
    /// How long a session may take to come back in another start of its container.
    pub patience: Duration,
    /// How long the first attach may wait for the worker once it was asked.
    pub timeout: Duration,
}

/// The plan of a view.
#[derive(Debug)]
pub struct Plan {
    rules: Rules,
    phase: Phase,
    backoff: Backoff,
    /// The start of the container that the last attach was in.
    known: Option<Start>,
    /// The absence that is being proven.
    proof: Option<Proof>,
    sentence: Option<Sentence>,
    hurried: bool,
    down: Option<Down>,
    /// When the session was entered; `None` before.
    entered: Option<Moment>,
    /// When the last attempt began.
    attempt: Option<Moment>,
    /// No attach has ended yet.
    first: bool,
}

#[derive(Debug, Clone, Copy)]
struct Proof {
    absence: Absence,
    /// It was said by the very exec that was attached, so the container was the same until just now.
    from_within: bool,
    /// It was asked twice.
    twice: bool,
}

impl Plan {
    /// The plan of a view whose first attach begins now.
    pub fn new(rules: Rules, backoff: Backoff, now: Moment) -> Self {
        Self {
            rules,
            phase: Phase::Attaching { since: now, asked: None },
            backoff,
            known: None,
            proof: None,
            sentence: None,
            hurried: false,
            down: None,
            entered: None,
            attempt: Some(now),
            first: true,
        }
    }

    /// What the window's option says; `None` before the first screen.
    pub fn state(&self) -> Option<State> {
        match (&self.down, &self.phase) {
            (Some(down), _) => Some(down.state),
            (None, Phase::Attached { stalled: false, .. }) => Some(State::Connected),
            (None, Phase::Attached { .. } | Phase::Ending) if self.entered() => Some(State::Stalled),
            _ => None,
        }
    }

    /// What there is to say while the view is down.
    pub fn down(&self) -> Option<&Down> {
        self.down.as_ref()
    }

    /// Whether the session was entered at least once.
    pub fn entered(&self) -> bool {
        self.entered.is_some()
    }

    /// How long ago the session was entered which alone is to be entered again; `None` when any of its name is meant: at
    /// first, in another start of its container, and when the operator wants another one.
    pub fn entered_ago(&self, now: Moment) -> Option<Duration> {
        let waits_for_pod = self.down.as_ref().is_some_and(|down| down.state == State::WaitingPod);
        self.known.as_ref().and(self.entered).filter(|_| !waits_for_pod).map(|entered| now.saturating_sub(entered))
    }

    /// Whether the session is shown, be it over a connection that stalls.
    pub fn is_attached(&self) -> bool {
        matches!(self.phase, Phase::Attached { .. })
    }

    /// When the last attempt began.
    pub fn tried_at(&self) -> Moment {
        self.attempt.unwrap_or_default()
    }

    /// Whether the operator's keys are ours: nobody else may read them.
    pub fn listens(&self) -> bool {
        self.down.is_some() && !matches!(self.phase, Phase::Attaching { asked: Some(_), .. } | Phase::Over)
    }

    /// When something is tried next; `None` while something is being tried, or nothing will be.
    pub fn next_try(&self) -> Option<Moment> {
        match self.phase {
            Phase::Waiting { until, .. } => Some(until),
            _ => None,
        }
    }

    /// When to come again with [`Event::Tick`] if nothing happens before.
    pub fn due(&self) -> Option<Moment> {
        match self.phase {
            Phase::Waiting { until, .. } => Some(until),
            Phase::Attaching { .. } => self.attaching_until(),
            _ => None,
        }
    }

    /// Take in what happened, and say what to do.
    pub fn on(&mut self, event: Event, now: Moment) -> Option<Action> {
        match (event, &self.phase) {
            (_, Phase::Over) => None,
            (Event::Close, _) => self.finish(Outcome::Left),
            (Event::Ended(ending), Phase::Attaching { .. } | Phase::Attached { .. } | Phase::Ending) => self.ended(ending, now),
            (Event::Asked, &Phase::Attaching { since, asked: None }) => {
                self.phase = Phase::Attaching { since, asked: Some(now) };
                None
            }
            (Event::Arrived, Phase::Attaching { .. }) => {
                self.arrived(now);
                None
            }
            (Event::Silence { age, resumed }, &Phase::Attached { since, .. }) => self.silence(age, resumed, since, now),
            (Event::Frozen, &Phase::Attached { since, .. }) => {
                self.replace("its node does not answer any more".to_owned(), since, now)
            }
            (Event::In(start), Phase::Attached { .. }) => {
                self.known = Some(start);
                None
            }
            (Event::Answered(answer), Phase::Asking { .. }) => self.answered(answer, now),
            // What the network cannot have healed is for a person to decide.
            (Event::Back, Phase::Settled) if !self.down.as_ref().is_some_and(|down| down.why.kind == Kind::Unauthorized) => None,
            (Event::Back | Event::Now, _) => self.hurry(now),
            (Event::Tick, _) => self.tick(now),
            _ => None,
        }
    }

    fn finish(&mut self, outcome: Outcome) -> Option<Action> {
        self.phase = Phase::Over;
        Some(Action::Finish(outcome))
    }

    fn arrived(&mut self, now: Moment) {
        if self.entered_ago(now).is_none() {
            self.entered = Some(now);
        }
        self.phase = Phase::Attached { since: now, stalled: false };
        self.backoff.settle();
        self.down = None;
        // Which start this is has to be heard while it lives.
        self.known = None;
        self.proof = None;
    }

    fn attaching_until(&self) -> Option<Moment> {
        let Phase::Attaching { since, asked } = self.phase else { return None };
        let tries = self.down.as_ref().map_or(1, |down| down.tries);
        match asked {
            // A login plugin may wait for its operator for as long as it takes.
            None => self.entered().then_some(since + DIAL),
            Some(asked) if self.entered() => Some(asked + (ENTER * tries.clamp(1, 3)).min(DIAL)),
            Some(asked) => Some(asked + self.rules.timeout),
        }
    }

    fn silence(&mut self, age: Duration, resumed: bool, since: Moment, now: Moment) -> Option<Action> {
        if age < DEAD && !(resumed && age >= STALLED) {
            self.phase = Phase::Attached { since, stalled: age >= STALLED };
            return None;
        }
        self.replace(format!("nothing was heard for {} s", age.as_secs()), since, now)
    }

    /// The connection is of no use any more.
    fn replace(&mut self, why: String, since: Moment, now: Moment) -> Option<Action> {
        if now.saturating_sub(since) >= GOOD {
            self.backoff.reset();
        }
        self.phase = Phase::Ending;
        self.attempt = None;
        self.sentence = Some(Sentence::Because(Failure::new(Kind::Unreachable, why)));
        Some(Action::End)
    }

    fn tick(&mut self, now: Moment) -> Option<Action> {
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

    fn step(&mut self, step: Step, now: Moment) -> Action {
        match step {
            Step::Attach => {
                self.phase = Phase::Attaching { since: now, asked: None };
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
                }
                Action::Ask(question)
            }
        }
    }

    /// Somebody knows better than the back-off that now is a good time.
    fn hurry(&mut self, now: Moment) -> Option<Action> {
        self.backoff.reset();
        match self.phase {
            Phase::Waiting { next, .. } if self.proof.is_none() => Some(self.step(next, now)),
            Phase::Settled => {
                if let Some(down) = &mut self.down {
                    down.state = State::Reconnecting;
                    down.absent_since = None;
                }
                Some(self.step(Step::Attach, now))
            }
            Phase::Attaching { since, asked: None } if self.entered() && now.saturating_sub(since) > STUCK => {
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

#[cfg(test)]
mod tests;
