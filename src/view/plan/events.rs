//! The words of a plan: what happens to a view, what it does, what it says of itself.

use std::time::Duration;

use crate::cluster::pod::Start;
use crate::failure::Failure;
use crate::view::client::ending::{Absence, Ending};

/// What the window's option says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Connected,
    Stalled,
    Reconnecting,
    WaitingPod,
    Failed,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Connected => "connected",
            Self::Stalled => "stalled",
            Self::Reconnecting => "reconnecting",
            Self::WaitingPod => "waiting-pod",
            Self::Failed => "failed",
        }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// kubectl may have a login plugin do its work before it does anything; `asks`: on the terminal.
    MayLogIn {
        asks: bool,
    },
    /// kubectl has a connection, so whoever had to log in has.
    Dialled,
    /// The worker was asked to let us in.
    Asked,
    /// Whether it lets us in cannot be found out.
    Untold,
    /// The worker lets us in.
    Arrived,
    /// The attach has ended.
    Ended(Ending),
    /// How long nothing came over the attach's connection; `resumed`: we were stopped, or the machine slept.
    Silence {
        age: Duration,
        resumed: bool,
    },
    /// The node does not answer, behind a living API server.
    Frozen,
    /// Which start of the container the living attach is in.
    In(Start),
    Answered(Answer),
    /// The network, or the machine, is back.
    Back,
    /// The operator wants the next try now.
    Now,
    /// The operator closes the window.
    Close,
    /// Time has passed.
    Tick,
}

/// A question to the cluster or the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Which start of the container runs in the pod of the last attach?
    Start,
    /// Is the session there?
    Session,
    /// Which pod is it now?
    Pod,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Start(Result<Start, Failure>),
    /// `None`: it is there.
    Session(Result<Option<Absence>, Failure>),
    Pod(Result<(), Failure>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    Attach,
    /// End the attach that is under way or alive.
    End,
    Ask(Question),
    /// Stop waiting for the answer.
    Hurry,
    Finish(Outcome),
}

/// How a view ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The operator left; the session goes on.
    Left,
    /// The session is proven to be over.
    Gone,
    /// There was nothing to attach to, or no way to it.
    Never(Failure),
}
