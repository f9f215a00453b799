//! The pods of a namespace, as they come, change and go: a list, then a watch from its version on, for as long as anybody
//! wants to know. Whatever ends a watch, the next one goes on from where it was, or a list tells what it has missed.
//!
//! A watch is silent when nothing happens, and when nothing comes through any more. kubectl pings its connection to the API
//! server where both speak HTTP/2, and ends it when nothing comes back; elsewhere each watch has a connection of its own. So
//! that every few seconds a look beside it asks which pods there are, in which version: no answer is a frozen link, and what
//! the watch does not tell of though a look has seen it twice is a watch that tells nothing any more.

mod known;
mod listing;
mod look;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;

use super::{Change, Following, Over, Told, Which};
use crate::backoff::Backoff;
use crate::cluster::gateway::arriving::{self, Way};
use crate::cluster::pod::listing::PodObject;
use crate::cluster::{Cluster, login};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use known::Known;
use listing::{Listed, Listing};
use look::{Look, Seen};

/// How long one watch lasts, in seconds, and how long it may take to be granted.
const LASTS: u64 = 600;
const GRANTED: Duration = Duration::from_secs(5);
/// A watch that held this long was a good one: the next loss begins with the shortest wait.
const GOOD: Duration = Duration::from_secs(3);
/// How often there is a list where watching is not allowed, and after how long it is tried again.
const LIST_EVERY: Duration = Duration::from_secs(15);
const FORBIDDEN_FOR: Duration = Duration::from_secs(300);
/// The least wait after a server said that it has too much to do.
const BUSY: Duration = Duration::from_secs(2);
/// How often that is tried which is refused until somebody gives the right to it.
const REFUSED: Duration = Duration::from_secs(60);

/// What is told of the pods of a namespace.
#[derive(Debug)]
#[cfg_attr(not(test), allow(dead_code, reason = "the hub shows what is gone, and how old what it shows is"))]
pub enum Event {
    /// A pod that was not there before.
    Appeared(Box<PodObject>),
    /// One that was, and is different now.
    Changed(Box<PodObject>),
    /// One that is there no more.
    Gone { name: ObjectName, uid: String },
    /// All that was so at this moment has been told.
    InSync(Instant),
    /// What was told may be out of date from now on. It is tried again by itself, unless nobody is logged in.
    Lost(Failure),
    /// The right to `watch` pods is missing: there is a list every 15 s instead.
    Polled(Failure),
}

/// What is being done.
enum Phase {
    /// Nothing, until then.
    Resting(Instant, Next),
    Listing(Box<Listing>),
    Following(Box<Watched>),
    /// Nothing, until somebody has logged in.
    LoggedOut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    List,
    Follow,
}

/// A watch, and the looks beside it.
struct Watched {
    following: Following,
    look: Look,
    began: Instant,
}

/// The watch of one namespace, in the thread of whoever asks it for the next event.
pub struct Pods<W, Open> {
    cluster: Cluster,
    path: String,
    open: Open,
    way: Option<Arc<W>>,
    phase: Phase,
    known: Known,
    /// Where the next watch goes on.
    version: String,
    events: VecDeque<Event>,
    backoff: Backoff,
    /// Until when there are lists instead.
    polled_until: Option<Instant>,
}

impl<W: Way, Open: FnMut() -> Result<Arc<W>, Failure>> Pods<W, Open> {
    /// Nothing is asked yet. `open` gives the way to the API, at first and whenever nothing comes by the one before any more.
    ///
    /// # Errors
    /// Nobody says which namespace.
    pub fn of(cluster: Cluster, open: Open) -> Result<Self, Failure> {
        let namespace = cluster.namespace.clone().or_else(|| login::namespace(&cluster));
        let namespace = namespace.ok_or_else(|| Failure::new(Kind::Missing, "the namespace is not known").before_start())?;
        Ok(Self {
            path: format!("/api/v1/namespaces/{namespace}/pods"),
            cluster,
            open,
            way: None,
            phase: Phase::Resting(Instant::now(), Next::List),
            known: Known::default(),
            version: String::new(),
            events: VecDeque::new(),
            backoff: Backoff::new(),
            polled_until: None,
        })
    }

