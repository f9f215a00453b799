//! What runs inside a window: the attachment to a remote session.
//!
//! Just now a view is one supervised attachment. It ends when the operator leaves, when the session is proven gone, or when
//! the connection breaks, and in each case the terminal is as it was and no client of ours stays on the worker.

mod client;
mod foreground;
mod restore;
mod terminal;

use std::time::{Duration, Instant};

use client::{Client, Ending, Found, Manner};
use foreground::{Ended, Foreground};
use nix::sys::signal::Signal;
use restore::Terminal;

use crate::exit::{Code, Problem};
use crate::registry::names::SessionName;
use crate::remote::Remote;
use crate::remote::failure::{Failure, Kind};

/// What to attach to, and how.
pub struct View<'a> {
    pub remote: &'a Remote,
    pub session: &'a SessionName,
    pub read_only: bool,
    /// Every option on the worker stays as it is.
    pub plain: bool,
    /// How long the worker may take to say what became of the session.
    pub timeout: Duration,
}

/// How a view ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The operator left; the session goes on.
    Left,
    /// The worker says that the session is there no more.
    Gone,
    /// There was nothing to attach to.
    Never(Failure),
    /// The connection broke; the session goes on as far as anybody knows.
    Lost(Failure),
    /// Somebody ended us: the window was closed, or Ctrl-C came before the first screen.
    Ended,
}

/// When the window is closed, the worker has this long to let go of our client.
const FAREWELL: Duration = Duration::from_secs(3);

/// Attach, and stay until it ends. `attached` is called when the way to the worker is known, before the first screen.
///
/// # Errors
/// There is no terminal, or the way to the worker could not be found.
pub fn attach(view: &View<'_>, attached: impl FnOnce()) -> anyhow::Result<Outcome> {
    let terminal = Terminal::remember().map_err(|_| {
        Problem::new(
            Code::Failed,
            "attach needs a terminal, and this is none",
            "read the session instead: factory-worker peek ADDRESS",
        )
    })?;
    let client = Client::new(view.remote, view.session);
    let manner = Manner { read_only: view.read_only, plain: view.plain, again: false };
    let command = view.remote.exec.interactive(&client.argv(manner), Instant::now() + view.timeout)?;
    client.note();
    attached();
    let foreground = Foreground::take();
    let ended = foreground.run(command);
    terminal.restore();
    let outcome = understand(&client, &ended?, view.timeout);
    Ok(if foreground.interrupted() { Outcome::Ended } else { outcome })
}

/// kubectl's own exit status proves little (it is 0 on some broken connections), so the worker is asked, unless the very
/// exec that held the client has said what became of it.
fn understand(client: &Client<'_>, ended: &Ended, timeout: Duration) -> Outcome {
    let ending = Ending::of(ended.status);
    // Ctrl-C that came too late ended nothing.
    if ended.signal.is_some_and(|signal| signal != Signal::SIGINT || ending == Ending::Unknown) {
        let _ = client.after(Instant::now() + FAREWELL);
        return Outcome::Ended;
    }
    if ending != Ending::Unknown {
        client.has_ended();
    }
    match ending {
        Ending::Left => return Outcome::Left,
        Ending::Gone => return Outcome::Gone,
        Ending::Replaced | Ending::NeverAttached | Ending::Unknown => {}
    }
    match client.after(Instant::now() + timeout) {
        Ok(Found { .. }) => Outcome::Lost(lost(ended)),
        Err(failure) if ending == Ending::NeverAttached => Outcome::Never(failure),
        Err(failure) if failure.kind == Kind::NoSession => Outcome::Gone,
        Err(failure) => Outcome::Lost(failure),
    }
}

fn lost(ended: &Ended) -> Failure {
    let reason = ended.said.clone().unwrap_or_else(|| format!("the connection ended (exit {})", ended.status));
    Failure::new(Kind::Unreachable, reason)
}
