//! Trouble with the cluster, a pod or its image is an error of Gas City's session provider, never an answer.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
mod support;

use std::fs;

use agents::LISTENER;
use city::City;
use kubesim::{Fault, Requests, execs, requests};
use rstest::rstest;
use serde_json::json;
use support::eventually;

#[rstest]
fn trouble_is_an_error_and_never_an_answer(
    #[values(requests(), execs())] requests: Requests,
    #[values(Fault::Status(401), Fault::Status(403), Fault::Status(503))] fault: Fault,
) {
    let city = City::of_agents();
    city.start("mayor", LISTENER);
    let is_all = requests == kubesim::requests();
    city.cluster.when(requests).then(fault);
    for words in [
        &["is-running", "mayor"][..],
        &["stop", "mayor"],
        &["interrupt", "mayor"],
        &["process-alive", "mayor"],
        &["nudge", "mayor"],
        &["send-keys", "mayor", "Enter"],
        &["set-meta", "mayor", "KEY"],
        &["get-meta", "mayor", "KEY"],
        &["peek", "mayor", "50"],
        &["list-running", ""],
        &["get-last-activity", "mayor"],
        &["start", "other"],
    ] {
        if !is_all && matches!(words[0], "stop" | "list-running" | "start") {
            continue;
        }
        let input = if words[0] == "start" { "{}" } else { "sleep" };
        let ran = city.session(words, input).expect(1);
        assert!(ran.stdout.is_empty() && !ran.stderr.trim().is_empty(), "{words:?}: {ran:?}");
    }
    city.cluster.lift_all_faults();
    assert_eq!(city.ask(&["list-running", ""]), "mayor\n");
    assert_eq!(city.file(&city.pod_of("mayor"), "/workspace/heard").as_deref(), Some(""), "nothing was typed");
}

#[test]
fn a_cluster_that_cannot_be_reached_is_an_error() {
    let city = City::of_agents();
    city.start("mayor", LISTENER);
    city.cluster.refuse_connections();
    for words in [
        &["is-running", "mayor"][..],
        &["nudge", "mayor"],
        &["get-meta", "mayor", "KEY"],
        &["list-running", ""],
        &["stop", "mayor"],
    ] {
        let ran = city.session(words, "text").expect(1);
        assert!(ran.stdout.is_empty() && ran.stderr.contains("refused"), "{words:?}: {ran:?}");
    }
}

#[test]
fn an_answer_that_is_cut_is_no_answer() {
    let city = City::of_agents();
    let pod = city.start("mayor", "seq 1 300; exec cat");
    pod.tmux(&["set-environment", "-t", "main", "KEY", "a long value that is cut in the middle"]);
    for bytes in [0, 25, 60] {
        let rule = city.cluster.when(kubesim::execs()).then(Fault::cut_after_bytes(bytes).looking_like_success());
        for words in [
            &["is-running", "mayor"][..],
            &["peek", "mayor", "0"],
            &["get-meta", "mayor", "KEY"],
            &["copy-from", "mayor", "/etc/passwd"],
        ] {
            let ran = city.session(words, "").expect(1);
            assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{words:?} after {bytes} bytes: {ran:?}");
        }
        rule.lift();
    }
    assert_eq!(city.ask(&["is-running", "mayor"]), "true\n");
}

#[test]
fn an_image_that_the_cluster_cannot_get_is_known() {
    let city = City::of_agents();
    city.session(&["check-image", "new:1"], "").expect(0);
    city.cluster.image("bad:1").in_stage(kubesim::Stage::ImagePullBackOff).publish();
    let manifest = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "tried", "labels": {"app": "gc-agent", "gc-session": "tried"}},
        "spec": {"containers": [{"name": "agent", "image": "bad:1"}]},
    });
    let file = city.world.path("tried.json");
    fs::write(&file, manifest.to_string()).unwrap();
    assert_eq!(city.cluster.kubectl(&["-n", "gc", "apply", "-f", file.to_str().unwrap()]).code, 0);
    eventually("the trouble", || (city.session(&["check-image", "bad:1"], "").code == 1).then_some(()));
    city.session(&["check-image", "new:1"], "").expect(0);
}

#[test]
fn a_pod_that_is_being_deleted_runs_nothing() {
    let city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    // It takes its time, and its tmux lives as long.
    city.cluster.stopping_takes(std::time::Duration::from_secs(1000));
    pod.begin_to_delete();
    eventually("its end to begin", || pod.object()["metadata"]["deletionTimestamp"].is_string().then_some(()));
    assert!(pod.try_tmux(&["has-session", "-t", "main"]).is_some());
    assert_eq!(city.ask(&["is-running", "mayor"]), "false\n");
    assert_eq!(city.ask(&["list-running", ""]), "");
    assert_eq!(city.session(&["process-alive", "mayor"], "cat").expect(0).stdout, "false\n");
    city.session(&["attach", "mayor"], "").expect(1);
}
