//! Pods that begin: a worker that has none just now is asked when it has one, and not when its pause is over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::link::Link;
use super::lock::lock;
use super::moment::Moment;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::gateway::watch::pods::{self as watch, Event};
use crate::cluster::login::{self, Manner};
use crate::cluster::pod::listing::PodObject;
use crate::cluster::pod::{Start, state};
use crate::failure::{Failure, Kind};
use crate::process;
use crate::registry::worker::{Place, PodPlace, PodRef};

/// How long a kubectl may take to listen.
const STARTS_WITHIN: Duration = Duration::from_secs(10);
/// How soon it is noticed that nobody wants to hear of them any more.
const AT_A_TIME: Duration = Duration::from_secs(5);

/// Workers that may wait for a pod, by the cluster that it would be in.
#[derive(Default)]
pub struct Pods {
    waiting: Mutex<HashMap<Cluster, Listeners>>,
    watched: Arc<Mutex<HashMap<Cluster, Moment>>>,
}

type Listeners = Arc<Mutex<Vec<Waiting>>>;

/// A worker that may wait for a pod.
struct Waiting {
    place: PodPlace,
    link: Weak<Link>,
    /// The start of which it was told.
    last: Option<Start>,
}

impl Pods {
    /// Tell this worker when a pod begins that may be its own, where there is a gateway to its cluster and no login plugin: in the
    /// background, for as long as the link is there.
    pub fn tell(&self, link: &Arc<Link>, gateways: &Arc<Gateways>) {
        let Place::Pod(place) = &link.worker.place else { return };
        let waiting = Waiting { place: place.clone(), link: Arc::downgrade(link), last: None };
        let cluster = Cluster::of(place);
        let mut all = lock(&self.waiting);
        if let Some(listeners) = all.get(&cluster) {
            let mut listeners = lock(listeners);
            // Somebody listens there as long as he knows of anybody.
            if !listeners.is_empty() {
                listeners.push(waiting);
                return;
            }
        }
        let listeners = Arc::new(Mutex::new(vec![waiting]));
        all.insert(cluster.clone(), listeners.clone());
        let (gateways, watched) = (Arc::clone(gateways), self.watched.clone());
        thread::spawn(move || {
            follow(&cluster, &listeners, &gateways, |since| {
                let mut watched = lock(&watched);
                match since {
                    Some(since) => drop(watched.insert(cluster.clone(), since)),
                    None => drop(watched.remove(&cluster)),
                }
            });
        });
    }

    /// Since when the pods of a cluster are the ones that they are now; `None` when nobody says so.
    pub fn unchanged_since(&self, cluster: &Cluster) -> Option<Moment> {
        lock(&self.watched).get(cluster).copied()
    }
}

/// `note` is told since when the pods are the ones that they are, and when that is not known any more.
fn follow(cluster: &Cluster, listeners: &Listeners, gateways: &Gateways, note: impl Fn(Option<Moment>)) {
    let mut is_known = false;
    // Nobody has asked for what this asks: there must be no login that it could begin.
    let _unasked = login::acting(Manner::Unasked);
    if !login::is_free_of_plugins(cluster) {
        return;
    }
    // There may be one later on, for whoever lasts.
    while gateways.there(cluster, Instant::now() + STARTS_WITHIN).is_none() {
        thread::sleep(AT_A_TIME);
        lock(listeners).retain(|waiting| waiting.link.strong_count() > 0);
        if !gateways.are_lasting() || lock(listeners).is_empty() {
            lock(listeners).clear();
            return;
        }
    }
    let no_way = || Failure::new(Kind::Unreachable, "there is no gateway to the cluster").before_start();
    let open = || gateways.there(cluster, Instant::now() + STARTS_WITHIN).ok_or_else(no_way);
    let Ok(mut pods) = watch::Pods::of(cluster.clone(), open) else { return };
    loop {
        let event = pods.next(Instant::now() + AT_A_TIME);
        let mut listeners = lock(listeners);
        listeners.retain(|waiting| waiting.link.strong_count() > 0);
        if listeners.is_empty() {
            return note(None);
        }
        match event {
            Some(Event::Appeared(pod)) => {
                note(is_known.then(Moment::now));
                tell_all(&mut listeners, &pod);
            }
            Some(Event::Changed(pod)) => tell_all(&mut listeners, &pod),
            Some(Event::Gone { .. }) => note(is_known.then(Moment::now)),
            Some(Event::InSync(_)) if !is_known => {
                is_known = true;
                note(Some(Moment::now()));
            }
            Some(Event::Lost(failure) | Event::Polled(failure)) => {
                is_known = false;
                note(None);
                process::say(|| format!("pods: {failure}"));
            }
            Some(Event::InSync(_)) | None => {}
        }
    }
}

/// There is this pod, as it is now: whoever it may be hears of it.
fn tell_all(listeners: &mut [Waiting], pod: &PodObject) {
    let told = listeners.iter_mut().filter_map(|waiting| waiting.hear(pod).then(|| waiting.link.upgrade()).flatten());
    told.for_each(|link| link.may_be_there());
}

impl Waiting {
    /// There is this pod, as it is now; whether a container has begun in it that may be the worker's.
    fn hear(&mut self, pod: &PodObject) -> bool {
        if !may_be_meant(&self.place.pod, &pod.metadata.name) {
            return false;
        }
        let start = state::start(pod, self.place.container.as_ref()).ok();
        let begins = start.is_some() && start != self.last;
        if begins {
            self.last = start;
        }
        begins
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
        Waiting { place, link: Weak::new(), last: None }
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
        assert!(!waiting.hear(&pod("1", 0, false)));
        assert_eq!(waiting.hear(&pod("1", 0, true)), is_told);
    }

    #[test]
    fn each_start_is_told_once() {
        let mut waiting = waiting(PodRef::Any("w".parse().unwrap()));
        let mut rings = |pod: PodObject| waiting.hear(&pod);
        assert!(rings(pod("1", 0, true)));
        assert!(!rings(pod("1", 0, true)) && !rings(pod("1", 0, false)) && !rings(pod("1", 0, true)));
        assert!(rings(pod("1", 1, true)) && rings(pod("2", 0, true)));
    }
}
