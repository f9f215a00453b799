//! One login at a time: who asks a cluster as a user with a login plugin goes alone until the cluster was reached once; then those
//! who waited go together.
//!
//! Each kubectl runs the plugin anew, and a plugin with nothing kept needs its person, so many at once would be as many
//! logins. When a token expires nobody can know beforehand (kubectl does not tell), so no answer vouches for a later
//! question, be it a second later. It vouches for those that waited for it, and for those that begin while one of them is
//! still under way, in the same process: for no longer than [`TOGETHER`] after the last answer. So `list` of a hundred
//! workers waits once, and a question that comes alone never does: it has the turn at once.
//!
//! In one process threads wait for each other by [`Room`]; processes wait by a lock in the state directory that one thread of
//! each of them tries to get. It ends with the process that holds it. Where there is no such lock, there is none.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::Flock;

use crate::failure::{Failure, Kind};
use crate::state::logins::{Logins, Seen};

/// How long after an answer others may still begin together with those that it let in.
const TOGETHER: Duration = Duration::from_secs(2);
/// How long a login that failed stands for those who come later: long enough for the last of many workers, shorter than a
/// person needs to ask once more.
const STANDS: Duration = Duration::from_secs(2);
/// How long an answer vouches for what nobody has asked for: for the question after an attach in which start of its
/// container that is.
const VOUCHES: Duration = Duration::from_secs(10);
/// How often a process tries to get the turn of another one: no lock of a file has a deadline.
const TRY_EVERY: Duration = Duration::from_millis(10);
/// How often it looks whether that one was stopped.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often an answer is noted for other processes, at most.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// How somebody wants a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// When it comes.
    Wait,
    /// And alone until the end, because the login plugin is to have the terminal.
    Alone,
    /// When it comes; and when another process was refused meanwhile, that counts for us: the person has been asked.
    Follow,
    /// Only where the cluster has just answered: nobody has asked for this.
    Vouched,
}

/// Leave to ask a cluster as a user. Whoever went alone lets the others go with it, at the latest when it is dropped.
#[derive(Debug, Clone, Default)]
#[must_use = "it is over when it is dropped"]
pub struct Turn(Option<Arc<Taken>>);

#[derive(Debug)]
struct Taken {
    user: String,
    want: Want,
    /// Where processes hear of each other.
    logins: Option<Logins>,
    part: Mutex<Part>,
}

#[derive(Debug)]
enum Part {
    /// Nobody else is let in; with the lock, where there is one.
    Alone {
        _lock: Option<Flock<File>>,
    },
    Together,
    /// It has no say any more.
    Out,
}

/// How it stands with one user in this process.
#[derive(Debug, Default)]
struct Room {
    /// Somebody goes alone.
    leading: bool,
    /// How many go together.
    together: usize,
    /// When the cluster was reached last.
    reached: Option<Instant>,
    passed: u64,
    refused: u64,
    refusal: Option<(Instant, Failure)>,
    /// When other processes were told of an answer.
    noted: Option<Instant>,
}

/// What somebody finds who comes, or has waited.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Go,
    Lead,
    Wait,
    Refused(Failure),
}

impl Room {
    /// For somebody who came when there had been so many.
    fn find(&self, (passed, refused): (u64, u64), want: Want, now: Instant) -> Found {
        let is_open = self.together > 0 && self.reached.is_some_and(|reached| now.saturating_duration_since(reached) < TOGETHER);
        let stands = |since: Instant| want == Want::Wait && now.saturating_duration_since(since) < STANDS;
        match &self.refusal {
            _ if want != Want::Alone && (is_open || self.passed != passed) => Found::Go,
            Some((_, failure)) if self.refused != refused => Found::Refused(failure.clone()),
            _ if self.leading => Found::Wait,
            Some((since, failure)) if stands(*since) => Found::Refused(failure.clone()),
            _ => Found::Lead,
        }
    }
}

#[derive(Default)]
struct Rooms {
    all: Mutex<HashMap<String, Room>>,
    changed: Condvar,
}

