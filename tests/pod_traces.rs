//! Whatever goes wrong on the way to a pod, it leaves nothing behind: no process and no temporary file here or there, and
//! the terminal as it was.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::fs;
use std::time::Duration;

use kubesim::{Cluster, Farewell, Fault, Requests, Running, Stage, execs, requests};
use operator::{FACTORY, Operator};
use rstest::rstest;
use support::BIN;
use traces::{Untouched, assert_clean, modes, with_own_tmpdir};

/// A deadline for what never comes, and one for what comes, however busy the machine is.
const SHORT: &str = "500ms";
const LONG: &str = "60s";

/// What asks something or sends something, on a terminal; each says what it exits with.
const COMMANDS: &[&str] = &[
    "list",
    "status w",
    "peek w/qa",
    "peek w/qa --follow",
    "nudge w/qa hello",
    "interrupt w/qa",
    "dispatch w --project shop --issue 7",
    "doctor w",
];

/// An operator with the worker `w`, which was found before.
fn worker() -> (Operator, Running) {
    let cluster = Cluster::start();
    let session = "trap 'echo INT >>typed' INT; while :; do read -r line && echo \"$line\" >>typed; done";
    let worker = cluster.deployment("fleet").script("factory", FACTORY).session("qa", session).start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    operator.world = with_own_tmpdir(operator.world);
    assert_eq!(operator.rows()[0]["status"], "running");
    (operator, worker)
}

/// Every command on one terminal, one after the other; gives what each exited with.
#[track_caller]
fn run_all(operator: &Operator, timeout: &str) -> Vec<i32> {
    let world = &operator.world;
    let screen = world.screen_with("");
    let before = modes(&screen, world);
    let codes = world.path("codes");
    let lines: String = COMMANDS
        .iter()
        .map(|command| format!("'{BIN}' --timeout={timeout} {command}\necho $? >>{}\n", codes.display()))
        .collect();
    let script = world.path("all");
    fs::write(&script, lines).unwrap();
    screen.enter(&format!("sh {}; echo all are through", script.display()));
    screen.wait("\nall are through");
    assert_eq!(modes(&screen, world), before);
    drop(screen);
    fs::read_to_string(codes).unwrap().lines().map(|code| code.parse().unwrap()).collect()
}

/// What the session and the queue of the pod write themselves.
const WRITTEN: &[&str] = &["typed", "calls"];

/// Each command has failed, and by itself; `list` says it in its row.
#[track_caller]
fn assert_all_failed(operator: &Operator, timeout: &str) {
    let codes = run_all(operator, timeout);
    assert_eq!(codes.len(), COMMANDS.len(), "{codes:?}");
    assert!(codes[0] == 0 && codes[1..].iter().all(|code| [1, 3, 4, 5].contains(code)), "{codes:?}");
    assert_clean(&operator.world);
}

#[rstest]
#[case::unauthorized(execs(), Fault::Status(401), LONG)]
#[case::forbidden(requests(), Fault::Status(403), LONG)]
#[case::too_many_requests(execs(), Fault::Status(429), LONG)]
#[case::internal_error(execs(), Fault::Status(500), LONG)]
#[case::unavailable(requests(), Fault::Status(503), LONG)]
#[case::hang_up(execs(), Fault::HangUp, LONG)]
#[case::reset(execs(), Fault::Reset, LONG)]
#[case::container_not_found(execs(), Fault::ContainerNotFound, LONG)]
#[case::cut_at_once(execs(), Fault::cut_after_bytes(0), LONG)]
#[case::cut_with_a_reset(execs(), Fault::cut_after_bytes(20).saying(Farewell::Reset), LONG)]
#[case::cut_by_a_server_that_leaves(execs(), Fault::cut_after_bytes(20).saying(Farewell::CloseFrame(1001)), LONG)]
#[case::cut_like_success(execs(), Fault::cut_after_bytes(20).looking_like_success(), LONG)]
#[case::silence_of_everything(requests(), Fault::Silence, SHORT)]
#[case::frozen(execs(), Fault::freeze_after_bytes(10), SHORT)]
#[case::frozen_with_pongs(execs(), Fault::freeze_after_bytes(10).with_pongs(), SHORT)]
fn a_fault_leaves_nothing_behind(#[case] which: Requests, #[case] fault: Fault, #[case] timeout: &str) {
    let (operator, worker) = worker();
    let before = Untouched::of(&worker.pod(), WRITTEN);
    operator.cluster.when(which).then(fault);
    assert_all_failed(&operator, timeout);
    before.assert();
}

#[test]
fn connections_that_are_refused_leave_nothing_behind() {
    let (operator, worker) = worker();
    let before = Untouched::of(&worker.pod(), WRITTEN);
    operator.cluster.refuse_connections();
    assert_all_failed(&operator, LONG);
    before.assert();
}

#[rstest]
#[case::pending(Stage::Pending)]
#[case::creating(Stage::ContainerCreating)]
#[case::crashing(Stage::CrashLoopBackOff)]
#[case::completed(Stage::Completed)]
fn a_pod_that_does_not_run_leaves_nothing_behind(#[case] stage: Stage) {
    let (operator, worker) = worker();
    worker.pod().becomes(stage);
    assert_all_failed(&operator, LONG);
}

#[test]
fn a_pod_that_is_being_deleted_leaves_nothing_behind() {
    let (operator, worker) = worker();
    operator.cluster.stopping_takes(Duration::from_secs(600));
    operator.cluster.replacing_takes(Duration::from_secs(600));
    worker.pod().begin_to_delete();
    let mut operator = Operator::of(operator.cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    operator.world = with_own_tmpdir(operator.world);
    assert_all_failed(&operator, LONG);
}

/// What a container lacks costs what needs it: with sessions it is listed and looked at all the same.
#[rstest]
#[case::tmux("tmux")]
#[case::sh("sh")]
fn a_container_that_lacks_something_leaves_nothing_behind(#[case] program: &str) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").without(program).script("factory", FACTORY).start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    operator.world = with_own_tmpdir(operator.world);
    let before = Untouched::of(&worker.pod(), WRITTEN);
    run_all(&operator, LONG);
    assert_clean(&operator.world);
    before.assert();
}

/// The commands that do their work leave no more than those that fail.
#[test]
fn nothing_is_left_behind_when_all_is_well() {
    let (operator, worker) = worker();
    let before = Untouched::of(&worker.pod(), WRITTEN);
    // Following ends with the session alone; every other command ends by itself.
    operator.run(&["--timeout=60s", "nudge", "w/qa", "hello"]);
    for command in [&["list"][..], &["status", "w"], &["peek", "w/qa"], &["interrupt", "w/qa"], &["doctor"]] {
        operator.run(command);
    }
    operator.run(&["dispatch", "w", "--project", "shop", "--issue", "7"]).expect(0);
    assert_clean(&operator.world);
    before.assert();
}
