//! Workers that are pods, through the real kubectl: how they may be named, what they cost, and how they are found again.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::collections::BTreeMap;
use std::fs;

use kubesim::{Cluster, Fault, Kubeconfig, Running, execs};
use operator::{FACTORY, Operator, resolutions};
use rstest::rstest;

/// A cluster with a worker of each kind; the sessions say which one it is.
fn three_kinds() -> (Cluster, Vec<Running>) {
    let cluster = Cluster::start();
    let workers = vec![
        cluster.pod("plain").session("on-plain", "echo I am plain; cat").start(),
        cluster.deployment("fleet").session("on-fleet", "echo I am fleet; cat").start(),
        cluster.stateful_set("crew").session("on-crew", "echo I am crew; cat").start(),
    ];
    (cluster, workers)
}

#[rstest]
#[case::pod("plain", "plain")]
#[case::pod_as_such("pod/plain", "plain")]
#[case::deployment("fleet", "fleet")]
#[case::deploy("deploy/fleet", "fleet")]
#[case::deployment_in_full("deployment/fleet", "fleet")]
#[case::stateful_set("crew", "crew")]
#[case::stateful_set_in_full("statefulset/crew", "crew")]
#[case::pod_of_a_stateful_set("crew-0", "crew")]
fn a_worker_can_be_named_by(#[case] name: &str, #[case] which: &str) {
    let (cluster, _workers) = three_kinds();
    let operator = Operator::of(cluster).worker("w", name, "");
    let rows = operator.rows();
    assert_eq!(rows[0]["status"], "running", "{rows:?}");
    assert_eq!(rows[0]["sessions"][0]["address"], format!("w/on-{which}"));
    assert!(rows[0]["pod"].as_str().unwrap().starts_with(which), "{rows:?}");
    // One session: it need not be named.
    assert!(operator.run(&["peek", "w"]).expect(0).stdout.contains(&format!("I am {which}")));
}

#[test]
fn list_makes_one_exec_per_worker_and_looks_once_through_each_namespace() {
    let (cluster, other) = (Cluster::start(), Cluster::start());
    for name in ["one", "two", "three"] {
        cluster.deployment(name).in_namespace("factory").start();
    }
    cluster.stateful_set("four").in_namespace("elsewhere").start();
    other.deployment("five").start();
    let kubeconfig = cluster.directory().join("both");
    Kubeconfig::new().context("here", &cluster).context("there", &other).write(&kubeconfig);
    let mut operator = Operator::of(cluster);
    operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    for name in ["one", "two", "three"] {
        operator = operator.worker(name, name, "namespace: factory");
    }
    let operator = operator.worker("four", "four", "namespace: elsewhere").worker("five", "five", "context: there");

    let (_, calls) = operator.watched(&["list"]);
    let of_one_each: BTreeMap<String, usize> = calls.execs().iter().map(|call| (owner(&call.name), 1)).collect();
    assert_eq!(calls.execs().len(), 4);
    assert_eq!(of_one_each.len(), 4, "{of_one_each:?}");
    assert_eq!(resolutions(&calls), 2, "the namespaces factory and elsewhere");
    let there = other.calls().about_objects();
    assert_eq!((there.execs().len(), resolutions(&there)), (1, 1));

    // Another process knows it from the disk.
    let (ran, calls) = operator.watched(&["list"]);
    assert_eq!((calls.execs().len(), resolutions(&calls)), (4, 0), "{}", ran.stdout);
}

fn owner(pod: &str) -> String {
    pod.split('-').next().unwrap().to_owned()
}

#[rstest]
#[case::peek(&["peek", "w/qa"])]
#[case::peek_by_worker(&["peek", "w", "--session", "qa"])]
#[case::status(&["status", "w"])]
#[case::dispatch(&["dispatch", "w", "--project", "shop", "--issue", "7"])]
#[case::interrupt(&["interrupt", "w/qa"])]
#[case::nudge(&["nudge", "w/qa", "hello"])]
fn one_exec_each(#[case] command: &[&str]) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "exec bash --norc").script("factory", FACTORY).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    support::eventually("the prompt", || worker.pod().pane("qa").contains("bash-").then_some(()));
    operator.run(&["list"]).expect(0);
    let (ran, calls) = operator.watched(command);
    ran.expect(0);
    assert_eq!((calls.execs().len(), resolutions(&calls)), (1, 0));
}

