//! Our client on the worker: the command that becomes it, what its exit status proves, and how it is ended.

use std::time::Instant;

use super::terminal;
use crate::registry::names::SessionName;
use crate::remote::Remote;
use crate::remote::failure::Failure;
use crate::remote::script::{self, Input, Script};
use crate::state::ledger::{self, Spot};

const ENTER: &str = concat!(include_str!("../remote/terminfo.sh"), include_str!("../remote/reap.sh"), include_str!("enter.sh"));
const SYNC: &str = include_str!("sync.sh");
const LEAVE: &str = concat!(include_str!("../remote/reap.sh"), include_str!("leave.sh"));

/// The environment variable by which `reap.sh` knows a view's client.
const TAG: &str = "FACTORY_WORKER_VIEW";
/// The environment variable that tells `enter.sh` the tags of the views that died.
const LEFT: &str = "FACTORY_WORKER_LEFT";

/// A client of one session, by a tag that nobody else has.
pub struct Client<'a> {
    remote: &'a Remote,
    session: &'a SessionName,
    tag: String,
}

/// How a client attaches.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// No key reaches the session, and its size stays as it is.
    pub read_only: bool,
    /// Every option on the worker stays as it is.
    pub plain: bool,
    /// What was typed before now must not reach the session: the view was down.
    pub again: bool,
}

/// What the exit status of the exec that held a client proves. kubectl's own statuses (0 and 1 among them) prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It never came to attach.
    NeverAttached,
    /// Somebody detached it; the session goes on.
    Left,
    /// The session is gone.
    Gone,
    /// The session is gone, and another one of its name is there.
    Replaced,
    /// Nobody knows.
    Unknown,
}

impl Ending {
    /// By the statuses of `enter.sh`.
    pub fn of(status: i32) -> Self {
        match status {
            94 => Self::NeverAttached,
            95 => Self::Left,
            97 => Self::Gone,
            98 => Self::Replaced,
            _ => Self::Unknown,
        }
    }
}

/// What was found when the client had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// The client was still attached: nobody left, the connection did.
    pub client_left: bool,
}

impl<'a> Client<'a> {
    pub fn new(remote: &'a Remote, session: &'a SessionName) -> Self {
        Self { remote, session, tag: script::nonce() }
    }

    /// The argv that becomes the client, for an interactive exec.
    pub fn argv(&self, manner: Manner) -> Vec<String> {
        let own = |word: &str| word.to_owned();
        let mut arguments = vec![own(self.session.as_str()), terminal::types(), terminal::features()];
        arguments.push(own(if manner.again { "again" } else { "" }));
        // A client that only reads has no keys, so the operator's own copy mode has to do.
        let told =
            if manner.read_only { [String::new(), String::new()] } else { [terminal::seamless(), terminal::not_seamless()] };
        arguments.extend(told);
        arguments.push(if manner.plain { String::new() } else { script::packed(SYNC) });
        if manner.read_only {
            arguments.extend(["-r", "-f", "read-only,ignore-size"].map(own));
        }
        let script = Script { text: ENTER, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" };
        let left = script::left(self.remote.exec.as_ref()).join(" ");
        let mut argv = vec![own("env"), format!("{TAG}={}", self.tag), format!("{LEFT}={left}")];
        argv.extend(script.argv(&script::nonce()));
        argv
    }

    /// Write down where the client is about to be, so that it can be ended when nobody of ours is left to do it.
    pub fn note(&self) {
        if let Some(place) = self.remote.exec.place() {
            ledger::note(&self.tag, Spot { place, pod: self.remote.exec.pod() });
        }
    }

    /// The client is proven to have ended.
    pub fn has_ended(&self) {
        ledger::forget([self.tag.as_str()]);
    }

    /// End the client when a broken connection has left it attached, and ask whether the session is still there.
    ///
    /// # Errors
    /// `no session` when it is proven that there is none, anything else when the worker did not say.
    pub fn after(&self, deadline: Instant) -> Result<Found, Failure> {
        let input = Input { arguments: &[&self.tag], stdin: b"" };
        let parts = script::on_session(self.remote, LEAVE, self.session, input, deadline)?;
        Ok(Found { client_left: parts.get("client-left").is_some() })
    }
}
