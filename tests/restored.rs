//! The terminal after a view, mode by mode: whatever ends the view, and in whatever state the session's application had
//! brought the terminal. Here it is a plain terminal, with no tmux around it.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;

use std::fs;
use std::process::Command;

use kubesim::{Cluster, Fault, Running, lists, requests_for};
use operator::Operator;
use pty::{Pty, left_on};
use rstest::rstest;
use support::{BIN, World, eventually};

/// An application that switches on everything that a terminal has.
const EVERYTHING: &str = "printf '\\033[?1049h\\033[?1h\\033=\\033[?1003h\\033[?1006h\\033[?2004h\\033[?1004h\\033[?25l\\033[3 q\
                          \\033]12;red\\007\\033]2;a title of its own\\007\\033[>4;2m\\033[31m\\033[2;9r\\033[?6h'; echo I am qa; exec cat";

/// A tmux that switches on what the newest do, when its client is there.
const NEWEST: &str = "#!/bin/sh\nreal=$(PATH=${PATH#*:} command -v tmux)\ncase $* in\n*attach-session*)\n\t(\n\t\t\
                      until [ -n \"$(\"$real\" list-clients)\" ]; do sleep 0.05; done\n\t\t\
                      printf '\\033[?2031h\\033[?2026h'\n\t) &\n\t;;\nesac\nexec \"$real\" \"$@\"\n";

fn factory() -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker =
        cluster.deployment("fleet").script("tmux", NEWEST).session("qa", EVERYTHING).session("other", "exec cat").start();
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

/// A shell that attaches, notes its terminal's modes before and after, and what became of it; then it waits to be ended.
fn attach(world: &World, address: &str) -> Pty {
    let script = format!(
        "trap : INT; while [ \"$(stty size)\" = '0 0' ]; do sleep 0.05; done; stty -a >'{0}.before'; echo $$ >'{0}.shell'; {BIN} attach {address}; echo \"left with $?\"; stty -a >'{0}.after'; \
         echo 'all is over'; cat",
        world.path("stty").display()
    );
    let mut shell = world.program("sh");
    shell.args(["-c", &script]).env("COLORTERM", "truecolor");
    Pty::run(shell)
}

/// What is different in the terminal now, by its own modes and by what was written to it.
fn differences(world: &World, terminal: &Pty) -> String {
    let stty = |when: &str| fs::read_to_string(world.path(&format!("stty.{when}"))).unwrap();
    let tty = if stty("before") == stty("after") { String::new() } else { format!("{}→ {}", stty("before"), stty("after")) };
    let left = left_on(&terminal.written());
    if left.is_empty() { tty } else { format!("{tty}{left:?}") }
}

#[track_caller]
fn assert_as_before(world: &World, terminal: &Pty) {
    terminal.wait("all is over");
    assert_eq!(differences(world, terminal), "", "written:\n{:?}", String::from_utf8_lossy(&terminal.written()));
}

/// The view, or its kubectl.
fn descendant(world: &World, name: &str) -> Option<String> {
    let shell = fs::read_to_string(world.path("stty.shell")).unwrap();
    let listing = Command::new("ps").args(["-eo", "pid=,ppid=,comm="]).output().unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    let rows: Vec<Vec<&str>> = listing.lines().map(|line| line.split_whitespace().collect()).collect();
    let child = |of: &str, name: &str| {
        let found = rows.iter().find(|row| row[1] == of && row[2].starts_with(name));
        found.map(|row| row[0].to_owned())
    };
    let view = child(shell.trim(), "factory-worker")?;
    if name == "kubectl" { child(&view, "kubectl") } else { Some(view) }
}

fn kill(signal: &str, process: Option<String>) {
    let _ = Command::new("kill").args([signal, &process.expect("the process")]).status().unwrap();
}

#[derive(Debug, Clone, Copy)]
enum End {
    Detach,
    SessionGone,
    Terminated,
    HungUp,
}

