//! No kubectl but the operator's own can reach the operator's terminal: a login plugin that prompts there would paint over whatever
//! is on it, and change its modes.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;
#[path = "support/town.rs"]
mod town;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kubesim::Running;
use login_plugin::LoginPlugin;
use operator::{FACTORY, Operator};
use pty::Pty;
use rstest::rstest;
use support::{BIN, ROOT, eventually};
use town::{agent, polecat, town as a_town};

/// The worker `w`, a polecat, and an agent of Gas City, of an operator who logs in with a plugin.
fn factory(way: &str, mode: &str) -> (Operator, LoginPlugin, Running) {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    agent(&cluster, "mayor", "mayor", "city");
    let worker =
        cluster.deployment("fleet").session("qa", "trap '' INT; echo I am qa; exec cat").script("factory", FACTORY).start();
    let mut operator =
        Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}").discovers(&["gastown: {}"]);
    let plugin = LoginPlugin::of(&mut operator, way, mode);
    plugin.is_logged_in();
    (operator, plugin, worker)
}

/// Runs kubectl, and notes for each the command and whether it could reach the operator's terminal, which is that of whoever
/// runs it: one of its own, on which a plugin is shown that may not ask, is none.
const WATCHED: &str = r#"#!/bin/sh
terminal=none
if (: </dev/tty) 2>/dev/null && [ "$(ps -o tty= -p $$)" = "$(ps -o tty= -p $PPID)" ]; then terminal=reaches; fi
for word; do
	[ "$word" != -- ] || break
	terminal="$terminal $word"
done
echo "$terminal " >>"$KUBECTL_NOTES"
exec "$REAL_KUBECTL" "$@"
"#;

/// Everything that asks a cluster and ends by itself. Which of them succeed does not matter here.
const COMMANDS: [&str; 27] = [
    "list",
    "status w",
    "peek w/qa",
    "nudge w/qa hello",
    "interrupt w/qa",
    "dispatch w --project p --issue 1",
    "doctor",
    "complete --refresh",
    "complete --index=2 -- factory-worker peek ''",
    "worker logs w",
    "worker add w-1 --image nowhere --timeout 3s",
    "worker add w-1 --image nowhere --timeout 3s --dry-run",
    "worker restart w --force",
    "worker remove w-1",
    "polecat list",
    "polecat status furiosa",
    "polecat logs furiosa",
    "polecat create gt-1 --rig r --repo https://git.example.com/r.git --task t --deadline 45m --name nux",
    "polecat stop furiosa",
    "polecat clean",
    "gc-session list-running ''",
    "gc-session peek mayor 5",
    "gc-session nudge mayor </dev/null",
    "gc-session set-meta mayor key </dev/null",
    "gc-session stop mayor",
    "gc-events latest-seq",
    "gc-events record </dev/null",
];

/// Run command lines on a terminal, until the last one has ended; what they wrote.
fn on_a_terminal(operator: &Operator, lines: &[&str]) -> String {
    let mut script = "stty -a >before\n".to_owned();
    script.extend(lines.iter().map(|line| format!("{BIN} {line}\n")));
    let mut shell = operator.world.program("sh");
    shell.args(["-c", &format!("{script}stty -a >after; echo all of them have ended")]);
    let terminal = Pty::run(shell);
    terminal.wait("all of them have ended");
    let read = |when: &str| fs::read_to_string(operator.world.home().join(when)).unwrap();
    assert_eq!(read("before"), read("after"));
    String::from_utf8_lossy(&terminal.written()).into_owned()
}

/// Kubectl's subcommands that were run, each with whether it had a terminal to attach, and whether it could reach the operator's.
fn noted(notes: &Path) -> BTreeSet<(String, bool, bool)> {
    let text = fs::read_to_string(notes).unwrap_or_default();
    let verb = |line: &str| line.split(' ').skip(1).find(|word| !word.starts_with('-')).unwrap_or_default().to_owned();
    text.lines().map(|line| (verb(line), line.contains(" -it "), line.starts_with("reaches "))).collect()
}

