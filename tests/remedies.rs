//! What is said to do about a failure can be done as it is said: commands lead to the cluster that failed, a kubeconfig that is not
//! there is called that, and a tmux without a place for its socket has a remedy of its own.

#[path = "support/operator.rs"]
mod operator;
mod support;

use kubesim::{Cluster, Kubeconfig};
use operator::Operator;
use rstest::rstest;
use serde_json::Value;
use support::{Ran, World};

const LONG: &str = "--timeout=60s";

/// The checks of `doctor` that failed: what is said, and the remedy.
fn failed(ran: &Ran) -> Vec<(String, String, String)> {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout));
    let checks = report["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] == "fail");
    let text = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    checks.map(|check| (text(check, "check"), text(check, "found"), text(check, "remedy"))).collect()
}

#[rstest]
#[case::status(&["status", "w"])]
#[case::peek(&["peek", "w/qa"])]
#[case::nudge(&["nudge", "w/qa", "hello"])]
#[case::interrupt(&["interrupt", "w/qa"])]
#[case::dispatch(&["dispatch", "w", "--project", "shop", "--issue", "7"])]
#[case::logs(&["worker", "logs", "w"])]
#[case::restart(&["worker", "restart", "w", "--yes"])]
#[case::create(&["polecat", "create", "bead-1", "--rig", "r", "--repo", "https://host/r", "--task", "t", "--deadline", "1h"])]
fn commands_that_are_told_to_run_name_context_namespace_and_kubeconfig(#[case] command: &[&str]) {
    let world = World::new();
    let kubeconfig = world.path("a b/config");
    std::fs::create_dir_all(kubeconfig.parent().unwrap()).unwrap();
    Kubeconfig::new().dead_context("far away").write(&kubeconfig);
    let place = format!("kubeconfig: {}, context: far away, namespace: ours", kubeconfig.display());
    let dispatch = "commands: {dispatch: factory dispatch}";
    let world = world.entry(&format!("  - {{name: w, pod: agent, {place}, {dispatch}}}\ndiscover: [{{gastown: {{{place}}}}}]\n"));
    let ran = world.run(&[&[LONG], command].concat());
    assert_eq!(ran.code, 3, "{}", ran.stderr);
    let expected = format!("`kubectl --kubeconfig='{}' --context='far away' --namespace=ours get pods`", kubeconfig.display());
    assert!(ran.stderr.contains(&expected), "{expected} is not in: {}", ran.stderr);
}

#[rstest]
#[case::of_the_worker("kubeconfig: /nowhere/config", "/nowhere/config", "correct kubeconfig: in workers.yaml")]
#[case::of_the_worker_with_a_context("kubeconfig: /nowhere/config, context: c", "/nowhere/config", "correct kubeconfig:")]
#[case::of_the_environment("namespace: ours", "/no/one, /no/two", "$KUBECONFIG")]
#[case::of_the_environment_with_a_context("context: c", "/no/one, /no/two", "$KUBECONFIG")]
fn a_kubeconfig_that_is_not_there_is_said_as_that(#[case] place: &str, #[case] files: &str, #[case] remedy: &str) {
    let world = World::new().env("KUBECONFIG", "/no/one:/no/two");
    let world =
        world.entry(&format!("  - {{name: w, pod: agent, {place}, commands: {{status: \"\", queue: \"\", dispatch: \"\"}}}}\n"));
    let reason = format!("there is no kubeconfig: {files}");
    let rows: Value = serde_json::from_str(&world.run(&[LONG, "list", "--json"]).expect(0).stdout).unwrap();
    assert_eq!((&rows["workers"][0]["status"], &rows["workers"][0]["reason"]), (&"unreachable".into(), &reason.as_str().into()));
    let ran = world.run(&[LONG, "peek", "w/qa"]).expect(3);
    assert!(ran.stderr.contains(&reason) && ran.stderr.lines().nth(1).unwrap().contains(remedy), "{}", ran.stderr);
    let failed = failed(&world.run(&[LONG, "doctor", "--json"]).expect(1));
    assert!(!failed.is_empty());
    for (check, found, told) in failed {
        assert!(found == reason && told.contains(remedy), "{check}: {found} → {told}");
    }
}

/// tmux makes its socket's directory below TMUX_TMPDIR, and nobody makes one below /proc: uid 1000 with a read-only root has no
/// more luck in /tmp.
#[test]
fn a_tmux_without_a_place_for_its_socket_is_a_failure_of_its_own() {
    let cluster = Cluster::start();
    let _pod = cluster.pod("agent").env("TMUX_TMPDIR", "/proc").start();
    let operator = Operator::of(cluster).worker("w", "agent", "commands: {status: \"\", queue: \"\", dispatch: \"\"}");
    let rows = operator.rows();
    let reason = rows[0]["reason"].as_str().unwrap_or_default();
    assert_eq!(rows[0]["status"], "no tmux", "{rows:?}");
    assert!(reason.starts_with("tmux failed: couldn't create directory /proc/tmux-"), "{reason}");
    for command in [&["peek", "w/qa"][..], &["nudge", "w/qa", "hello"], &["interrupt", "w/qa"], &["status", "w"]] {
        let ran = operator.run(&[&[LONG], command].concat()).expect(1);
        let remedy = ran.stderr.lines().nth(1).unwrap_or_default();
        assert!(ran.stderr.contains(reason), "{}", ran.stderr);
        assert!(remedy.contains("TMUX_TMPDIR=/DIR") && remedy.contains("tmux: \"tmux -S /DIR/tmux.sock\""), "{}", ran.stderr);
    }
    let failed = failed(&operator.run(&[LONG, "doctor", "--json"]).expect(1));
    let [(check, found, remedy)] = &failed[..] else { panic!("{failed:?}") };
    assert!(check == "socket" && found == reason && remedy.contains("TMUX_TMPDIR"), "{failed:?}");
}

