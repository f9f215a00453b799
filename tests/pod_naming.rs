//! Every command on a worker that is named by its pod, its Deployment or its StatefulSet, before, during and after a rollout.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::time::{Duration, SystemTime};

use kubesim::{Cluster, Pod, Running, Stage, Workload};
use operator::{FACTORY, Operator};
use rstest::rstest;
use support::{Screen, eventually};

const LONG: &str = "--timeout=60s";
/// A shell that says whose it is, and notes each Ctrl-C.
const SHELL: &str = "echo \"PS1='ready: '; trap 'echo INT >>typed' INT; echo I am $HOSTNAME\" >rc; exec bash --rcfile rc";

/// A cluster with a worker of each kind.
fn three_kinds() -> (Cluster, [Running; 3]) {
    let cluster = Cluster::start();
    let workers = [cluster.pod("plain"), cluster.deployment("fleet"), cluster.stateful_set("crew")]
        .map(|workload| furnished(workload).start());
    (cluster, workers)
}

fn furnished(workload: Workload<'_>) -> Workload<'_> {
    let says = ["sh", "-c", "echo $HOSTNAME says this; exec sleep 600"];
    workload.script("factory", FACTORY).session("qa", SHELL).runs(&says)
}

fn operator(cluster: Cluster, name: &str) -> Operator {
    Operator::of(cluster).worker("w", name, "commands: {queue: factory queue list, status: factory status}")
}

fn lines(pod: &Pod, file: &str) -> usize {
    fs::read_to_string(pod.home().join(file)).unwrap_or_default().lines().count()
}

/// Every command reaches this pod, and no other.
#[track_caller]
fn assert_all_reach(operator: &Operator, pod: &Pod) {
    let name = pod.name();
    let shows = format!("I am {name}");
    eventually("the session to be ready", || pod.pane("qa").contains("ready:").then_some(()));
    let run = |arguments: &[&str]| operator.run(&[&[LONG], arguments].concat()).expect(0);

    let said = run(&["list"]).stdout;
    assert!(said.contains(name) && said.contains("running") && said.contains("qa ("), "{said}");
    let said = run(&["status", "w"]).stdout;
    assert!(said.contains(name) && said.contains("factory status") && said.contains("qa"), "{said}");
    let said = run(&["peek", "w/qa"]).stdout;
    assert!(said.contains(&shows), "{said}");
    let said = run(&["doctor", "w"]).stdout;
    assert!(said.contains(name), "{said}");

    let before = lines(pod, "calls");
    run(&["dispatch", "w", "--project", "shop", "--issue", "7"]);
    assert_eq!(lines(pod, "calls"), before + 1);
    run(&["nudge", "w/qa", "echo nudged >>typed"]);
    eventually("the nudge", || (lines(pod, "typed") == 1).then_some(()));
    run(&["interrupt", "w/qa"]);
    eventually("the interrupt", || (lines(pod, "typed") == 2).then_some(()));

    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait(&shows);
    eventually("the client", || (pod.clients().len() == 1).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the client to go", || pod.clients().is_empty().then_some(()));
    attach_and_leave(&screen, pod, &shows);
}

#[track_caller]
fn assert_logs(operator: &Operator, pod: &Pod) {
    let said = operator.run(&[LONG, "worker", "logs", "w"]).expect(0).stdout;
    assert_eq!(said, format!("{} says this\n", pod.name()));
}

/// `attach`, in a shell.
#[track_caller]
fn attach_and_leave(screen: &Screen<'_>, pod: &Pod, shows: &str) {
    screen.enter(&format!("clear; {} attach w/qa; echo left with $?", support::BIN));
    screen.wait(shows);
    eventually("the client", || (pod.clients().len() == 1).then_some(()));
    pod.tmux(&["detach-client", "-s", "=qa"]);
    screen.wait("left with 0");
}

#[rstest]
#[case::pod("plain", 0)]
#[case::pod_as_such("pod/plain", 0)]
#[case::deployment("fleet", 1)]
#[case::deploy("deploy/fleet", 1)]
#[case::deployment_in_full("deployment/fleet", 1)]
#[case::stateful_set("crew", 2)]
#[case::sts("sts/crew", 2)]
#[case::stateful_set_in_full("statefulset/crew", 2)]
#[case::pod_of_a_stateful_set("crew-0", 2)]
fn every_command_reaches_the_worker_that_is_named_by(#[case] name: &str, #[case] which: usize) {
    let (cluster, workers) = three_kinds();
    let operator = operator(cluster, name);
    assert_all_reach(&operator, &workers[which].pod());
    assert_logs(&operator, &workers[which].pod());
    for other in workers.iter().enumerate().filter(|(at, _)| *at != which).map(|(_, other)| other.pod()) {
        assert_eq!((lines(&other, "calls"), lines(&other, "typed")), (0, 0), "{}", other.name());
    }
}

#[rstest]
#[case::pod("plain", 0)]
#[case::pod_of_a_stateful_set("crew-0", 2)]
#[case::deployment("fleet", 1)]
#[case::deploy("deploy/fleet", 1)]
#[case::stateful_set("crew", 2)]
#[case::sts("sts/crew", 2)]
fn a_worker_is_restarted_when_something_makes_its_pods(#[case] name: &str, #[case] which: usize) {
    let (cluster, workers) = three_kinds();
    let operator = operator(cluster, name);
    let old = workers[which].pod();
    let ran = operator.run(&[LONG, "worker", "restart", "w", "--yes"]);
    if matches!(name, "plain" | "crew-0") {
        let ran = ran.expect(4);
        assert!(ran.stderr.contains("there is no Deployment or StatefulSet"), "{}", ran.stderr);
        assert!(!old.is_gone());
        return;
    }
    let new = workers[which].pod();
    assert_eq!(ran.expect(0).stdout, format!("w is ready again, as pod {}\n", new.name()));
    assert_ne!(new.uid(), old.uid());
    eventually("the old pod to go", || old.is_gone().then_some(()));
    assert_all_reach(&operator, &new);
}

#[rstest]
#[case::bare("fleet")]
#[case::deploy("deploy/fleet")]
fn in_a_rollout_every_command_reaches_the_pod_that_stays(#[case] name: &str) {
    let cluster = Cluster::start();
    // The old pods linger, and answer until they are gone.
    cluster.stopping_takes(Duration::from_secs(600));
    let worker = furnished(cluster.deployment("fleet")).start();
    let old = worker.pod();
    worker.roll_out();
    let new = worker.wait_replaced(&old);
    eventually("the old pod's end to begin", || old.object()["metadata"]["deletionTimestamp"].is_string().then_some(()));
    let operator = operator(cluster, name);
    assert_all_reach(&operator, &new);
    assert_logs(&operator, &new);
    assert_eq!((lines(&old, "calls"), lines(&old, "typed")), (0, 0));
}

#[rstest]
#[case::bare("fleet")]
#[case::deploy("deploy/fleet")]
fn as_long_as_the_new_pod_is_not_ready_the_old_one_is_reached(#[case] name: &str) {
    let cluster = Cluster::start();
    let worker = furnished(cluster.deployment("fleet"))
        .starting_takes(Duration::from_secs(600))
        .in_stage(Stage::ContainerCreating)
        .start();
    let old = worker.pod();
    old.becomes(Stage::Running);
    // Which of two pods is the newer one is known to the second.
    let made = old.object()["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    let now = || humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    eventually("another second to begin", || (now() > made).then_some(()));
    worker.roll_out();
    worker.wait("a second pod", |pods| pods.len() == 2);
    let operator = operator(cluster, name);
    assert_all_reach(&operator, &old);
    // Of the new one there is nothing to read yet, which is no fault of the network.
    let ran = operator.run(&[LONG, "worker", "logs", "w"]).expect(3);
    assert!(ran.stderr.contains("its container waits to start: ContainerCreating"), "{}", ran.stderr);
    assert!(ran.stderr.contains("try again in a moment"), "{}", ran.stderr);
}

#[rstest]
#[case::deployment("fleet", 1)]
#[case::stateful_set("crew", 2)]
fn after_a_rollout_every_command_finds_the_new_pod(#[case] name: &str, #[case] which: usize) {
    let (cluster, workers) = three_kinds();
    let operator = operator(cluster, name);
    let old = workers[which].pod();
    assert_eq!(operator.rows()[0]["pod"], old.name());
    workers[which].roll_out();
    let new = workers[which].wait_replaced(&old);
    eventually("the old pod to go", || old.is_gone().then_some(()));
    assert_all_reach(&operator, &new);
}
