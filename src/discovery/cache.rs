//! What the sources said last, for commands that name a worker and need not ask: kept on disk, 0600.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::registry::names::{ObjectName, WorkerName};
use crate::registry::origin::Origin;
use crate::registry::source::Source;
use crate::registry::worker::{Place, PodRef, Worker};
use crate::state::{self, Kept};

/// A source that was not asked for this long is none of ours any more.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Source → what it said.
type Answers = BTreeMap<String, Said>;

#[derive(Debug, Default, Serialize, Deserialize)]
struct Said {
    /// Milliseconds since the epoch.
    asked: u64,
    workers: Vec<Entry>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    name: WorkerName,
    pod: PodRef,
    origin: Origin,
}

fn file() -> Option<Kept<Answers>> {
    Kept::open("discovered").ok()
}

/// Where it is kept.
pub fn path() -> Option<PathBuf> {
    Some(state::directory().ok()?.join("discovered.json"))
}

/// The workers that the source had when it was asked last.
pub fn workers(source: &Source) -> Vec<Worker> {
    let said = file().and_then(|file| file.read().remove(&key(source))).unwrap_or_default();
    said.workers.into_iter().map(|entry| source.worker(entry.name, entry.pod, entry.origin)).collect()
}

/// Whether the source was asked less than `age` ago.
pub fn is_fresh(source: &Source, age: Duration) -> bool {
    let asked = file().and_then(|file| file.read().remove(&key(source))).map(|said| said.asked);
    asked.and_then(|asked| now().checked_sub(asked)).is_some_and(|since| Duration::from_millis(since) < age)
}

/// Keep what it said. Without a place for state each process asks for itself.
pub fn keep<'a>(source: &Source, workers: impl Iterator<Item = &'a Worker>) {
    let entry = |worker: &Worker| match &worker.place {
        Place::Pod(place) => Some(Entry { name: worker.name.clone(), pod: place.pod.clone(), origin: worker.origin.clone() }),
        Place::Local(_) => None,
    };
    let said = Said { asked: now(), workers: workers.filter_map(entry).collect() };
    let oldest = now().saturating_sub(FORGET_AFTER.as_millis() as u64);
    let _ = file().map(|file| {
        file.update(|answers| {
            answers.retain(|_, said| said.asked >= oldest);
            answers.insert(key(source), said);
        })
    });
}

/// Everything that decides about what the source finds.
pub fn key(source: &Source) -> String {
    let kubeconfig = match &source.kubeconfig {
        Some(path) => path.to_string_lossy().into_owned(),
        None => std::env::var("KUBECONFIG").unwrap_or_default(),
    };
    let context = source.context.as_deref().unwrap_or_default();
    let namespace = source.namespace.as_ref().map_or("", ObjectName::as_str);
    let (system, prefix) = (source.system.word(), source.prefix.as_str());
    let selector = source.selector.as_deref().unwrap_or_default();
    [system, &kubeconfig, context, namespace, prefix, selector].join(" ")
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
