//! What runs inside a window: the attachment to a remote session, which outlives its connection.
//!
//! A plan, which knows nothing of processes and terminals, decides what to do next ([`plan`]); [`attachment`] does it. What came
//! from the worker is never taken for more than it proves ([`client::ending`]). However a view ends, the terminal is as it was, and
//! no client of ours stays on the worker where one can be reached.

mod attachment;
mod child;
mod client;
mod connection;
mod events;
mod hold;
pub mod log;
mod plan;
mod shell;
mod terminal;
mod window_options;

use std::sync::Arc;
use std::time::Duration;

pub use client::ending::mirror;
pub use hold::{Choice, hold};
pub use shell::shell;

use attachment::Attachment;
use terminal::restore::Terminal;

use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::registry::names::{Address, SessionName};
use crate::remote::Remote;

/// What to attach to, and how.
pub struct View<'a> {
    pub remote: Arc<Remote>,
    /// The worker is a pod: its container may be replaced, its connection may break.
    pub is_pod: bool,
    pub address: &'a Address,
    pub session: &'a SessionName,
    pub read_only: bool,
    /// Every option on the worker stays as it is.
    pub plain: bool,
    /// We run in a window of ours: the operator's tmux is told how the view is, and a first connection that fails is tried
    /// again, for ever: the window is all that the operator has, and it would take the reason along. In a terminal of the
    /// operator's own it ends the view, as a first connection ends ssh and mosh: there is a shell to say why, and whoever
    /// called us may look at the exit status.
    pub in_window: bool,
    /// How long the worker may take to let us in, once it was asked.
    pub timeout: Duration,
    /// How long a session may take to come back after its pod was replaced.
    pub patience: Duration,
}

/// How a view ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The operator left, or closed the window; the session goes on.
    Left,
    /// The session, which had this address at last, is proven to be over.
    Gone(Address),
    /// There was nothing to attach to, or no way to it.
    Never(Failure),
    /// Somebody ended us.
    Ended,
}

/// Attach, and stay until it is over.
///
/// # Errors
/// There is no terminal.
pub fn attach(view: &View<'_>) -> anyhow::Result<Outcome> {
    let terminal = Terminal::remember().map_err(|_| {
        let peek = crate::terminal::shell::line(&["factory-worker".to_owned(), "peek".to_owned(), view.address.to_string()]);
        let remedy = format!("read the session instead: `{peek}`");
        Problem::new(Code::Failed, "attach needs a terminal, and this is none", remedy)
    })?;
    Ok(Attachment::new(view, &terminal).run())
}
