//! What is wrong with this set-up, and the remedy: one check per line, for this machine, each namespace of a cluster that
//! a worker is in, and each worker.

mod check;
mod cluster;
mod files;
mod gateway;
mod hub;
mod machine;
mod parallel;
mod programs;
mod relay;
mod source;
mod worker;

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

pub use check::{Check, Verdict};
use parallel::Job;

use crate::cluster::Cluster;
use crate::registry::Registry;
use crate::registry::worker::{Place, PodPlace, Worker};

/// The checks of one thing.
#[derive(Debug)]
pub struct Section {
    /// What was looked at: `this machine`, `cluster CONTEXT`, a worker's name.
    pub title: String,
    pub checks: Vec<Check>,
}

/// What to look at, and with how much patience.
pub struct Examination {
    /// Where the registry is or would be.
    pub path: PathBuf,
    /// The registry, or why it cannot be read.
    pub registry: anyhow::Result<Registry>,
    pub workers: Vec<Worker>,
    /// Each question to a cluster or worker may take this long.
    pub timeout: Duration,
    pub parallel: NonZeroUsize,
}

/// Look at everything at the same time; the sections come in their order, each as soon as it and those before it are known.
pub fn examine(examination: Examination) -> impl Iterator<Item = Section> {
    let Examination { path, registry, workers, timeout, parallel } = examination;
    let mut jobs: Vec<Job<Section>> = Vec::new();
    let sources = registry.as_ref().map(|registry| registry.sources.clone()).unwrap_or_default();
    let needs_kubectl = !sources.is_empty() || workers.iter().any(|worker| matches!(worker.place, Place::Pod(_)));
    jobs.push(Box::new(move || {
        let mut checks = machine::tmux();
        checks.push(files::registry(&path, &registry));
        checks.extend(registry.iter().flat_map(files::invalid));
        checks.push(files::state());
        checks.extend(registry.iter().map(hub::check));
        if needs_kubectl {
            checks.push(cluster::kubectl(timeout));
        }
        Section { title: "this machine".to_owned(), checks }
    }));
    for source in sources {
        jobs.push(Box::new(move || Section { title: source.to_string(), checks: vec![source::check(&source, timeout)] }));
    }
    for (cluster, places) in clusters(&workers) {
        jobs.push(Box::new(move || {
            let title = format!("cluster {}", cluster::name(&cluster));
            Section { title, checks: cluster::checks(&cluster, &places, timeout) }
        }));
    }
    for worker in workers {
        jobs.push(Box::new(move || {
            let title = format!("{} ({})", worker.name, worker.kind());
            Section { title, checks: worker::checks(&worker, timeout) }
        }));
    }
    parallel::run(jobs, parallel)
}

/// The namespaces that pods are in, each once, in the order of the workers, and what is looked for in them.
fn clusters(workers: &[Worker]) -> Vec<(Cluster, Vec<PodPlace>)> {
    let mut clusters: Vec<(Cluster, Vec<PodPlace>)> = Vec::new();
    for worker in workers {
        let Place::Pod(place) = &worker.place else { continue };
        let cluster = Cluster::of(place);
        match clusters.iter_mut().find(|(known, _)| *known == cluster) {
            Some((_, places)) => places.push(place.clone()),
            None => clusters.push((cluster, vec![place.clone()])),
        }
    }
    clusters
}
