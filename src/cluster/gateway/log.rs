//! What a container has said, through a gateway: `GET …/pods/POD/log`.

#[cfg_attr(not(test), allow(dead_code, reason = "the hub follows"))]
pub mod follow;
#[cfg_attr(not(test), allow(dead_code, reason = "the hub reads"))]
pub mod read;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use super::arriving::{Asked, Way, wait};
use super::{Answer, Target};
use crate::cluster::objects::{Log, Part};
use crate::failure::Failure;
use crate::process;

/// A log is text; what is said when there is none is JSON.
pub(super) const TEXT: &str = "text/plain,application/json";

/// Ask for it, and wait for the status: a log that begins to come, or why it does not.
///
/// # Errors
/// There is no answer.
pub(super) fn granted(
    way: &impl Way,
    target: Target<'_>,
    log: Log,
    since: Option<Duration>,
    deadline: Instant,
) -> Result<Result<Asked, Answer>, Failure> {
    let path = path(target, log, since);
    process::say(|| format!("GET {path}"));
    let mut asked = Asked::of(way, path, TEXT, deadline)?;
    loop {
        match asked.status(way)? {
            Some(200) => return Ok(Ok(asked)),
            Some(_) => {
                if let Some(refused) = asked.whole(way)? {
                    return Ok(Err(refused));
                }
            }
            None => {}
        }
        wait(&[asked.arriving()], deadline)?;
    }
}

fn path(Target { namespace, pod, container }: Target<'_>, log: Log, since: Option<Duration>) -> String {
    let Log { part, previous, follow } = log;
    let mut path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/log?");
    if let Some(container) = container {
        let _ = write!(path, "container={container}&");
    }
    match part {
        Part::All => {}
        Part::Last(lines) => drop(write!(path, "tailLines={lines}&")),
        Part::First(bytes) => drop(write!(path, "limitBytes={bytes}&")),
    }
    if let Some(since) = since {
        let _ = write!(path, "sinceSeconds={}&", since.as_secs().max(1));
    }
    path.push_str(match (previous, follow) {
        (true, true) => "previous=true&follow=true",
        (true, false) => "previous=true",
        (false, true) => "follow=true",
        (false, false) => "",
    });
    path.trim_end_matches(['&', '?']).to_owned()
}

#[cfg(test)]
mod tests;
