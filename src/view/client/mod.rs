//! Our client on the worker: the command that becomes it, and how it is ended.

pub mod ending;
pub mod features;

use std::sync::Arc;
use std::time::{Duration, Instant};

use ending::Absence;

use crate::failure::{Failure, Kind};
use crate::registry::identity::SessionIdentity;
use crate::registry::names::SessionName;
use crate::remote::script::argv::Form;
use crate::remote::script::{self, Part, Parts, Script};
use crate::remote::{Remote, tmux_words};
use crate::state::ledger::{self, Spot};

const ABOUT: &str = include_str!("../../remote/about.sh");
const REAP: &str = include_str!("../../remote/reap.sh");
const MIRROR: &str = concat!(include_str!("../../remote/whereabouts.sh"), include_str!("mirror.sh"));
const OLDER: &str = include_str!("older.sh");
const SAME: &str = include_str!("same.sh");
const KEYS: &str = include_str!("keys.sh");
const UNASKED: &str = include_str!("unasked.sh");
const ENTER: &str = concat!(include_str!("../../remote/terminfo.sh"), include_str!("enter.sh"));
const SESSION_OPTIONS: &str = include_str!("session_options.sh");
const LEAVE: &str = concat!(
    include_str!("../../remote/about.sh"),
    include_str!("../../remote/reap.sh"),
    include_str!("../../remote/gone.sh"),
    include_str!("leave.sh")
);
const FIND: &str = concat!(include_str!("../../remote/about.sh"), include_str!("../../remote/reap.sh"), include_str!("find.sh"));

/// So many clients that views have left are ended on the way to a session, for those may be in it; each costs bytes of a URL.
/// The others are ended by whoever asks that worker something next.
const LEFT_AT_ONCE: usize = 4;

/// A client of one session, by a tag that nobody else has: `reap.sh` knows its processes by the variable FACTORY_WORKER_VIEW,
/// which is the tag, a dot, and the attempt.
pub struct Client {
    remote: Arc<Remote>,
    pub tag: String,
}

/// Which session is meant.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// What it was called when it was last heard of.
    pub name: SessionName,
    /// Which one that was; `None` when any of its name will do.
    pub identity: Option<SessionIdentity>,
}

/// How a client attaches.
#[derive(Debug, Clone)]
pub struct Manner {
    /// No key reaches the session, and its size stays as it is.
    pub read_only: bool,
    /// Every option on the worker stays as it is.
    pub plain: bool,
    /// What was typed before now must not reach the session: the view was down.
    pub again: bool,
    /// How long ago the session was entered; `None` when another one of its name will do.
    pub entered: Option<Duration>,
    /// The whereabouts of the sessions that our terminal is shown in.
    pub shown_in: Vec<String>,
}

impl Client {
    pub fn new(remote: Arc<Remote>) -> Self {
        Self { remote, tag: script::nonce() }
    }

