//! Login plugins: one login at a time, none that nobody asked for, and none that reaches the operator's terminal unasked.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;

use std::fs;

use kubesim::{Cluster, Running};
use login_plugin::LoginPlugin;
use operator::{FACTORY, Operator};
use pty::Pty;
use support::BIN;

/// The worker `w` of an operator who logs in with a plugin.
fn factory(way: &str, mode: &str) -> (Operator, LoginPlugin, Running) {
    let cluster = Cluster::start();
    let worker =
        cluster.deployment("fleet").session("qa", "trap '' INT; echo I am qa; exec cat").script("factory", FACTORY).start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    let plugin = LoginPlugin::of(&mut operator, way, mode);
    (operator, plugin, worker)
}

/// Runs kubectl, and notes for each the command and whether it could reach the operator's terminal.
const WATCHED: &str = r#"#!/bin/sh
if (: </dev/tty) 2>/dev/null; then terminal=reaches; else terminal=none; fi
for word; do
	[ "$word" != -- ] || break
	terminal="$terminal $word"
done
echo "$terminal " >>"$KUBECTL_NOTES"
exec "$REAL_KUBECTL" "$@"
"#;

/// Run a command line on a terminal, until it has ended; what it wrote.
fn on_a_terminal(operator: &Operator, arguments: &str) -> String {
    let mut shell = operator.world.program("sh");
    shell.args(["-c", &format!("{BIN} {arguments}; echo \"left with $?\"")]);
    let terminal = Pty::run(shell);
    terminal.wait("left with ");
    String::from_utf8_lossy(&terminal.written()).into_owned()
}

#[test]
fn no_kubectl_but_a_views_own_can_reach_the_terminal() {
    let (mut operator, plugin, worker) = factory("fail", "Never");
    plugin.is_logged_in();
    let real = which("kubectl");
    let notes = operator.world.path("kubectl-notes");
    let watched = operator.world.script("kubectl-watched", WATCHED);
    for (name, value) in [("FACTORY_KUBECTL", &watched), ("REAL_KUBECTL", &real), ("KUBECTL_NOTES", &notes)] {
        operator.world = operator.world.env(name, value.to_str().unwrap());
    }
    for arguments in [
        "list",
        "status w",
        "peek w/qa",
        "nudge w/qa hello",
        "interrupt w/qa",
        "dispatch w --project p --issue 1",
        "doctor",
        "worker logs w",
        "list",
        "gc-events latest-seq",
    ] {
        on_a_terminal(&operator, arguments);
    }
    let mut attached = operator.world.program(BIN);
    attached.args(["attach", "w/qa"]);
    let attached = Pty::run(attached);
    attached.wait("I am qa");
    worker.pod().tmux(&["detach-client", "-s", "qa"]);
    let noted = fs::read_to_string(&notes).unwrap();
    let verb = |line: &str| line.split(' ').skip(1).find(|word| !word.starts_with('-')).unwrap_or_default().to_owned();
    let verbs: std::collections::BTreeSet<String> = noted.lines().map(verb).collect();
    for verb in ["auth", "config", "exec", "get", "logs", "proxy", "version"] {
        assert!(verbs.contains(verb), "nothing has run kubectl {verb}:\n{noted}");
    }
    for line in noted.lines() {
        assert_eq!(line.starts_with("reaches "), line.contains(" -it "), "{line}");
    }
}

fn which(program: &str) -> std::path::PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|path| path.is_file()).unwrap()
}
