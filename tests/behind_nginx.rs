//! Behind a real nginx with its default limits: a request line of 8 KiB is the longest that it takes.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
#[path = "gascity/events.rs"]
mod events;
#[path = "support/nginx.rs"]
mod nginx;
#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::fs;
use std::process::Command;

use agents::LISTENER;
use city::City;
use kubesim::Cluster;
use nginx::Nginx;
use operator::{FACTORY, Operator};
use serde_json::json;
use support::{ROOT, eventually};
use window::{Factory, Kind};

/// Its own kubectl, with a word that is too long: the limit is there, and this is how it shows.
#[test]
fn a_long_word_is_refused_there() {
    let cluster = Cluster::start();
    let worker = cluster.pod("w-1").start();
    let nginx = Nginx::before(&cluster);
    let say = |length: usize| cluster.kubectl(&["exec", worker.pod().name(), "--", "echo", &"x".repeat(length)]);
    assert_eq!(say(7000).code, 0);
    let refused = say(8200);
    assert!(refused.code == 1 && refused.stderr.contains("414 Request-URI Too Large"), "{}", refused.stderr);
    assert!(nginx.lines().iter().any(|line| line.starts_with("414 ")), "{:?}", nginx.lines());
}

#[test]
fn questions_and_orders_pass() {
    let cluster = Cluster::start();
    let agent = format!("exec perl {ROOT}/tests/programs/box.pl got quiet");
    let worker = cluster.deployment("fleet").script("factory", FACTORY).session("qa", &agent).start();
    eventually("the agent to start", || worker.pod().pane("qa").contains("working").then_some(()));
    let nginx = Nginx::before(&cluster);
    let commands = "commands: {queue: factory queue list, dispatch: \"factory add {issue} {intent}\"}";
    let operator = Operator::of(cluster).worker("w", "fleet", commands);
    let rows = operator.rows();
    assert_eq!((&rows[0]["status"], &rows[0]["sessions"][0]["name"]), (&json!("running"), &json!("qa")), "{rows:?}");
    assert!(operator.run(&["peek", "w/qa"]).expect(0).stdout.contains("working"));
    let text = "a line of a long text\n".repeat(4000) + "end";
    operator.world.run_with_input(&["nudge", "w/qa"], text.as_bytes()).expect(0);
    assert_eq!(fs::read_to_string(worker.pod().home().join("got")).unwrap(), text);
    let intent = "%".repeat(20_000);
    operator.run(&["dispatch", "w", "--project", "p", "--issue", "7", "--intent", &intent]).expect(0);
    assert!(fs::read_to_string(worker.pod().home().join("calls")).unwrap().contains(&format!("add 7 {intent}")));
    let doctor = operator.run(&["doctor"]).stdout;
    assert!(doctor.contains("server https://127.0.0.1:") && !doctor.contains("  fail  "), "{doctor}");
    assert!(nginx.lines().iter().filter(|line| line.contains("/exec?")).all(|line| line.starts_with("101 ")));
}

#[test]
fn a_window_opens_comes_back_and_leaves_nothing() {
    let cluster = Cluster::start();
    // Before the worker is made: all of the view goes through it.
    let nginx = Nginx::before(&cluster);
    let factory = Factory::of(cluster, Kind::Deployment, "");
    let window = factory.window();
    window.types("hello");
    factory.operator.cluster.drop_connections();
    window.wait_back();
    window.types("again");
    window.close();
    factory.wait_clean();
    assert!(!nginx.lines().iter().any(|line| line.starts_with("414 ")), "{:?}", nginx.lines());
}

#[test]
fn agents_of_gas_city_are_started_and_spoken_to() {
    let city = City::of_agents();
    let nginx = Nginx::before(&city.cluster);
    let overlay = city.world.path("overlay");
    fs::create_dir(&overlay).unwrap();
    // More than any pipe holds.
    Command::new("sh")
        .args(["-c", "head -c 3000000 /dev/urandom >\"$1\"/data", "sh", overlay.to_str().unwrap()])
        .status()
        .unwrap();
    let payload = json!({ "command": LISTENER, "overlay_dir": overlay });
    let pod = city.start_with("mayor", &payload);
    let sum = |file: &str| {
        let output = Command::new("cksum").stdin(fs::File::open(file).unwrap()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let there = city.cluster.kubectl(&[
        "--namespace=gc",
        "exec",
        pod.name(),
        "--container=agent",
        "--",
        "sh",
        "-c",
        "cksum </workspace/data",
    ]);
    assert_eq!(there.stdout, sum(overlay.join("data").to_str().unwrap()));
    city.session(&["nudge", "mayor"], "hello").expect(0);
    city.wait_for_file(&pod, "/workspace/heard", "hello\n");
    city.session(&["set-meta", "mayor", "KEY"], &"value ".repeat(1500)).expect(0);
    assert_eq!(city.ask(&["get-meta", "mayor", "KEY"]), "value ".repeat(1500));
    assert!(city.ask(&["peek", "mayor", "0"]).contains("I listen"));
    city.session(&["stop", "mayor"], "").expect(0);
    assert!(!nginx.lines().iter().any(|line| line.starts_with("414 ")), "{:?}", nginx.lines());
}

#[test]
fn events_of_gas_city_are_recorded_and_watched() {
    let city = City::new();
    let _nginx = Nginx::before(&city.cluster);
    city.assert_records_and_watches();
}
