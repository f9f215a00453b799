//! Pods by their labels. A Deployment with one pod is one worker, called like the Deployment, however often the pod is replaced; the
//! pods of a Deployment with several are workers each.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use super::Finding;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::pod::listing::{Listing, PodObject};
use crate::deploy::names::LABEL;
use crate::failure::Failure;
use crate::registry::names::ObjectName;
use crate::registry::origin::Origin;
use crate::registry::worker::PodRef;

/// What a ReplicaSet's controller appends to the Deployment's name, and puts on the pods.
const TEMPLATE_HASH: &str = "pod-template-hash";

/// # Errors
/// The cluster did not say.
pub fn find(cluster: &Cluster, gateways: Option<&Gateways>, selector: &str, deadline: Instant) -> Result<Vec<Finding>, Failure> {
    Ok(workers(&Listing::pods(cluster, gateways, selector, deadline)?))
}

fn workers(pods: &[PodObject]) -> Vec<Finding> {
    let mut deployments: BTreeMap<ObjectName, Vec<&PodObject>> = BTreeMap::new();
    let mut found = Vec::new();
    for pod in pods {
        match deployment(pod) {
            Some(name) => deployments.entry(name).or_default().push(pod),
            None => found.extend(of_itself(pod)),
        }
    }
    for (name, pods) in deployments {
        if has_several(&pods) {
            found.extend(pods.into_iter().filter(|pod| is_live(pod)).filter_map(of_itself));
        } else {
            found.push(of_deployment(name, &pods));
        }
    }
    found
}

fn of_itself(pod: &PodObject) -> Option<Finding> {
    let name: ObjectName = pod.metadata.name.parse().ok()?;
    Some(Finding {
        called: name.to_string(),
        pod: PodRef::Pod(name.clone()),
        current: Some(name),
        origin: Origin::Pods,
        told: None,
    })
}

fn of_deployment(name: ObjectName, pods: &[&PodObject]) -> Finding {
    let newest = pods.iter().max_by_key(|pod| (is_live(pod), &pod.metadata.creation_timestamp));
    let labelled = newest.and_then(|pod| pod.metadata.labels.get(LABEL)).cloned();
    Finding {
        called: labelled.unwrap_or_else(|| name.to_string()),
        current: newest.filter(|pod| is_live(pod)).and_then(|pod| pod.metadata.name.parse().ok()),
        pod: PodRef::Deployment(name),
        origin: Origin::Pods,
        told: None,
    }
}

/// The Deployment that owns a pod, by the name of the ReplicaSet in between.
fn deployment(pod: &PodObject) -> Option<ObjectName> {
    let hash = pod.metadata.labels.get(TEMPLATE_HASH)?;
    let owner = pod.metadata.owner_references.iter().find(|owner| owner.controller && owner.kind == "ReplicaSet")?;
    owner.name.strip_suffix(hash.as_str())?.strip_suffix('-')?.parse().ok()
}

/// Whether several pods of one template live: during a rollout there are two as well, but of two templates.
fn has_several(pods: &[&PodObject]) -> bool {
    let mut live: HashMap<Option<&String>, usize> = HashMap::new();
    for pod in pods.iter().filter(|pod| is_live(pod)) {
        *live.entry(pod.metadata.labels.get(TEMPLATE_HASH)).or_default() += 1;
    }
    live.values().any(|&count| count > 1)
}

fn is_live(pod: &PodObject) -> bool {
    pod.metadata.deletion_timestamp.is_none() && !matches!(pod.status.phase.as_str(), "Succeeded" | "Failed")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DEPLOYMENT-HASH` or a pod of its own, with a mark for one that is going.
    fn pod(name: &str, set: Option<(&str, &str)>, going: bool) -> String {
        let owner = set.map_or(String::new(), |(deployment, hash)| {
            format!(
                r#", "labels": {{"pod-template-hash": "{hash}"}},
                "ownerReferences": [{{"kind": "ReplicaSet", "name": "{deployment}-{hash}", "controller": true}}]"#
            )
        });
        let going = if going { r#", "deletionTimestamp": "2026-01-01T00:00:00Z""# } else { "" };
        format!(r#"{{"kind": "Pod", "metadata": {{"name": "{name}"{owner}{going}}}, "status": {{"phase": "Running"}}}}"#)
    }

    fn found(pods: &[String]) -> Vec<(String, String)> {
        let listing = Listing::parse(format!(r#"{{"items": [{}]}}"#, pods.join(",")).as_bytes()).unwrap();
        workers(&listing.pods).into_iter().map(|found| (found.called, found.pod.to_string())).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(one, other)| (one.to_string(), other.to_string())).collect()
    }

    #[test]
    fn a_deployment_with_one_pod_is_one_worker_also_while_that_is_replaced() {
        let old = pod("w-1a-x", Some(("w", "1a")), false);
        let new = pod("w-2b-y", Some(("w", "2b")), false);
        let again = pod("w-1a-z", Some(("w", "1a")), false);
        let going = pod("w-1a-x", Some(("w", "1a")), true);
        for pods in [vec![old.clone()], vec![old.clone(), new], vec![going.clone(), again], vec![going]] {
            assert_eq!(found(&pods), pairs(&[("w", "deployment/w")]));
        }
    }

    #[test]
    fn the_pods_of_a_larger_deployment_and_those_of_nobody_are_workers_each() {
        let pods = [pod("w-1a-x", Some(("w", "1a")), false), pod("w-1a-y", Some(("w", "1a")), false), pod("own", None, false)];
        assert_eq!(found(&pods), pairs(&[("own", "pod/own"), ("w-1a-x", "pod/w-1a-x"), ("w-1a-y", "pod/w-1a-y")]));
    }
}
