//! `doctor`: what it finds wrong with this machine, a cluster and a worker, and what it says to do about it.

#[path = "support/stand_in.rs"]
mod stand_in;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rstest::rstest;
use serde_json::{Value, json};
use stand_in::{Cluster, running};
use support::{Ran, World, eventually};

/// The check of this name, as `doctor --json` has it.
#[track_caller]
fn check(ran: &Ran, name: &str) -> Value {
    let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}", ran.stdout));
    let checks = report["checks"].as_array().unwrap();
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no check {name:?} in {report:#}")).clone()
}

#[track_caller]
fn assert_check(ran: &Ran, name: &str, verdict: &str, found: &str, remedy: &str) {
    let check = check(ran, name);
    assert_eq!(check["verdict"], verdict, "{check}");
    assert!(check["found"].as_str().unwrap().contains(found), "{check}");
    assert!(check["remedy"].as_str().unwrap_or_default().contains(remedy), "{check}");
    assert!(verdict == "ok" || check["remedy"].is_string(), "no remedy: {check}");
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

const NO_COMMANDS: &str = "commands: {status: \"\", queue: \"\", dispatch: \"\"}";

#[test]
fn a_good_local_worker_has_nothing_to_complain_about() {
    let world = World::new().worker_with("w", NO_COMMANDS);
    let ran = world.run(&["doctor"]).expect(0);
    for line in ["ok    tmux", "ok    workers.yaml", "ok    state", "ok    directory", "ok    terminfo", "ok    locale"] {
        assert!(ran.stdout.contains(line), "{line} is not in:\n{}", ran.stdout);
    }
    assert!(ran.stdout.starts_with("this machine\n") && ran.stdout.contains("\nw (local)\n"), "{}", ran.stdout);
    assert!(ran.stdout.ends_with("everything is as it should be\n"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn outside_tmux_it_says_that_options_were_not_looked_at() {
    let ran = World::new().worker_with("w", NO_COMMANDS).run(&["doctor", "--json"]).expect(0);
    assert_check(&ran, "options and keys", "skip", "not inside tmux", "factory-worker doctor");
}

#[test]
fn without_a_registry_it_says_how_to_make_one() {
    let ran = World::new().run(&["doctor", "--json"]).expect(0);
    assert_check(&ran, "workers.yaml", "warn", "there is no ", "factory-worker config init");
}

#[test]
fn a_malformed_registry_fails_and_the_machine_is_still_looked_at() {
    let world = World::new();
    fs::write(world.registry_path(), "wokers:\n  - name: w\n").unwrap();
    let ran = world.run(&["doctor", "--json"]).expect(1);
    assert_check(&ran, "workers.yaml", "fail", "workers.yaml:1:", "");
    assert_check(&ran, "tmux", "ok", "", "");
}

#[test]
fn files_that_are_open_to_others_are_found() {
    let world = World::new().worker_with("w", NO_COMMANDS);
    world.run(&["list"]).expect(0);
    let state = world.path("state/factory-worker");
    fs::create_dir_all(&state).unwrap();
    chmod(&state, 0o755);
    assert_check(&world.run(&["doctor", "--json"]).expect(1), "state", "fail", "open to others", "chmod go= ");
    chmod(&state, 0o700);
    fs::write(state.join("pods.json"), "{}").unwrap();
    chmod(&state.join("pods.json"), 0o644);
    assert_check(&world.run(&["doctor", "--json"]).expect(1), "state", "fail", "pods.json is open", "chmod go= ");
    chmod(&state.join("pods.json"), 0o600);
    assert_check(&world.run(&["doctor", "--json"]).expect(0), "state", "ok", "", "");
    chmod(&world.registry_path(), 0o664);
    assert_check(&world.run(&["doctor", "--json"]).expect(0), "workers.yaml", "warn", "its group may write", "chmod go-w");
    chmod(&world.registry_path(), 0o646);
    assert_check(&world.run(&["doctor", "--json"]).expect(1), "workers.yaml", "fail", "refused", "chmod o-w");
    chmod(&world.registry_path(), 0o600);
    chmod(&world.worker_directory("w"), 0o777);
    assert_check(&world.run(&["doctor", "--json"]).expect(1), "directory", "fail", "others may write", "chmod go-w");
}

#[test]
fn the_first_word_of_each_template_is_looked_for_on_the_worker() {
    let world = World::new();
    world.script("there", "#!/bin/sh\n");
    let world = world.worker_with("w", "commands: {status: there --all, queue: not-there list, dispatch: \"\"}");
    let ran = world.run(&["doctor", "--json"]).expect(1);
    assert_check(&ran, "status command", "ok", "there", "");
    assert_check(&ran, "queue command", "fail", "there is no not-there on it", "correct queue:");
}

#[rstest]
#[case("dash")]
#[case("busybox sh")]
#[case("bash --posix")]
fn the_script_runs_in_every_shell(#[case] shell: &str) {
    let world = World::new();
    world.script("sh", &format!("#!/bin/sh\nexec {shell} \"$@\"\n"));
    let world = world.worker_with("w", "commands: {status: cat, queue: \"no such\", dispatch: \"'it''s $HOME' x\"}");
    let ran = world.run(&["doctor", "--json"]).expect(1);
    assert_check(&ran, "terminfo", "ok", "256color", "");
    assert_check(&ran, "locale", "ok", "C.UTF-8", "");
    assert_check(&ran, "status command", "ok", "cat", "");
    assert_check(&ran, "queue command", "fail", "there is no no on it", "correct queue:");
    assert_check(&ran, "dispatch command", "fail", "there is no its $HOME on it", "");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["about"] == "w (local)" && check["check"] == "tmux" && check["verdict"] == "ok"));
}

#[test]
fn a_small_image_is_judged_by_what_it_has() {
    let world = World::new().worker_with("w", NO_COMMANDS);
    let ran = only(world, &["sh"]).run(&["doctor", "--json", "w"]).expect(1);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of_worker = |name: &str| {
        let checks = report["checks"].as_array().unwrap();
        checks.iter().find(|check| check["about"] == "w (local)" && check["check"] == name).unwrap().clone()
    };
    assert_eq!(of_worker("tmux")["verdict"], "fail");
    // Nobody can be asked about the locale, and the terminfo files are looked at themselves.
    assert_eq!((&of_worker("locale")["verdict"], &of_worker("terminfo")["verdict"]), (&json!("ok"), &json!("ok")));
}

#[test]
fn a_worker_may_do_without_the_commands_of_its_preset() {
    let world = World::new().entry("");
    let entry = format!("  - {{name: w, local: {}}}\n", world.worker_directory("w").display());
    let ran = world.entry(&entry).run(&["doctor", "--json"]).expect(0);
    assert_check(&ran, "dispatch command", "warn", "there is no factory on it", "turn it off");
}

#[test]
fn only_the_workers_that_were_named() {
    let world = World::new().worker_with("a", NO_COMMANDS).worker_with("b", NO_COMMANDS);
    let ran = world.run(&["doctor", "b"]).expect(0);
    assert!(!ran.stdout.contains("a (local)") && ran.stdout.contains("b (local)"), "{}", ran.stdout);
    world.run(&["doctor", "c"]).expect(4);
}

/// A PATH with nothing but these programs in it.
fn only(world: World, programs: &[&str]) -> World {
    let bin = world.path("only");
    fs::create_dir_all(&bin).unwrap();
    for program in programs {
        symlink(which(program), bin.join(program)).unwrap();
    }
    let path = bin.to_str().unwrap().to_owned();
    world.env("PATH", &path)
}

fn which(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.exists()).unwrap()
}

#[test]
fn a_machine_without_tmux_and_kubectl_is_told_what_to_install() {
    let world = World::new().entry("  - {name: p, pod: w1}\n");
    let ran = only(world, &["sh"]).run(&["doctor", "--json"]).expect(1);
    assert_check(&ran, "tmux", "fail", "cannot find tmux on PATH", "install tmux 3.2");
    assert_check(&ran, "kubectl", "fail", "kubectl is not on PATH", "install kubectl");
}

#[test]
fn an_old_tmux_is_told_to_be_replaced() {
    let world = World::new();
    world.script("tmux", "#!/bin/sh\necho tmux 3.1c\n");
    assert_check(&world.run(&["doctor", "--json"]).expect(1), "tmux", "fail", "3.1c is too old", "install tmux 3.2");
}

/// A worker whose pod runs.
fn good_pod() -> Cluster {
    let cluster = Cluster::new().worker_with("w", "pod: agent, namespace: factory", NO_COMMANDS);
    cluster.holds(&[running("agent", json!({}))]);
    cluster
}

#[test]
fn a_good_pod_worker_has_nothing_to_complain_about() {
    let cluster = good_pod();
    let ran = cluster.world.run(&["doctor", "--json"]).expect(0);
    assert_check(&ran, "kubectl", "ok", "v1.32.4", "");
    assert_check(&ran, "context", "ok", "here, namespace default, server https://k:6443", "");
    for name in [
        "login",
        "get pods",
        "create pods/exec",
        "get pods/exec",
        "list deployments.apps",
        "watch pods",
        "container",
        "sh",
        "tmux",
    ] {
        assert_check(&ran, name, "ok", "", "");
    }
    assert_check(&ran, "pod", "ok", "agent", "");
}

#[test]
fn permissions_are_asked_once_for_each_namespace() {
    let mut cluster = good_pod();
    for number in 0..4 {
        cluster = cluster.worker_with(&format!("w{number}"), "pod: agent, namespace: factory", NO_COMMANDS);
    }
    cluster.world.run(&["doctor"]).expect(0);
    let calls = fs::read_to_string(cluster.world.path("cluster/calls")).unwrap();
    assert_eq!(calls.lines().filter(|call| call.starts_with("auth ")).count(), 7, "{calls}");
}

#[rstest]
#[case("create pods/exec", "fail", "not allowed", 1)]
#[case("get pods", "fail", "not allowed", 1)]
#[case("get pods/exec", "warn", "SPDY is tried instead", 0)]
#[case("list deployments.apps", "warn", "pods of Deployments are not found", 0)]
#[case("watch pods", "warn", "seen late, by lists", 0)]
fn what_the_operator_may_not_is_found(#[case] permission: &str, #[case] verdict: &str, #[case] found: &str, #[case] code: i32) {
    let cluster = good_pod();
    cluster.put("denied", &format!("{permission}\n"));
    let ran = cluster.world.run(&["doctor", "--json"]).expect(code);
    assert_check(&ran, permission, verdict, found, &format!("ask for a role that may {permission}"));
}

#[test]
fn an_operator_who_is_logged_out_is_told_so_once() {
    let cluster = good_pod();
    cluster.put("logged-out", "");
    let ran = cluster.world.run(&["doctor", "--json"]).expect(1);
    assert_check(&ran, "login", "fail", "not logged in", "log in");
    assert!(!ran.stdout.contains("pods/exec\""), "{}", ran.stdout);
}

#[rstest]
#[case("v1.28.9", "install 1.31")]
#[case("v1.30.2", "KUBECTL_REMOTE_COMMAND_WEBSOCKETS")]
fn an_old_kubectl_is_told_what_it_lacks(#[case] version: &str, #[case] remedy: &str) {
    let cluster = good_pod();
    let world = cluster.world.env("KUBECTL_VERSION", version);
    assert_check(&world.run(&["doctor", "--json"]).expect(0), "kubectl", "warn", "SPDY", remedy);
}

#[test]
fn a_pod_that_is_not_there_and_a_container_that_is_not_in_it() {
    let cluster = good_pod().worker_with("n", "pod: nobody", NO_COMMANDS);
    let ran = cluster.world.run(&["doctor", "--json", "n"]).expect(1);
    assert_check(&ran, "pod", "fail", "nobody", "kubectl get pods");
    let cluster = cluster.worker_with("c", "pod: agent, container: nope", NO_COMMANDS);
    let ran = cluster.world.run(&["doctor", "--json", "c"]).expect(1);
    assert_check(&ran, "container", "fail", "there is no container nope in pod agent; it has worker", "set container:");
}

#[test]
fn inside_tmux_options_and_keys_are_looked_at() {
    let world = World::new().worker_with("w", NO_COMMANDS);
    let plugin = format!("set -g @factory-worker-bin '{}'\nrun-shell '{}/factory-worker.tmux'", support::BIN, support::ROOT);
    let screen = world.screen_with(&format!(
        "set -g mouse off\nset -s set-clipboard on\nset -s focus-events on\nset -g @factory-worker-nudge-key ''\n\
         bind G display-message mine\n{plugin}"
    ));
    eventually("the plugin", || screen.inner(&["show-options", "-gq", "@factory-worker-bound"]).contains('W').then_some(()));
    let report = world.path("report");
    screen.enter(&format!("{} doctor --json >{}", support::BIN, report.display()));
    let written = || fs::read_to_string(&report).ok().filter(|text| text.ends_with('\n'));
    let ran = Ran { code: 0, stdout: eventually("the report", written), stderr: String::new() };
    assert_check(&ran, "mouse", "warn", "off", "set -g mouse on");
    assert_check(&ran, "set-clipboard", "ok", "on", "");
    assert_check(&ran, "focus-events", "ok", "on", "");
    assert_check(&ran, "pick key", "ok", "prefix W", "");
    assert_check(&ran, "dispatch key", "warn", "prefix G is bound to something else", "set -g @factory-worker-dispatch-key");
    assert_check(&ran, "nudge key", "ok", "not bound", "");
}

#[test]
fn a_tmux_without_the_plugin_is_told_how_to_load_it() {
    let world = World::new().worker_with("w", NO_COMMANDS);
    let screen = world.screen_with("");
    screen.enter(&format!("{} doctor", support::BIN));
    let text = screen.wait("could be better");
    assert!(text.contains("warn  plugin"), "{text}");
}
