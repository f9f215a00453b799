//! What a worker says of itself: its sessions and its queue.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::elsewhere::Elsewhere;
use super::queue::Items;
use crate::registry::names::SessionName;
use crate::registry::origin::Polecat;

/// A tmux session as its server listed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// `$N`. Targets are built from this, never from the name: a session *named* `$0` would be taken for an id.
    ///
    /// `None` for what is shown as a session and is none: the log of a pod.
    pub id: Option<SessionId>,
    pub name: SessionName,
    pub windows: u32,
    /// Clients attached to it.
    pub attached: u32,
    /// Seconds since the epoch, by the worker's clock; `None` when unknown.
    pub created: Option<u64>,
    /// When its panes last wrote something, seconds since the epoch by the worker's clock; `None` when unknown.
    pub last_output: Option<u64>,
    /// The age of that output, by the worker's own clock.
    pub age: Option<Duration>,
    /// The active pane of the active window is in a mode (copy mode, a menu …).
    pub in_mode: bool,
    /// What it does, where that is known better than by its output.
    pub told: Option<State>,
}

/// `$N`, as tmux prints it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SessionId(String);

impl SessionId {
    /// `None` unless the text is `$` and digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('$')?;
        (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("no session id")
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.0
    }
}

/// What a session is doing, by its last output and its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    Attached,
    Active,
    Idle,
    /// Of an agent that runs once, to its end.
    Working,
    Stuck,
    Done,
    Failed,
    /// By somebody, before its end.
    Stopped,
}

impl State {
    pub fn word(self) -> &'static str {
        match self {
            Self::Attached => "attached",
            Self::Active => "active",
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Stuck => "stuck",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

impl Session {
    /// The log of a pod without tmux, as the one session that it has. `age` is since it began or ended, whichever was last.
    pub fn log(told: Option<State>, age: Option<Duration>) -> Option<Self> {
        let name = Polecat::LOG.parse().ok()?;
        Some(Self { id: None, name, windows: 1, attached: 0, created: None, last_output: None, age, in_mode: false, told })
    }

    /// `attached` when a client is there, else by the age of the last output, unless it was told.
    pub fn state(&self, active_within: Duration) -> State {
        if let Some(told) = self.told {
            told
        } else if self.attached > 0 {
            State::Attached
        } else if self.age.is_some_and(|age| age < active_within) {
            State::Active
        } else {
            State::Idle
        }
    }
}

/// A whole answer from a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    pub sessions: Vec<Session>,
    pub queue: Queue,
    /// Where there are sessions, when there are none here and nobody has said which container is meant.
    pub elsewhere: Option<Elsewhere>,
    /// How it is with an agent that runs once, to its end; `None` for a worker that just runs.
    pub standing: Option<Standing>,
}

impl Answer {
    /// The sessions of a worker that runs.
    pub fn of(sessions: Vec<Session>) -> Self {
        Self { sessions, queue: Queue::NotAsked, elsewhere: None, standing: None }
    }

    /// The word for the STATUS column and the JSON.
    pub fn status(&self) -> &'static str {
        self.standing.as_ref().map_or("running", |standing| standing.state.word())
    }
}

/// How it is with an agent that runs once, to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// `working`, `stuck`, `done` or `failed`.
    pub state: State,
    /// More of it in a few words, neutralised: `for 12m, 48m left`, `exit 1`. Empty when there is nothing to add.
    pub detail: String,
    /// Of one that counts as stuck by its age: it is not, if anything has come from it since so long. `None` when nobody need
    /// look for that.
    pub silence: Option<Duration>,
}

/// What the queue command said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Queue {
    /// The worker has no queue command, or it was not asked.
    NotAsked,
    Items(Items),
    /// It failed or made no sense; the reason is one line.
    Failed(String),
}

impl Queue {
    /// The QUEUE cell.
    pub fn summary(&self) -> String {
        match self {
            Self::NotAsked => "-".to_owned(),
            Self::Failed(_) => "?".to_owned(),
            Self::Items(items) => items.summary().to_owned(),
        }
    }
}
