//! A worker that names no container, whose pod has its sessions in another one than kubectl takes.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/picker.rs"]
mod picker;
mod support;

use kubesim::{Cluster, Running, requests_for};
use operator::Operator;
use picker::picker;
use rstest::rstest;

/// What kubectl's own choice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Default {
    /// The first one, which has a tmux without a server.
    First,
    /// The first one, which has no tmux.
    WithoutTmux,
    /// One that an annotation names.
    Annotated,
}

/// The worker `w`: `agent` has the sessions, and is not the one that is taken.
fn worker(default: Default) -> (Operator, Running) {
    let cluster = Cluster::start();
    let workload = match default {
        Default::First => cluster.deployment("fleet"),
        Default::WithoutTmux => cluster.deployment("fleet").without("tmux"),
        Default::Annotated => cluster.deployment("fleet").without("tmux").container("web").default_container("web"),
    };
    let worker = workload.container("agent").session("qa", "echo I am qa; cat").session("dev", "cat").container("side").start();
    (Operator::of(cluster).worker("w", "fleet", "commands: {status: \"\", queue: \"\"}"), worker)
}

const KEY: &str = "set container: agent for it in workers.yaml";

/// In whichever words.
fn are_named(said: &str, default: Default) -> bool {
    said.contains(&format!("container {}, the pod's default; agent has dev, qa", taken(default)))
}

fn taken(default: Default) -> &'static str {
    if default == Default::Annotated { "web" } else { "worker" }
}

#[rstest]
#[case(Default::First, "running")]
#[case(Default::Annotated, "running")]
#[case(Default::WithoutTmux, "no tmux")]
fn list_and_status_say_where_the_sessions_are(#[case] default: Default, #[case] status: &str) {
    let (operator, _worker) = worker(default);
    let row = &operator.rows()[0];
    assert_eq!(row["status"], status, "{row}");
    assert!(row["reason"].as_str().is_some_and(|reason| are_named(reason, default)), "{row}");
    let table = operator.run(&["list"]).expect(0).stdout;
    assert!(are_named(&table, default), "{table}");
    let ran = operator.run(&["status", "w"]);
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(are_named(&said, default) && said.contains(KEY), "{said}");
    assert_eq!(ran.code, if status == "running" { 0 } else { 1 }, "{said}");
}

#[rstest]
#[case(&["peek", "w/qa"])]
#[case(&["peek", "w"])]
#[case(&["nudge", "w/qa", "hello"])]
#[case(&["interrupt", "w/qa"])]
fn who_finds_no_session_is_told_where_there_is_one(
    #[case] command: &[&str],
    #[values(Default::First, Default::WithoutTmux)] default: Default,
) {
    let (operator, worker) = worker(default);
    let ran = operator.run(command).expect(if default == Default::WithoutTmux { 1 } else { 4 });
    assert!(ran.stderr.contains("the pod's default; agent has dev, qa") && ran.stderr.contains(KEY), "{}", ran.stderr);
    drop(worker);
}

/// Of another name than any: who has sessions here has mistyped.
#[test]
fn a_name_that_nobody_has_is_only_that() {
    let cluster = Cluster::start();
    let _worker = cluster.deployment("fleet").session("home", "cat").container("agent").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let said = operator.run(&["peek", "w/q"]).expect(4).stderr;
    assert!(said.contains("there is no session \"q\"") && !said.contains("container"), "{said}");
    let said = operator.run(&["peek", "w/qa"]).expect(4).stderr;
    assert!(said.contains("agent has qa") && said.contains(KEY), "{said}");
}

#[test]
fn the_remedy_is_one() {
    let (operator, _worker) = worker(Default::First);
    let path = operator.world.registry_path();
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("    pod: fleet\n", "    pod: fleet\n    container: agent\n")).unwrap();
    assert_eq!(operator.rows()[0]["sessions"][0]["name"], "dev");
    assert!(operator.run(&["peek", "w/qa"]).expect(0).stdout.contains("I am qa"));
}

/// One exec for each worker is what a list costs; a pod that has no other container, or whose default has sessions, costs no more.
#[test]
fn only_a_pod_without_sessions_and_with_other_containers_is_asked_more() {
    let cluster = Cluster::start();
    let _none = cluster.deployment("none").start();
    let _good = cluster.deployment("good").session("qa", "cat").container("side").start();
    let _other = cluster.deployment("other").container("agent").session("qa", "cat").container("side").start();
    let operator = Operator::of(cluster).worker("none", "none", "").worker("good", "good", "").worker("other", "other", "");
    for _ in 0..2 {
        let (ran, calls) = operator.watched(&["list"]);
        ran.expect(0);
        // A gateway's exec that names no container is refused where there are several, and runs nothing.
        let is_run = |path: &str, pod: &str| pod == "none" || path.contains("container=");
        let execs = |pod: &str| calls.execs().iter().filter(|call| call.name.starts_with(pod) && is_run(&call.path, pod)).count();
        assert_eq!((execs("none"), execs("good"), execs("other")), (1, 1, 3));
    }
    // Which containers there are was kept.
    let (_, calls) = operator.watched(&["list", "none"]);
    // kubectl itself looks at the pod before its exec.
    assert_eq!(calls.matching(&requests_for("pods")).len(), 1);
}

/// The reason is cut where the screen is narrow; what to do is not.
#[rstest]
fn a_window_says_it_too(#[values(Default::First, Default::WithoutTmux)] default: Default) {
    let (operator, _worker) = worker(default);
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait_until("the reason and the key", |text| text.contains("the pod's default") && text.contains(KEY));
}

#[rstest]
#[case(Default::First, 4)]
#[case(Default::WithoutTmux, 1)]
fn attach_says_it_too(#[case] default: Default, #[case] code: i32) {
    let (operator, _worker) = worker(default);
    let screen = operator.world.screen_with("");
    screen.enter(&format!("clear; {} attach w/qa; echo left with $?", support::BIN));
    let text = screen.wait(&format!("left with {code}"));
    // The terminal breaks lines within words.
    let solid = |text: &str| text.split_whitespace().collect::<String>();
    assert!(solid(&text).contains(&solid("agent has dev, qa")) && text.contains(KEY), "{text}");
}

#[test]
fn doctor_and_the_picker_say_it_too() {
    let (operator, _worker) = worker(Default::First);
    let said = operator.run(&["doctor", "w"]).stdout;
    assert!(said.contains("none in container worker, the pod's default; agent has dev, qa") && said.contains(KEY), "{said}");
    let screen = picker(&operator.world, "");
    screen.wait_until("the row", |text| text.lines().any(|line| line.contains("w ") && line.contains("none in container")));
    screen.wait_until("the preview", |text| text.contains("set container:") && text.contains("agent has"));
}

#[rstest]
fn a_restart_names_the_sessions_that_end_in_other_containers(#[values(Default::First, Default::WithoutTmux)] default: Default) {
    let (operator, _worker) = worker(default);
    let said = operator.run(&["worker", "restart", "w", "--dry-run"]).expect(0).stdout;
    assert!(said.contains("These sessions end: dev (in container agent), qa (in container agent)"), "{said}");
}
