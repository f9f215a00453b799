//! A log to its end, in the words of kubectl logs for what is wrong with it.

use std::time::{Duration, Instant};

use super::granted;
use crate::cluster::gateway::arriving::{Asked, JSON, More, Way, cut, wait};
use crate::cluster::gateway::http::no_answer;
use crate::cluster::gateway::{Gateway, Target, refusal};
use crate::cluster::objects::{Log, why_no_log};
use crate::cluster::pod::listing::PodObject;
use crate::cluster::pod::state;
use crate::failure::Failure;
use crate::process::ANSWER_CAP;
use crate::registry::names::ObjectName;

/// How long a question about what was already said may take.
const PATIENCE: Duration = Duration::from_secs(5);

impl Gateway {
    /// The log of a container so far, or what of it is not older than `since`.
    ///
    /// # Errors
    /// There is none, or it is cut or too large. What kubectl logs would say of it is said in the same words.
    pub fn log(&self, target: Target<'_>, log: Log, since: Option<Duration>, deadline: Instant) -> Result<Vec<u8>, Failure> {
        let log = Log { follow: false, ..log };
        whole(self, target, log, since, deadline).map_err(|failure| Way::explained(self, failure))
    }
}

fn whole(way: &impl Way, target: Target<'_>, log: Log, since: Option<Duration>, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let (mut asked, mut said) = (begun(way, target, log, since, deadline)?, Vec::new());
    loop {
        // The connection may say by its end alone that all has been said.
        asked.status(way)?;
        match asked.more(&mut said)? {
            More::End => return Ok(said),
            More::Cut => return Err(cut()),
            More::Perhaps if said.len() > ANSWER_CAP => return Err(Failure::too_large(ANSWER_CAP)),
            More::Perhaps if Instant::now() >= deadline => return Err(no_answer()),
            More::Perhaps => wait(&[asked.arriving()], deadline)?,
        }
    }
}

/// A log that begins to come: of the container that kubectl takes, when none is said.
///
/// # Errors
/// There is none.
pub(super) fn begun(
    way: &impl Way,
    target: Target<'_>,
    log: Log,
    since: Option<Duration>,
    deadline: Instant,
) -> Result<Asked, Failure> {
    let refused = match granted(way, target, log, since, deadline)? {
        Ok(asked) => return Ok(asked),
        Err(refused) => refused,
    };
    if !refused.wants_container() || target.container.is_some() {
        return Err(why_not(way, target, refusal(&refused)));
    }
    let default = pod(way, target, deadline).and_then(|pod| state::default_container(&pod).parse::<ObjectName>().ok());
    let Some(container) = default else { return Err(refusal(&refused)) };
    let target = Target { container: Some(&container), ..target };
    granted(way, target, log, since, deadline)?.map_err(|refused| why_not(way, target, refusal(&refused)))
}

fn why_not(way: &impl Way, target: Target<'_>, failure: Failure) -> Failure {
    why_no_log(target.pod, target.container, failure, || pod(way, target, Instant::now() + PATIENCE))
}

/// The pod, if it says what it is.
fn pod(way: &impl Way, Target { namespace, pod, .. }: Target<'_>, deadline: Instant) -> Option<PodObject> {
    let mut asked = Asked::of(way, format!("/api/v1/namespaces/{namespace}/pods/{pod}"), JSON, deadline).ok()?;
    loop {
        match asked.whole(way).ok()? {
            Some(answer) => return serde_json::from_slice(&answer.body).ok().filter(|_| answer.status == 200),
            None => wait(&[asked.arriving()], deadline).ok()?,
        }
    }
}
