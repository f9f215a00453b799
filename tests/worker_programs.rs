//! Our scripts need the programs that they name at their tops, and call no others.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use kubesim::Cluster;
use operator::{Image, Operator};
use serde_json::Value;
use support::{ROOT, eventually};

/// The words behind `# Needs:` and `# Uses:` at the tops of our scripts.
fn named() -> BTreeSet<String> {
    let places =
        ["src/remote", "src/remote/nudge", "src/remote/script", "src/view/client"].map(|place| Path::new(ROOT).join(place));
    let entries = places.iter().flat_map(|place| fs::read_dir(place).unwrap().flatten());
    let scripts = entries.filter(|entry| entry.path().extension().is_some_and(|kind| kind == "sh"));
    let mut named = BTreeSet::new();
    for script in scripts {
        let text = fs::read_to_string(script.path()).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("# Needs: ").or(line.strip_prefix("# Uses: ")));
        named.extend(lines.flat_map(str::split_whitespace).map(str::to_owned));
    }
    assert!(named.contains("dd") && named.contains("head"), "{named:?}");
    named
}

fn applets() -> Vec<String> {
    let said = Command::new("busybox").arg("--list").output().unwrap().stdout;
    String::from_utf8(said).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn nothing_else_is_called() {
    let cluster = Cluster::start();
    let named = named();
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities());
    let workload = applets().iter().filter(|applet| !named.contains(*applet)).fold(workload, |workload, applet| {
        workload.script(applet, &format!("#!/bin/sh\necho {applet} >>\"$HOME/called\"\nexit 127\n"))
    });
    let workload = workload.script("factory", "#!/bin/sh\necho '[]'\n");
    let worker = workload.session("qa", "echo I am qa; exec /bin/cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory, status: factory}");
    let (pod, world) = (worker.pod(), &operator.world);
    operator.run(&["list"]).expect(0);
    operator.run(&["status", "w"]).expect(0);
    operator.run(&["peek", "w/qa"]).expect(0);
    operator.run(&["nudge", "w/qa", "hello"]);
    assert!(pod.pane("qa").contains("hello"));
    let screen = world.screen();
    let state = || screen.inner(&["display-message", "-p", "-t", "w/qa", "#{@factory-worker-state}"]);
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    for turn in ["first", "second"] {
        operator.cluster.forget_calls();
        operator.cluster.drop_connections();
        eventually("another attempt", || (!operator.cluster.calls().execs().is_empty()).then_some(()));
        eventually("the view to be connected", || (state() == "connected\n").then_some(()));
        eventually("what is typed to arrive", || {
            screen.inner(&["send-keys", "-l", "-t", "w/qa", turn]);
            pod.pane("qa").contains(turn).then_some(())
        });
    }
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the client to go", || pod.clients().is_empty().then_some(()));
    let called = fs::read_to_string(pod.home().join("called")).unwrap_or_default();
    assert_eq!(called, "", "no script names these at its top");
    let ran = operator.run(&["doctor", "--json", "w"]);
    assert_eq!(programs(&ran.stdout)["verdict"], "ok", "{}", ran.stdout);
}

fn programs(doctor: &str) -> Value {
    let report: Value = serde_json::from_str(doctor).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    checks.find(|check| check["check"] == "programs").unwrap_or_else(|| panic!("no such check: {doctor}")).clone()
}

#[test]
fn doctor_says_what_is_missing_and_for_what() {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities()).without("dd").without("stty");
    let _worker = workload.session("qa", "exec cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let ran = operator.run(&["doctor", "--json", "w"]).expect(1);
    let check = programs(&ran.stdout);
    let found = check["found"].as_str().unwrap();
    assert!(check["verdict"] == "fail" && found.contains("windows need dd, stty") && found.contains("nudge need"), "{check}");
}
