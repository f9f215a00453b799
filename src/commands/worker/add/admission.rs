//! Whether the cluster will take the pod of a Deployment. A Deployment it takes in any case, and the pod of before has gone when
//! the next one turns out to be forbidden.

use anyhow::Result;
use serde_json::{Value, json};

use super::namespace::Namespace;
use crate::cluster::objects::Change;
use crate::cluster::{Cluster, refusal};
use crate::commands::Context;
use crate::failure::{Failure, Kind};

/// Ask for the pod without making it; who may not make pods is told by the level of the namespace. `replaces` says that there
/// is a pod now, whose share of a quota the next one gets.
///
/// # Errors
/// The cluster refuses it.
pub fn check(context: &Context, cluster: &Cluster, namespace: &Namespace, deployment: &Value, replaces: bool) -> Result<()> {
    match cluster.create(&pod(deployment), Change::DryRun, context.deadline()) {
        Ok(_) => Ok(()),
        Err(failure) if failure.kind == Kind::Forbidden => by_level(cluster, namespace, deployment),
        Err(failure) if replaces && failure.reason.contains("exceeded quota") => Ok(()),
        Err(failure) if refusal::is_of_rehearsals(&failure) => by_level(cluster, namespace, deployment),
        // A namespace that was made a moment ago.
        Err(failure) if failure.reason.contains("service account") => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// The pod that would be made. Its own ServiceAccount may not be there yet.
fn pod(deployment: &Value) -> Value {
    let template = &deployment["spec"]["template"];
    let mut pod = json!({ "apiVersion": "v1", "kind": "Pod", "spec": template["spec"] });
    let name = deployment["metadata"]["name"].as_str().unwrap_or_default();
    pod["metadata"] = json!({ "name": format!("{name}-rehearsal"), "labels": template["metadata"]["labels"] });
    if let Some(spec) = pod["spec"].as_object_mut() {
        spec.remove("serviceAccountName");
        spec.remove("serviceAccount");
    }
    pod
}

fn by_level(cluster: &Cluster, namespace: &Namespace, deployment: &Value) -> Result<()> {
    let containers = deployment["spec"]["template"]["spec"]["containers"].as_array();
    let privileged = containers.into_iter().flatten().any(|container| container["securityContext"]["privileged"] == true);
    if !(privileged && namespace.forbids_privileges()) {
        return Ok(());
    }
    let name = cluster.namespace.as_ref().map_or("default", |name| name.as_str());
    let what = format!("the cluster would make no pod: namespace {name} forbids privileged pods, which violates PodSecurity");
    let remedy = refusal::remedy(&what, name).unwrap_or_default();
    Err(cluster.named(Failure::new(Kind::Failed, what).with_remedy(remedy)).into())
}
