//! Our scripts need the programs that they name at their tops, and call no others: on a worker that has only those, everything
//! works.

#[path = "gascity/agents.rs"]
mod agents;
#[path = "gascity/city.rs"]
mod city;
#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/words.rs"]
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use agents::{IMAGE, LISTENER};
use city::City;
use kubesim::{Cluster, Oddity, Pod};
use operator::{Image, Operator};
use serde_json::{Value, json};
use support::{ROOT, eventually};

/// Where scripts are that are sent to workers, below `src`.
const PLACES: [&str; 7] = ["gascity/session", "remote", "remote/nudge", "remote/relay", "remote/script", "view", "view/client"];

/// The programs that a script (`remote/list`) names at its top: behind `# Needs:`, and behind `# Uses:`.
fn named_in(script: &str) -> Vec<String> {
    let text = fs::read_to_string(Path::new(ROOT).join("src").join(format!("{script}.sh"))).unwrap();
    let lines = text.lines().filter_map(|line| line.strip_prefix("# Needs: ").or(line.strip_prefix("# Uses: ")));
    lines.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// All that these name.
fn named(scripts: &[&str]) -> BTreeSet<String> {
    // What comes with every script and with every question names none.
    let always = ["words", "answer", "find_session", "sessions", "about", "script/load", "script/plain"];
    for always in always.map(|name| format!("remote/{name}")) {
        assert!(named_in(&always).iter().all(|program| program == "sh"), "{always}");
    }
    // Without sh there is nothing that a script could run in.
    scripts.iter().flat_map(|script| named_in(script)).chain(["sh".to_owned()]).collect()
}

fn scripts() -> Vec<String> {
    let mut scripts = Vec::new();
    for place in PLACES {
        for entry in fs::read_dir(Path::new(ROOT).join("src").join(place)).unwrap().flatten() {
            if let Some(name) = entry.file_name().to_str().and_then(|name| name.strip_suffix(".sh")) {
                scripts.push(format!("{place}/{name}"));
            }
        }
    }
    assert!(scripts.len() > 30, "{scripts:?}");
    scripts
}

fn applets() -> Vec<String> {
    let said = Command::new("busybox").arg("--list").output().unwrap().stdout;
    String::from_utf8(said).unwrap().lines().map(str::to_owned).collect()
}

/// Also on ways that no test here goes.
#[test]
fn a_script_names_every_program_that_it_calls() {
    let here = |program: &str| {
        let path = std::env::var_os("PATH").unwrap();
        std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
    };
    let applets: BTreeSet<_> = applets().into_iter().collect();
    for script in scripts() {
        let text = fs::read_to_string(Path::new(ROOT).join("src").join(format!("{script}.sh"))).unwrap();
        let called = words::called(&text);
        let programs = called.into_iter().filter(|word| applets.contains(word) || here(word));
        let named = named_in(&script);
        let secret: Vec<_> = programs.filter(|program| !named.contains(program)).collect();
        assert_eq!(secret, [""; 0], "src/{script}.sh does not name these");
    }
}

/// What stands in for a program that a worker does not have, so that a call shows even where the script goes on without it.
const ABSENT: &str = "#!/bin/sh\necho \"${0##*/}\" >>\"$HOME/called\"\nexit 127\n";

/// From now on there are only these programs, and tmux, in the pod; whoever calls another one is found out.
fn leave_only(pod: &Pod, programs: &BTreeSet<String>) {
    let bin = pod.home().parent().unwrap().join("bin");
    let absent = pod.home().parent().unwrap().join("absent");
    fs::write(&absent, ABSENT).unwrap();
    fs::set_permissions(&absent, fs::Permissions::from_mode(0o755)).unwrap();
    for applet in applets() {
        let place = bin.join(&applet);
        if place.symlink_metadata().is_ok() {
            fs::remove_file(&place).unwrap();
        }
        if !programs.contains(&applet) {
            symlink(&absent, &place).unwrap();
        }
    }
    let _ = fs::remove_file(called(pod));
}

fn called(pod: &Pod) -> PathBuf {
    pod.home().join("called")
}

/// Do something that runs these scripts in a pod that has only what they name.
#[track_caller]
fn with_only<T>(pod: &Pod, scripts: &[&str], work: impl FnOnce() -> T) -> T {
    leave_only(pod, &named(scripts));
    let done = work();
    let secret = fs::read_to_string(called(pod)).unwrap_or_default();
    assert_eq!(secret, "", "none of {scripts:?} names these");
    done
}

#[test]
fn a_relay_calls_nothing_else() {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities());
    let worker = workload.session("qa", "echo I am qa; exec /bin/cat").start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.world = operator.world.env("FACTORY_WORKER_WAY", "relay");
    let scripts = ["remote/relay/relay", "remote/reap", "remote/peek", "remote/list", "remote/bounded"];
    with_only(&worker.pod(), &scripts, || {
        operator.run(&["peek", "w/qa"]).expect(0);
        operator.run(&["list"]).expect(0);
    });
}

