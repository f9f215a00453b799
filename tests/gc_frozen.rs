//! Gas City's session provider over connections that stay and say nothing any more: every operation ends by itself and says why,
//! and nothing is done twice.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
mod support;

use std::fs;
use std::time::Duration;

use agents::{LISTENER, begin};
use city::City;
use kubesim::{Fault, Requests, execs, lists, requests_for};
use rstest::rstest;
use serde_json::json;
use support::eventually;

/// What finds the session's pod and then runs something in it.
const INSIDE: &[&[&str]] = &[
    &["is-running", "mayor"],
    &["interrupt", "mayor"],
    &["process-alive", "mayor"],
    &["nudge", "mayor"],
    &["send-keys", "mayor", "pressed", "Enter"],
    &["set-meta", "mayor", "KEY"],
    &["get-meta", "mayor", "KEY"],
    &["remove-meta", "mayor", "OTHER"],
    &["peek", "mayor", "50"],
    &["get-last-activity", "mayor"],
    &["clear-scrollback", "mayor"],
    &["copy-to", "mayor", "/etc/passwd", "copied"],
    &["copy-from", "mayor", "/etc/passwd"],
    &["is-attached", "mayor"],
    &["exec", "mayor"],
];
/// What asks the cluster alone.
const OUTSIDE: &[&[&str]] = &[&["list-running", ""], &["stop", "mayor"], &["check-image", "x:1"], &["start", "other"]];

/// An agent for which Ctrl-C is a character like any other.
const DEAF: &str = "stty -isig; echo I listen; exec cat >/workspace/heard";

#[rstest]
#[case::a_list_is_never_answered(lists(), Fault::Silence, &[INSIDE, OUTSIDE])]
#[case::a_list_stops_half_way(lists(), Fault::freeze_after_bytes(200), &[INSIDE, OUTSIDE])]
#[case::an_exec_is_never_answered(execs(), Fault::Silence, &[INSIDE])]
#[case::an_exec_stops_with_the_api_server(execs(), Fault::freeze_after_bytes(0), &[INSIDE])]
#[case::an_exec_stops_behind_a_living_api_server(execs(), Fault::freeze_after_bytes(0).with_pongs(), &[INSIDE])]
fn every_operation_ends_by_itself_and_says_why(
    #[case] requests: Requests,
    #[case] fault: Fault,
    #[case] operations: &[&[&[&str]]],
) {
    let city = City::of_agents();
    let pod = city.start("mayor", DEAF);
    city.cluster.when(requests).then(fault);
    let input = |words: &[&str]| match words[0] {
        "start" => "{}",
        "exec" => "echo said; cat /workspace/heard",
        _ => "nudged",
    };
    let begun: Vec<_> =
        operations.concat().into_iter().map(|words| (words, begin(&city, words, input(words).to_owned()))).collect();
    for (words, ran) in begun {
        // Nobody but us ends it: neither the server nor kubectl would, or much later.
        let ran = ran.join().unwrap().expect(1);
        // A link on which no ping is answered is known for what it is before that.
        let why = ["no answer within the deadline", "the connection was lost: it does not answer any more"];
        assert!(ran.stdout.is_empty() && why.iter().any(|why| ran.stderr.contains(why)), "{words:?}: {ran:?}");
    }
    city.cluster.lift_all_faults();
    let heard = city.file(&pod, "/workspace/heard").unwrap();
    for typed in ["nudged", "pressed", "\u{3}"] {
        assert!(heard.matches(typed).count() <= 1, "{typed:?} was typed twice: {heard:?}");
    }
    assert_eq!((city.ask(&["list-running", ""]).as_str(), pod.is_gone()), ("mayor\n", false));
    city.assert_nothing_left();
}

/// The second request about pods is the one that makes the pod.
#[rstest]
#[case::the_connection_breaks(Fault::cut_after(Duration::ZERO))]
#[case::nothing_comes_back(Fault::freeze_after(Duration::ZERO))]
#[case::it_is_never_made(Fault::Silence)]
fn a_start_that_does_not_hear_of_its_pod_leaves_none(#[case] fault: Fault) {
    let city = City::of_agents();
    city.cluster.when(requests_for("pods").passing(1).once()).then(fault);
    let ran = city.try_start("mayor", &json!({"command": LISTENER})).expect(1);
    assert!(!ran.stderr.trim().is_empty());
    eventually("the pod to go", || city.pods().is_empty().then_some(()));
    city.start("mayor", LISTENER);
}

#[test]
fn a_start_goes_on_when_an_exec_says_nothing_any_more() {
    let city = City::of_agents();
    city.cluster.when(execs().once()).then(Fault::freeze_after_bytes(0).with_pongs());
    let pod = city.start("mayor", "echo begun >>/workspace/begun; exec cat");
    assert_eq!(city.ask(&["list-running", ""]), "mayor\n");
    assert_eq!(city.file(&pod, "/workspace/begun").as_deref(), Some("begun\n"), "the agent began once");
}

#[test]
fn a_stop_whose_answer_is_lost_says_so_and_can_be_repeated() {
    let city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    city.cluster.when(requests_for("pods").passing(1).once()).then(Fault::freeze_after(Duration::ZERO));
    let ran = city.session(&["stop", "mayor"], "").expect(1);
    assert!(ran.stderr.contains("no answer within the deadline"), "{}", ran.stderr);
    city.session(&["stop", "mayor"], "").expect(0);
    assert!(pod.is_gone());
    assert!(fs::read_dir(city.world.path("tmp")).unwrap().next().is_none());
}