fn rooms() -> &'static Rooms {
    static ROOMS: OnceLock<Rooms> = OnceLock::new();
    ROOMS.get_or_init(Rooms::default)
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.all.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Change how it stands, and let those who wait look.
    fn change<T>(&self, user: &str, edit: impl FnOnce(&mut Room) -> T) -> T {
        let changed = edit(self.lock().entry(user.to_owned()).or_default());
        self.changed.notify_all();
        changed
    }

    /// What there is to do for somebody who comes now, once that is more than to wait.
    fn enter(&self, user: &str, want: Want, until: Option<Instant>) -> Found {
        let mut all = self.lock();
        let came = all.entry(user.to_owned()).or_default();
        let came = (came.passed, came.refused);
        loop {
            let room = all.entry(user.to_owned()).or_default();
            match room.find(came, want, Instant::now()) {
                Found::Wait => {}
                Found::Go => {
                    room.together += 1;
                    return Found::Go;
                }
                Found::Lead => {
                    room.leading = true;
                    return Found::Lead;
                }
                refused => return refused,
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Found::Refused(late());
            }
            // Everybody who leaves says so; nobody needs to look in between.
            let left = left.min(Duration::from_secs(3600));
            all = self.changed.wait_timeout(all, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }
}

/// What another process's turn has come to.
enum Reached {
    /// It is ours, or nobody can have one.
    Ours(Option<Flock<File>>),
    /// The other one got in.
    Passed,
    Refused(Failure),
}

/// Wait for the turn of this machine.
fn wait_for_machine(logins: Option<&Logins>, want: Want, until: Option<Instant>) -> Reached {
    let Some(logins) = logins else { return Reached::Ours(None) };
    let Seen { passed, refused, .. } = logins.seen();
    let mut look_at = Instant::now() + LOOK_EVERY;
    loop {
        match logins.try_turn() {
            Err(_) => return Reached::Ours(None),
            Ok(Some(lock)) => {
                let seen = logins.seen();
                return match want {
                    Want::Alone => Reached::Ours(Some(lock)),
                    _ if seen.passed != passed => Reached::Passed,
                    Want::Vouched if !logins.was_answered_within(VOUCHES) => Reached::Refused(unasked()),
                    Want::Follow if seen.refused != refused => Reached::Refused(refused_elsewhere()),
                    _ => Reached::Ours(Some(lock)),
                };
            }
            Ok(None) if Instant::now() >= look_at => {
                look_at = Instant::now() + LOOK_EVERY;
                logins.take_from_stopped();
            }
            Ok(None) => {}
        }
        if until.is_some_and(|until| Instant::now() >= until) {
            return Reached::Refused(late());
        }
        thread::sleep(TRY_EVERY);
    }
}

impl Turn {
    /// For somebody who needs none.
    pub fn free() -> Self {
        Self(None)
    }

    /// Wait until it is our turn to ask as this user; `until` says for how long at most.
    ///
    /// # Errors
    /// It does not come; or who went before us was refused, and we would be.
    pub fn take(user: &str, want: Want, until: Option<Instant>) -> Result<Self, Failure> {
        if want == Want::Vouched && !is_vouched_for(user) {
            return Err(unasked());
        }
        Self::take_beside(Logins::of(user).ok(), user, want, until)
    }

    /// The same with what other processes say; without that this one is alone.
    fn take_beside(logins: Option<Logins>, user: &str, want: Want, until: Option<Instant>) -> Result<Self, Failure> {
        let taken = |part, logins| {
            let part = Mutex::new(part);
            Ok(Self(Some(Arc::new(Taken { user: user.to_owned(), want, logins, part }))))
        };
        match rooms().enter(user, want, until) {
            Found::Go => return taken(Part::Together, logins),
            Found::Refused(failure) => return Err(failure),
            Found::Lead | Found::Wait => {}
        }
        match wait_for_machine(logins.as_ref(), want, until) {
            Reached::Ours(lock) => taken(Part::Alone { _lock: lock }, logins),
            Reached::Passed => {
                rooms().change(user, Room::pass);
                taken(Part::Together, logins)
            }
            Reached::Refused(failure) => {
                rooms().change(user, |room| room.leading = false);
                Err(failure)
            }
        }
    }

    /// Whether it is this user's.
    pub fn is_of(&self, user: &str) -> bool {
        self.0.as_ref().is_some_and(|taken| taken.user == user)
    }

    /// Whether others go with it already: the cluster was reached just now, or there is no plugin that might have to ask.
    pub fn goes_together(&self) -> bool {
        self.0.as_ref().is_none_or(|taken| matches!(*taken.part(), Part::Together))
    }

    /// The login is over, for all that can be seen: kubectl talks to the cluster. Those who wait may go.
    pub fn pass(&self) {
        if let Some(taken) = self.0.as_ref().filter(|taken| taken.want != Want::Alone) {
            taken.pass();
        }
    }

    /// The cluster has answered. What nobody has asked for vouches for nothing: one look a second, each because of the one
    /// before, would go on until the token expires, and start the login.
    pub fn answered(&self) {
        let Some(taken) = &self.0 else { return };
        if taken.want == Want::Vouched {
            return self.pass();
        }
        let is_news = rooms().change(&taken.user, |room| {
            let now = Instant::now();
            room.reached = Some(now);
            let is_news = room.noted.is_none_or(|noted| now.saturating_duration_since(noted) >= NOTE_EVERY);
            if is_news {
                room.noted = Some(now);
            }
            is_news
        });
        if let Some(logins) = taken.logins.as_ref().filter(|_| is_news) {
            logins.note_answered();
        }
        self.pass();
    }

    /// The cluster, or the plugin, has refused the user; or the person did not answer in time.
    pub fn refused(&self, failure: &Failure) {
        let Some(taken) = &self.0 else { return };
        if let Some(logins) = &taken.logins {
            logins.note_refused();
        }
        let mut part = taken.part();
        let led = matches!(*part, Part::Alone { .. });
        rooms().change(&taken.user, |room| {
            room.noted = None;
            if led {
                room.leading = false;
                room.refused += 1;
                room.refusal = Some((Instant::now(), failure.clone()));
            }
        });
        if led {
            *part = Part::Out;
        }
    }
}

impl Room {
    /// Who went alone goes on together with those who waited.
    fn pass(&mut self) {
        self.leading = false;
        self.together += 1;
        self.passed += 1;
        self.reached = Some(Instant::now());
        self.refusal = None;
    }
}

impl Taken {
    fn part(&self) -> MutexGuard<'_, Part> {
        self.part.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn pass(&self) {
        let mut part = self.part();
        if matches!(*part, Part::Alone { .. }) {
            // Before the lock goes: who gets it next looks at this.
            if let Some(logins) = &self.logins {
                logins.note_passed();
            }
            rooms().change(&self.user, Room::pass);
            *part = Part::Together;
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        match *self.part() {
            Part::Alone { .. } => rooms().change(&self.user, |room| room.leading = false),
            Part::Together => rooms().change(&self.user, |room| room.together = room.together.saturating_sub(1)),
            Part::Out => {}
        }
    }
}

/// Whether the cluster has answered this user a moment ago.
pub fn is_vouched_for(user: &str) -> bool {
    Logins::of(user).is_ok_and(|logins| logins.was_answered_within(VOUCHES))
}

fn late() -> Failure {
    Failure::no_answer(": somebody else is logging in to the cluster")
        .before_start()
        .with_remedy("finish that login (a browser, another window), or give it longer with --timeout")
}

const UNASKED: &str = "not asked: that might start a login, and nobody has asked for one";

/// Whether that is why there is no answer.
pub fn is_unasked(failure: &Failure) -> bool {
    failure.reason == UNASKED
}

fn unasked() -> Failure {
    Failure::new(Kind::Unreachable, UNASKED).before_start().lasting().with_remedy("`factory-worker list` asks")
}

fn refused_elsewhere() -> Failure {
    let what = "the login failed that another window, or command, has just tried";
    Failure::new(Kind::Unauthorized, what).before_start()
}

#[cfg(test)]
mod tests;
