//! What is made of a pod that is half made, since whoever started it was killed: it is no agent, and a later start gets out of it.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
mod support;

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use agents::{IMAGE, LISTENER, PROVIDER};
use city::City;
use kubesim::{Fault, Oddity, Pod, execs};
use rstest::rstest;
use serde_json::json;
use support::eventually;

/// Older than any start that may still be at work.
const OLD: Duration = Duration::from_secs(300);

/// Where a start is when it is killed.
#[derive(Debug, Clone, Copy)]
enum Killed {
    /// Its pod waits for its files.
    Staging,
    /// Its pod runs, and waits for its workspace.
    BeforeTheAgent,
}

impl City {
    /// The pod of a start that was killed.
    fn half_made(&self, killed: Killed) -> Pod {
        let copied = self.world.path("copied");
        fs::write(&copied, "text").unwrap();
        let mut payload = json!({"command": LISTENER});
        if let Killed::Staging = killed {
            payload["copy_files"] = json!([{"src": copied.to_str().unwrap(), "rel_dst": "copied"}]);
        }
        let rule = self.cluster.when(execs()).then(Fault::Silence);
        let input = self.world.path("payload");
        fs::write(&input, payload.to_string()).unwrap();
        let mut command = self.command(PROVIDER, &["start", "mayor"]);
        command.stdin(fs::File::open(input).unwrap()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        eventually("its first exec", || (!self.cluster.calls().execs().is_empty()).then_some(()));
        child.kill().unwrap();
        child.wait().unwrap();
        rule.lift();
        let pod = self.pod_of("mayor");
        let phase = match killed {
            Killed::Staging => "Pending",
            Killed::BeforeTheAgent => "Running",
        };
        assert_eq!(pod.object()["status"]["phase"], phase);
        pod
    }
}

#[rstest]
fn a_half_made_pod_is_no_agent_and_is_got_out_of(#[values(Killed::Staging, Killed::BeforeTheAgent)] killed: Killed) {
    let city = City::of_agents();
    let pod = city.half_made(killed);
    assert_eq!(city.ask(&["is-running", "mayor"]), "false\n");
    assert_eq!(city.ask(&["list-running", ""]), "");
    assert_eq!(city.session(&["process-alive", "mayor"], "cat").expect(0).stdout, "false\n");
    // Nobody knows that its start was killed: it might be at work.
    let second = city.try_start("mayor", &json!({"command": LISTENER})).expect(1);
    assert!(second.stderr.contains("already exists") && second.stderr.contains("is being started"), "{}", second.stderr);
    assert!(!pod.is_gone());
    pod.ages(OLD);
    let new = city.start("mayor", LISTENER);
    assert!(pod.is_gone() && new.uid() != pod.uid());
    assert_eq!(
        (city.ask(&["is-running", "mayor"]), city.ask(&["list-running", ""])),
        ("true\n".to_owned(), "mayor\n".to_owned())
    );
}

#[test]
fn a_half_made_pod_is_stopped_like_any_other() {
    let city = City::of_agents();
    let pod = city.half_made(Killed::BeforeTheAgent);
    city.session(&["stop", "mayor"], "").expect(0);
    assert!(pod.is_gone());
    city.start("mayor", LISTENER);
}

#[test]
fn a_pod_that_does_not_say_that_it_has_started_is_asked() {
    let mut city = City::of_agents();
    let pod = city.start("mayor", LISTENER);
    city.start("other", LISTENER);
    let unsay = ["--namespace=gc", "annotate", "pod", pod.name(), "factory-worker/started-"];
    assert_eq!(city.cluster.kubectl(&unsay).code, 0);
    let notes = city.note_kubectl();
    assert_eq!(city.ask(&["list-running", ""]), "mayor\nother\n");
    let calls = fs::read_to_string(notes).unwrap();
    assert_eq!((calls.lines().count(), calls.matches(" exec ").count()), (2, 1), "{calls}");
    pod.tmux(&["kill-server"]);
    assert_eq!(city.ask(&["list-running", ""]), "other\n");
    // Whether it has one is not known then, and so neither is who runs.
    city.cluster.when(execs()).then(Fault::Status(503));
    let ran = city.session(&["list-running", ""], "").expect(1);
    assert!(ran.stdout.is_empty() && !ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn a_pod_of_the_scripts_is_left_to_it_as_long_as_it_may_be_at_work() {
    let city = City::of_agents();
    let pod = city.script_starts("mayor", "mayor", "mayor", LISTENER);
    pod.tmux(&["kill-server"]);
    pod.ages(Duration::from_secs(200));
    let second = city.try_start("mayor", &json!({"command": LISTENER})).expect(1);
    assert!(second.stderr.contains("already exists") && !pod.is_gone(), "{}", second.stderr);
    pod.ages(OLD);
    let new = city.start("mayor", LISTENER);
    assert!(pod.is_gone() && new.uid() != pod.uid());
}

#[test]
fn a_pod_that_takes_long_to_start_is_left_to_its_start() {
    let city = City::of_agents();
    city.cluster.image(IMAGE).with(Oddity::OwnRoot).starting_takes(Duration::from_secs(6)).publish();
    let first = agents::begin(&city, &["start", "mayor"], json!({"command": LISTENER}).to_string());
    eventually("its pod", || (!city.pods().is_empty()).then_some(()));
    let pod = city.pod_of("mayor");
    pod.ages(Duration::from_secs(110));
    let second = city.try_start("mayor", &json!({"command": LISTENER})).expect(1);
    assert!(second.stderr.contains("already exists"), "{}", second.stderr);
    first.join().unwrap().expect(0);
    assert_eq!(city.pod_of("mayor").uid(), pod.uid());
}
