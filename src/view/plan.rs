//! What a view does next, decided without doing anything: what happened comes in, with the time; what to do goes out.
//!
//! The rules are those of an operator who wants the session back and no surprise. They are the same for the first connection
//! and for every later one; only whoever did not want to wait for a first one ([`Rules::waits`]) leaves when it fails.
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
//! - What no repetition changes (a refused login, a missing context, a name that no session has) waits for a key, or for the
//!   network to come back: login plugins fail in the same way when there is none.
//! - Which pod it is may be remembered from another day: when it is not there, it is looked up before anything is said.
//! - A login plugin may wait for its operator for as long as it takes. The clock of an attempt runs from when kubectl is seen
//!   on its way to the API server, or from the beginning where there is no plugin.

mod attempt;
mod ended;
mod events;

use std::time::Duration;

use attempt::Approach;

use super::client::ending::Absence;
use crate::cluster::pod::Start;
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;

pub use crate::backoff::Backoff;
pub use events::{Action, Answer, Event, Outcome, Question, State};

/// Moments, as the time since the view began. It goes on while the machine sleeps.
pub type Moment = Duration;

/// An attach that held this long was a good one: the next loss begins with the shortest wait. One kubectl in so many seconds
/// is no load, and whoever types does not know that it is the second cut in a row.
const GOOD: Duration = Duration::from_secs(3);
/// How long "no tmux server runs" has to stay true.
const SERVER_TWICE: Duration = Duration::from_secs(2);
/// How long an attempt may take to reach the worker, at least.
pub const DIAL: Duration = Duration::from_secs(15);
/// How long the worker may take to begin once it was asked; later attempts are more patient.
pub const ENTER: Duration = Duration::from_secs(5);
/// The age of the last byte at which a connection counts as stalled: kubectl's pings bring one every 5 s.
pub const STALLED: Duration = Duration::from_millis(6_000);
/// The age at which it is replaced.
pub const DEAD: Duration = Duration::from_secs(12);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Attaching {
        since: Moment,
        approach: Approach,
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
    /// A person decides; this is what comes then.
    Settled {
        next: Step,
    },
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
    /// Its pod was waited for: the sessions of another start of its container take their time to come.
    waited_for_pod: bool,
    /// Since when a worker that answers has no such session.
    absent_since: Option<Moment>,
}

/// What never changes for a view.
#[derive(Debug, Clone)]
pub struct Rules {
    pub session: SessionName,
    /// The worker is a pod.
    pub pod: bool,
    /// The first connection is waited for as a later one is; otherwise the view is over when it fails.
    pub waits: bool,
    /// How long a session may take to come back in another start of its container.
    pub patience: Duration,
    /// How long the worker may take to let us in for the first time, once it was asked.
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
    /// When the view began.
    began: Moment,
    /// When the last attempt began.
    attempt: Option<Moment>,
    /// Which pod it is was asked.
    looked_up: bool,
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
    /// The plan of a view that begins now: its first [`Event::Tick`] is due at once. `knows_pod`: somebody has said which pod
    /// it is, be it long ago.
    pub fn new(rules: Rules, backoff: Backoff, knows_pod: bool, now: Moment) -> Self {
        let next = if knows_pod { Step::Attach } else { Step::Ask(Question::Pod) };
        Self {
            rules,
            phase: Phase::Waiting { until: now, next },
            backoff,
            known: None,
            proof: None,
            sentence: None,
            hurried: false,
            down: None,
            entered: None,
            began: now,
            attempt: None,
            looked_up: !knows_pod,
        }
    }

    /// What the window's option says; `None` on the way to the first screen, unless that takes long.
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

    /// The session is called so now.
    pub fn rename(&mut self, session: SessionName) {
        self.rules.session = session;
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
        use Approach::{Asked, LoggingIn, Unknown};
        let taken = matches!(self.phase, Phase::Attaching { approach: LoggingIn { asks: true } | Asked(_) | Unknown, .. });
        self.down.is_some() && !taken && self.phase != Phase::Over
    }

    /// Whether the terminal is a login plugin's, as far as anybody knows: kubectl may run one that asks on it.
    pub fn may_be_asking(&self) -> bool {
        matches!(self.phase, Phase::Attaching { approach: Approach::LoggingIn { asks: true }, .. })
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
        let next = match self.phase {
            Phase::Waiting { until, .. } => Some(until),
            Phase::Attaching { .. } => self.attaching_until(),
            _ => None,
        };
        next.into_iter().chain(self.slow_at()).min()
    }

    /// Take in what happened, and say what to do.
    pub fn on(&mut self, event: Event, now: Moment) -> Option<Action> {
        let action = self.take_in(event, now);
        match &self.down {
            Some(down) if !self.rules.waits && !self.entered() && self.phase != Phase::Over => {
                let why = down.why.clone();
                self.finish(Outcome::Never(why))
            }
            _ => action,
        }
    }

    fn take_in(&mut self, event: Event, now: Moment) -> Option<Action> {
        use Approach::{Asked, Dialling, LoggingIn, Unknown};
        match (event, &self.phase) {
            (_, Phase::Over) => None,
            (Event::Close, _) => self.finish(Outcome::Left),
            (Event::Ended(ending), Phase::Attaching { .. } | Phase::Attached { .. } | Phase::Ending) => self.ended(ending, now),
            (Event::MayLogIn { asks }, &Phase::Attaching { since, approach: Dialling(_) | LoggingIn { .. } }) => {
                self.approach(since, LoggingIn { asks })
            }
            (Event::Dialled, &Phase::Attaching { since, approach: LoggingIn { .. } }) => self.approach(since, Dialling(now)),
            (Event::Asked, &Phase::Attaching { since, approach: LoggingIn { .. } | Dialling(_) }) => {
                self.approach(since, Asked(now))
            }
            (Event::Untold, &Phase::Attaching { since, approach: Asked(_) }) => self.approach(since, Unknown),
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
            (Event::Back, Phase::Settled { .. })
                if !self.down.as_ref().is_some_and(|down| down.why.kind == Kind::Unauthorized) =>
            {
                None
            }
            // Whoever is logging in has a network.
            (Event::Back, Phase::Attaching { approach: LoggingIn { .. }, .. }) => None,
            (Event::Back, _) => self.hurry(false, now),
            (Event::Now, _) => self.hurry(true, now),
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
}

#[cfg(test)]
mod tests;
