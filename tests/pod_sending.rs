//! What is sent to a pod over a connection that breaks: never sent twice, never called delivered or lost without proof.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::time::Duration;

use kubesim::{Cluster, Farewell, Fault, Pod, Stage, execs, lists, requests};
use operator::{FACTORY, Operator};
use rstest::rstest;

const DISPATCH: &[&str] = &["dispatch", "w", "--project", "shop", "--issue", "7"];
const NUDGE: &[&str] = &["nudge", "w/qa", "twice-is-once-too-often"];
const INTERRUPT: &[&str] = &["interrupt", "w/qa"];

/// A deadline for what never comes, and one for what comes, however busy the machine is.
const SHORT: &[&str] = &["--timeout=2s"];
const LONG: &[&str] = &["--timeout=60s"];

/// What runs in a pod to which nobody talks: its tmux server and the session's shell.
const IDLE: usize = 2;

/// The worker `w`: a queue that notes what is added, and a session that notes its input and each Ctrl-C.
fn worker() -> (Operator, Pod) {
    let cluster = Cluster::start();
    let session = "trap 'echo INT >>typed' INT; while :; do read -r line && echo \"$line\" >>typed; done";
    let worker = cluster.deployment("fleet").script("factory", FACTORY).session("qa", session).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    assert_eq!(operator.rows()[0]["status"], "running");
    (operator, worker.pod())
}

/// How often something arrived in the pod, once nothing of it is under way any more.
fn arrived(pod: &Pod, file: &str, what: &str) -> usize {
    support::eventually("execs to end", || (pod.processes().len() <= IDLE).then_some(()));
    let text = fs::read_to_string(pod.home().join(file)).unwrap_or_default();
    text.lines().filter(|line| line.contains(what)).count()
}

/// The request goes out, and its fate is not known.
#[rstest]
#[case::hang_up(Fault::HangUp)]
#[case::reset(Fault::Reset)]
#[case::silence(Fault::Silence)]
#[case::internal_error(Fault::Status(500))]
#[case::cut_at_once(Fault::cut_after_bytes(0))]
#[case::cut(Fault::cut_after_bytes(20))]
#[case::cut_with_a_reset(Fault::cut_after_bytes(20).saying(Farewell::Reset))]
#[case::cut_like_success(Fault::cut_after_bytes(0).looking_like_success())]
#[case::cut_late_like_success(Fault::cut_after_bytes(30).looking_like_success())]
#[case::frozen(Fault::freeze_after_bytes(0))]
#[case::frozen_with_pongs(Fault::freeze_after_bytes(5).with_pongs())]
fn an_unknown_outcome_is_called_unknown_and_not_tried_again(#[case] fault: Fault) {
    let (operator, pod) = worker();
    // A request that is refused with a status is asked once more by kubectl itself, by its older protocol; others are not.
    let most = if matches!(fault, Fault::Status(_)) { 2 } else { 1 };
    operator.cluster.when(execs()).then(fault);
    for (command, tells) in
        [(DISPATCH, "factory-worker list w"), (NUDGE, "factory-worker peek"), (INTERRUPT, "factory-worker peek")]
    {
        let (ran, calls) = operator.watched(&[SHORT, command].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (5, ""), "{command:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("unknown") && ran.stderr.contains(tells), "{command:?}: {}", ran.stderr);
        assert!(calls.execs().len() <= most, "{command:?}");
    }
    assert!(arrived(&pod, "calls", "queue add") <= 1);
    assert!(arrived(&pod, "typed", "twice-is-once-too-often") <= 1);
    assert!(arrived(&pod, "typed", "INT") <= 1);
}

/// It is proven that nothing ran.
#[rstest]
#[case::unauthorized(Fault::Status(401))]
#[case::forbidden(Fault::Status(403))]
#[case::too_many_requests(Fault::Status(429))]
#[case::unavailable(Fault::Status(503))]
#[case::container_not_found(Fault::ContainerNotFound)]
fn what_was_surely_not_sent_is_no_unknown_outcome(#[case] fault: Fault) {
    let (operator, pod) = worker();
    operator.cluster.when(execs()).then(fault);
    for command in [DISPATCH, NUDGE, INTERRUPT] {
        let ran = operator.run(&[LONG, command].concat()).expect(3);
        assert!(!ran.stderr.contains("unknown"), "{command:?}: {}", ran.stderr);
    }
    assert_eq!(arrived(&pod, "calls", "queue add") + arrived(&pod, "typed", ""), 0);
}

/// What is sent ends as a look does, whether the pod was found before or not, and says the same of it.
#[rstest]
#[case::deleted(None, 4)]
#[case::pending(Some(Stage::Pending), 3)]
#[case::creating(Some(Stage::ContainerCreating), 3)]
#[case::crashing(Some(Stage::CrashLoopBackOff), 3)]
#[case::completed(Some(Stage::Completed), 3)]
fn a_pod_that_is_not_there_was_sent_nothing(#[case] stage: Option<Stage>, #[case] code: i32) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").script("factory", FACTORY).session("qa", "cat").start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.run(&["list"]).expect(0);
    match stage {
        Some(stage) => worker.pod().becomes(stage),
        None => worker.delete(),
    }
    for _ in ["who found it before", "who did not"] {
        assert_told_as_by_peek(&operator, code);
        operator = Operator::of(operator.cluster).worker("w", "fleet", "");
    }
}

/// What breaks before it is known which pod it is cannot have carried anything there.
#[rstest]
#[case::hang_up(Fault::HangUp, SHORT)]
#[case::forbidden(Fault::Status(403), LONG)]
#[case::internal_error(Fault::Status(500), LONG)]
#[case::silence(Fault::Silence, SHORT)]
fn a_listing_that_breaks_sent_nothing(#[case] fault: Fault, #[case] timeout: &[&str]) {
    let cluster = Cluster::start();
    cluster.deployment("fleet").script("factory", FACTORY).session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.cluster.when(lists()).then(fault);
    for command in [DISPATCH, NUDGE, INTERRUPT] {
        let ran = operator.run(&[timeout, command].concat()).expect(3);
        assert!(!ran.stderr.contains("unknown"), "{command:?}: {}", ran.stderr);
    }
}

#[rstest]
#[case::a_name_that_nothing_has("nothing", "", 4)]
#[case::no_such_container("fleet", "container: other", 4)]
#[case::no_such_context("fleet", "context: other", 3)]
fn a_worker_that_is_none_was_sent_nothing(#[case] pod: &str, #[case] more: &str, #[case] code: i32) {
    let cluster = Cluster::start();
    cluster.deployment("fleet").script("factory", FACTORY).session("qa", "cat").start();
    assert_told_as_by_peek(&Operator::of(cluster).worker("w", pod, more), code);
}

#[test]
fn a_container_without_sh_was_sent_nothing() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").without("sh").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    for command in [DISPATCH, NUDGE, INTERRUPT] {
        let ran = operator.run(&[LONG, command].concat()).expect(1);
        assert!(!ran.stderr.contains("unknown") && ran.stderr.contains("install sh"), "{command:?}: {}", ran.stderr);
    }
}

