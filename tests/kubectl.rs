//! Workers that are pods, from the outside: how many kubectl processes they cost, and what their failures are called.
//! kubectl is a stand-in here; its words are those of the real one, and the last tests ask the real one.

#[path = "support/stand_in.rs"]
mod stand_in;
mod support;

use std::fs;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use stand_in::{Cluster, deployment, in_state, replica_set, running};
use support::{World, eventually};

/// Twenty workers, which is more than are asked at the same time, with a Deployment each, and the pods of a generation.
fn many(cluster: &Cluster, generation: &str) {
    let mut items = Vec::new();
    for number in 0..20 {
        let name = format!("agent-{number}");
        let labels = json!({"app": name});
        items.push(json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"selector": {"matchLabels": labels}}}));
        let mut pod = running(&format!("{name}-{generation}"), replica_set());
        pod["metadata"]["labels"] = labels;
        items.push(pod);
    }
    cluster.holds(&items);
}

#[test]
fn many_workers_of_a_namespace_cost_one_listing_and_an_exec_each() {
    let mut cluster = Cluster::new();
    for number in 0..20 {
        cluster = cluster.worker(&format!("w{number}"), &format!("agent-{number}"));
    }
    many(&cluster, "first");
    let workers = cluster.list();
    assert_eq!((cluster.calls(), workers.len()), ((1, 20), 20));
    assert!(workers.iter().all(|worker| worker["status"] == "running"), "{workers:?}");
    assert_eq!(workers[7]["pod"], "agent-7-first");
    // The answer is kept for the next process.
    cluster.list();
    assert_eq!(cluster.calls(), (0, 20));
    // All pods are replaced: every exec finds that out, one listing tells all of them.
    many(&cluster, "second");
    let workers = cluster.list();
    let (listings, execs) = cluster.calls();
    assert!(workers.iter().all(|worker| worker["status"] == "running"), "{workers:?}");
    assert_eq!((listings, workers[7]["pod"].as_str()), (1, Some("agent-7-second")));
    assert!(execs <= 40, "{execs}");
    cluster.list();
    assert_eq!(cluster.calls(), (0, 20));
}

#[test]
fn a_pod_named_as_such_is_never_looked_up() {
    let cluster =
        Cluster::new().worker_with("w", "pod: pod/plain, namespace: factory, container: worker", "commands: {queue: \"\"}");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (0, 1));
}

/// It has no session, and names no container: are there others?
#[test]
fn a_pod_named_as_such_is_looked_at_once_for_its_containers() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    let mut pod = running("plain", json!({}));
    pod["spec"]["containers"] = json!([{"name": "worker"}]);
    cluster.holds(&[pod.clone()]);
    // `kubectl get pod/plain` is asked for one object.
    cluster.put("list.json", &pod.to_string());
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (1, 1));
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (0, 1));
}

#[test]
fn a_bare_name_that_is_a_pod_costs_the_listing_once() {
    let cluster = Cluster::new().worker("w", "plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (1, 1));
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (0, 1));
}

#[test]
fn a_pod_that_crashes_is_found_again_when_it_runs() {
    let cluster = Cluster::new().worker("w", "agent");
    let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    cluster.holds(&[deployment(), running("agent-1", replica_set())]);
    cluster.status("running", "");
    cluster.holds(&[deployment(), in_state("agent-1", replica_set(), crashing)]);
    cluster.status("crashing", "CrashLoopBackOff");
    cluster.calls();
    // As long as it crashes, one process says so.
    cluster.status("crashing", "CrashLoopBackOff");
    assert_eq!(cluster.calls(), (1, 0));
    cluster.holds(&[deployment(), running("agent-2", replica_set())]);
    cluster.status("running", "");
}

#[test]
fn a_worker_without_a_pod_is_missing_and_the_command_exits_4() {
    let cluster = Cluster::new().worker("w", "nobody");
    cluster.status("missing", "there is no pod, Deployment or StatefulSet nobody in namespace factory");
    let ran = cluster.world.run(&["peek", "w/qa"]).expect(4);
    assert!(ran.stderr.contains("workers.yaml"), "{}", ran.stderr);
}

#[test]
fn whoever_may_only_see_pods_still_reaches_them() {
    let cluster = Cluster::new().worker("w", "plain").worker("d", "deploy/agent");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put(
        "refused",
        "Error from server (Forbidden): deployments.apps is forbidden: User \"bob\" cannot list resource \"deployments\" in \
         API group \"apps\" in the namespace \"factory\"\n",
    );
    let workers = cluster.list();
    assert_eq!(workers[0]["status"], "running", "{workers:?}");
    assert_eq!(workers[1]["status"], "forbidden", "{workers:?}");
    assert!(workers[1]["reason"].as_str().unwrap().contains("bob may not list deployments"), "{workers:?}");
}

