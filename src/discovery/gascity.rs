//! Gas City's agents: a pod each, with the tmux session `main` in its container `agent`.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Finding;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::pod::listing::{Listing, PodObject};
use crate::failure::Failure;
use crate::registry::names::ObjectName;
use crate::registry::origin::{Agent, Origin};
use crate::registry::worker::PodRef;

/// The session's name as Gas City has it; labels hold it only as far as labels can.
const NAME: &str = "gc-session-name";
const NAME_LABEL: &str = "gc-session";
const AGENT_LABEL: &str = "gc-agent";
const CONTAINER: &str = "agent";

/// # Errors
/// The cluster did not say.
pub fn find(cluster: &Cluster, gateways: Option<&Gateways>, selector: &str, deadline: Instant) -> Result<Vec<Finding>, Failure> {
    Ok(agents(&Listing::pods(cluster, gateways, selector, deadline)?))
}

/// One for each session: while its pod is replaced there may be two of them.
fn agents(pods: &[PodObject]) -> Vec<Finding> {
    let mut sessions: BTreeMap<&str, &PodObject> = BTreeMap::new();
    for pod in pods {
        let chosen = sessions.entry(session(pod)).or_insert(pod);
        if rank(pod) > rank(chosen) {
            *chosen = pod;
        }
    }
    sessions.into_iter().filter_map(|(session, pod)| agent(session, pod)).collect()
}

fn session(pod: &PodObject) -> &str {
    let said = pod.metadata.annotations.get(NAME).or_else(|| pod.metadata.labels.get(NAME_LABEL));
    said.map(String::as_str).filter(|name| !name.is_empty()).unwrap_or(&pod.metadata.name)
}

fn rank(pod: &PodObject) -> (bool, bool, &str) {
    let stays = pod.metadata.deletion_timestamp.is_none();
    (stays, pod.status.phase == "Running", pod.metadata.creation_timestamp.as_str())
}

fn agent(session: &str, pod: &PodObject) -> Option<Finding> {
    let name: ObjectName = pod.metadata.name.parse().ok()?;
    let agent = variable(pod, "GC_AGENT").or_else(|| pod.metadata.labels.get(AGENT_LABEL).cloned());
    // In the pod every city is /workspace; mail is where the script and the native provider leave its real place.
    let city = variable(pod, "GC_MCP_MAIL_PROJECT").or_else(|| variable(pod, "GC_CITY"));
    Some(Finding {
        called: session.to_owned(),
        pod: PodRef::Pod(name.clone()),
        current: Some(name),
        origin: Origin::GasCity(Agent { session: session.to_owned(), agent, city }),
        told: None,
    })
}

fn variable(pod: &PodObject, name: &str) -> Option<String> {
    let container = pod.spec.containers.iter().find(|container| container.name == CONTAINER)?;
    let found = container.env.iter().find(|variable| variable.name == name)?;
    Some(found.value.clone()).filter(|value| !value.is_empty())
}