    /// What happens next; `None` when that is nothing until then. It takes longer only where a way has to be made, or somebody
    /// else is just logging in.
    pub fn next(&mut self, until: Instant) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            self.step();
            if self.events.is_empty() {
                if Instant::now() >= until {
                    return None;
                }
                self.wait(until);
            }
        }
    }

    /// Try at once what was lost: there is reason to believe that it goes now, such as a login.
    #[cfg_attr(not(test), allow(dead_code, reason = "the hub knows who has logged in"))]
    pub fn ask_again(&mut self) {
        if let Phase::Resting(_, next) = self.phase {
            self.phase = Phase::Resting(Instant::now(), next);
        } else if matches!(self.phase, Phase::LoggedOut) {
            self.phase = Phase::Resting(Instant::now(), Next::List);
        }
        self.backoff.reset();
    }

    /// Do what can be done without waiting.
    fn step(&mut self) {
        let phase = std::mem::replace(&mut self.phase, Phase::LoggedOut);
        self.phase = match phase {
            Phase::Resting(until, next) if Instant::now() >= until => self.begin(next),
            Phase::Listing(listing) => self.list(listing),
            Phase::Following(watched) => self.follow(watched),
            phase => phase,
        };
    }

    /// Wait until there is something to do.
    fn wait(&self, until: Instant) {
        let (waited_for, then) = match &self.phase {
            Phase::LoggedOut => (vec![], until),
            Phase::Resting(then, _) => (vec![], *then),
            Phase::Listing(listing) => (vec![listing.asked.arriving()], listing.asked.until),
            Phase::Following(watched) => {
                let mut waited_for = vec![watched.following.arriving()];
                waited_for.extend(watched.look.arriving());
                (waited_for, watched.look.due())
            }
        };
        if let Err(failure) = arriving::wait(&waited_for, until.min(then)) {
            crate::process::say(|| format!("cannot wait for pods: {failure}"));
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn begin(&mut self, next: Next) -> Phase {
        let way = match self.way.clone().map_or_else(|| (self.open)(), Ok) {
            Ok(way) => self.way.insert(way).clone(),
            Err(failure) => return self.lost(failure, next),
        };
        match next {
            Next::List => match Listing::begin(&*way, &self.path) {
                Ok(listing) => Phase::Listing(Box::new(listing)),
                Err(failure) => self.broken(failure, next),
            },
            Next::Follow => {
                let which = Which { path: &self.path, selector: "", version: &self.version, lasts: LASTS };
                match Following::begin(&*way, which, Instant::now() + GRANTED) {
                    Ok(following) => {
                        let look = Look::soon(&self.path);
                        Phase::Following(Box::new(Watched { following, look, began: Instant::now() }))
                    }
                    Err(failure) => self.broken(failure, next),
                }
            }
        }
    }

    fn list(&mut self, mut listing: Box<Listing>) -> Phase {
        let Some(way) = self.way.clone() else { return Phase::Resting(Instant::now(), Next::List) };
        match listing.step(&*way) {
            Ok(None) => Phase::Listing(listing),
            Ok(Some(Listed { pods, version, asked_at })) => {
                self.known.replace(pods, &mut self.events);
                self.version = version;
                self.events.push_back(Event::InSync(asked_at));
                match self.polled_until {
                    Some(until) if Instant::now() < until => Phase::Resting(Instant::now() + LIST_EVERY, Next::List),
                    _ => self.begin(Next::Follow),
                }
            }
            Err(failure) => self.broken(failure, Next::List),
        }
    }

    fn follow(&mut self, mut watched: Box<Watched>) -> Phase {
        let Some(way) = self.way.clone() else { return Phase::Resting(Instant::now(), Next::Follow) };
        match watched.following.step(&*way) {
            Ok(Told::Change(change)) => {
                if let Err(over) = self.take(change) {
                    return self.over(over, &watched);
                }
            }
            Ok(Told::Over(over)) => return self.over(over, &watched),
            Ok(Told::Nothing) => {}
            Err(failure) if failure.kind == Kind::Forbidden => return self.poll(failure),
            Err(failure) => return self.broken(failure, Next::Follow),
        }
        match watched.look.step(&*way, &self.known) {
            Ok(Seen::Nothing) => Phase::Following(watched),
            Ok(Seen::Same(asked_at)) => {
                if watched.began.elapsed() >= GOOD {
                    self.backoff.reset();
                }
                self.polled_until = None;
                self.events.push_back(Event::InSync(asked_at));
                Phase::Following(watched)
            }
            Ok(Seen::Untold) => {
                let failure = Failure::new(Kind::Incomplete, "the watch of the pods tells nothing any more");
                self.lost(failure, Next::List)
            }
            Err(failure) => self.broken(failure, Next::Follow),
        }
    }

    /// Take in what a watch tells.
    fn take(&mut self, change: Change) -> Result<(), Over> {
        let nonsense =
            || Over::Failed(Failure::new(Kind::Incomplete, "the API server's answer makes no sense: a pod without a name"));
        let object = |text: &RawValue| known::Object::of(text).ok_or_else(nonsense);
        match change {
            Change::There(text) => {
                let object = object(&text)?;
                self.version.clone_from(&object.version);
                self.known.put(object, &mut self.events);
            }
            Change::Gone(text) => {
                let object = object(&text)?;
                self.version.clone_from(&object.version);
                self.known.remove(&object, &mut self.events);
            }
            Change::UpTo(version) => self.version = version,
        }
        Ok(())
    }

    fn over(&mut self, over: Over, watched: &Watched) -> Phase {
        match over {
            Over::Ended | Over::Expired if watched.began.elapsed() >= GOOD => {
                self.backoff.reset();
                self.begin(if matches!(over, Over::Ended) { Next::Follow } else { Next::List })
            }
            // Who ends each at once is asked less and less often.
            Over::Ended => Phase::Resting(Instant::now() + self.backoff.next(None), Next::Follow),
            Over::Expired => Phase::Resting(Instant::now() + self.backoff.next(None), Next::List),
            Over::Cut => {
                if watched.began.elapsed() >= GOOD {
                    self.backoff.reset();
                }
                self.lost(arriving::cut(), Next::Follow)
            }
            Over::Failed(failure) => self.lost(failure, Next::List),
        }
    }

    /// There is no right to watch.
    fn poll(&mut self, failure: Failure) -> Phase {
        if self.polled_until.is_none() {
            let failure = failure.with_remedy("ask for a role that may watch pods in this namespace");
            self.events.push_back(Event::Polled(self.cluster.named(failure)));
        }
        self.polled_until = Some(Instant::now() + FORBIDDEN_FOR);
        Phase::Resting(Instant::now() + LIST_EVERY, Next::List)
    }

    /// A question has failed: the way is another one next time, when nothing comes by this one.
    fn broken(&mut self, failure: Failure, next: Next) -> Phase {
        let failure = self.way.as_ref().map_or(failure.clone(), |way| way.explained(failure));
        let is_silent = failure.late && !failure.before_start;
        if is_silent || failure.kind == Kind::Unreachable && failure.reason.contains("kubectl proxy") {
            self.way = None;
        }
        self.lost(failure, next)
    }

    fn lost(&mut self, failure: Failure, next: Next) -> Phase {
        let failure = self.cluster.named(failure);
        let rest = match failure.kind {
            Kind::Unauthorized => None,
            Kind::Forbidden | Kind::Missing => Some(REFUSED),
            _ if failure.reason.contains("(429)") => Some(self.backoff.next(None).max(BUSY)),
            _ => Some(self.backoff.next(None)),
        };
        self.events.push_back(Event::Lost(failure));
        rest.map_or(Phase::LoggedOut, |rest| Phase::Resting(Instant::now() + rest, next))
    }
}

#[cfg(test)]
mod tests;
