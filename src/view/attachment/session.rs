//! Which session the view is in, and what that is called by now.
//!
//! The client says it to the operator's tmux before its first screen, by the way (`tell` in `enter.sh`), so it costs no question;
//! outside of tmux the worker is asked once. Names are followed like this:
//!
//! - Whoever asks a worker anything writes down what its sessions are called, by the way (`remote::script`), in the ledger, which
//!   every view looks at each second.
//! - On this machine one of the views asks the worker's tmux each second. That is one process of a few milliseconds for all of
//!   them, and it sees the session also where no hook of ours may be: in a view that is plain, or not alone.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::Attachment;
use super::questions::ANSWER;
use crate::cluster::login::{self, Manner};
use crate::failure::Failure;
use crate::local::tmux::Tmux;
use crate::local::windows;
use crate::process::Request;
use crate::registry::identity::SessionIdentity;
use crate::registry::names::SessionName;
use crate::remote::{Remote, script};
use crate::state::alone::Alone;
use crate::state::ledger::{self, Shown, Spot};
use crate::view::events::ViewEvent;
use crate::view::plan::Moment;

/// When the first question about the session comes: not before its first screen.
const AFTER_ARRIVAL: Duration = Duration::from_millis(500);
/// When that question is asked again if it was not answered.
const AGAIN: Duration = Duration::from_secs(30);
/// When it is asked again if our client was in no session yet: its worker may be slow. Not for ever, since there are workers where
/// nobody can see whose client one is.
const NOT_YET: [Duration; 3] = [Duration::from_secs(2), Duration::from_secs(8), AGAIN];
/// How often the name is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// A machine that is too busy to answer soon is asked less often: this is how much of the time one question takes up at most.
const SHARE: u32 = 20;

/// What is asked about the session, and when.
#[derive(Debug, Default)]
pub struct Following {
    /// When to ask which session it is.
    ask_at: Option<Moment>,
    /// How often our client was in no session.
    not_yet: usize,
    /// When to look at the name.
    look_at: Moment,
    /// When to ask this machine's worker; far away while it is being asked.
    name_at: Moment,
    /// It is this view's part to ask it.
    asks: Option<Alone>,
    /// The ledger as it was seen last.
    seen: Option<(u64, i64, i64)>,
    /// The session was renamed since this client came.
    renamed: bool,
}

impl Following {
    /// When something is due.
    pub fn due(&self) -> Moment {
        self.ask_at.map_or(self.look_at, |at| at.min(self.look_at))
    }

    /// Whether whoever has the session's name in its client's place may have got it while the session was there.
    pub fn renamed(&self) -> bool {
        self.renamed
    }
}