/// And what the remedy says helps.
#[test]
fn a_socket_somewhere_else_helps() {
    let cluster = Cluster::start();
    let running = cluster.pod("agent").env("TMUX_TMPDIR", "/proc").start();
    let pod = running.pod();
    let socket = "/tmp/tmux.sock";
    pod.tmux(&["-S", socket, "new-session", "-d", "-s", "qa", "cat"]);
    let operator = Operator::of(cluster).worker("w", "agent", &format!("tmux: tmux -S {socket}"));
    assert_eq!(operator.rows()[0]["sessions"][0]["name"], "qa");
    operator.run(&[LONG, "peek", "w/qa"]).expect(0);
}

#[test]
fn a_socket_s_path_that_is_too_long_is_said_as_that() {
    let cluster = Cluster::start();
    let _pod = cluster.pod("agent").start();
    let operator = Operator::of(cluster).worker("w", "agent", &format!("tmux: tmux -S /tmp/{}", "x".repeat(110)));
    let ran = operator.run(&[LONG, "peek", "w/qa"]).expect(1);
    assert!(ran.stderr.contains("File name too long") && ran.stderr.contains("at most 107 bytes"), "{}", ran.stderr);
}

/// Neither the network nor an image has anything to do with a worker on this machine.
#[test]
fn a_worker_on_this_machine_is_told_what_helps_on_it() {
    let commands = "commands: {status: \"\", queue: \"\", dispatch: \"\"}";
    let world = World::new().entry(&format!("  - {{name: w, local: here, tmux: no-such-tmux, {commands}}}\n"));
    for command in [&["peek", "w/qa"][..], &["nudge", "w/qa", "hello"], &["interrupt", "w/qa"], &["peek", "w"], &["status", "w"]]
    {
        let ran = world.run(&[&[LONG], command].concat()).expect(1);
        let remedy = ran.stderr.lines().nth(1).unwrap_or_default();
        assert_eq!(remedy, "  install tmux, or set tmux: in workers.yaml to where it is", "{command:?}: {}", ran.stderr);
    }
    let failed = failed(&world.run(&[LONG, "doctor", "--json"]).expect(1));
    let tmux = failed.iter().find(|(check, ..)| check == "tmux").unwrap_or_else(|| panic!("{failed:?}"));
    assert_eq!(tmux.2, "install tmux, or set tmux: in workers.yaml to where it is");
}

/// Run as it is told, without the option, it would speak of another registry.
#[test]
fn commands_of_ours_name_the_registry_that_was_named() {
    let world = World::new();
    let file = world.path("another one.yaml");
    let option = format!("--workers '{}' ", file.display());
    let given = ["--workers", file.to_str().unwrap()];
    for command in [&["list"][..], &["config", "show"], &["config", "check"], &["peek", "w/qa"]] {
        let ran = world.run(&[&given, command].concat());
        let told = format!("`factory-worker {option}config init` (it writes {})", file.display());
        assert!(ran.stderr.contains(&told), "{command:?}: {}", ran.stderr);
    }
    let report: Value = serde_json::from_str(&world.run(&[&given[..], &["doctor", "--json"]].concat()).stdout).unwrap();
    let remedies: Vec<&str> = report["checks"].as_array().unwrap().iter().filter_map(|check| check["remedy"].as_str()).collect();
    assert!(remedies.contains(&&*format!("`factory-worker {option}config init` writes one")), "{remedies:?}");
}

/// Who does not know the server knows neither its options nor whether the plugin is loaded, and whoever restarts it ends sessions.
#[test]
fn a_tmux_that_does_not_answer_is_one_failure() {
    let world = World::new().env("TMUX", "/nowhere/socket,1,0");
    let report: Value = serde_json::from_str(&world.run(&["doctor", "--json"]).expect(1).stdout).unwrap();
    let checks: Vec<&str> = report["checks"].as_array().unwrap().iter().filter_map(|check| check["check"].as_str()).collect();
    assert!(checks.contains(&"options and keys") && !checks.contains(&"plugin"), "{checks:?}");
}

#[test]
fn a_state_directory_that_cannot_be_made_is_found_before_it_is_needed() {
    let world = World::new().env("XDG_STATE_HOME", "/dev/null/state");
    let failed = failed(&world.run(&["doctor", "--json"]).expect(1));
    let (_, found, remedy) = failed.iter().find(|(check, ..)| check == "state").unwrap_or_else(|| panic!("{failed:?}"));
    assert_eq!(found, "/dev/null/state/factory-worker cannot be made: /dev/null is no directory");
    assert_eq!(remedy, "set XDG_STATE_HOME to where you may write");
}

#[rstest]
#[case(&["peek", "w/qa", "--lines", "x"], "write a number of lines, at most 4294967295")]
#[case(&["worker", "logs", "w", "--lines", "-1"], "")]
#[case(&["list", "--timeout", "soon"], "'soon' for '--timeout <TIME>': write a number and a unit, e.g. 10s")]
#[case(&["list", "--timeout", "0"], "it has to be more than zero")]
#[case(&["list", "--parallel", "0"], "write a number, at least 1")]
fn an_option_that_is_wrong_says_what_to_write(#[case] command: &[&str], #[case] told: &str) {
    let ran = World::new().run(command).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    for word in ["invalid digit", "expected number at"] {
        assert!(!ran.stderr.contains(word), "{}", ran.stderr);
    }
}
