//! Pods come, go and are replaced; nothing stays behind.

use std::time::Duration;

use kubesim::{Cluster, Stage, eventually};

#[test]
fn a_deployment_replaces_a_lost_pod_under_a_new_name() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("w").session("qa", "cat").start();
    let old = worker.pod();
    old.delete();
    let new = worker.wait_replaced(&old);
    assert_ne!(old.name(), new.name());
    assert!(old.is_gone());
    assert_eq!(new.tmux(&["list-sessions", "-F", "#{session_name}"]), "qa\n");
}

#[test]
fn a_replacement_can_take_its_time() {
    let cluster = Cluster::start();
    cluster.replacing_takes(Duration::from_millis(300));
    let worker = cluster.deployment("w").start();
    let old = worker.pod();
    let since = std::time::Instant::now();
    old.delete();
    worker.wait_replaced(&old);
    assert!(since.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_stateful_set_keeps_its_names() {
    let cluster = Cluster::start();
    let worker = cluster.stateful_set("w").replicas(2).start();
    let old = worker.pods().into_iter().find(|pod| pod.name() == "w-0").unwrap();
    old.delete();
    assert_eq!(worker.wait_replaced(&old).name(), "w-0");
}

#[test]
fn a_rollout_replaces_every_pod() {
    let cluster = Cluster::start();
    for worker in [cluster.deployment("d").replicas(2).start(), cluster.stateful_set("s").replicas(2).start()] {
        let before: Vec<String> = worker.pods().iter().map(|pod| pod.uid().to_owned()).collect();
        worker.roll_out();
        worker.wait("all pods to be new and ready", |pods| {
            pods.len() == 2 && pods.iter().all(|pod| !before.contains(&pod.uid().to_owned()) && pod.is_ready())
        });
    }
}

#[test]
fn a_terminating_pod_still_runs_until_it_is_gone() {
    let cluster = Cluster::start();
    cluster.stopping_takes(Duration::from_secs(60));
    let pod = cluster.pod("p").start().pod();
    pod.begin_to_delete();
    assert!(pod.object()["metadata"]["deletionTimestamp"].is_string());
    cluster.kubectl(&["exec", "p", "--", "true"]).expect(0);
}

#[test]
fn stages_stop_and_start_containers() {
    let cluster = Cluster::start();
    let pod = cluster.pod("p").session("qa", "cat").start().pod();
    pod.becomes(Stage::CrashLoopBackOff);
    assert_eq!(pod.object().pointer("/status/containerStatuses/0/state/waiting/reason").unwrap(), "CrashLoopBackOff");
    pod.becomes(Stage::Running);
    assert_eq!(pod.tmux(&["list-sessions", "-F", "#{session_name}"]), "qa\n");
}

#[test]
fn nothing_outlives_a_cluster() {
    let cluster = Cluster::start();
    let pod = cluster.pod("p").session("qa", "trap '' HUP TERM; sleep 1000 & sleep 1000").start().pod();
    cluster.kubectl(&["exec", "p", "--", "sh", "-c", "sleep 1000 >/dev/null 2>&1 & :"]).expect(0);
    let processes = pod.processes();
    assert!(processes.len() >= 5, "{processes:?}");
    let directory = cluster.directory().to_owned();
    drop(cluster);
    for pid in processes {
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(state.is_empty() || state.contains(") Z "), "{pid} is still there: {state}");
    }
    assert!(!directory.exists());
}

#[test]
fn hundreds_of_pods_come_quickly() {
    let cluster = Cluster::start();
    cluster.deployment("many").replicas(300).start();
    let ran = cluster.kubectl(&["get", "pods", "-o", "name"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 300);
}

/// The words are those of a real API server and its controllers.
#[test]
fn a_namespace_takes_no_pod_above_its_level_and_says_why() {
    let cluster = Cluster::start();
    let apply = |name: &str, text: &str| {
        let path = cluster.directory().join(name);
        std::fs::write(&path, text).unwrap();
        cluster.kubectl(&["apply", "-f", path.to_str().unwrap()])
    };
    apply(
        "namespace",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: safe, labels: {pod-security.kubernetes.io/enforce: baseline}}\n",
    )
    .expect(0);
    let spec = "{containers: [{name: c, image: i, securityContext: {privileged: true}}]}";
    let refused = apply("pod", &format!("apiVersion: v1\nkind: Pod\nmetadata: {{name: p, namespace: safe}}\nspec: {spec}\n"));
    let why =
        "violates PodSecurity \"baseline:latest\": privileged (container \"c\" must not set securityContext.privileged=true)";
    assert!(refused.expect(1).stderr.contains(&format!("pods \"p\" is forbidden: {why}")));
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: safe}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: SPEC}}\n";
    apply("deployment", &deployment.replace("SPEC", spec)).expect(0);
    let failure = || cluster.object("deployments", "safe", "d")?.pointer("/status/conditions/2").cloned();
    let found = eventually("a condition", failure);
    assert_eq!((found["type"].as_str(), found["reason"].as_str()), (Some("ReplicaFailure"), Some("FailedCreate")));
    assert!(found["message"].as_str().unwrap().contains(why), "{found}");
    cluster.kubectl(&["label", "--overwrite", "namespace", "safe", "pod-security.kubernetes.io/enforce=privileged"]).expect(0);
    cluster.kubectl(&["wait", "--namespace=safe", "--for=condition=Available", "deployment/d", "--timeout=60s"]).expect(0);
    eventually("the condition to go", || failure().is_none().then_some(()));
}
