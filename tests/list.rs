//! `list` as people and programs see it.

mod support;

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rstest::rstest;
use serde_json::Value;
use support::{HOSTILE_NAMES, World, long_name};

fn json(world: &World, arguments: &[&str]) -> Value {
    serde_json::from_str(&world.run(arguments).expect(0).stdout).unwrap()
}

#[test]
fn without_workers_it_says_how_to_make_some() {
    let world = World::new();
    let ran = world.run(&["list"]).expect(0);
    assert!(ran.stderr.contains("factory-worker config init"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "NAME  POD  STATUS  SESSIONS  QUEUE\n");
}

#[test]
fn rows_come_in_the_files_order_with_sessions_and_states() {
    let world = World::new().worker("zeta").worker("alpha");
    world.session("zeta", "qa", "sleep 600");
    let ran = world.run(&["list"]).expect(0);
    let rows: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(rows[0].split_whitespace().collect::<Vec<_>>(), ["NAME", "POD", "STATUS", "SESSIONS", "QUEUE"]);
    assert!(rows[1].starts_with("zeta ") && rows[1].contains("running") && rows[1].contains("qa (active "), "{}", rows[1]);
    assert!(rows[2].starts_with("alpha ") && rows[2].contains("(none)"), "{}", rows[2]);
}

#[test]
fn only_the_workers_that_were_named() {
    let world = World::new().worker("first").worker("second");
    let ran = world.run(&["list", "second"]).expect(0);
    assert!(!ran.stdout.contains("first") && ran.stdout.contains("second"), "{}", ran.stdout);
    let ran = world.run(&["list", "third"]).expect(4);
    assert!(ran.stderr.contains("there is no worker \"third\"") && ran.stderr.contains("first, second"), "{}", ran.stderr);
}

#[test]
fn json_has_the_documented_keys() {
    let world = World::new();
    let queue = r#"[{"Namespace": "shop", "Issue": 7, "Status": "pending"}]"#;
    let queue = world.script("queue", &format!("#!/bin/sh\necho '{queue}'\n"));
    let world = world.worker_with("w", &format!("commands: {{queue: {}}}", queue.display()));
    world.session("w", "qa", "sleep 600");
    let answer = json(&world, &["list", "--json"]);
    let worker = &answer["workers"][0];
    let keys: Vec<&String> = worker.as_object().unwrap().keys().collect();
    for key in ["name", "kind", "pod", "container", "context", "namespace", "status", "reason", "sessions", "queue"] {
        assert!(keys.iter().any(|there| *there == key), "{key} is missing in {worker}");
    }
    assert_eq!(worker["status"], "running");
    assert_eq!(worker["pod"], Value::Null);
    assert_eq!(worker["queue"][0]["Issue"], 7);
    let session = &worker["sessions"][0];
    assert_eq!((&session["name"], &session["address"], &session["attached"]), (&"qa".into(), &"w/qa".into(), &0.into()));
    assert!(session["created"].as_str().unwrap().ends_with('Z'), "{session}");
}

#[test]
fn a_worker_without_an_answer_has_a_row_with_its_reason_and_no_sessions_list() {
    let world = World::new().worker_with("broken", "tmux: no-such-tmux").worker("fine");
    let answer = json(&world, &["list", "--json"]);
    assert_eq!(answer["workers"][0]["status"], "no tmux");
    assert_eq!(answer["workers"][0]["sessions"], Value::Null);
    assert_eq!(answer["workers"][1]["sessions"], Value::Array(vec![]));
}

#[test]
fn a_worker_that_never_answers_costs_the_others_nothing() {
    let world = World::new();
    let hang = world.script("hang", "#!/bin/sh\nexec sleep 600\n");
    let world = world.worker_with("stuck", &format!("tmux: {}", hang.display())).worker("fine");
    world.session("fine", "qa", "sleep 600");
    let answer = json(&world, &["list", "--json", "--timeout", "1s"]);
    assert_eq!(answer["workers"][0]["status"], "unreachable");
    assert_eq!(answer["workers"][1]["sessions"][0]["name"], "qa");
}

#[test]
fn a_tmux_that_dies_halfway_is_not_a_worker_without_sessions() {
    let world = World::new();
    let dies =
        world.script("dies", "#!/bin/sh\ncase $* in *-V*) echo tmux 3.3a ;; *) echo 'S $0 1 0 1 a'; kill -9 $PPID ;; esac\n");
    let world = world.worker_with("w", &format!("tmux: {}", dies.display()));
    let answer = json(&world, &["list", "--json"]);
    assert_eq!(answer["workers"][0]["status"], "incomplete", "{answer}");
}

#[test]
fn a_slow_queue_does_not_cost_the_sessions() {
    let world = World::new().worker_with("w", "commands: {queue: sleep 600}");
    world.session("w", "qa", "sleep 600");
    let answer = json(&world, &["list", "--json", "--timeout", "3s"]);
    assert_eq!(answer["workers"][0]["status"], "running");
    assert_eq!(answer["workers"][0]["queue"], Value::Null);
    assert!(answer["workers"][0]["reason"].as_str().unwrap().contains("too long"), "{answer}");
}

#[rstest]
fn names_are_shown_literally_and_execute_nothing() {
    let world = World::new().worker("w");
    for name in HOSTILE_NAMES.iter().map(|name| (*name).to_owned()).chain([long_name()]) {
        world.session("w", &name, "sleep 600");
    }
    let answer = json(&world, &["list", "--json"]);
    let mut seen: Vec<String> =
        answer["workers"][0]["sessions"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<String> = HOSTILE_NAMES.iter().map(|name| (*name).to_owned()).chain([long_name()]).collect();
    seen.sort();
    expected.sort();
    assert_eq!(seen, expected);
    assert_eq!(world.run(&["list"]).expect(0).stdout.lines().count(), 2, "one line a row");
    world.assert_nothing_executed();
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let world = World::new().worker("w");
    let mut child = world.command(&["list"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut out = BufReader::with_capacity(1, child.stdout.take().unwrap());
    drop(out.read_line(&mut first));
    drop(out);
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    let ran = world.program("sh").args(["-c", &format!("{} list | head -1", support::BIN)]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
}

#[test]
fn on_a_terminal_every_row_is_there_at_once_and_filled_in_place() {
    let world = World::new();
    let gate = world.path("gate");
    let slow =
        world.script("slow", &format!("#!/bin/sh\nwhile [ ! -e {} ]; do sleep 0.05; done\nexec tmux \"$@\"\n", gate.display()));
    let world = world.worker_with("slow", &format!("tmux: {}", slow.display())).worker("fast");
    world.session("fast", "qa", "sleep 600");
    let screen = world.screen_with("");
    screen.enter(&format!("{} list --timeout 60s", support::BIN));
    let shown = screen
        .wait_until("fast to be filled in while slow is asked", |text| text.contains("asking…") && text.contains("qa (active"));
    let line = |text: &str, start: &str| text.lines().position(|line| line.starts_with(start));
    assert!(line(&shown, "slow") < line(&shown, "fast"), "{shown}");
    std::fs::write(&gate, "").unwrap();
    let shown = screen.wait_gone("asking…");
    assert_eq!(shown.matches("slow ").count(), 1 + usize::from(shown.contains("slow list")), "{shown}");
    assert!(shown.contains("(none)"), "{shown}");
}

#[test]
fn a_machine_without_sh_and_tmux_has_no_tmux() {
    let world = World::new().worker("w").env("PATH", "/nonexistent");
    let listed = json(&world, &["list", "--json"]);
    assert_eq!((&listed["workers"][0]["status"], &listed["workers"][0]["sessions"]), (&"no tmux".into(), &Value::Null));
    let ran = world.run(&["status", "w"]).expect(1);
    assert!(ran.stderr.contains("install tmux"), "{}", ran.stderr);
}
