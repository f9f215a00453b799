//! What to do about a worker that does not become ready, by the words of the cluster.

use serde_json::Value;

use super::text;
use crate::cluster::refusal;
use crate::failure::{Failure, Kind};

/// Something the cluster says, and what helps.
type Remedy = (&'static str, &'static str);

/// What a pod waits for, which may still come.
const WAITING: &[Remedy] = &[
    ("Multi-Attach", "its volume is still attached to another pod's node; that is let go minutes after that pod is gone"),
    ("PersistentVolumeClaim", "nothing provides its volume: `kubectl get storageclass` has to show a default one"),
    ("Insufficient", "no node has room for it: give less with --cpu and --memory, or add nodes"),
    ("mount volumes", "`kubectl describe pod` says more about its volumes"),
    ("MountVolume", "`kubectl describe pod` says more about its volumes"),
];

fn remedy(said: &str) -> Option<&'static str> {
    WAITING.iter().find(|(words, _)| said.contains(words)).map(|(_, remedy)| *remedy)
}

/// What to do while a pod waits for what the cluster says; `later` once that is done.
pub fn while_waiting(detail: &str, later: &str) -> String {
    match remedy(detail) {
        Some(remedy) => format!("{remedy}; {later}"),
        None => format!("it may still come: {later}"),
    }
}

/// Why there will be no pod: the cluster's rules forbid it.
pub fn cannot_create(owner: &Value) -> Option<Failure> {
    let conditions = owner["status"]["conditions"].as_array()?;
    let failed = conditions.iter().find(|one| one["type"] == "ReplicaFailure" && one["status"] == "True")?;
    let failure = Failure::new(Kind::Failed, format!("the cluster makes no pod: {}", text(&failed["message"])));
    let namespace = text(&owner["metadata"]["namespace"]);
    Some(match refusal::remedy(&failure.reason, &namespace) {
        Some(remedy) => failure.with_remedy(remedy),
        None => failure,
    })
}

/// Why a container that waits for this reason will not start by itself.
pub fn hopeless(reason: &str, message: &str) -> Option<Failure> {
    let remedy = match reason {
        "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
            "check the image's name, and the Secret factory-registry with which the node logs in to the registry"
        }
        "CreateContainerConfigError" if message.contains("secret") => "give the tokens with --from-env FILE",
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => "",
        "CrashLoopBackOff" => "its log says why it ends",
        _ => return None,
    };
    let failure = Failure::new(Kind::Failed, format!("it does not start: {reason}: {message}"));
    Some(if remedy.is_empty() { failure } else { failure.with_remedy(remedy) })
}
