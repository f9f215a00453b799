//! Why a worker did not answer, as a kind that code can decide by and words for a person.

use std::fmt;

use crate::exit::Code;

/// What went wrong, by the STATUS word it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pending,
    Starting,
    Terminating,
    Crashing,
    Completed,
    /// No such pod, Deployment, StatefulSet or namespace.
    Missing,
    NoContainer,
    NoTmux,
    /// No `sh` in the container: it is asked for tmux alone.
    NoShell,
    /// Refused, reset, DNS, TLS, 5xx, 429, deadline, kubectl missing, unknown context.
    Unreachable,
    Unauthorized,
    Forbidden,
    /// An answer without its end, or larger than the cap.
    Incomplete,
    /// The worker answered, and has no such session.
    NoSession,
    /// The worker answered and refused, or a command on it failed; `reason` says how.
    Failed,
    /// Something was sent, and whether it arrived is not known.
    Unproven,
}

/// A worker's failure: its kind and the reason in the user's words (one line, neutralised).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: Kind,
    pub reason: String,
    /// True when it is proven that the command never started, so that nothing was sent and asking again is safe.
    pub before_start: bool,
}

impl Failure {
    pub fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), before_start: false }
    }

    /// The same, for a command that is proven never to have started.
    pub fn before_start(mut self) -> Self {
        self.before_start = true;
        self
    }

    /// The word for the STATUS column and the JSON.
    pub fn status(&self) -> &'static str {
        match self.kind {
            Kind::Pending => "pending",
            Kind::Starting => "starting",
            Kind::Terminating => "terminating",
            Kind::Crashing => "crashing",
            Kind::Completed => "completed",
            Kind::Missing => "missing",
            Kind::NoContainer => "no container",
            Kind::NoTmux => "no tmux",
            Kind::Unreachable => "unreachable",
            Kind::Unauthorized => "unauthorized",
            Kind::Forbidden => "forbidden",
            Kind::Incomplete => "incomplete",
            Kind::NoShell | Kind::NoSession | Kind::Failed | Kind::Unproven => "running",
        }
    }

    /// What a command about this one worker exits with.
    pub fn code(&self) -> Code {
        match self.kind {
            Kind::Pending | Kind::Starting | Kind::Terminating | Kind::Crashing | Kind::Completed => Code::Unreachable,
            Kind::Unreachable | Kind::Unauthorized | Kind::Forbidden | Kind::Incomplete => Code::Unreachable,
            Kind::Missing | Kind::NoContainer | Kind::NoSession => Code::Missing,
            Kind::NoTmux | Kind::NoShell | Kind::Failed => Code::Failed,
            Kind::Unproven => Code::Unproven,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}