#[test]
fn a_question_calls_nothing_else() {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities());
    let workload = workload.script("factory", "#!/bin/sh\necho '[]'\n");
    let worker = workload.session("qa", "echo I am qa; exec /bin/cat").start();
    let commands = "commands: {queue: factory, status: factory, dispatch: \"factory {project} {issue}\"}";
    let operator = Operator::of(cluster).worker("w", "fleet", commands);
    let pod = worker.pod();
    let run = |arguments: &[&str]| operator.run(arguments);
    with_only(&pod, &["remote/list", "remote/bounded"], || run(&["list"]).expect(0));
    with_only(&pod, &["remote/list", "remote/command_each", "remote/bounded"], || run(&["status", "w"]).expect(0));
    with_only(&pod, &["remote/peek"], || run(&["peek", "w/qa"]).expect(0));
    with_only(&pod, &["remote/command"], || run(&["dispatch", "w", "--project", "p", "--issue", "1"]).expect(0));
    with_only(&pod, &["remote/nudge/nudge"], || run(&["nudge", "w/qa", "hello"]));
    assert!(pod.pane("qa").contains("hello"));
    let of_doctor = ["remote/terminfo", "remote/examine", "remote/relay/relay", "remote/reap"];
    with_only(&pod, &of_doctor, || run(&["doctor", "w"]).expect(0));
    with_only(&pod, &["remote/interrupt"], || run(&["interrupt", "w/qa"]).expect(0));
}

const WINDOW: [&str; 11] = [
    "remote/terminfo",
    "remote/reap",
    "remote/gone",
    "remote/script/packed",
    "view/client/enter",
    "view/client/older",
    "view/client/same",
    "view/client/keys",
    "view/client/session_options",
    "view/client/find",
    "view/client/leave",
];

#[test]
fn a_window_calls_nothing_else() {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities());
    let worker = workload.session("qa", "echo I am qa; exec /bin/cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let (pod, world) = (worker.pod(), &operator.world);
    let screen = world.screen();
    let state = || screen.inner(&["display-message", "-p", "-t", "w/qa", "#{@factory-worker-state}"]);
    with_only(&pod, &WINDOW, || {
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
    });
    screen.run(&["open", "w/qa"]).expect(0);
    eventually("the view to be connected", || (state() == "connected\n").then_some(()));
    let view = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_pid}"]);
    let list = ["remote/list", "remote/bounded", "remote/reap", "remote/gone", "remote/leftovers", "view/client/session_options"];
    with_only(&pod, &list, || {
        assert!(Command::new("kill").args(["-KILL", view.trim()]).status().unwrap().success());
        eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
        operator.run(&["list"]).expect(0);
        eventually("the client to go", || pod.clients().is_empty().then_some(()));
    });
}

