//! Gas Town's polecats: agents that run once, to their end, each a custom resource and a pod of its own.
//!
//! Their operator's word for how one is doing cannot be used: the pod has a second container that never ends, so a polecat
//! that is done is `Working` until its deadline, and then `Stuck`. What happened to the container `claude` is the truth.

mod listing;
pub mod resource;
pub mod state;

use std::time::{Duration, Instant, SystemTime};

pub use listing::unknown;
use listing::{Listing, Object};

use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::pod::listing::PodObject;
use crate::failure::Failure;
use crate::registry::names::ObjectName;
use crate::registry::origin::{Polecat, Reads};
use crate::remote::session::Answer;

/// The image that the operator runs polecats in unless it is told otherwise. There is no tmux in it.
const STOCK_IMAGE: &str = "ghcr.io/boshu2/polecat-agent";

/// A polecat as its cluster has just described it.
#[derive(Debug)]
pub struct Found {
    pub polecat: Polecat,
    /// What its pod is called, or will be.
    pub pod: ObjectName,
    /// Tells it from another pod of its name; `None` while there is none.
    pub uid: Option<String>,
    pub told: Result<Answer, Failure>,
}

/// The polecats of a namespace with what is known of each, from one kubectl process, or through a gateway to it.
///
/// # Errors
/// The cluster did not say, or knows no polecats.
pub fn find(
    cluster: &Cluster,
    gateways: Option<&Gateways>,
    stuck_after: Duration,
    deadline: Instant,
) -> Result<Vec<Found>, Failure> {
    let listing = Listing::take(cluster, gateways, deadline)?;
    let now = SystemTime::now();
    let found = |object: &Object| {
        let pod = listing.pod_of(object);
        let told = match (&listing.pods_hidden, pod) {
            (Some(failure), None) => Err(failure.clone()),
            _ => state::of(object, pod, stuck_after, now).map_err(|failure| cluster.named(failure)),
        };
        let uid = pod.map(|pod| pod.metadata.uid.clone());
        Some(Found { polecat: polecat(object, pod)?, pod: listing.pod_name(object)?, uid, told })
    };
    Ok(listing.polecats.iter().filter_map(found).collect())
}

/// What the operator and the pod say of a polecat; `None` when it has no name that is one.
fn polecat(object: &Object, pod: Option<&PodObject>) -> Option<Polecat> {
    let (name, spec) = (&object.metadata.name, &object.spec);
    let bead = Some(spec.bead_id.clone()).filter(|bead| !bead.is_empty());
    let named = Some(spec.kubernetes.work_branch.clone()).filter(|branch| !branch.is_empty());
    // As the operator's own pod builder decides; it never fills in `status.branch`.
    let branch =
        named.or_else(|| bead.as_ref().map(|bead| format!("feature/{bead}"))).unwrap_or_else(|| format!("polecat/{name}"));
    Some(Polecat {
        name: name.parse::<ObjectName>().ok()?,
        rig: spec.rig.clone(),
        bead,
        phase: Some(object.status.phase.clone()).filter(|phase| !phase.is_empty()),
        branch,
        deadline: pod.and_then(state::deadline).map(|time| humantime::format_rfc3339_seconds(time).to_string()),
        reads: reads(pod),
    })
}

/// Only in a container that runs, and whose image is not known to have none, can there be a tmux.
fn reads(pod: Option<&PodObject>) -> Reads {
    let Some(pod) = pod.filter(|pod| state::is_running(pod)) else { return Reads::Log };
    let container = pod.spec.containers.iter().find(|container| container.name == Polecat::CONTAINER);
    match container {
        Some(container) if container.image.trim_start_matches(STOCK_IMAGE).starts_with([':', '@']) => Reads::Log,
        Some(container) if container.image == STOCK_IMAGE => Reads::Log,
        Some(_) => Reads::PerhapsTmux,
        None => Reads::Log,
    }
}
