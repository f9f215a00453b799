//! Gas City's session provider, through the real kubectl: sessions are started, listed, attached to and stopped, as its conformance asks.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
mod support;

use std::fs;

use agents::{LISTENER, begin};
use city::City;
use kubesim::{Fault, lists};
use rstest::rstest;
use serde_json::json;
use support::eventually;

#[test]
fn a_session_lives_from_start_to_stop() {
    let city = City::of_agents();
    assert_eq!(city.ask(&["is-running", "mayor"]), "false\n");
    let pod = city.start("mayor", LISTENER);
    assert_eq!(pod.name(), "mayor");
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");
    eventually("the first words", || city.ask(&["peek", "mayor", "50"]).contains("I listen").then_some(()));

    let again = city.try_start("mayor", &json!({"command": "true"})).expect(1);
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");

    city.start("rig--worker", LISTENER);
    assert_eq!(city.ask(&["list-running", ""]), "mayor\nrig--worker\n");
    assert_eq!(city.ask(&["list-running", "rig"]), "rig--worker\n");
    assert_eq!(city.ask(&["list-running", "nobody"]), "");

    for _ in 0..2 {
        city.session(&["stop", "mayor"], "").expect(0);
        assert_eq!(city.ask(&["is-running", "mayor"]), "false\n");
        assert_eq!(city.ask(&["list-running", ""]), "rig--worker\n");
    }
    city.start("mayor", LISTENER);
}

/// As the script's stop: nothing has to be found out before it.
#[test]
fn one_kubectl_finds_and_ends_what_a_start_has_made() {
    let mut city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    let notes = city.note_every_word();
    city.session(&["stop", "mayor"], "").expect(0);
    assert!(pod.is_gone());
    let calls = fs::read_to_string(notes).unwrap();
    let ends = |call: &&str| call.contains(" delete pod -l gc-session=mayor,factory-worker/session=");
    assert_eq!(calls.lines().filter(ends).count(), 1, "{calls}");
    assert!(!calls.contains(" delete pod mayor"), "{calls}");
}

#[test]
fn of_starts_at_the_same_time_one_wins() {
    let city = City::of_agents();
    let payload = json!({"command": LISTENER}).to_string();
    // Each sees the others' pod only when it makes its own.
    let rule = city.cluster.when(lists()).then(Fault::slow(std::time::Duration::from_secs(2)));
    let starts: Vec<_> = (0..4).map(|_| begin(&city, &["start", "mayor"], payload.clone())).collect();
    let ran: Vec<_> = starts.into_iter().map(|start| start.join().unwrap()).collect();
    rule.lift();
    assert_eq!(ran.iter().filter(|ran| ran.code == 0).count(), 1, "{ran:?}");
    assert!(ran.iter().filter(|ran| ran.code != 0).all(|ran| ran.code == 1 && ran.stderr.contains("already exists")), "{ran:?}");
    assert_eq!((city.pods().len(), city.ask(&["is-running", "mayor"]).as_str()), (1, "true\n"));
}

#[rstest]
#[case::unknown(&["frobnicate", "x"], 2)]
#[case::provision(&["provision", "x"], 2)]
#[case::watch_startup(&["watch-startup", "x"], 2)]
#[case::none(&[], 1)]
#[case::start_without_a_name(&["start"], 1)]
#[case::set_meta_without_a_key(&["set-meta", "x"], 1)]
#[case::get_meta_without_a_key(&["get-meta", "x"], 1)]
#[case::attach_to_nothing(&["attach", "x"], 1)]
#[case::copy_from_nothing(&["copy-from", "x", "/etc/passwd"], 1)]
#[case::exec_in_nothing(&["exec", "x"], 1)]
fn only_an_unknown_operation_is_exit_2(#[case] words: &[&str], #[case] code: i32) {
    let city = City::of_agents();
    let ran = city.session(words, "").expect(code);
    assert_eq!((ran.stdout.as_str(), ran.stderr.is_empty()), ("", code == 2), "{}", ran.stderr);
    city.world.run(&[&["gc-session"], words].concat()).expect(code);
}

#[rstest]
#[case(&["stop", "x"], "")]
#[case(&["interrupt", "x"], "")]
#[case(&["is-running", "x"], "false\n")]
#[case(&["is-running", ""], "false\n")]
#[case(&["is-attached", "x"], "false\n")]
#[case(&["nudge", "x"], "")]
#[case(&["send-keys", "x", "Enter"], "")]
#[case(&["set-meta", "x", "KEY"], "")]
#[case(&["get-meta", "x", "KEY"], "")]
#[case(&["remove-meta", "x", "KEY"], "")]
#[case(&["peek", "x", "50"], "")]
#[case(&["list-running", ""], "")]
#[case(&["clear-scrollback", "x"], "")]
#[case(&["get-last-activity", "x"], "")]
#[case(&["copy-to", "x", "/etc/passwd", ""], "")]
fn a_session_that_is_not_there_is_no_error(#[case] words: &[&str], #[case] answer: &str) {
    let city = City::of_agents();
    assert_eq!(city.session(words, "text").expect(0).stdout, answer);
    // Nor is one whose agent has ended.
    city.start("x", LISTENER).tmux(&["kill-server"]);
    assert_eq!(city.ask(&["is-running", "x"]), "false\n");
    let expected = if words[0] == "list-running" { "x\n" } else { answer };
    let code = if words[0] == "set-meta" { 1 } else { 0 };
    assert_eq!(city.session(words, "text").expect(code).stdout, expected);
}