impl Attachment<'_> {
    /// A client sets out for the session of this name.
    pub(super) fn set_out_for_session(&mut self) {
        self.asked_for = self.wanted.name.clone();
        self.following.ask_at = None;
        self.following.renamed = false;
    }

    /// It has come.
    pub(super) fn begin_to_follow(&mut self, now: Moment) {
        self.following.ask_at = Some(now + AFTER_ARRIVAL);
        self.following.not_yet = 0;
    }

    pub(super) fn follow(&mut self, now: Moment) {
        if self.following.ask_at.is_some_and(|at| now >= at) {
            self.following.ask_at = None;
            self.ask_which_session();
        }
        if now < self.following.look_at {
            return;
        }
        self.following.look_at = now + EVERY;
        self.look_into_ledger();
        if !self.view.is_pod && now >= self.following.name_at {
            self.ask_for_names();
        }
    }

    fn look_into_ledger(&mut self) {
        let version = ledger::version();
        if self.following.seen != version {
            self.following.seen = version;
            if let Some(name) = ledger::name(&self.client.tag) {
                self.called(name);
            }
        }
    }

    /// The end of a client: what it has said must be heard before it is wiped away.
    pub(super) fn hear_which_session(&mut self) {
        if self.following.ask_at.take().is_some()
            && let Some((identity, name)) = self.told()
        {
            self.found(identity, name);
        }
    }

    fn ask_which_session(&mut self) {
        let Some(number) = self.child.as_ref().map(|child| child.number) else { return };
        let told = self.told();
        let is_known = matches!(told, Some((_, Some(_))));
        if let Some((identity, name)) = told {
            self.found(identity, name);
        }
        // Whoever asks ends what died with clients there, by the way; not all of that comes along with a client of ours.
        if is_known && script::left(self.view.remote.exec.as_ref(), 1).is_empty() {
            return;
        }
        let (client, sender) = (Arc::clone(&self.client), self.sender.clone());
        thread::spawn(move || {
            let _unasked = login::acting(Manner::Unasked);
            let _ = sender.send(ViewEvent::InSession(number, client.session(number, Instant::now() + ANSWER)));
        });
    }

    /// What the worker has said of our client.
    pub(super) fn answered_which(&mut self, answer: Result<Option<(SessionIdentity, SessionName)>, Failure>, now: Moment) {
        match answer {
            Ok(Some((identity, name))) => self.found(identity, Some(name)),
            // It is on its way, it has gone, or nobody there can see whose clients there are.
            Ok(None) => {
                self.following.ask_at = NOT_YET.get(self.following.not_yet).map(|&pause| now + pause);
                self.following.not_yet += 1;
            }
            Err(_) => self.following.ask_at = Some(now + AGAIN),
        }
    }

    /// The session in which our client is, by what it has told our terminal; without a name when that is not the one we know.
    fn told(&self) -> Option<(SessionIdentity, Option<SessionName>)> {
        let told = windows::told(&Tmux::current().ok()?).ok()?;
        let (identity, is_renamed) = understood(&told, &format!("{}.{}", self.client.tag, self.children))?;
        Some((identity, (!is_renamed).then(|| self.asked_for.clone())))
    }

    fn found(&mut self, identity: SessionIdentity, name: Option<SessionName>) {
        let shown = Shown { identity, name: name.unwrap_or_else(|| self.wanted.name.clone()) };
        ledger::note_session(&self.client.tag, &shown);
        self.wanted.identity = Some(shown.identity);
        if shown.name != self.wanted.name {
            self.rename(shown.name);
        }
    }

    /// The session is called so now.
    fn called(&mut self, name: SessionName) {
        if name != self.wanted.name {
            self.following.renamed = true;
            self.rename(name);
        }
    }

    fn rename(&mut self, name: SessionName) {
        // An agent of Gas City has an address of its own.
        if self.address.session == self.wanted.name {
            self.address.session = name.clone();
            self.window.follow(&self.address);
            self.down_screen.rename(&self.address);
        }
        self.plan.rename(name.clone());
        self.wanted.name = name;
    }

    /// Ask this machine's worker, unless another view does.
    fn ask_for_names(&mut self) {
        let Some(place) = self.view.remote.exec.place().filter(|_| self.wanted.identity.is_some()) else { return };
        if self.following.asks.is_none() {
            self.following.asks = Alone::at("names", &place);
        }
        if self.following.asks.is_none() {
            return;
        }
        self.following.name_at = Moment::MAX;
        let (remote, sender) = (Arc::clone(&self.view.remote), self.sender.clone());
        thread::spawn(move || {
            let asked = Instant::now();
            learn_names(&remote, Spot { place, pod: None });
            let _ = sender.send(ViewEvent::Named(asked.elapsed()));
        });
    }

    /// The names are in the ledger; it took so long to ask for them.
    pub(super) fn heard_names(&mut self, took: Duration, now: Moment) {
        self.following.name_at = now + (took * SHARE).max(EVERY);
        self.look_into_ledger();
    }
}

/// Write down what the sessions of a worker on this machine are called.
fn learn_names(remote: &Remote, spot: Spot) {
    let format = format!("{} #{{session_name}}", SessionIdentity::FORMAT);
    let words = ["-u", "list-sessions", "-F", &format].map(str::to_owned);
    let argv: Vec<_> = remote.tmux.iter().cloned().chain(words).collect();
    match remote.exec.run(Request { argv: &argv, stdin: b"", reads_to_end: false, deadline: Instant::now() + ANSWER }) {
        Ok(output) if output.status == 0 => ledger::learn(&spot, &script::sessions(&String::from_utf8_lossy(&output.stdout))),
        Ok(_) | Err(_) => {}
    }
}

/// `factory-worker:WORD CLIENT IDENTITY`, and ` renamed` behind that, if it was said of this client.
fn understood(told: &str, client: &str) -> Option<(SessionIdentity, bool)> {
    let (_, told) = told.strip_prefix("factory-worker:")?.split_once(' ')?;
    let told = told.strip_prefix(client)?.strip_prefix(' ')?;
    let (identity, renamed) = told.strip_suffix(" renamed").map_or((told, false), |identity| (identity, true));
    Some((identity.parse().ok()?, renamed))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("factory-worker:seamless a.2 $3 7 17 18", Some(false))]
    #[case("factory-worker:session a.2 $3 7 17 18 renamed", Some(true))]
    #[case("factory-worker:seamless a.1 $3 7 17 18", None)] // of an attempt before
    #[case("factory-worker:seamless a.2 $3 7 17", None)]
    #[case("/home/ann", None)]
    #[case("", None)]
    fn only_what_this_client_has_said_counts(#[case] told: &str, #[case] expected: Option<bool>) {
        let heard = understood(told, "a.2");
        assert_eq!(heard.as_ref().map(|(_, renamed)| *renamed), expected);
        assert!(heard.is_none_or(|(identity, _)| identity.as_str() == "$3 7 17 18"));
    }
}
