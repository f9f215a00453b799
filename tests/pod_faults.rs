//! What can be wrong with a pod or the way to it, and what it is called then: the STATUS table of the README, row by row,
//! through the real kubectl.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/verdict.rs"]
mod verdict;

use std::time::{Duration, Instant};

use kubesim::{Cluster, Farewell, Fault, Requests, Running, Stage, execs, requests};
use operator::{FACTORY, Operator};
use rstest::rstest;
use serde_json::Value;
use support::eventually;
use verdict::{
    COMPLETED, CRASHING, CUT_OFF, FAILING, FORBIDDEN, INCOMPLETE, MISSING, NO_ANSWER, NO_CONTAINER, NO_CONTEXT, NO_KUBECTL,
    NO_TMUX, PENDING, STARTING, TERMINATING, TOO_BUSY, UNAUTHORIZED, Verdict, assert_found,
};

/// A deadline for what never comes, and one for what comes, however busy the machine is.
const SHORT: &str = "--timeout=2s";
const LONG: &str = "--timeout=60s";
/// What commands with the short deadline may take on a busy machine: far less than kubectl's own minute.
const SOON: Duration = Duration::from_secs(30);

/// An operator with the worker `w`, the Deployment `fleet` with the session `qa`, which was found before.
fn known_worker() -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    assert_eq!(operator.rows()[0]["status"], "running");
    (operator, worker)
}

#[track_caller]
fn found(operator: &Operator, verdict: Verdict) -> Value {
    assert_found(operator, LONG, verdict)
}

#[rstest]
#[case::unauthorized(Fault::Status(401), UNAUTHORIZED)]
#[case::forbidden(Fault::Status(403), FORBIDDEN)]
#[case::too_many_requests(Fault::Status(429), TOO_BUSY)]
#[case::internal_error(Fault::Status(500), FAILING)]
#[case::unavailable(Fault::Status(503), FAILING)]
#[case::hang_up(Fault::HangUp, CUT_OFF)]
#[case::reset(Fault::Reset, CUT_OFF)]
#[case::container_not_found(Fault::ContainerNotFound, STARTING)]
#[case::cut_at_once(Fault::cut_after_bytes(0), CUT_OFF)]
#[case::cut(Fault::cut_after_bytes(20), CUT_OFF)]
#[case::cut_with_a_reset(Fault::cut_after_bytes(20).saying(Farewell::Reset), CUT_OFF)]
#[case::cut_by_a_server_that_leaves(Fault::cut_after_bytes(20).saying(Farewell::CloseFrame(1001)), CUT_OFF)]
#[case::cut_before_the_answer_like_success(Fault::cut_after_bytes(0).looking_like_success(), INCOMPLETE)]
#[case::cut_in_the_answer_like_success(Fault::cut_after_bytes(40).looking_like_success(), INCOMPLETE)]
fn a_fault_of_every_exec(#[case] fault: Fault, #[case] verdict: Verdict) {
    let (operator, _worker) = known_worker();
    operator.cluster.when(execs()).then(fault);
    found(&operator, verdict);
    operator.cluster.lift_all_faults();
    assert_eq!(operator.rows()[0]["status"], "running");
}

#[rstest]
#[case::unauthorized(Fault::Status(401), UNAUTHORIZED)]
#[case::forbidden(Fault::Status(403), FORBIDDEN)]
#[case::unavailable(Fault::Status(503), FAILING)]
fn a_fault_of_every_request(#[case] fault: Fault, #[case] verdict: Verdict) {
    let (operator, _worker) = known_worker();
    operator.cluster.when(requests()).then(fault);
    found(&operator, verdict);
    // Also for somebody who does not know yet which pod it is.
    let operator = Operator::of(operator.cluster).worker("w", "fleet", "");
    found(&operator, verdict);
}

#[rstest]
#[case::silence(execs(), Fault::Silence)]
#[case::silence_of_everything(requests(), Fault::Silence)]
#[case::resets_that_kubectl_tries_to_outlast(requests(), Fault::Reset)]
#[case::frozen(execs(), Fault::freeze_after_bytes(10))]
#[case::frozen_with_pongs(execs(), Fault::freeze_after_bytes(10).with_pongs())]
#[case::frozen_from_the_start(execs(), Fault::freeze_after(Duration::ZERO))]
#[case::slower_than_the_deadline(execs(), Fault::slow(Duration::from_secs(60)))]
fn what_never_comes_is_waited_for_until_the_deadline(#[case] which: Requests, #[case] fault: Fault) {
    let (operator, _worker) = known_worker();
    operator.cluster.when(which).then(fault);
    let since = Instant::now();
    assert_found(&operator, SHORT, NO_ANSWER);
    assert!(since.elapsed() < SOON, "{:?}", since.elapsed());
}

#[test]
fn connections_that_are_refused() {
    let (operator, _worker) = known_worker();
    operator.cluster.refuse_connections();
    let row = found(&operator, CUT_OFF);
    assert!(row["reason"].as_str().unwrap().contains("connection refused"), "{row}");
}

