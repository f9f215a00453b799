//! What is known about pods: the last listing of each namespace in this process, and the last answers on disk.
//!
//! However many workers of a namespace are asked at the same time, it is listed once for all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::{Duration, Instant};

use super::listing::Listing;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::failure::Failure;
use crate::registry::names::ObjectName;
use crate::registry::worker::PodRef;
use crate::state::Kept;

/// How long a listing answers first questions: long enough for the last of many workers, shorter than a refresh.
const RECENT: Duration = Duration::from_secs(2);

/// Since when an answer counts as recent: whoever asks by hand wants none from before.
static ANEW: Mutex<Option<Instant>> = Mutex::new(None);

/// From now on the cluster is asked anew.
pub fn ask_anew() {
    *ANEW.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Instant::now());
}

fn is_asked_anew_since(moment: Instant) -> bool {
    ANEW.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).is_some_and(|anew| anew > moment)
}

/// How new a listing must be.
#[derive(Debug, Clone, Copy)]
pub enum Acceptable {
    /// It ended a moment ago.
    Recent,
    /// It ended after this moment, at which an exec began that did not find its pod.
    EndedSince(Instant),
    /// It began after this moment.
    BegunSince(Instant),
}

/// A listing that has ended, well or not.
struct Taken {
    began: Instant,
    ended: Instant,
    result: Result<Arc<Listing>, Failure>,
}

#[derive(Default)]
struct Slot {
    under_way: bool,
    last: Option<Taken>,
}

#[derive(Default)]
struct Listings {
    slots: Mutex<HashMap<Cluster, Slot>>,
    changed: Condvar,
}

fn listings() -> &'static Listings {
    static LISTINGS: OnceLock<Listings> = OnceLock::new();
    LISTINGS.get_or_init(Listings::default)
}

impl Listings {
    fn lock(&self) -> MutexGuard<'_, HashMap<Cluster, Slot>> {
        self.slots.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The namespace's slot when no listing is under way any more; `None` when that takes until the deadline.
    fn settled(&self, cluster: &Cluster, deadline: Instant) -> Option<MutexGuard<'_, HashMap<Cluster, Slot>>> {
        let mut slots = self.lock();
        while slots.get(cluster).is_some_and(|slot| slot.under_way) {
            let left = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())?;
            slots = self.changed.wait_timeout(slots, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
        Some(slots)
    }
}

impl Taken {
    fn is(&self, acceptable: Acceptable) -> bool {
        match acceptable {
            Acceptable::Recent => self.ended.elapsed() < RECENT && !is_asked_anew_since(self.began),
            Acceptable::EndedSince(moment) => self.ended >= moment,
            Acceptable::BegunSince(moment) => self.began >= moment,
        }
    }
}

/// The last listing of the namespace in this process, of any age.
pub fn listed(cluster: &Cluster) -> Option<Arc<Listing>> {
    listings().lock().get(cluster)?.last.as_ref()?.result.as_ref().ok().cloned()
}

/// Whether that ended a moment ago.
pub fn is_recent(cluster: &Cluster) -> bool {
    let slots = listings().lock();
    slots.get(cluster).and_then(|slot| slot.last.as_ref()).is_some_and(|taken| taken.is(Acceptable::Recent))
}

/// A listing of the namespace that is new enough; taken now unless another thread has just done so, or is
/// about to have.
pub fn listing(
    cluster: &Cluster,
    gateways: Option<&Gateways>,
    acceptable: Acceptable,
    deadline: Instant,
) -> Result<Arc<Listing>, Failure> {
    let listings = listings();
    let late = || Failure::no_answer("").before_start();
    let mut slots = listings.settled(cluster, deadline).ok_or_else(late)?;
    let slot = slots.entry(cluster.clone()).or_default();
    if let Some(taken) = slot.last.as_ref().filter(|taken| taken.is(acceptable)) {
        return taken.result.clone();
    }
    slot.under_way = true;
    drop(slots);
    let began = Instant::now();
    // Nothing has been sent to the worker when its listing fails.
    let result = Listing::take(cluster, gateways, deadline);
    let result = result.map(Arc::new).map_err(|failure| cluster.named(failure).before_start());
    let mut slots = listings.lock();
    let taken = Taken { began, ended: Instant::now(), result: result.clone() };
    slots.insert(cluster.clone(), Slot { under_way: false, last: Some(taken) });
    listings.changed.notify_all();
    result
}

/// What is on disk: namespace → what `pod:` says → the pod.
type Answers = BTreeMap<String, BTreeMap<String, ObjectName>>;

fn file() -> Option<Kept<Answers>> {
    Kept::open("pods").ok()
}

/// The pod that was last found for `wanted`, by any process.
pub fn kept(cluster: &Cluster, wanted: &PodRef) -> Option<ObjectName> {
    file()?.read().get(&key(cluster))?.get(&word(wanted)).cloned()
}

/// Keep the answer for later processes, or forget it. Without a place for state each process looks for itself.
pub fn keep(cluster: &Cluster, wanted: &PodRef, found: Option<&ObjectName>) {
    if kept(cluster, wanted).as_ref() == found {
        return;
    }
    let Some(file) = file() else { return };
    let _ = file.update(|answers: &mut Answers| {
        let namespace = answers.entry(key(cluster)).or_default();
        match found {
            Some(pod) => namespace.insert(word(wanted), pod.clone()),
            None => namespace.remove(&word(wanted)),
        };
    });
}

/// What leads to it, as one text.
pub fn name(cluster: &Cluster, wanted: &PodRef) -> String {
    format!("{} {}", key(cluster), word(wanted))
}

/// Where a namespace is, as one text.
pub(super) fn key(cluster: &Cluster) -> String {
    let kubeconfig = match &cluster.kubeconfig {
        Some(path) => path.to_string_lossy().into_owned(),
        None => std::env::var("KUBECONFIG").unwrap_or_default(),
    };
    let context = cluster.context.as_deref().unwrap_or_default();
    let namespace = cluster.namespace.as_ref().map_or("", ObjectName::as_str);
    format!("{kubeconfig} {context} {namespace}")
}

fn word(wanted: &PodRef) -> String {
    match wanted {
        PodRef::Any(name) => name.to_string(),
        PodRef::Pod(name) => format!("pod/{name}"),
        PodRef::Deployment(name) => format!("deploy/{name}"),
        PodRef::StatefulSet(name) => format!("statefulset/{name}"),
    }
}
