//! Whether a worker can be asked again and again over one exec, by asking one of the cluster's so.
//!
//! A worker that cannot be reached at all says nothing about that, and has lines of its own.

use std::time::{Duration, Instant};

use super::Check;
use crate::cluster::{Cluster, login};
use crate::failure::{Failure, Kind};
use crate::registry::worker::PodPlace;
use crate::remote::pod::Pod;
use crate::remote::relay::{self, Tried};
use crate::remote::{Remote, examine};

const NAME: &str = "relay";
/// What follows when there is none.
const OTHERWISE: &str = "each question to it is an exec of its own";
/// What reads the requests there.
const READS: &str = "dd";
/// So many workers are tried, until one has a relay.
const MOST: usize = 4;

/// What trying a relay on a worker has come to, when there was none.
enum Without {
    /// The worker could not be asked.
    Unreachable(Failure),
    /// It could, and this was wrong with the relay.
    Trouble(Check),
}

/// A relay on one of the workers that are at `places`, which are in this cluster.
pub fn check(cluster: &Cluster, places: &[PodPlace], timeout: Duration) -> Check {
    if !login::is_free(cluster) {
        return Check::skip(NAME, "not tried: that might start a login", "`factory-worker doctor` again, once you are logged in");
    }
    let deadline = Instant::now() + timeout;
    let (mut silent, mut trouble) = (None, None);
    for place in places.iter().take(MOST) {
        match tried(place, timeout, deadline) {
            Ok(check) => return check,
            Err(Without::Trouble(check)) => trouble = trouble.or(Some(check)),
            Err(Without::Unreachable(failure)) => silent = silent.or(Some(failure)),
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    trouble.unwrap_or_else(|| match silent {
        Some(failure) => {
            Check::skip(NAME, format!("not tried: no worker could be asked: {failure}"), cluster.named(failure).remedy())
        }
        None => Check::skip(NAME, "not tried: there is no worker", "`factory-worker worker add` makes one"),
    })
}

fn tried(place: &PodPlace, timeout: Duration, deadline: Instant) -> Result<Check, Without> {
    let remote = Remote { exec: Box::new(Pod::new(place.clone())), tmux: vec!["tmux".to_owned()], log: None, meant: None };
    let failure = match relay::try_out(remote.exec.as_ref(), deadline) {
        Ok(Tried { there, answers: [first, second] }) => {
            let pod = remote.exec.pod().unwrap_or_default();
            let [there, first, second] = [there, first, second].map(|time| time.as_millis());
            let what = format!("in pod {pod}: there after {there} ms, two answers after {first} and {second} ms");
            return Ok(Check::ok(NAME, what));
        }
        Err(failure) => failure,
    };
    if is_of_the_worker(&failure) {
        return Err(Without::Unreachable(failure));
    }
    // Only beside an exec that works does it say something about relays.
    let found = match examine::examine(&remote, &[READS], Instant::now() + timeout) {
        Ok(found) => found,
        Err(failure) if failure.kind == Kind::NoShell => {
            return Err(Without::Trouble(without(&remote, &failure.reason, &failure.remedy())));
        }
        Err(failure) => return Err(Without::Unreachable(failure)),
    };
    if found.programs.is_empty() {
        let what = format!("there is no {READS} in the container");
        return Err(Without::Trouble(without(&remote, &what, "install coreutils or busybox in the image")));
    }
    let what = match (failure.late, failure.before_start) {
        (true, true) => "the shell on it does not come up in time, where an exec alone answers".to_owned(),
        (true, false) => "it takes a question and does not answer in time".to_owned(),
        (false, true) => format!("the shell on it ends at once: {failure}"),
        (false, false) => format!("its connection does not last: {failure}"),
    };
    let remedy = "does something between here and the pod hold back, or end, a connection that stays open? Let it pass streams; `kubectl exec \
                  -i … -- cat` shows the same";
    Err(Without::Trouble(without(&remote, &what, remedy)))
}

fn without(remote: &Remote, what: &str, remedy: &str) -> Check {
    let pod = remote.exec.pod().unwrap_or_default();
    Check::warn(NAME, format!("in pod {pod}: {what}; {OTHERWISE}"), remedy)
}

/// Whether it is about the worker, which says so itself, and not about relays.
fn is_of_the_worker(failure: &Failure) -> bool {
    let gone = matches!(
        failure.kind,
        Kind::Missing | Kind::Pending | Kind::Starting | Kind::Terminating | Kind::Crashing | Kind::Completed
    );
    gone || matches!(failure.kind, Kind::NoContainer | Kind::Forbidden | Kind::Unauthorized)
}
