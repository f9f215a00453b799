//! Pods that begin: a worker that has none just now is asked when it has one, and not when its pause is over.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::gateway::watch::pods::{Event, Pods};
use crate::cluster::login;
use crate::cluster::pod::listing::PodObject;
use crate::cluster::pod::{Start, state};
use crate::failure::{Failure, Kind};
use crate::process;
use crate::registry::worker::{Place, PodPlace, PodRef, Worker};

/// How long a kubectl may take to listen.
const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// How long one question for the next event lasts: it makes no difference.
const LONG: Duration = Duration::from_secs(3600);

/// Wakes whoever pauses before he asks one worker again.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    fn ring(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    /// Wait for so long, or until it rings; that it has rung since the last pause ends this one.
    pub fn rest(&self, time: Duration) {
        let waited = self.changed.wait_timeout_while(self.lock(), time, |rung| !*rung);
        *waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0 = false;
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.rung.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A worker that may wait for a pod.
struct Waiting {
    place: PodPlace,
    bell: Arc<Bell>,
    /// The start of which it was told.
    last: Option<Start>,
}

/// Ring for each of these workers when a pod begins that may be its own, where there is a gateway to its cluster and no login
/// plugin: in the background, for as long as this process lives.
pub fn listen<'a>(workers: impl IntoIterator<Item = (&'a Worker, Arc<Bell>)>, gateways: &Arc<Gateways>) {
    let mut waiting: HashMap<Cluster, Vec<Waiting>> = HashMap::new();
    for (worker, bell) in workers {
        if let Place::Pod(place) = &worker.place {
            waiting.entry(Cluster::of(place)).or_default().push(Waiting { place: place.clone(), bell, last: None });
        }
    }
    for (cluster, waiting) in waiting {
        let gateways = Arc::clone(gateways);
        thread::spawn(move || follow(&cluster, waiting, &gateways));
    }
}

fn follow(cluster: &Cluster, mut waiting: Vec<Waiting>, gateways: &Gateways) {
    // Nobody has asked for what this asks later on: there must be no login that it could begin.
    if !login::is_free_of_plugins(cluster) || gateways.there(cluster, Instant::now() + STARTS_WITHIN).is_none() {
        return;
    }
    let no_way = || Failure::new(Kind::Unreachable, "there is no gateway to the cluster").before_start();
    let open = || gateways.there(cluster, Instant::now() + STARTS_WITHIN).ok_or_else(no_way);
    let Ok(mut pods) = Pods::of(cluster.clone(), open) else { return };
    loop {
        match pods.next(Instant::now() + LONG) {
            Some(Event::Appeared(pod) | Event::Changed(pod)) => waiting.iter_mut().for_each(|waiting| waiting.hear(&pod)),
            Some(Event::Lost(failure) | Event::Polled(failure)) => process::say(|| format!("pods: {failure}")),
            Some(Event::Gone { .. } | Event::InSync(_)) | None => {}
        }
    }
}

impl Waiting {
    /// There is this pod, as it is now.
    fn hear(&mut self, pod: &PodObject) {
        if !may_be_meant(&self.place.pod, &pod.metadata.name) {
            return;
        }
        let start = state::start(pod, self.place.container.as_ref()).ok();
        if start.is_some() && start != self.last {
            self.last = start;
            self.bell.ring();
        }
    }
}

/// Whether a pod of this name may be the one: those of a Deployment or StatefulSet are called like it, with something behind.
fn may_be_meant(wanted: &PodRef, pod: &str) -> bool {
    let owned = |owner: &str| pod.strip_prefix(owner).is_some_and(|rest| rest.starts_with('-'));
    match wanted {
        PodRef::Pod(name) => pod == name.as_str(),
        PodRef::Any(name) => pod == name.as_str() || owned(name.as_str()),
        PodRef::Deployment(name) | PodRef::StatefulSet(name) => owned(name.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn waiting(pod: PodRef) -> Waiting {
        let place = PodPlace { pod, namespace: None, context: None, container: None, kubeconfig: None };
        Waiting { place, bell: Arc::default(), last: None }
    }

    /// A pod of the Deployment `w`, whose container was started again so often.
    fn pod(uid: &str, restarts: u64, runs: bool) -> PodObject {
        let state = if runs { json!({ "running": {} }) } else { json!({ "waiting": { "reason": "ContainerCreating" } }) };
        let status = json!({ "containerStatuses": [{ "name": "c", "restartCount": restarts, "state": state }] });
        let metadata = json!({ "name": "w-6d4b7-x2x9z", "uid": uid });
        serde_json::from_value(json!({ "metadata": metadata, "spec": { "containers": [{ "name": "c" }] }, "status": status }))
            .unwrap()
    }

    #[rstest]
    #[case(PodRef::Any("w".parse().unwrap()), true)]
    #[case(PodRef::Deployment("w".parse().unwrap()), true)]
    #[case(PodRef::StatefulSet("w-6d4b7".parse().unwrap()), true)]
    #[case(PodRef::Pod("w-6d4b7-x2x9z".parse().unwrap()), true)]
    #[case(PodRef::Any("w-6d4b7-x2x9z".parse().unwrap()), true)]
    #[case(PodRef::Pod("w".parse().unwrap()), false)]
    #[case(PodRef::Any("w-6".parse().unwrap()), false)]
    #[case(PodRef::Deployment("w-6d4b7-x2x9z".parse().unwrap()), false)]
    fn who_may_mean_a_pod_is_told_when_it_begins(#[case] wanted: PodRef, #[case] is_told: bool) {
        let mut waiting = waiting(wanted);
        waiting.hear(&pod("1", 0, false));
        assert!(!*waiting.bell.lock());
        waiting.hear(&pod("1", 0, true));
        assert_eq!(*waiting.bell.lock(), is_told);
    }

    #[test]
    fn each_start_rings_once() {
        let mut waiting = waiting(PodRef::Any("w".parse().unwrap()));
        let mut rings = |pod: PodObject| {
            waiting.hear(&pod);
            std::mem::take(&mut *waiting.bell.lock())
        };
        assert!(rings(pod("1", 0, true)));
        assert!(!rings(pod("1", 0, true)) && !rings(pod("1", 0, false)) && !rings(pod("1", 0, true)));
        assert!(rings(pod("1", 1, true)) && rings(pod("2", 0, true)));
    }

    #[test]
    fn a_bell_ends_a_pause_and_only_one() {
        let bell = Arc::<Bell>::default();
        bell.ring();
        bell.rest(Duration::from_secs(600));
        let began = Instant::now();
        bell.rest(Duration::from_millis(50));
        assert!(began.elapsed() >= Duration::from_millis(50));
        let other = bell.clone();
        let rings = thread::spawn(move || other.ring());
        bell.rest(Duration::from_secs(600));
        rings.join().unwrap();
    }
}