#[rstest]
#[case::pending(Stage::Pending, PENDING)]
#[case::creating(Stage::ContainerCreating, STARTING)]
#[case::crashing(Stage::CrashLoopBackOff, CRASHING)]
#[case::completed(Stage::Completed, COMPLETED)]
#[case::failed(Stage::Failed, COMPLETED)]
fn a_stage_of_the_pod(#[case] stage: Stage, #[case] verdict: Verdict) {
    let (operator, worker) = known_worker();
    worker.pod().becomes(stage);
    found(&operator, verdict);
    let operator = Operator::of(operator.cluster).worker("w", "fleet", "");
    found(&operator, verdict);
    worker.pod().becomes(Stage::Running);
    assert_eq!(operator.rows()[0]["status"], "running");
}

#[test]
fn a_pod_that_is_terminating_without_a_replacement() {
    let (operator, worker) = known_worker();
    operator.cluster.stopping_takes(Duration::from_secs(600));
    operator.cluster.replacing_takes(Duration::from_secs(600));
    worker.pod().begin_to_delete();
    let operator = Operator::of(operator.cluster).worker("w", "fleet", "");
    found(&operator, TERMINATING);
}

#[rstest]
#[case::bare("nothing")]
#[case::pod("pod/nothing")]
#[case::deployment("deploy/nothing")]
#[case::stateful_set("statefulset/nothing")]
fn nothing_of_that_name(#[case] pod: &str) {
    let cluster = Cluster::start();
    let operator = Operator::of(cluster).worker("w", pod, "");
    let row = found(&operator, MISSING);
    assert!(row["reason"].as_str().unwrap().contains("nothing"), "{row}");
}

#[test]
fn no_such_namespace() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "namespace: nowhere");
    found(&operator, MISSING);
}

#[test]
fn a_worker_that_was_deleted() {
    let (operator, worker) = known_worker();
    worker.delete();
    found(&operator, MISSING);
}

#[test]
fn no_such_container() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "container: other");
    found(&operator, NO_CONTAINER);
}

#[test]
fn no_tmux_in_the_container() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").without("tmux").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    found(&operator, NO_TMUX);
}

#[test]
fn no_sh_in_the_container() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").without("sh").script("factory", FACTORY).session("qa", "echo here; cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    let ran = operator.run(&["list"]).expect(0);
    let row: Vec<&str> = ran.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!((row[2], row[3], *row.last().unwrap()), ("running", "qa", "?"), "{}", ran.stdout);
    assert!(operator.run(&["status", "w"]).expect(0).stdout.contains("qa"));
    eventually("peek to show what the session prints", || {
        (operator.run(&["peek", "w/qa"]).expect(0).stdout == "here\n").then_some(())
    });
    operator.run(&["peek", "w/q"]).expect(4);
}

#[test]
fn no_tmux_server_yet() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let row = &operator.rows()[0];
    assert_eq!((row["status"].as_str(), row["sessions"].as_array().map(Vec::len)), (Some("running"), Some(0)));
    operator.run(&["peek", "w/qa"]).expect(4);
}

#[test]
fn no_such_session() {
    let (operator, _worker) = known_worker();
    let ran = operator.run(&["peek", "w/q"]).expect(4);
    assert!(ran.stderr.contains("there is no session \"q\""), "{}", ran.stderr);
}

#[test]
fn no_such_context() {
    let cluster = Cluster::start();
    let operator = Operator::of(cluster).worker("w", "fleet", "context: other");
    let row = found(&operator, NO_CONTEXT);
    assert!(row["reason"].as_str().unwrap().contains("there is no context other"), "{row}");
}

#[test]
fn no_kubectl() {
    let (mut operator, _worker) = known_worker();
    operator.world = operator.world.env("FACTORY_KUBECTL", "/nowhere/kubectl");
    let row = found(&operator, NO_KUBECTL);
    assert!(row["reason"].as_str().unwrap().contains("cannot run /nowhere/kubectl"), "{row}");
}

#[test]
fn a_slow_network_is_only_slow() {
    let (operator, _worker) = known_worker();
    operator.cluster.when(requests()).then(Fault::slow(Duration::from_millis(100)));
    assert_eq!(operator.rows()[0]["status"], "running");
}

#[test]
fn one_worker_in_trouble_costs_the_others_nothing() {
    let cluster = Cluster::start();
    cluster.deployment("good").session("qa", "cat").start();
    cluster.deployment("bad").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "good", "").worker("x", "bad", "");
    operator.cluster.when(execs().of("bad")).then(Fault::Silence);
    let ran = operator.run(&["--timeout=10s", "list"]).expect(0);
    let words: Vec<&str> = ran.stdout.lines().skip(1).filter_map(|row| row.split_whitespace().nth(2)).collect();
    assert_eq!(words, ["running", "unreachable"], "{}", ran.stdout);
}
