//! Agents of other systems in a simulated cluster: what Gas City and Gas Town's operator make, as far as it can be seen from outside.
#![allow(dead_code)] // every test binary uses its own part

use kubesim::Cluster;
use serde_json::{Value, json};

use crate::support::{Ran, eventually};

pub const STOCK_IMAGE: &str = "ghcr.io/boshu2/polecat-agent:0.4.0";
pub const TOWN: &str = "gastown";

/// A cluster in which Gas Town's operator is installed.
pub fn town() -> Cluster {
    let cluster = Cluster::start();
    cluster.registers("gastown.gastown.io/v1alpha1", "Polecat", "polecats");
    cluster.namespace(TOWN);
    let claude = "echo the answer is 42; trap 'exit 143' TERM; while :; do sleep 0.1; done";
    cluster.image(STOCK_IMAGE).runs(&["sh", "-c", claude]).publish();
    cluster.image("telemetry").runs(&["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done"]).publish();
    cluster
}

/// Let the cluster have these objects.
#[track_caller]
pub fn apply(cluster: &Cluster, object: &Value) {
    let command = cluster.kubectl_command(&["create", "--validate=false", "-f", "-"]);
    Ran::with_input(command, object.to_string().as_bytes()).expect(0);
}

/// A custom resource without a pod.
pub fn resource(cluster: &Cluster, name: &str, spec: Value) {
    let mut whole = json!({"rig": "rig-1", "desiredState": "Working", "beadID": format!("gt-{name}")});
    whole.as_object_mut().unwrap().extend(spec.as_object().cloned().unwrap());
    let metadata = json!({"name": name, "namespace": TOWN});
    apply(cluster, &json!({"apiVersion": "gastown.gastown.io/v1alpha1", "kind": "Polecat", "metadata": metadata, "spec": whole}));
}

/// The pod that the operator makes for a polecat: a container that works, and one that never ends.
pub fn polecat_pod(cluster: &Cluster, name: &str, image: &str) {
    let labels = json!({"gastown.io/polecat": name, "gastown.io/rig": "rig-1", "gastown.io/bead": format!("gt-{name}")});
    apply(
        cluster,
        &json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": format!("polecat-{name}"), "namespace": TOWN, "labels": labels},
            "spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 3600, "containers": [
                {"name": "claude", "image": image}, {"name": "telemetry", "image": "telemetry"}]},
        }),
    );
    let pod = format!("polecat-{name}");
    eventually("the polecat's pod to run", || {
        let pod = cluster.object("pods", TOWN, &pod)?;
        (pod["status"]["phase"] == "Running").then_some(())
    });
}

/// A polecat whose repository cannot be had: its agent never begins.
pub fn polecat_without_repository(cluster: &Cluster, name: &str) {
    resource(cluster, name, json!({}));
    let git = "echo 'fatal: repository not found'; exit 128";
    cluster.image("git").runs(&["sh", "-c", git]).publish();
    let pod = format!("polecat-{name}");
    apply(
        cluster,
        &json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod, "namespace": TOWN, "labels": {"gastown.io/polecat": name, "gastown.io/rig": "rig-1"}},
            "spec": {"restartPolicy": "Never", "activeDeadlineSeconds": 3600,
                "initContainers": [{"name": "git-init", "image": "git"}],
                "containers": [{"name": "claude", "image": STOCK_IMAGE}, {"name": "telemetry", "image": "telemetry"}]},
        }),
    );
    eventually("the polecat's pod to fail", || {
        (cluster.object("pods", TOWN, &pod)?["status"]["phase"] == "Failed").then_some(())
    });
}

/// A polecat that works, as the stock image lets it.
pub fn polecat(cluster: &Cluster, name: &str) {
    resource(cluster, name, json!({}));
    polecat_pod(cluster, name, STOCK_IMAGE);
}

/// What the kubelet says of the polecat's container from now on; the other one goes on.
pub fn says(cluster: &Cluster, name: &str, claude: Value) {
    let pod = format!("polecat-{name}");
    let status = |container: &str, state: &Value| json!({"name": container, "image": "", "imageID": "", "ready": true, "restartCount": 0, "state": state});
    let running = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
    let patch = json!({"status": {"containerStatuses": [status("telemetry", &running), status("claude", &claude)]}}).to_string();
    let arguments = ["patch", "pod", &pod, "--namespace", TOWN, "--subresource=status", "--type=merge", "--patch", &patch];
    cluster.kubectl(&arguments).expect(0);
}

pub fn ended(code: i32) -> Value {
    let reason = if code == 0 { "Completed" } else { "Error" };
    json!({"terminated": {"exitCode": code, "reason": reason, "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:10:00Z"}})
}

/// An agent of Gas City as its script makes them, with the session `main`.
pub fn agent(cluster: &Cluster, pod: &str, session: &str, city: &str) {
    let image = format!("agent/{pod}");
    let start = format!("tmux new-session -d -s main 'echo I am {pod}; cat'; trap 'exit 0' TERM; while :; do sleep 0.1; done");
    cluster.image(&image).runs(&["sh", "-c", &start]).publish();
    cluster.namespace("gc");
    apply(
        cluster,
        &json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": pod, "namespace": "gc", "annotations": {"gc-session-name": session},
                "labels": {"app": "gc-agent", "gc-session": pod, "gc-agent": pod}},
            "spec": {"restartPolicy": "Never", "containers": [
                {"name": "sidecar", "image": "telemetry"},
                {"name": "agent", "image": image, "env": [{"name": "GC_AGENT", "value": format!("rig/{pod}")},
                    {"name": "GC_CITY", "value": "/workspace"}, {"name": "GC_MCP_MAIL_PROJECT", "value": city}]}]},
        }),
    );
    cluster.image("telemetry").runs(&["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done"]).publish();
    eventually("the agent's session", || {
        let ran =
            cluster.kubectl(&["exec", "--namespace=gc", pod, "--container=agent", "--", "tmux", "has-session", "-t", "main"]);
        (ran.code == 0).then_some(())
    });
}

/// While `body` runs, do what the operator does for this polecat: delete its pod unless it shall work, make one when it has none.
pub fn operated<T>(cluster: &Cluster, name: &str, body: impl FnOnce() -> T) -> T {
    use std::sync::atomic::{AtomicBool, Ordering};
    struct Stop<'a>(&'a AtomicBool);
    impl Drop for Stop<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let pod = format!("polecat-{name}");
            while !over.load(Ordering::Relaxed) {
                let wanted = cluster.object("polecats", TOWN, name).map(|object| object["spec"]["desiredState"] == "Working");
                match (wanted, cluster.object("pods", TOWN, &pod)) {
                    (Some(true), None) => polecat_pod(cluster, name, STOCK_IMAGE),
                    (Some(false) | None, Some(there)) if there["metadata"]["deletionTimestamp"].is_null() => {
                        cluster.find_pod(TOWN, &pod).begin_to_delete();
                    }
                    _ => std::thread::sleep(std::time::Duration::from_millis(20)),
                }
            }
        });
        // Also when the body fails, or the scope would wait for ever.
        let _stop = Stop(&over);
        body()
    })
}