#[test]
fn whoever_may_see_no_list_still_reaches_a_pod_by_its_name() {
    let cluster = Cluster::new().worker("w", "plain").worker("n", "nobody");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put("list.json", "{\"items\": []}");
    cluster.put(
        "refused",
        "Error from server (Forbidden): pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the \
         namespace \"factory\"\n",
    );
    // Twice: the second process has on disk what the first one took the names for. What is asked beside the listing is the pod
    // without a session, for its containers.
    for (questions, execs) in [(2, 2), (2, 2)] {
        let workers = cluster.list();
        assert_eq!((&workers[0]["status"], &workers[1]["status"]), (&json!("running"), &json!("forbidden")), "{workers:?}");
        let reason = workers[1]["reason"].as_str().unwrap();
        assert!(reason.contains("nobody was not found, and bob may not list pods"), "{reason}");
        assert_eq!(cluster.calls(), (questions, execs));
    }
    let ran = cluster.world.run(&["peek", "n/qa"]).expect(3);
    assert!(ran.stderr.contains("ask for a role that may list deployments, statefulsets and pods"), "{}", ran.stderr);
}

#[test]
fn exit_0_of_a_broken_connection_is_no_answer() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put("cut", "");
    cluster.status("incomplete", "before its end");
}

#[test]
fn the_deadline_ends_kubectl_and_what_it_started() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put("hang", "");
    let began = Instant::now();
    let ran = cluster.world.run(&["peek", "w/qa", "--timeout", "700ms"]).expect(3);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(ran.stderr.contains("no answer within the deadline"), "{}", ran.stderr);
    let pid = fs::read_to_string(cluster.world.path("cluster/hanging")).unwrap();
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.contains(") Z")).then_some(())
    };
    eventually("kubectl to be gone", gone);
}

#[test]
fn the_kubectl_of_whoever_opened_a_window_is_used() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    let other = cluster.world.script("other", "#!/bin/sh\necho 'error: this is the other one' >&2\nexit 1\n");
    let world = cluster.world.env("FACTORY_KUBECTL", other.to_str().unwrap());
    let ran = world.run(&["peek", "w/qa"]).expect(3);
    assert!(ran.stderr.contains("this is the other one"), "{}", ran.stderr);
}

#[rstest]
#[case("kubectl", "$FACTORY_KUBECTL is kubectl, which is no absolute path")]
#[case("/nowhere/kubectl", "cannot run /nowhere/kubectl")]
fn a_kubectl_that_is_not_there_says_how_to_get_one(#[case] path: &str, #[case] reason: &str) {
    let cluster = Cluster::new().worker("w", "plain");
    let world = cluster.world.env("FACTORY_KUBECTL", path);
    let ran = world.run(&["peek", "w/qa"]).expect(3);
    assert!(ran.stderr.contains(reason) && ran.stderr.contains("FACTORY_KUBECTL"), "{}", ran.stderr);
}

/// The kubectl of this machine, with a kubeconfig whose API server is a port on which nobody listens.
fn with_real_kubectl(worker: &str) -> World {
    let world = World::new();
    let kubeconfig = world.path("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
                clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                users: [{name: u, user: {token: t}}]\n\
                contexts: [{name: here, context: {cluster: c, user: u}}]\n";
    fs::write(&kubeconfig, text).unwrap();
    world.entry(&format!("  - {{name: w, kubeconfig: {}, {worker}}}\n", kubeconfig.display()))
}

#[rstest]
#[case("pod: agent", "connection refused by 127.0.0.1:1")]
#[case("pod: pod/agent", "connection refused by 127.0.0.1:1")]
#[case("pod: agent, context: nope", "there is no context nope in the kubeconfig")]
#[case("pod: pod/agent, context: nope", "there is no context nope in the kubeconfig")]
fn the_real_kubectl_that_cannot_connect_is_unreachable(#[case] worker: &str, #[case] reason: &str) {
    let world = with_real_kubectl(worker);
    let ran = world.run(&["list", "--json", "--timeout", "60s"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["workers"][0]["status"], "unreachable", "{answer}");
    assert_eq!(answer["workers"][0]["reason"], reason);
    let ran = world.run(&["peek", "w/qa", "--timeout", "60s"]).expect(3);
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    assert!(!ran.stderr.contains("memcache.go"), "{}", ran.stderr);
}

#[test]
fn verbose_prints_the_exact_argv() {
    let world = with_real_kubectl("pod: pod/agent, namespace: factory, container: worker");
    let ran = world.run(&["list", "-v", "--timeout", "60s"]).expect(0);
    let line = ran.stderr.lines().find(|line| line.starts_with("+ ")).unwrap();
    assert!(line.contains("--namespace=factory' exec pod/agent --quiet '--container=worker' -i -- sh -c"), "{line}");
}
