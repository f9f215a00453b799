//! The containers of a pod, for a worker that names none: which of them kubectl takes, and which there are besides.
//!
//! A pod's containers never change, so what was heard is kept for a while; not for ever, since a pod of a StatefulSet has the name of
//! the one before it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::listing::PodObject;
use super::{resolution, state};
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::resource::PODS;
use crate::registry::names::ObjectName;
use crate::state::Kept;

/// How long what a pod consists of is believed.
const FRESH_FOR: Duration = Duration::from_secs(600);

/// Which container of a pod is asked when none is named, and the others that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Containers {
    pub default: ObjectName,
    pub others: Vec<ObjectName>,
}

/// Of one pod, and since when (seconds since the epoch).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Heard {
    at: u64,
    containers: Containers,
}

/// What is on disk: where it is and what it is called → what it consists of.
type Answers = BTreeMap<String, Heard>;

impl Containers {
    /// `None` for a pod that makes no sense.
    fn of(pod: &PodObject) -> Option<Self> {
        let default: ObjectName = state::default_container(pod).parse().ok()?;
        let others = state::running(pod).filter_map(|name| name.parse().ok()).filter(|name| *name != default);
        Some(Self { others: others.collect(), default })
    }
}

/// Keep what a listing has just shown of this pod, unless that is known.
pub fn note(cluster: &Cluster, pod: &PodObject) {
    if kept(cluster, &pod.metadata.name).is_none_or(|known| Some(known) != Containers::of(pod)) {
        keep(cluster, pod);
    }
}

/// The containers of this pod: as they were kept, else as the API server says. `None` when it does not.
pub fn of(cluster: &Cluster, gateways: Option<&Gateways>, pod: &ObjectName, deadline: Instant) -> Option<Containers> {
    // Whoever found the pod in a listing that another worker has asked for has kept nothing yet.
    let listing = resolution::listed(cluster);
    if let Some(listed) = listing.iter().flat_map(|listing| &listing.pods).find(|listed| listed.metadata.name == pod.as_str()) {
        note(cluster, listed);
        return Containers::of(listed);
    }
    if let Some(known) = kept(cluster, pod.as_str()) {
        return Some(known);
    }
    let object = match gateways {
        Some(gateways) => gateways.object(cluster, &PODS, pod, deadline),
        None => cluster.get(&PODS.target(pod), deadline),
    };
    let object = object.ok()??;
    let object: PodObject = serde_json::from_value(object).ok()?;
    keep(cluster, &object)
}

fn file() -> Option<Kept<Answers>> {
    Kept::open("containers").ok()
}

fn key(cluster: &Cluster, pod: &str) -> String {
    format!("{} {pod}", resolution::key(cluster))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn is_fresh(heard: &Heard, now: u64) -> bool {
    heard.at <= now && now - heard.at < FRESH_FOR.as_secs()
}

fn kept(cluster: &Cluster, pod: &str) -> Option<Containers> {
    let heard = file()?.read().remove(&key(cluster, pod))?;
    is_fresh(&heard, now()).then_some(heard.containers)
}

fn keep(cluster: &Cluster, pod: &PodObject) -> Option<Containers> {
    let containers = Containers::of(pod)?;
    if let Some(file) = file() {
        let key = key(cluster, &pod.metadata.name);
        let _ = file.update(|answers: &mut Answers| {
            // When it is our turn: what others have kept meanwhile is not from the future.
            let now = now();
            answers.retain(|_, heard| is_fresh(heard, now));
            answers.insert(key, Heard { at: now, containers: containers.clone() });
        });
    }
    Some(containers)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_others_are_those_that_run_besides_the_one_that_is_taken() {
        let running = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
        let pod = json!({
            "metadata": {"name": "w", "annotations": {"kubectl.kubernetes.io/default-container": "web"}},
            "spec": {
                "containers": [{"name": "agent"}, {"name": "web"}, {"name": "broken"}],
                "initContainers": [{"name": "setup"}, {"name": "proxy"}],
                "ephemeralContainers": [{"name": "debugger"}],
            },
            "status": {
                "containerStatuses": [
                    {"name": "agent", "state": running}, {"name": "web", "state": running},
                    {"name": "broken", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
                "initContainerStatuses": [
                    {"name": "setup", "state": {"terminated": {"exitCode": 0}}}, {"name": "proxy", "state": running}],
                "ephemeralContainerStatuses": [{"name": "debugger", "state": running}],
            },
        });
        let containers = Containers::of(&serde_json::from_value(pod).unwrap()).unwrap();
        let others: Vec<_> = containers.others.iter().map(ObjectName::as_str).collect();
        assert_eq!((containers.default.as_str(), &others[..]), ("web", &["agent", "proxy", "debugger"][..]));
    }

    #[test]
    fn what_was_heard_is_not_believed_for_ever() {
        let containers = Containers { default: "web".parse().unwrap(), others: Vec::new() };
        let heard = Heard { at: 1000, containers };
        assert!(is_fresh(&heard, 1000) && is_fresh(&heard, 1599));
        assert!(!is_fresh(&heard, 1600) && !is_fresh(&heard, 999), "a clock that was set back is no reason to believe it");
    }
}