#[track_caller]
fn assert_told_as_by_peek(operator: &Operator, code: i32) {
    let peek = operator.run(&[LONG, &["peek", "w/qa"]].concat()).expect(code);
    let told = peek.stderr.split_once("peeking at w/qa: ").unwrap().1;
    for command in [DISPATCH, NUDGE, INTERRUPT] {
        let ran = operator.run(&[LONG, command].concat()).expect(code);
        assert!(ran.stderr.contains(told), "{command:?}: {} and not {told}", ran.stderr);
    }
}

#[test]
fn a_cluster_that_is_gone_was_sent_nothing() {
    let (operator, _pod) = worker();
    operator.cluster.refuse_connections();
    for command in [DISPATCH, NUDGE, INTERRUPT] {
        operator.run(&[LONG, command].concat()).expect(3);
    }
    assert_told_as_by_peek(&Operator::of(operator.cluster).worker("w", "fleet", ""), 3);
}

#[test]
fn a_container_that_was_not_there_is_asked_again_and_gets_it_once() {
    let (operator, pod) = worker();
    operator.cluster.when(execs().once()).then(Fault::ContainerNotFound);
    operator.run(&[LONG, DISPATCH].concat()).expect(0);
    assert_eq!(arrived(&pod, "calls", "queue add"), 1);
}

#[test]
fn a_pod_that_was_replaced_gets_it_once() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").script("factory", FACTORY).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    operator.run(&["list"]).expect(0);
    let old = worker.pod();
    old.delete();
    let new = worker.wait_replaced(&old);
    operator.run(&[LONG, DISPATCH].concat()).expect(0);
    let calls = fs::read_to_string(new.home().join("calls")).unwrap();
    assert_eq!(calls, "queue add --project shop --issue 7\n");
}

#[test]
fn a_command_that_fails_says_so_and_is_not_unknown() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").script("factory", "#!/bin/sh\necho 'queue is full' >&2\nexit 9\n").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let (ran, calls) = operator.watched(&[LONG, DISPATCH].concat());
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("queue is full") && ran.stderr.contains('9'), "{}", ran.stderr);
    assert_eq!(calls.execs().len(), 1);
}

#[test]
fn a_slow_network_delivers_once() {
    let (operator, pod) = worker();
    operator.cluster.when(requests()).then(Fault::slow(Duration::from_millis(100)));
    operator.run(&[LONG, DISPATCH].concat()).expect(0);
    assert_eq!(arrived(&pod, "calls", "queue add"), 1);
}

#[test]
fn prompts_are_in_no_request() {
    let (operator, _pod) = worker();
    let (_, calls) = operator.watched(&["nudge", "w/qa", "the-secret-text"]);
    assert!(!calls.is_empty() && calls.iter().all(|call| !call.path.contains("the-secret-text")));
}
