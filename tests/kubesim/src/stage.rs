//! Where a pod is in its life, as its status tells it.

use serde_json::{Value, json};

use crate::store::now;

/// A stage of a pod's life. `Terminating` is none of them: it is a mark on a pod of any stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Stage {
    /// No node has room for it.
    Pending,
    /// No node can have it: nothing provides the volume of its claim.
    VolumeUnbound,
    /// Its node waits for its volume, which another node still has.
    VolumeElsewhere,
    /// Its node makes its containers.
    ContainerCreating,
    /// Its node has just failed to get its image.
    ErrImagePull,
    /// Its node cannot get its image.
    ImagePullBackOff,
    /// A Secret that it takes its environment from is not there.
    CreateContainerConfigError,
    /// Running, and its startup probe has not succeeded yet.
    Starting,
    #[default]
    Running,
    /// Running, but not ready for work.
    NotReady,
    /// Its container ends again and again.
    CrashLoopBackOff,
    /// Its container ended, with status 0.
    Completed,
    /// Its container ended, with another status.
    Failed,
    /// An init container ended, with another status, and none is begun any more.
    InitFailed,
}

impl Stage {
    /// Whether its containers run.
    pub fn runs(self) -> bool {
        matches!(self, Self::Running | Self::NotReady | Self::Starting)
    }

    /// Whether a node was chosen for it.
    pub fn has_node(self) -> bool {
        !matches!(self, Self::Pending | Self::VolumeUnbound)
    }

    /// Why no node was chosen.
    pub fn unschedulable(self) -> &'static str {
        match self {
            Self::VolumeUnbound => "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
            _ => "0/1 nodes are available: 1 Insufficient memory.",
        }
    }

    fn phase(self) -> &'static str {
        match self {
            Self::Pending
            | Self::VolumeUnbound
            | Self::VolumeElsewhere
            | Self::ContainerCreating
            | Self::ErrImagePull
            | Self::ImagePullBackOff
            | Self::CreateContainerConfigError => "Pending",
            Self::Running | Self::Starting | Self::NotReady | Self::CrashLoopBackOff => "Running",
            Self::Completed => "Succeeded",
            Self::Failed | Self::InitFailed => "Failed",
        }
    }

    /// The `status` of a pod with these containers.
    pub fn status(self, spec: &Value, pod: &str) -> Value {
        let now = now();
        let mut conditions = vec![condition("PodScheduled", self.has_node(), &now)];
        if !self.has_node() {
            conditions[0]["reason"] = json!("Unschedulable");
            conditions[0]["message"] = json!(self.unschedulable());
            return json!({ "phase": "Pending", "conditions": conditions, "qosClass": "BestEffort" });
        }
        let ready = self == Self::Running;
        conditions.extend(["Initialized", "Ready", "ContainersReady"].map(|kind| {
            let good = ready || kind == "Initialized" && self != Self::InitFailed;
            condition(kind, good, &now)
        }));
        let containers = spec["containers"].as_array().into_iter().flatten();
        // The first container that is begun is the one whose image is wanted.
        let first = spec.pointer("/initContainers/0").filter(|_| matches!(self, Self::ErrImagePull | Self::ImagePullBackOff));
        let others = if first.is_some() { Self::InitFailed } else { self };
        let statuses = containers.map(|container| others.container_status(container, pod, &now)).collect::<Vec<_>>();
        let mut status = json!({
            "phase": self.phase(),
            "conditions": conditions,
            "hostIP": "127.0.0.1",
            "podIP": "127.0.0.1",
            "startTime": now,
            "containerStatuses": statuses,
            "qosClass": "BestEffort",
        });
        if let Some(first) = first {
            status["initContainerStatuses"] = json!([self.container_status(first, pod, &now)]);
        }
        status
    }

    fn container_status(self, container: &Value, pod: &str, now: &str) -> Value {
        let name = container["name"].as_str().unwrap_or_default();
        let image = container["image"].as_str().unwrap_or_default();
        let ended = |code: i32, reason: &str| json!({ "terminated": { "exitCode": code, "reason": reason, "startedAt": now, "finishedAt": now } });
        let (state, last, restarts) = match self {
            Self::Pending | Self::VolumeUnbound | Self::VolumeElsewhere | Self::ContainerCreating => {
                (waiting("ContainerCreating", ""), json!({}), 0)
            }
            Self::ErrImagePull => (waiting("ErrImagePull", &cannot_pull(image)), json!({}), 0),
            Self::InitFailed => (waiting("PodInitializing", ""), json!({}), 0),
            Self::ImagePullBackOff => (waiting("ImagePullBackOff", &format!("Back-off pulling image \"{image}\"")), json!({}), 0),
            Self::CreateContainerConfigError => {
                let secret = container.pointer("/envFrom/0/secretRef/name").and_then(Value::as_str).unwrap_or_default();
                (waiting("CreateContainerConfigError", &format!("secret \"{secret}\" not found")), json!({}), 0)
            }
            Self::Running | Self::Starting | Self::NotReady => (json!({ "running": { "startedAt": now } }), json!({}), 0),
            Self::CrashLoopBackOff => {
                let why = format!("back-off 5m0s restarting failed container={name} pod={pod}");
                (waiting("CrashLoopBackOff", &why), ended(1, "Error"), 7)
            }
            Self::Completed => (ended(0, "Completed"), json!({}), 0),
            Self::Failed => (ended(1, "Error"), json!({}), 0),
        };
        json!({
            "name": name,
            "image": image,
            "imageID": format!("sha256:{image}"),
            "containerID": format!("containerd://{pod}-{name}"),
            "ready": self == Self::Running,
            "started": self.runs() && self != Self::Starting,
            "restartCount": restarts,
            "state": state,
            "lastState": last,
        })
    }
}

/// What containerd says of an image that its registry does not have.
pub fn cannot_pull(image: &str) -> String {
    format!("failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found")
}

fn waiting(reason: &str, message: &str) -> Value {
    match message {
        "" => json!({ "waiting": { "reason": reason } }),
        message => json!({ "waiting": { "reason": reason, "message": message } }),
    }
}

fn condition(kind: &str, good: bool, now: &str) -> Value {
    json!({ "type": kind, "status": if good { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": now })
}

/// Whether a pod's status says that it is ready for work.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.filter(|condition| condition["type"] == "Ready").any(|condition| condition["status"] == "True")
}