#[test]
fn the_newer_operations_are_announced() {
    let protocol: serde_json::Value = serde_json::from_str(&City::new().ask(&["protocol"])).unwrap();
    assert_eq!(protocol, json!({"version": 0, "capabilities": ["report-attachment", "report-activity", "proc.exec"]}));
}

#[test]
fn a_hundred_agents_are_listed_by_one_kubectl() {
    let mut city = City::of_agents();
    let pod = |number: usize| {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": format!("agent-{number}"), "labels": {"app": "gc-agent", "gc-session": format!("agent-{number}")},
                "annotations": {"gc-session-name": format!("agent-{number:03}")},
            },
            "spec": {"containers": [{"name": "agent", "image": "nothing:1"}]},
        })
    };
    let file = city.world.path("hundred.json");
    let all: Vec<_> = (0..100).map(pod).collect();
    fs::write(&file, all.iter().map(|pod| pod.to_string() + "\n").collect::<String>()).unwrap();
    assert_eq!(city.cluster.kubectl(&["-n", "gc", "apply", "--validate=false", "-f", file.to_str().unwrap()]).code, 0);
    eventually("all to run", || (city.ask(&["list-running", "agent-"]).lines().count() == 100).then_some(()));
    let notes = city.note_kubectl();
    let listed = city.ask(&["list-running", "agent-0"]);
    assert_eq!((listed.lines().count(), listed.lines().next()), (100, Some("agent-000")));
    assert_eq!(fs::read_to_string(notes).unwrap().lines().count(), 1);
}

#[rstest]
#[case(&["peek", "mayor", "50"])]
#[case(&["nudge", "mayor"])]
#[case(&["is-running", "mayor"])]
#[case(&["get-meta", "mayor", "KEY"])]
#[case(&["set-meta", "mayor", "KEY"])]
#[case(&["send-keys", "mayor", "Enter"])]
#[case(&["process-alive", "mayor"])]
fn one_kubectl_finds_the_pod_and_asks_it(#[case] words: &[&str]) {
    let mut city = City::of_agents();
    city.start("mayor", LISTENER);
    let notes = city.note_kubectl();
    city.cluster.forget_calls();
    city.session(words, "text").expect(0);
    let noted = fs::read_to_string(&notes).unwrap();
    assert!(noted.lines().count() == 1 && noted.contains(" proxy "), "{noted}");
    let calls = city.cluster.calls().about_objects();
    assert_eq!((calls.len(), calls.execs().len()), (2, 1), "{calls:?}");
    city.assert_nothing_left();
}

/// One that has no proxy, as the one that stands in for it in Gas City's own tests; and a user who may have to log in.
#[test]
fn without_a_gateway_there_are_two() {
    let mut city = City::of_agents();
    city.start("mayor", LISTENER);
    let notes = city.note_kubectl();
    let noting = city.world.path("bin/noting");
    fs::rename(city.world.path("bin/kubectl"), &noting).unwrap();
    let without = format!("#!/bin/sh\ncase \" $* \" in *' proxy '*) exit 0 ;; esac\nexec {} \"$@\"\n", noting.display());
    city.world.script("kubectl", &without);
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");
    assert_eq!(fs::read_to_string(&notes).unwrap().lines().count(), 2);
    fs::write(&notes, "").unwrap();
    let login = city.cluster.admin("ann");
    let plugin =
        r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$0""#;
    let user = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", plugin, login.token], "interactiveMode": "Never",
    }});
    let file = city.world.path("with-plugin");
    kubesim::Kubeconfig::new().secure("plugin", &city.cluster, user).write(&file);
    fs::rename(&noting, city.world.path("bin/kubectl")).unwrap();
    let city = city.env("KUBECONFIG", file.to_str().unwrap());
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");
    let noted = fs::read_to_string(&notes).unwrap();
    assert!(noted.lines().count() == 2 && !noted.contains(" proxy "), "{noted}");
}

#[test]
fn attaching_is_a_view_like_any_other() {
    let city = City::of_agents();
    let pod = city.start("mayor", "echo I am the mayor; exec cat");
    let screen = city.world.screen_with("");
    screen.enter("gc-session-k8s attach mayor; echo left with $?");
    screen.wait("I am the mayor");
    assert_eq!(city.ask(&["is-attached", "mayor"]), "true\n");
    screen.enter("grün");
    eventually("what was typed", || pod.pane("main").contains("grün\ngrün").then_some(()));
    assert_eq!(pod.tmux(&["show-options", "-t", "main", "status"]), "status off\n", "as in every view");
    pod.tmux(&["detach-client", "-s", "main"]);
    screen.wait("left with 0");
    eventually("nobody to be attached", || (city.ask(&["is-attached", "mayor"]) == "false\n").then_some(()));
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");
}

#[test]
fn an_attachment_outlives_its_connection_and_its_pod() {
    let city = City::of_agents();
    let first = city.start("rig/mayor", "echo I am the first; exec cat");
    let screen = city.world.screen_with("");
    screen.enter("gc-session-k8s attach rig/mayor");
    screen.wait("I am the first");
    city.cluster.drop_connections();
    eventually("the connection to come back", || {
        screen.enter("again");
        first.pane("main").contains("again").then_some(())
    });
    first.delete();
    // Another pod, which has nothing in common with the first but its session's name.
    let second = city.script_starts("rig/mayor", "another", "rig-mayor", "echo I am the second; exec cat");
    screen.wait("I am the second");
    screen.enter("hello");
    eventually("what was typed", || second.pane("main").contains("hello\nhello").then_some(()));
}
