//! Turning what runs in clusters into workers: the sources of `discover:`, each asked with one kubectl process, or through the one
//! that its workers are asked through.

mod ask_all;
mod cache;
mod claims;
mod gascity;
mod names;
mod pods;
mod threads;

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::time::{Duration, Instant};

pub use ask_all::{Finder, News, ask_all};
pub use cache::{key as identity, path as kept};
pub use claims::{Claims, Joining};
use serde::{Deserialize, Serialize};

use crate::cluster::gateway::Gateways;
use crate::cluster::{Cluster, login};
use crate::failure::{Failure, Kind};
use crate::gastown;
use crate::registry::Registry;
use crate::registry::names::ObjectName;
use crate::registry::origin::{Origin, System};
use crate::registry::source::Source;
use crate::registry::worker::{PodRef, Worker};
use crate::remote::session::Answer;
use crate::state::sessions::FRESH_FOR;

/// Something in a cluster that is a worker, before it has a worker's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What its own system calls it; any text.
    pub called: String,
    pub pod: PodRef,
    /// The pod that this means just now.
    pub current: Option<ObjectName>,
    pub origin: Origin,
    /// What the listing says about it, when nobody has to be asked any more.
    pub told: Option<Result<Answer, Failure>>,
}

impl From<gastown::Found> for Finding {
    fn from(found: gastown::Found) -> Self {
        Self {
            called: found.polecat.name.to_string(),
            pod: PodRef::Pod(found.pod),
            current: None,
            origin: Origin::GasTown(Box::new(found.polecat)),
            told: Some(found.told),
        }
    }
}

/// What the source says there is, in an order that does not change: one kubectl process, unless there is a gateway to it.
///
/// # Errors
/// The cluster did not say.
pub fn ask(source: &Source, gateways: Option<&Gateways>, deadline: Instant) -> Result<Vec<Finding>, Failure> {
    let cluster = cluster(source);
    let selector = source.selector.as_deref().unwrap_or_default();
    let mut found = match source.system {
        System::Pods => pods::find(&cluster, gateways, selector, deadline)?,
        System::GasCity => gascity::find(&cluster, gateways, selector, deadline)?,
        System::GasTown => {
            gastown::find(&cluster, gateways, source.stuck_after, deadline)?.into_iter().map(Finding::from).collect()
        }
    };
    found.sort_by(|one, other| (&one.called, &one.pod).cmp(&(&other.called, &other.pod)));
    Ok(found)
}

/// The same among others: the time for the answer begins when it is its turn to ask.
///
/// # Errors
/// As [`ask`]; or nobody gets in.
pub fn ask_in_turn(source: &Source, gateways: Option<&Gateways>, timeout: Duration) -> Result<Vec<Finding>, Failure> {
    let turn = login::turn(&cluster(source), Some(Instant::now() + timeout))?;
    let _held = turn.hold();
    ask(source, gateways, Instant::now() + timeout)
}

/// A worker as its source describes it now, and what the source says about it: of polecats alone, whose pods say little.
///
/// # Errors
/// The source did not answer, or has it no more.
pub fn look_again(registry: &Registry, worker: &Worker, deadline: Instant) -> Result<(Worker, Option<Answer>), Failure> {
    let known = |source: &&Source| cache::workers(source).iter().any(|other| other.name == worker.name);
    let Some(polecat) = worker.polecat() else { return Ok((worker.clone(), None)) };
    let Some(source) = registry.sources.iter().filter(|source| source.system == System::GasTown).find(known) else {
        return Ok((worker.clone(), None));
    };
    let found = ask(source, None, deadline)?.into_iter().find(|found| found.called == polecat.name.as_str());
    let gone = || {
        Failure::new(Kind::Missing, format!("there is no polecat {} any more", polecat.name))
            .with_remedy("`factory-worker polecat list` shows those there are")
    };
    let Finding { pod, origin, told, .. } = found.ok_or_else(gone)?;
    let worker = source.worker(worker.name.clone(), pod, origin);
    Ok((worker, told.transpose()?))
}

/// Whether `name` means this: by what its own system calls it, or by its worker's name.
pub fn is_called(source: &Source, called: &str, name: &str) -> bool {
    let worker = names::plain(&source.prefix, called).or_else(|| names::mapped(&source.prefix, called, 6));
    called == name || worker.is_some_and(|worker| worker.as_str() == name)
}

/// Where a source looks.
pub fn cluster(source: &Source) -> Cluster {
    Cluster { kubeconfig: source.kubeconfig.clone(), context: source.context.clone(), namespace: source.namespace.clone() }
}

/// Whether every source was asked a moment ago.
pub fn is_fresh(registry: &Registry) -> bool {
    registry.sources.iter().all(|source| cache::is_fresh(source, FRESH_FOR))
}

/// Ask a source among others, and keep for later processes what it says.
///
/// # Errors
/// As [`ask_in_turn`].
pub fn renew_one(registry: &Registry, source: &Source, gateways: &Gateways, timeout: Duration) -> Result<Vec<Finding>, Failure> {
    let found = ask_in_turn(source, Some(gateways), timeout)?;
    let mut claims = Claims::of(registry);
    let before = registry.sources.iter().take_while(|other| *other != source);
    before.for_each(|other| drop(claims.join_kept(other)));
    claims.join(source, found.clone());
    Ok(found)
}

/// The registry with what its sources said last.
pub fn recall(registry: &mut Registry) {
    let mut claims = Claims::of(registry);
    for source in &registry.sources {
        registry.workers.extend(claims.join_kept(source));
    }
}

/// The registry with what its sources say now. So many are asked at the same time; those that do not answer are told with their reason.
pub fn renew(registry: &mut Registry, timeout: Duration, parallel: NonZeroUsize) -> Vec<(Source, Failure)> {
    let (sender, receiver) = mpsc::channel();
    let (sources, manner) = (registry.sources.clone(), login::manner());
    threads::each(sources.len(), parallel, move |place| {
        let _acting = login::acting(manner);
        // Who asked waits for all of them.
        let _ = sender.send((place, ask_in_turn(&sources[place], None, timeout)));
    });
    let mut answers: Vec<_> = receiver.into_iter().collect();
    answers.sort_by_key(|(place, _)| *place);
    registry.workers.retain(|worker| worker.origin == Origin::File);
    let mut claims = Claims::of(registry);
    let mut silent = Vec::new();
    for (place, answer) in answers {
        let source = &registry.sources[place];
        match answer {
            Ok(found) => {
                let joined = claims.join(source, found);
                registry.workers.extend(joined.workers.into_iter().map(|joining| joining.worker));
            }
            Err(failure) => {
                registry.workers.extend(claims.join_kept(source));
                silent.push((source.clone(), failure));
            }
        }
    }
    silent
}
