//! Where a worker is, or is to be: by the command line, else by the registry, else by kubectl.

use std::path::{Path, absolute};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::options;
use crate::cluster::Cluster;
use crate::commands::Context;
use crate::deploy::names::Names;
use crate::registry::Registry;
use crate::registry::edit::{self, Entry};
use crate::registry::names::WorkerName;
use crate::registry::worker::{Place, PodPlace, PodRef, Worker};

/// What the command line says about it.
#[derive(Debug, Clone, Copy)]
pub struct Where<'a> {
    pub namespace: Option<&'a str>,
    pub context: Option<&'a str>,
    pub kubeconfig: Option<&'a Path>,
}

impl Where<'_> {
    pub fn says_nothing(&self) -> bool {
        self.namespace.is_none() && self.context.is_none() && self.kubeconfig.is_none()
    }
}

/// Where all of these workers are, or will be.
///
/// # Errors
/// What the command line says is none; the registry is malformed.
pub fn cluster(context: &Context, registry: &Registry, at: Where<'_>, named: &[(WorkerName, Names)]) -> Result<Cluster> {
    let there = named.iter().find_map(|(name, names)| registered(registry, name, names));
    let kubeconfig = at.kubeconfig.map(absolute).transpose().context("cannot make --kubeconfig absolute")?;
    let Some((_, names)) = named.first() else { anyhow::bail!("no worker is named") };
    // What the defaults say about a worker of a name that nobody has.
    let entry = Entry {
        name: unused(registry)?,
        pod: names.deployment.clone(),
        namespace: options::namespace(at.namespace)?.or(there.and_then(|place| place.namespace.clone())),
        context: options::context(at.context)?.or(there.and_then(|place| place.context.clone())),
        kubeconfig: kubeconfig.or(there.and_then(|place| place.kubeconfig.clone())),
    };
    let Worker { place: Place::Pod(place), .. } = edit::planned(&registry.path, &entry)? else {
        anyhow::bail!("a worker on Kubernetes cannot be a directory");
    };
    let mut cluster = Cluster::of(&place);
    if cluster.namespace.is_none() {
        cluster.namespace = Some(options::default_namespace()?);
    }
    if cluster.context.is_none() {
        // Written down, so that the worker is still found when kubectl's current context is another one.
        cluster.context = current_context(context, &cluster);
    }
    Ok(cluster)
}

/// A name that no entry has.
fn unused(registry: &Registry) -> Result<WorkerName> {
    let is_free = |name: &WorkerName| registry.find(name).is_none() && registry.find_invalid(name).is_none();
    let names = (0..).filter_map(|number| format!("new-{number}").parse().ok());
    names.into_iter().find(is_free).context("every name is taken")
}

/// What is written into the registry about a worker.
pub fn entry(name: &WorkerName, names: &Names, cluster: &Cluster) -> Entry {
    Entry {
        name: name.clone(),
        pod: names.deployment.clone(),
        namespace: cluster.namespace.clone(),
        context: cluster.context.clone(),
        kubeconfig: cluster.kubeconfig.clone(),
    }
}

/// The worker that would be registered as this, to be asked something; whether it is registered makes no difference.
///
/// # Errors
/// The registry is malformed.
pub fn worker(registry: &Registry, name: &WorkerName, names: &Names, cluster: &Cluster) -> Result<Worker> {
    let Some(other) = registry.find(name) else {
        // An entry that cannot be used may have the name.
        let as_if = Entry { name: unused(registry)?, ..entry(name, names, cluster) };
        return Ok(Worker { name: name.clone(), ..edit::planned(&registry.path, &as_if)? });
    };
    let place = PodPlace {
        pod: PodRef::Deployment(names.deployment.clone()),
        namespace: cluster.namespace.clone(),
        context: cluster.context.clone(),
        container: None,
        kubeconfig: cluster.kubeconfig.clone(),
    };
    Ok(Worker { place: Place::Pod(place), ..other.clone() })
}

/// Whether a registered worker is the one that would be made. What it leaves to kubectl may be so.
pub fn is_there(worker: &Worker, names: &Names, cluster: &Cluster) -> bool {
    let Place::Pod(place) = &worker.place else { return false };
    let same_context = place.context.is_none() || place.context == cluster.context;
    Names::registered(&place.pod).as_ref() == Some(names) && place.namespace == cluster.namespace && same_context
}

/// Where a worker is that is registered as we would register it.
fn registered<'a>(registry: &'a Registry, name: &WorkerName, names: &Names) -> Option<&'a PodPlace> {
    match &registry.find(name)?.place {
        Place::Pod(place) if Names::registered(&place.pod).as_ref() == Some(names) => Some(place),
        _ => None,
    }
}

fn current_context(context: &Context, cluster: &Cluster) -> Option<String> {
    let config: Value = serde_json::from_slice(&cluster.config(context.deadline()).ok()?).ok()?;
    config["current-context"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}