#[rstest]
fn a_terminal_is_as_before_when_a_view_has_ended(
    #[values(End::Detach, End::SessionGone, End::Terminated, End::HungUp)] end: End,
) {
    let (operator, worker) = factory();
    let terminal = attach(&operator.world, "w/qa");
    terminal.wait("I am qa");
    // What is not on shows nothing by its being off later.
    let modes = ["mode 1049", "mode 1006", "mode 2004", "mode 2026", "mode 2031", "mode 25", "keypad", "cursor colour", "title"];
    eventually("everything to be on", || {
        let on = left_on(&terminal.written());
        modes.iter().all(|&mode| on.contains_key(mode)).then_some(())
    });
    match end {
        End::Detach => drop(worker.pod().tmux(&["detach-client", "-s", "qa"])),
        End::SessionGone => drop(worker.pod().tmux(&["kill-session", "-t", "qa"])),
        End::Terminated => kill("-TERM", descendant(&operator.world, "view")),
        End::HungUp => kill("-HUP", descendant(&operator.world, "view")),
    }
    assert_as_before(&operator.world, &terminal);
}

/// What breaks a connection.
#[derive(Debug, Clone, Copy)]
enum Break {
    KubectlKilled,
    Reset,
    PodDeleted,
}

#[rstest]
fn a_terminal_is_as_before_when_a_view_ends_after_its_connection_broke(
    #[values(Break::KubectlKilled, Break::Reset, Break::PodDeleted)] how: Break,
) {
    let (operator, worker) = factory();
    let terminal = attach(&operator.world, "w/qa");
    terminal.wait("I am qa");
    eventually("everything to be on", || left_on(&terminal.written()).contains_key("mode 2031").then_some(()));
    // Nobody comes back from this.
    operator.cluster.when(requests_for("pods/exec")).then(Fault::HangUp);
    match how {
        Break::KubectlKilled => kill("-KILL", descendant(&operator.world, "kubectl")),
        Break::Reset => operator.cluster.drop_connections(),
        Break::PodDeleted => worker.pod().delete(),
    }
    // It may try again for ever, or give up. Meanwhile nothing comes from the terminal but keys.
    eventually("the terminal to report nothing", || {
        let on = left_on(&terminal.written());
        let reports = ["mode 1003", "mode 1004", "mode 1006", "mode 2004", "mode 2031", "modifyOtherKeys"];
        (!reports.iter().any(|&mode| on.contains_key(mode))).then_some(())
    });
    let view = fs::read_to_string(operator.world.path("stty.after")).is_err();
    if view {
        end_view(&operator.world, &terminal);
    }
    assert_as_before(&operator.world, &terminal);
}

/// End the view unless it has ended by itself meanwhile.
fn end_view(world: &World, terminal: &Pty) {
    eventually("the view to end", || {
        if world.path("stty.after").exists() {
            return Some(());
        }
        if let Some(view) = descendant(world, "view") {
            kill("-TERM", Some(view));
        }
        None
    });
    terminal.wait("left with");
}

#[rstest]
#[case::no_session("w/nothing", 4)]
#[case::no_worker("v/qa", 4)]
fn a_terminal_is_as_before_when_there_is_nothing_to_attach_to(#[case] address: &str, #[case] code: i32) {
    let (operator, _worker) = factory();
    let terminal = attach(&operator.world, address);
    terminal.wait(&format!("left with {code}"));
    assert_as_before(&operator.world, &terminal);
}

#[test]
fn a_terminal_is_as_before_when_ctrl_c_comes_while_connecting() {
    let (operator, _worker) = factory();
    // Once kubectl talks to the pod it has the terminal, and Ctrl-C is a key like any other.
    operator.cluster.when(lists()).then(Fault::Silence);
    let mut terminal = attach(&operator.world, "w/qa");
    eventually("kubectl", || (!operator.cluster.calls().matching(&lists()).is_empty()).then_some(()));
    terminal.type_bytes(b"\x03");
    terminal.wait("left with 130");
    assert_as_before(&operator.world, &terminal);
}
