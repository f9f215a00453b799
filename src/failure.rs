//! Why a worker did not answer, as a kind that code can decide by and words for a person.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::exit::Code;
use crate::terminal::shell;

/// What went wrong, by the STATUS word it leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
    /// There is a tmux, and no place for its server's socket.
    NoSocket,
    /// No `sh` in the container: it is asked for tmux alone.
    NoShell,
    /// Refused, reset, DNS, TLS, 5xx, 429, deadline, kubectl missing, unknown context.
    Unreachable,
    Unauthorized,
    Forbidden,
    /// An answer without its end, or larger than the cap.
    Incomplete,
    /// Its entry in workers.yaml cannot be used: nobody was asked.
    Invalid,
    /// The worker answered, and has no such session.
    NoSession,
    /// The worker answered and refused, or a command on it failed; `reason` says how.
    Failed,
    /// Something was sent, and whether it arrived is not known.
    Unproven,
}

/// A worker's failure: its kind and the reason in the user's words (one line, neutralised).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: Kind,
    pub reason: String,
    /// True when it is proven that the command never started, so that nothing was sent and asking again is safe.
    pub before_start: bool,
    /// True when trying again changes nothing before somebody has done something about it.
    pub lasting: bool,
    /// True when it was we who did not wait any longer.
    pub late: bool,
    /// What to do about it when that is more particular than what its kind always needs.
    remedy: Option<Box<str>>,
    /// kubectl as the operator would type it to reach the cluster that this is about.
    kubectl: Option<Box<str>>,
}

/// What every command of kubectl in a remedy begins with. It is written without the way to the cluster, which is filled in where
/// that is known.
const COMMAND: &str = "`kubectl ";

/// What to do where it was we who did not wait any longer.
const LATE: &str = "check the network and the VPN, or give it longer with --timeout";

impl Failure {
    pub fn new(kind: Kind, reason: impl Into<String>) -> Self {
        Self { kind, reason: reason.into(), before_start: false, lasting: lasts(kind), late: false, remedy: None, kubectl: None }
    }

    /// An answer of which more than `cap` bytes came.
    pub fn too_large(cap: usize) -> Self {
        let remedy = "ask for less (peek: --lines), or look on the worker at what makes it so long";
        Self::new(Kind::Incomplete, format!("the answer is larger than {} MiB", cap >> 20)).with_remedy(remedy)
    }

    /// No answer within a deadline of ours; `said` is what was heard by then, in parentheses.
    pub fn no_answer(said: &str) -> Self {
        Self { late: true, ..Self::new(Kind::Unreachable, format!("no answer within the deadline{said}")) }
    }

    /// The same, for a command that is proven never to have started.
    pub fn before_start(mut self) -> Self {
        self.before_start = true;
        self
    }

    /// Whether nothing of what was to be run can have run, so that nothing was sent.
    pub fn sent_nothing(&self) -> bool {
        // Without a sh nothing can have run a script, even where the container's runtime leaves it at a status.
        self.before_start || self.kind == Kind::NoShell
    }

    /// The same, for what stays as it is until somebody does something about it.
    pub fn lasting(mut self) -> Self {
        self.lasting = true;
        self
    }

    /// The same, with a remedy of its own (one line).
    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into().into_boxed_str());
        self
    }

    /// The same, with this remedy where it would have its kind's.
    pub fn or_remedy(self, remedy: &str) -> Self {
        if self.remedy.is_some() { self } else { self.with_remedy(remedy) }
    }

    /// The same, about a cluster that `kubectl` with these flags leads to. Whoever knew it first knew it best.
    pub fn with_kubectl(mut self, kubectl: impl FnOnce() -> String) -> Self {
        self.kubectl.get_or_insert_with(|| kubectl().into_boxed_str());
        self
    }

    /// What to do about it, one line; empty when there is nothing sensible to say. Commands lead to the cluster that it is about.
    pub fn remedy(&self) -> String {
        let remedy = self.remedy.as_deref().unwrap_or_else(|| if self.late { LATE } else { usual_remedy(self.kind) });
        self.kubectl
            .as_deref()
            .map_or_else(|| remedy.to_owned(), |kubectl| shell::led(remedy, COMMAND, &format!("`{kubectl} "), "--"))
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
            Kind::NoTmux | Kind::NoSocket => "no tmux",
            Kind::Unreachable => "unreachable",
            Kind::Unauthorized => "unauthorized",
            Kind::Forbidden => "forbidden",
            Kind::Incomplete => "incomplete",
            Kind::Invalid => "invalid",
            Kind::NoShell | Kind::NoSession | Kind::Failed | Kind::Unproven => "running",
        }
    }

    /// The same as the rest of a sentence about the worker: `is unreachable`, `has no tmux`.
    pub fn predicate(&self) -> String {
        let status = self.status();
        format!("{} {status}", if status.starts_with("no ") { "has" } else { "is" })
    }

    /// What a command about this one worker exits with.
    pub fn code(&self) -> Code {
        match self.kind {
            Kind::Pending | Kind::Starting | Kind::Terminating | Kind::Crashing | Kind::Completed => Code::Unreachable,
            Kind::Unreachable | Kind::Unauthorized | Kind::Forbidden | Kind::Incomplete => Code::Unreachable,
            Kind::Missing | Kind::NoContainer | Kind::NoSession => Code::Missing,
            Kind::NoTmux | Kind::NoSocket | Kind::NoShell | Kind::Failed => Code::Failed,
            Kind::Invalid => Code::Usage,
            Kind::Unproven => Code::Unproven,
        }
    }
}

/// What to do about a failure of this kind when nothing more particular is known.
fn usual_remedy(kind: Kind) -> &'static str {
    match kind {
        Kind::Pending => "`kubectl describe pod` says what it waits for",
        Kind::Starting => "try again in a moment",
        Kind::Terminating => "it is being replaced or removed; try again in a moment",
        Kind::Crashing => "`kubectl describe pods` says how it ended",
        Kind::Completed => "restart it: delete the pod, so that its owner makes a new one",
        Kind::Missing => "compare pod, namespace and context in workers.yaml with `kubectl get pods`",
        Kind::NoContainer => "set container: in workers.yaml to one that the pod has",
        Kind::NoTmux => "install tmux in the image, or set tmux: in workers.yaml to where it is",
        Kind::NoSocket => "let tmux have its socket where its user can write: TMUX_TMPDIR, or -S of tmux: in workers.yaml",
        Kind::NoShell => "install sh in the image; without it a worker can only be listed",
        Kind::Unreachable => "check the network and the VPN; does `kubectl get pods` answer?",
        Kind::Unauthorized => "log in to the cluster again; `kubectl auth whoami` says whether that worked",
        Kind::Forbidden => "ask for a role that may get pods, and create and get pods/exec, in this namespace",
        Kind::Incomplete => "try again, with a longer --timeout if the worker is slow",
        Kind::Invalid => "correct it; `factory-worker config check` names everything that is wrong",
        Kind::NoSession => "`factory-worker list` shows the sessions there are",
        Kind::Failed => "",
        Kind::Unproven => "look with `factory-worker peek` before you send it again",
    }
}

fn lasts(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NoContainer | Kind::NoTmux | Kind::NoSocket | Kind::NoShell | Kind::Unauthorized | Kind::Forbidden | Kind::Invalid
    )
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Failure {}