#[test]
fn no_kubectl_but_the_operators_own_can_reach_the_terminal() {
    let (mut operator, _plugin, worker) = factory("fail", "Never");
    let real = which::which("kubectl").unwrap();
    let notes = operator.world.path("kubectl-notes");
    let watched = operator.world.script("kubectl-watched", WATCHED);
    for (name, value) in [("FACTORY_KUBECTL", &watched), ("REAL_KUBECTL", &real), ("KUBECTL_NOTES", &notes)] {
        operator.world = operator.world.env(name, value.to_str().unwrap());
    }
    let mut attached = operator.world.program(BIN);
    attached.args(["attach", "w/qa"]);
    let attached = Pty::run(attached);
    attached.wait("I am qa");
    worker.pod().tmux(&["detach-client", "-s", "qa"]);
    let mut picker = Pty::run(operator.world.command(&["pick"]));
    // Its preview.
    picker.wait("I am qa");
    picker.type_bytes(b"\x1b");
    for line in COMMANDS {
        on_a_terminal(&operator, &[line]);
    }
    // What a gateway is refused is asked of kubectl once more.
    operator.cluster.forbid("patch", "polecats");
    on_a_terminal(&operator, &["polecat stop furiosa"]);
    let noted = noted(&notes);
    let verbs: BTreeSet<&str> = noted.iter().map(|(verb, ..)| verb.as_str()).collect();
    for verb in ["apply", "auth", "config", "create", "delete", "exec", "get", "logs", "patch", "proxy", "version"] {
        assert!(verbs.contains(verb), "nothing has run kubectl {verb}: {verbs:?}");
    }
    for (verb, attaches, reaches) in noted {
        assert_eq!(reaches, attaches, "kubectl {verb}");
    }
}

/// Where the product starts another program: whoever adds a place says here what it starts.
#[test]
fn every_place_that_starts_a_program_is_known() {
    let known: BTreeMap<&str, &str> = [
        ("cluster/gateway/mod.rs", "kubectl proxy, in a session of its own"),
        ("commands/complete/refresh.rs", "ourselves, behind TAB"),
        ("local/program.rs", "the hub, in a session of its own"),
        ("process.rs", "everything that answers, in a session of its own"),
        ("process/family.rs", "ps"),
        ("view/child.rs", "the operator's own kubectl: a view's, a shell's"),
    ]
    .into();
    let source = Path::new(ROOT).join("src");
    let starts = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        // Tests stand at the end of a file.
        let product = text.split("\nmod tests").next().unwrap_or_default();
        [".spawn()", "command.output()", "ps.output()", "command.status()", ".exec()"].iter().any(|start| product.contains(start))
    };
    let found: BTreeSet<String> = files(&source)
        .iter()
        .filter(|file| !file.ends_with("tests.rs") && !file.components().any(|part| part.as_os_str() == "tests"))
        .filter(|file| starts(file))
        .map(|file| file.strip_prefix(&source).unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), known.into_keys().collect::<Vec<_>>());
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_plugin_that_prompts_on_the_terminal_finds_none() {
    let (operator, plugin, _worker) = factory("tty", "IfAvailable");
    operator.run(&["list", "--timeout=60s"]).expect(0);
    plugin.expires();
    let said = on_a_terminal(&operator, &COMMANDS);
    assert!(!said.contains("PASSWORD"), "{said}");
    assert!(plugin.logins() > 0);
}

#[rstest]
#[case::if_available("IfAvailable")]
fn a_plugin_that_prompts_on_the_terminal_cannot_disturb_the_picker(#[case] mode: &str) {
    let (operator, plugin, _worker) = factory("tty", mode);
    plugin.expires();
    let mut picker = Pty::run(operator.world.command(&["pick", "--timeout=3s"]));
    eventually("the plugin to be run", || (plugin.logins() > 0).then_some(()));
    picker.wait("unauthorized");
    std::thread::sleep(Duration::from_secs(2));
    let said = String::from_utf8_lossy(&picker.written()).into_owned();
    assert!(!said.contains("PASSWORD"), "{said:?}");
    picker.type_bytes(b"\x1b");
}