    /// The argv that becomes the client, for an interactive exec. Each attempt has a number higher than the last: it ends
    /// what those before it have left.
    ///
    /// # Errors
    /// As [`Script::on_terminal`].
    pub fn argv(&self, wanted: &Wanted, manner: &Manner, attempt: u32, form: Form) -> Result<Vec<String>, Failure> {
        let own = |word: &str| word.to_owned();
        let mut arguments = vec![own(wanted.name.as_str()), features::types(), features::features()];
        arguments.push(own(if manner.again { "again" } else { "" }));
        arguments.push(manner.entered.map_or_else(String::new, |ago| ago.as_secs().to_string()));
        arguments.push(known(wanted));
        arguments.push(manner.shown_in.join(" "));
        // A client that only reads has no keys, so the operator's own copy mode has to do.
        arguments.push(own(features::tells(!manner.read_only && !manner.plain)));
        let unasked = features::misstates_size();
        arguments.push(own(if unasked { "unasked" } else { "" }));
        arguments.push(match form {
            _ if manner.plain => String::new(),
            Form::Packed => script::shortened(&script::stripped(SESSION_OPTIONS)),
            Form::Plain => script::stripped(SESSION_OPTIONS),
        });
        arguments.push(features::size());
        let left = script::left(self.remote.exec.as_ref(), LEFT_AT_ONCE).join(" ");
        // Each byte is one of a URL, so nothing comes along that is not needed this time.
        let ends_others = attempt > 1 || !left.is_empty();
        let may_mirror = manner.shown_in.iter().any(|there| wanted.identity.as_ref().is_none_or(|known| known.may_be(there)));
        let text = [
            (ABOUT, ends_others || may_mirror),
            (REAP, ends_others),
            (OLDER, attempt > 1),
            (SAME, manner.entered.is_some() && wanted.identity.is_none()),
            (KEYS, manner.again),
            (MIRROR, may_mirror),
            (UNASKED, unasked),
            (ENTER, true),
        ];
        let text: String = text.iter().filter(|(_, needed)| *needed).map(|(part, _)| *part).collect();
        arguments.push(left);
        arguments.push(own(if may_mirror { "mirror" } else { "" }));
        if manner.read_only {
            arguments.extend(["-r", "-f", "read-only,ignore-size"].map(own));
        }
        let script = Script { text: &text, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" };
        script.on_terminal(form, &format!("{}.{attempt}", self.tag))
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
    pub fn look(&self, wanted: &Wanted, deadline: Instant) -> Result<Option<Absence>, Failure> {
        let arguments = [wanted.name.as_str().to_owned(), known(wanted), self.tag.clone()];
        let script = Script { text: LEAVE, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" };
        let parts = script::run_for_view(self.remote.exec.as_ref(), &script, deadline)?;
        if parts.get("no-session").or(parts.get("ended")).is_some() {
            return Ok(Some(Absence::NoSession));
        }
        if parts.get("replaced").is_some() {
            return Ok(Some(Absence::Another));
        }
        if parts.get("no-tmux").is_some() {
            return Err(Failure::new(Kind::NoTmux, "there is no tmux in it"));
        }
        match parts.get("tmux-failed").map(Part::text) {
            Some(said) if tmux_words::no_server(&said) => Ok(Some(Absence::NoServer)),
            Some(said) => Err(tmux_words::failed(&said)),
            // Several of that name cannot have been entered, and are not none.
            None => Ok(None),
        }
    }

    /// Let our client draw its screen anew; false when there is none.
    ///
    /// # Errors
    /// The worker did not say.
    pub fn redraw(&self, deadline: Instant) -> Result<bool, Failure> {
        Ok(self.find(&format!("{}.", self.tag), "redraw", deadline)?.get("redrawn").is_some())
    }

    /// Whether the client of this attempt, after which there was no other, is in the session.
    ///
    /// # Errors
    /// The worker did not say.
    pub fn is_there(&self, attempt: u32, deadline: Instant) -> Result<bool, Failure> {
        Ok(self.find(&format!("{}.{attempt}", self.tag), "redraw", deadline)?.get("redrawn").is_some())
    }

    /// The session that the client of this attempt is in, after which there was no other, and what it is called; `None` when it
    /// is in none.
    ///
    /// # Errors
    /// The worker did not say.
    pub fn session(&self, attempt: u32, deadline: Instant) -> Result<Option<(SessionIdentity, SessionName)>, Failure> {
        let parts = self.find(&format!("{}.{attempt}", self.tag), "", deadline)?;
        Ok(parts.get("session").and_then(|part| session(&part.text())))
    }

    /// What a tag of ours begins with is enough: attempts are numbered upwards.
    fn find(&self, tag: &str, what: &str, deadline: Instant) -> Result<Parts, Failure> {
        let arguments = [tag.to_owned(), what.to_owned()];
        let script = Script { text: FIND, tmux: &self.remote.tmux, arguments: &arguments, stdin: b"" };
        script::run_for_view(self.remote.exec.as_ref(), &script, deadline)
    }
}

/// What the session that is meant is known by, for a script.
fn known(wanted: &Wanted) -> String {
    wanted.identity.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn session(line: &str) -> Option<(SessionIdentity, SessionName)> {
    let (identity, name) = SessionIdentity::before(line.strip_suffix('\n').unwrap_or(line))?;
    Some((identity, name.parse().ok()?))
}
