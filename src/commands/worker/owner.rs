//! The Deployment or StatefulSet behind a worker of the registry.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use crate::cluster::Cluster;
use crate::deploy::render;
use crate::deploy::rollout::Rollout;
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::registry::names::ObjectName;
use crate::registry::worker::{Place, PodPlace, PodRef, Worker};

/// The pod that a worker is.
///
/// # Errors
/// It is a directory on this machine.
pub fn place(worker: &Worker) -> Result<&PodPlace, Problem> {
    match &worker.place {
        Place::Pod(place) => Ok(place),
        Place::Local(directory) => {
            let what = format!("worker {} is a directory on this machine, {}, and no pod", worker.name, directory.display());
            Err(Problem::new(Code::Usage, what, "its tmux server is yours to start and to end"))
        }
    }
}

/// What makes a worker's pods.
pub struct Owner {
    /// `deployment/NAME`
    pub target: String,
    pub object: Value,
}

impl Owner {
    /// The owner of a worker's pods; `None` when there is none: the pod is on its own, or nothing is there.
    ///
    /// # Errors
    /// The cluster did not say.
    pub fn find(cluster: &Cluster, pod: &PodRef, timeout: Duration) -> Result<Option<Self>, Failure> {
        let targets = match pod {
            PodRef::Pod(_) => Vec::new(),
            PodRef::Deployment(name) => vec![format!("deployment/{name}")],
            PodRef::StatefulSet(name) => vec![format!("statefulset/{name}")],
            PodRef::Any(name) => vec![format!("deployment/{name}"), format!("statefulset/{name}")],
        };
        for target in targets {
            if let Some(object) = cluster.get(&target, Instant::now() + timeout)? {
                return Ok(Some(Self { target, object }));
            }
        }
        Ok(None)
    }

    /// `NAME` of `deployment/NAME`.
    pub fn name(&self) -> &str {
        self.target.split_once('/').map_or(self.target.as_str(), |(_, name)| name)
    }

    /// Whether `worker add` has made it, or somebody in the same way.
    pub fn is_ours(&self) -> bool {
        render::is_ours(&self.object)
    }

    /// The selector of its pods, `a=b,c=d`.
    pub fn selector(&self) -> String {
        let labels = self.object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
        labels.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default())).collect::<Vec<_>>().join(",")
    }

    /// The container that a worker means: the registry's, else the template's default.
    pub fn container(&self, place: &PodPlace) -> Option<ObjectName> {
        let template = &self.object["spec"]["template"];
        let default = template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str();
        let first = || template["spec"]["containers"][0]["name"].as_str();
        place.container.clone().or_else(|| default.or_else(first)?.parse().ok())
    }

    /// Waiting for its next pod.
    pub fn rollout<'a>(&self, cluster: &'a Cluster, container: ObjectName, patience: Duration, timeout: Duration) -> Rollout<'a> {
        Rollout {
            cluster,
            owner: self.target.clone(),
            selector: self.selector(),
            container,
            says_ready: self.is_ours(),
            old: Vec::new(),
            patience,
            timeout,
            // The same command would end its sessions once more.
            later: "`factory-worker list` shows when it runs; --wait TIME would have waited longer",
        }
    }
}