#[test]
fn what_is_dispatched_arrives_word_for_word() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").script("factory", FACTORY).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    let intent = "say \"hi\"; $(touch pwned) `x` #{y} ü";
    let ran = operator.run(&["dispatch", "w", "--project", "shop", "--issue", "7", "--intent", intent]).expect(0);
    assert_eq!(ran.stdout, format!("factory queue add --project shop --issue 7 --intent {intent}\n"));
    let calls = fs::read_to_string(worker.pod().home().join("calls")).unwrap();
    assert_eq!(calls, format!("queue add --project shop --issue 7 --intent {intent}\n"));
    assert!(!worker.pod().home().join("pwned").exists());
}

#[test]
fn a_nudge_reaches_a_pods_session() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "exec bash --norc").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    support::eventually("the prompt", || worker.pod().pane("qa").contains("bash-").then_some(()));
    operator.run(&["nudge", "w/qa", "echo \"$((40 + 2))\""]).expect(0);
    support::eventually("the answer", || worker.pod().pane("qa").contains("\n42\n").then_some(()));
}

#[test]
fn a_replaced_pod_is_found_again_with_one_look() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let old = worker.pod();
    assert_eq!(operator.rows()[0]["pod"], old.name());
    old.delete();
    let new = worker.wait_replaced(&old);
    let (ran, calls) = operator.watched(&["list"]);
    assert!(ran.stdout.contains(new.name()) && ran.stdout.contains("running"), "{}", ran.stdout);
    assert_eq!((calls.matching(&execs().of(new.name())).execs().len(), resolutions(&calls)), (1, 1));
    let (_, calls) = operator.watched(&["list"]);
    assert_eq!((calls.execs().len(), resolutions(&calls)), (1, 0));
}

#[test]
fn a_stateful_set_comes_back_under_its_name() {
    let cluster = Cluster::start();
    let worker = cluster.stateful_set("crew").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "crew", "");
    assert_eq!(operator.rows()[0]["pod"], "crew-0");
    let old = worker.pod();
    old.delete();
    worker.wait_replaced(&old);
    let (ran, calls) = operator.watched(&["peek", "w/qa"]);
    ran.expect(0);
    assert_eq!((calls.execs().len(), resolutions(&calls)), (1, 0), "its name is still true");
}

#[test]
fn during_a_rollout_the_pod_that_stays_is_chosen() {
    let cluster = Cluster::start();
    // The old pods linger, and answer until they are gone.
    cluster.stopping_takes(std::time::Duration::from_secs(60));
    let worker = cluster.deployment("fleet").session("qa", "cat").start();
    let old = worker.pod();
    worker.roll_out();
    let new = worker.wait_replaced(&old);
    support::eventually("the old pod's end to begin", || old.object()["metadata"]["deletionTimestamp"].is_string().then_some(()));
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    assert_eq!(operator.rows()[0]["pod"], new.name());
}

#[test]
fn a_container_that_comes_a_moment_later_is_waited_for_by_asking_once_more() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.run(&["list"]).expect(0);
    operator.cluster.when(execs().once()).then(Fault::ContainerNotFound);
    let (ran, calls) = operator.watched(&["peek", "w/qa"]);
    ran.expect(0);
    assert_eq!((calls.execs().len(), resolutions(&calls)), (2, 1));
}

#[test]
fn a_dead_context_costs_the_living_one_nothing() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").session("qa", "cat").start();
    let kubeconfig = cluster.directory().join("two");
    Kubeconfig::new().context("alive", &cluster).dead_context("dead").write(&kubeconfig);
    let mut operator = Operator::of(cluster);
    operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    let operator = operator.worker("w", "fleet", "").worker("gone", "fleet", "context: dead");
    let rows = operator.rows();
    assert_eq!((rows[0]["status"].as_str(), rows[1]["status"].as_str()), (Some("running"), Some("unreachable")));
    assert!(rows[1]["reason"].as_str().unwrap().contains("connection refused"), "{rows:?}");
    operator.run(&["peek", "gone/qa"]).expect(3);
}