/// A directory on the controller with a file in it.
fn directory(city: &City, name: &str) -> String {
    let path = city.world.path(name);
    fs::create_dir_all(&path).unwrap();
    fs::write(path.join("file"), name).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn gas_citys_provider_calls_nothing_else() {
    let city = City::of_agents();
    let start =
        ["staged", "unpack", "receive", "city", "ready", "execute", "nudge"].map(|name| format!("gascity/session/{name}"));
    let start: Vec<_> = start.iter().map(String::as_str).chain(["remote/nudge/nudge"]).collect();
    // What Gas City itself has a pod run first (and our start, as its script does), and what waits for the stage.
    let first = ["base64", "cp", "mkdir", "sleep"].map(str::to_owned);
    let there: BTreeSet<_> = named(&start).into_iter().chain(first).collect();
    let image = city.cluster.image(IMAGE).with(Oddity::OwnRoot).with(Oddity::Busybox).script("gc", agents::GC);
    let absent = applets().into_iter().filter(|applet| !there.contains(applet));
    absent.fold(image, |image, applet| image.script(&applet, ABSENT)).publish();

    let home = directory(&city, "city");
    let payload = json!({
        "command": "echo '> '; exec /bin/cat", "work_dir": directory(&city, "city/rig"), "env": {"GC_CITY": home},
        "overlay_dir": directory(&city, "overlay"),
        "copy_files": [{"src": format!("{home}/file"), "rel_dst": ".gc/settings.json"}],
        "session_setup": [": setup"], "nudge": "begin", "ready_prompt_prefix": "> ",
    });
    let ran = city.try_start("mayor", &payload).expect(0);
    // The terminal's own echo proves nothing.
    let warnings: Vec<_> = ran.stderr.lines().filter(|line| line.contains("warning")).collect();
    assert!(matches!(warnings[..], [only] if only.contains("the first message: it was typed")), "{}", ran.stderr);
    let pod = city.pod_of("mayor");
    assert_eq!(fs::read_to_string(called(&pod)).unwrap_or_default(), "", "none of {start:?} names these");
    assert!(pod.tmux(&["capture-pane", "-p", "-t", "main"]).contains("begin"));

    let script = |name: &str| format!("gascity/session/{name}");
    let only = |name: &str, words: &[&str], input: &str| {
        with_only(&pod, &[&script(name)], || city.session(words, input).expect(0).stdout)
    };
    only("nudge", &["nudge", "mayor"], "hello");
    eventually("the words in the pane", || pod.tmux(&["capture-pane", "-p", "-t", "main"]).contains("hello").then_some(()));
    only("keys", &["send-keys", "mayor", "Enter"], "");
    only("meta", &["set-meta", "mayor", "KEY"], "$value");
    assert_eq!(only("meta", &["get-meta", "mayor", "KEY"], ""), "$value");
    only("meta", &["remove-meta", "mayor", "KEY"], "");
    assert!(only("peek", &["peek", "mayor", "50"], "").contains("hello"));
    assert_eq!(only("look", &["is-running", "mayor"], ""), "true\n");
    assert_ne!(only("look", &["get-last-activity", "mayor"], ""), "");
    assert_eq!(only("alive", &["process-alive", "mayor"], "cat").trim(), "true");
    assert_eq!(only("alive", &["process-alive", "mayor"], "nobody").trim(), "false");
    only("clear", &["clear-scrollback", "mayor"], "");
    only("receive", &["copy-to", "mayor", &format!("{home}/file"), "one/two"], "");
    only("unpack", &["copy-to", "mayor", &home, "three"], "");
    assert_eq!(only("file", &["copy-from", "mayor", "/workspace/one/two"], ""), "city");
    only("execute", &["exec", "mayor"], ": command");
    // What comes after a session that has ended says its last words.
    pod.tmux(&["kill-server"]);
    leave_only(&pod, &named(&["gascity/session/look", "gascity/session/log"]));
    let ran = city.try_start("mayor", &json!({"command": LISTENER})).expect(0);
    assert!(ran.stderr.contains("hello"), "{}", ran.stderr);
}

fn check(doctor: &str, name: &str) -> Value {
    let report: Value = serde_json::from_str(doctor).unwrap();
    let mut checks = report["checks"].as_array().unwrap().iter();
    checks.find(|check| check["check"] == name).unwrap_or_else(|| panic!("no such check: {doctor}")).clone()
}

#[test]
fn doctor_says_what_is_missing_and_for_what() {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(Image::Alpine.oddities()).without("dd").without("stty");
    let _worker = workload.session("qa", "exec cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let ran = operator.run(&["doctor", "--json", "w"]).expect(1);
    let check = check(&ran.stdout, "programs");
    let found = check["found"].as_str().unwrap();
    assert!(check["verdict"] == "fail" && found.contains("windows need dd, stty") && found.contains("nudge needs"), "{check}");
}

#[test]
fn doctor_says_what_gas_citys_provider_misses_in_an_agent() {
    let city = City::of_agents();
    let registry = city.world.registry_path();
    fs::create_dir_all(registry.parent().unwrap()).unwrap();
    fs::write(registry, "workers: []\ndiscover:\n  - gascity: {}\n").unwrap();
    let verdict = |worker: &str| {
        let ran = city.world.run(&["doctor", "--json", worker]).expect(0);
        let check = check(&ran.stdout, "programs for Gas City");
        format!("{} {}", check["verdict"].as_str().unwrap(), check["found"].as_str().unwrap())
    };
    city.start("mayor", LISTENER);
    assert_eq!(verdict("gc-mayor"), "ok all that gc-session needs");
    let image = city.cluster.image(IMAGE).with(Oddity::OwnRoot).with(Oddity::Busybox).script("gc", agents::GC);
    image.without("tail").without("tar").publish();
    city.start("deacon", LISTENER);
    assert_eq!(verdict("gc-deacon"), "warn not all are there: gc-session needs tail, tar");
}
