//! A tmux server that runs and has no session: `exit-empty off`, as our own image has it before its first session and after
//! its last. Whoever asks hears that there are none, and nobody that something is wrong.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/picker.rs"]
mod picker;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use kubesim::{Cluster, Running, eventually_or_show};
use operator::Operator;
use picker::picker;
use rstest::rstest;
use support::{World, eventually};
use window::{Factory, Kind};

/// Starts one.
const EMPTY: [&str; 6] = ["start-server", ";", "set-option", "-s", "exit-empty", "off"];

const NO_COMMANDS: &str = "commands: {status: \"\", queue: \"\"}";

/// A world with the worker `w`, and what keeps it.
struct Kept {
    operator: Operator,
    _pod: Option<Running>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Local,
    Pod,
    /// It is asked for tmux alone.
    PodWithoutSh,
}

fn empty(place: Place) -> Kept {
    let cluster = Cluster::start();
    if place == Place::Local {
        let mut operator = Operator::of(cluster);
        operator.world = operator.world.worker_with("w", NO_COMMANDS);
        operator.world.worker_tmux("w", &EMPTY);
        return Kept { operator, _pod: None };
    }
    let workload = cluster.deployment("fleet");
    let workload = if place == Place::PodWithoutSh { workload.without("sh") } else { workload };
    let worker = workload.start();
    worker.pod().tmux(&EMPTY);
    Kept { operator: Operator::of(cluster).worker("w", "fleet", NO_COMMANDS), _pod: Some(worker) }
}

#[rstest]
fn a_server_without_sessions_is_a_worker_that_runs(#[values(Place::Local, Place::Pod, Place::PodWithoutSh)] place: Place) {
    let kept = empty(place);
    let operator = &kept.operator;
    let row = &operator.rows()[0];
    assert_eq!((&row["status"], &row["sessions"], &row["reason"]), (&"running".into(), &serde_json::json!([]), &().into()));
    let table = operator.run(&["list"]).expect(0).stdout;
    assert!(table.lines().nth(1).is_some_and(|row| row.contains("running") && row.contains("(none)")), "{table}");
    let status = operator.run(&["status", "w"]).expect(0);
    assert!(status.stdout.contains("running") && status.stdout.contains("SESSIONS (none)"), "{}", status.stdout);
}

#[rstest]
#[case::peek(&["peek", "w/qa"])]
#[case::a_name_that_tmux_cannot_find(&["peek", "w/q a"])]
#[case::nudge(&["nudge", "w/qa", "hello"])]
#[case::interrupt(&["interrupt", "w/qa"])]
#[case::the_only_session(&["peek", "w"])]
fn there_is_no_such_session(#[case] command: &[&str], #[values(Place::Local, Place::Pod)] place: Place) {
    let kept = empty(place);
    let ran = kept.operator.run(command).expect(4);
    assert!(ran.stderr.contains("there is no session") || ran.stderr.contains("has no sessions"), "{}", ran.stderr);
}

#[rstest]
fn doctor_finds_nothing_wrong(#[values(Place::Local, Place::Pod)] place: Place) {
    let kept = empty(place);
    let said = kept.operator.run(&["doctor", "w"]).stdout;
    let of_worker = said.split("\nw (").nth(1).expect("the worker's section");
    assert!(of_worker.contains("tmux") && !of_worker.contains("FAIL") && !of_worker.contains("incomplete"), "{said}");
}

#[rstest]
fn the_picker_has_a_row_without_a_session(#[values(Place::Local, Place::Pod)] place: Place) {
    let kept = empty(place);
    let screen = picker(&kept.operator.world, "");
    screen.wait_until("the row", |text| text.lines().any(|line| line.contains("w ") && line.contains("(none)")));
}

#[test]
fn attach_says_that_there_is_no_such_session() {
    let world = World::new().worker("w");
    world.worker_tmux("w", &EMPTY);
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {} attach w/qa; echo left with $?", support::BIN));
    screen.wait("left with 4");
    screen.wait("no session");
}

/// What its views have set on the server goes with the last of them, also where that needs no session.
#[test]
fn a_window_closes_with_the_last_session_and_the_server_is_as_before() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().tmux(&["set-option", "-s", "exit-empty", "off"]);
    let state = || {
        let options = factory.pod().tmux(&["show-options", "-s", ";", "show-hooks", "-g", ";", "list-keys", "-T", "root"]);
        options.lines().filter(|line| !line.starts_with("buffer")).collect::<Vec<_>>().join("\n")
    };
    let before = state();
    let window = factory.window();
    factory.wait_start_known();
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
    eventually_or_show("the server to be as before", || {
        let now = state();
        let differs = |line: &&str| now.contains(*line) != before.contains(*line);
        let different: Vec<&str> = now.lines().chain(before.lines()).filter(differs).collect();
        if different.is_empty() { Ok(()) } else { Err(different.join("\n")) }
    });
}
