//! The pod of a session, as Gas City's script makes it.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::agent::{MARK, NAME, START};
use super::environment::{self, setting};
use super::payload::{Payload, WORKSPACE};
use super::{SESSION, names};
use crate::registry::names::ObjectName;

/// Where the init container has the city's volume.
pub const CITY_STAGE: &str = "/city-stage";
/// The init container's name.
pub const STAGE: &str = "stage";

/// Which pod is to be made.
pub struct Wanted<'a> {
    pub pod: &'a ObjectName,
    pub namespace: &'a ObjectName,
    pub session: &'a str,
    pub image: &'a str,
    /// Nobody else's, to tell whose pod it has become.
    pub start: &'a str,
    pub payload: &'a Payload,
}

/// Whether files have to be there before the agent's container begins.
pub fn needs_staging(payload: &Payload) -> bool {
    let overlays = payload.pack_overlay_dirs.iter().chain([&payload.overlay_dir]);
    overlays.into_iter().any(|directory| is_directory(directory)) || !payload.copy_files.is_empty() || has_own_directory(payload)
}

/// Whether the agent works in a directory of its own on the controller.
pub fn has_own_directory(payload: &Payload) -> bool {
    payload.work_dir != payload.city() && is_directory(&payload.work_dir)
}

/// Whether the city's own path is a volume in the pod, too.
pub fn has_city_volume(payload: &Payload) -> bool {
    let work_dir = if payload.work_dir.is_empty() { WORKSPACE } else { &payload.work_dir };
    !payload.city().is_empty() && payload.city() != work_dir
}

pub fn is_directory(path: &str) -> bool {
    !path.is_empty() && Path::new(path).is_dir()
}

/// The pod's object.
///
/// # Errors
/// The payload contradicts itself.
pub fn pod(wanted: &Wanted<'_>) -> Result<Value, String> {
    let payload = wanted.payload;
    let env = environment::of(payload)?.into_iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let agent = payload.env.get("GC_AGENT").filter(|name| !name.is_empty()).map_or("unknown", String::as_str);
    let mut volumes = vec![json!({ "name": "ws", "emptyDir": {} })];
    let mut mounts = vec![json!({ "name": "ws", "mountPath": WORKSPACE })];
    let mut stage_mounts = mounts.clone();
    if has_city_volume(payload) {
        volumes.push(json!({ "name": "city", "emptyDir": {} }));
        mounts.push(json!({ "name": "city", "mountPath": payload.city() }));
        stage_mounts.push(json!({ "name": "city", "mountPath": CITY_STAGE }));
    }
    volumes.push(json!({ "name": "claude-config", "secret": { "secretName": "claude-credentials", "optional": true } }));
    mounts.push(json!({ "name": "claude-config", "mountPath": "/tmp/claude-secret", "readOnly": true }));
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": wanted.pod.as_str(),
            "namespace": wanted.namespace.as_str(),
            "labels": {
                "app": "gc-agent", "gc-session": names::label(wanted.session), "gc-agent": names::label(agent),
                MARK: names::mark(wanted.session),
            },
            "annotations": { NAME: wanted.session, START: wanted.start },
        },
        "spec": {
            "serviceAccountName": setting("GC_K8S_SERVICE_ACCOUNT", ""),
            "restartPolicy": "Never",
            "containers": [{
                "name": "agent",
                "image": wanted.image,
                "imagePullPolicy": "IfNotPresent",
                "workingDir": payload.directory(),
                "command": ["/bin/sh", "-c"],
                "args": [entrypoint(payload)],
                "env": env.collect::<Vec<_>>(),
                "stdin": true,
                "tty": true,
                "resources": {
                    "requests": { "cpu": setting("GC_K8S_CPU_REQUEST", "500m"), "memory": setting("GC_K8S_MEM_REQUEST", "1Gi") },
                    "limits": { "cpu": setting("GC_K8S_CPU_LIMIT", "2"), "memory": setting("GC_K8S_MEM_LIMIT", "4Gi") },
                },
                "volumeMounts": mounts,
            }],
            "volumes": volumes,
        },
    });
    if needs_staging(payload) {
        pod["spec"]["initContainers"] = json!([{
            "name": STAGE,
            "image": wanted.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", format!("while [ ! -f {WORKSPACE}/.gc-ready ]; do sleep 0.5; done")],
            "volumeMounts": stage_mounts,
        }]);
    }
    Ok(pod)
}

/// What the container runs: it waits for the workspace, prepares it, and has the agent in a tmux session. It stays when the
/// agent ends, so that what it said can be read.
fn entrypoint(payload: &Payload) -> String {
    let command = if payload.command.is_empty() { "/bin/bash" } else { &payload.command };
    let encoded = STANDARD.encode(command);
    // A line each: a comment at the end of one does not take the rest along.
    let before: String = payload.pre_start.iter().map(|command| format!("{command}\n")).collect();
    format!(
        "mkdir -p $HOME/.claude && cp -rL /tmp/claude-secret/. $HOME/.claude/ 2>/dev/null; \
         while [ ! -f {WORKSPACE}/.gc-workspace-ready ]; do sleep 0.5; done; {before}\
         CMD=$(echo '{encoded}' | base64 -d) && tmux new-session -d -s {SESSION} \"$CMD\" && sleep infinity"
    )
}
