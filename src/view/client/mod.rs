//! Our client on the worker: the command that becomes it, and how it is ended.

pub mod ending;
pub mod features;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ending::Absence;

use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;
use crate::remote::Remote;
use crate::remote::script::argv::Form;
use crate::remote::script::{self, Input, Part, Script};
use crate::state::ledger::{self, Spot};

const ENTER: &str =
    concat!(include_str!("../../remote/terminfo.sh"), include_str!("../../remote/reap.sh"), include_str!("enter.sh"));
const SESSION_OPTIONS: &str = include_str!("session_options.sh");
const LEAVE: &str = concat!(include_str!("../../remote/reap.sh"), include_str!("../../remote/gone.sh"), include_str!("leave.sh"));
const REDRAW: &str = concat!(include_str!("../../remote/reap.sh"), include_str!("redraw.sh"));

/// So many clients that views have left are ended on the way to a session, for those may be in it; each costs bytes of a URL.
/// The others are ended by whoever asks that worker something next.
const LEFT_AT_ONCE: usize = 4;

/// A client of one session, by a tag that nobody else has: `reap.sh` knows its processes by the variable FACTORY_WORKER_VIEW,
/// which is the tag, a dot, and the attempt.
pub struct Client {
    remote: Arc<Remote>,
    session: SessionName,
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
    /// How long ago the session was entered; `None` when another one of its name will do.
    pub entered: Option<Duration>,
}

impl Client {
    pub fn new(remote: Arc<Remote>, session: SessionName) -> Self {
        Self { remote, session, tag: script::nonce() }
    }

    /// The argv that becomes the client, for an interactive exec. Each attempt has a number higher than the last: it ends
    /// what those before it have left.
    ///
    /// # Errors
    /// As [`Script::on_terminal`].
    pub fn argv(&self, manner: Manner, attempt: u32, form: Form) -> Result<Vec<String>, Failure> {
        let own = |word: &str| word.to_owned();
        let mut arguments = vec![own(self.session.as_str()), features::types(), features::features()];
        arguments.push(own(if manner.again { "again" } else { "" }));
        arguments.push(manner.entered.map_or_else(String::new, |ago| ago.as_secs().to_string()));
        // A client that only reads has no keys, so the operator's own copy mode has to do.
        let told =
            if manner.read_only { [String::new(), String::new()] } else { [features::seamless(), features::not_seamless()] };
        arguments.extend(told);
        arguments.push(match form {
            _ if manner.plain => String::new(),
            Form::Packed => script::shortened(&script::stripped(SESSION_OPTIONS)),
            Form::Plain => script::stripped(SESSION_OPTIONS),
        });
        arguments.push(features::size());
        if manner.read_only {
            arguments.extend(["-r", "-f", "read-only,ignore-size"].map(own));
        }
        let script = Script { text: ENTER, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" };
        let left = script::left(self.remote.exec.as_ref(), LEFT_AT_ONCE);
        script.on_terminal(&left, form, &format!("{}.{attempt}", self.tag))
    }

    /// Write down where the client is about to be, so that it can be ended when nobody of ours is left to do it.
    pub fn note(&self, pod: Option<String>) {
        if let Some(place) = self.remote.exec.place() {
            ledger::note(&self.tag, Spot { place, pod });
        }
    }

    /// No client of ours is there any more: that is proven.
    pub fn has_ended(&self) {
        ledger::forget([self.tag.as_str()]);
    }

    /// End what broken connections have left attached, and ask whether the session is there: `None` when it is.
    ///
    /// # Errors
    /// The worker did not say.
    pub fn look(&self, deadline: Instant) -> Result<Option<Absence>, Failure> {
        let arguments = [self.session.as_str().to_owned(), self.tag.clone()];
        let script = Script { text: LEAVE, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" };
        let parts = script::run(self.remote.exec.as_ref(), &script, deadline)?;
        if parts.get("no-session").is_some() {
            return Ok(Some(Absence::NoSession));
        }
        if parts.get("no-tmux").is_some() {
            return Err(Failure::new(Kind::NoTmux, "there is no tmux in it"));
        }
        match parts.get("tmux-failed").map(Part::text) {
            Some(said) if script::no_server(&said) => Ok(Some(Absence::NoServer)),
            Some(said) => Err(script::tmux_failed(&said)),
            // Several of that name cannot have been entered, and are not none.
            None => Ok(None),
        }
    }

    /// Let our client draw its screen anew; false when there is none.
    ///
    /// # Errors
    /// The worker did not say.
    pub fn redraw(&self, deadline: Instant) -> Result<bool, Failure> {
        self.redraw_tagged(&format!("{}.", self.tag), deadline)
    }

    /// Whether the client of this attempt, after which there was no other, is in the session.
    ///
    /// # Errors
    /// The worker did not say.
    pub fn is_there(&self, attempt: u32, deadline: Instant) -> Result<bool, Failure> {
        match self.redraw_tagged(&format!("{}.{attempt}", self.tag), deadline) {
            Err(failure) if failure.kind == Kind::NoSession => Ok(false),
            there => there,
        }
    }

    /// What a tag of ours begins with is enough: attempts are numbered upwards.
    fn redraw_tagged(&self, tag: &str, deadline: Instant) -> Result<bool, Failure> {
        let input = Input { arguments: &[tag], stdin: b"" };
        let parts = script::on_session(&self.remote, REDRAW, &self.session, input, deadline)?;
        Ok(parts.get("redrawn").is_some())
    }
}
