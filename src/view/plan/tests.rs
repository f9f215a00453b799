//! The plan against a clock that stands still: a story per file.

mod first_connection;
mod operator_decides;
mod pod_replaced;
mod reconnecting;
mod session_gone;

use super::*;
use crate::view::client::ending::Ending;

const MS: fn(u64) -> Duration = Duration::from_millis;
const SECS: fn(u64) -> Duration = Duration::from_secs;

/// A plan and a clock that stands still until it is told to go on.
struct View {
    plan: Plan,
    now: Moment,
}

impl View {
    /// A view in a window, whose first attempt begins now.
    fn of(pod: bool) -> Self {
        let mut view = Self::new(pod, true, true);
        assert_eq!(view.wait(), (SECS(0), Action::Attach));
        view
    }

    fn new(pod: bool, waits: bool, knows_pod: bool) -> Self {
        let rules = Rules { session: "qa".parse().unwrap(), pod, waits, patience: SECS(120), timeout: SECS(10) };
        Self { plan: Plan::new(rules, Backoff::with(|| 0.0), knows_pod, Duration::ZERO), now: Duration::ZERO }
    }

    /// One that is over when its first connection fails.
    fn in_a_terminal(knows_pod: bool) -> Self {
        let mut view = Self::new(true, false, knows_pod);
        assert_eq!(view.wait().1, if knows_pod { Action::Attach } else { Action::Ask(Question::Pod) });
        view
    }

    /// A view in its session, for a minute by now; which start of the container that is is known.
    fn attached() -> Self {
        let mut view = Self::of(true);
        view.arrives("uid-1", 0);
        view.now += SECS(60);
        view
    }

    fn on(&mut self, event: Event) -> Option<Action> {
        self.plan.on(event, self.now)
    }

    fn arrives(&mut self, uid: &str, restarts: u64) {
        assert_eq!(self.on(Event::Asked), None);
        assert_eq!(self.on(Event::Arrived), None);
        assert_eq!(self.on(Event::In(start(uid, restarts))), None);
        assert_eq!(self.plan.state(), Some(State::Connected));
    }

    fn ends(&mut self, ending: Ending) -> Option<Action> {
        self.on(Event::Ended(ending))
    }

    fn answers(&mut self, answer: Answer) -> Option<Action> {
        self.on(Event::Answered(answer))
    }

    /// Let time pass until the plan does something by itself.
    #[track_caller]
    fn wait(&mut self) -> (Duration, Action) {
        let began = self.now;
        let due = self.plan.due().expect("it waits for something");
        assert!(due >= self.now, "it is late");
        self.now = due;
        let action = self.on(Event::Tick).expect("it does something when it is due");
        (self.now - began, action)
    }

    #[track_caller]
    fn is_down(&self, state: State, why: &str) {
        assert_eq!(self.plan.state(), Some(state));
        let down = self.plan.down().expect("it is down");
        assert!(down.why.reason.contains(why), "{:?}", down.why);
    }
}

fn start(uid: &str, restarts: u64) -> Start {
    Start { uid: uid.to_owned(), restarts }
}

fn failure(kind: Kind) -> Failure {
    Failure::new(kind, "why")
}

fn broken(kind: Kind) -> Ending {
    Ending::Broken(failure(kind))
}

fn same() -> Answer {
    Answer::Start(Ok(start("uid-1", 0)))
}
