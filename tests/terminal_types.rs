//! What a session's client is told about the operator's terminal: the best type that the pod knows, and what the terminal can
//! do beyond it.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;

use std::process::Command;

use kubesim::{Cluster, Oddity, Pod, Running};
use operator::Operator;
use pty::Pty;
use rstest::rstest;
use support::{BIN, eventually};

/// A pod that describes these terminals and no others.
fn pod_that_knows(types: &[&str]) -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").with(Oddity::NoTerminfo).session("qa", "echo I am qa; exec cat").start();
    for name in types {
        describe(&worker.pod(), name);
    }
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

/// Put this machine's description of a terminal into the pod's HOME, where every program looks for one.
fn describe(pod: &Pod, name: &str) {
    let script = "infocmp -x \"$1\" >\"$2\" && exec tic -x -o \"$3\" \"$2\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", name]).arg(pod.home().join("description")).arg(pod.home().join(".terminfo"));
    assert!(command.status().unwrap().success(), "{name}");
}

#[track_caller]
fn client(pod: &Pod, format: &str) -> String {
    let ask = || pod.tmux(&["list-clients", "-F", format]);
    eventually("the client", || Some(ask()).filter(|answer| !answer.is_empty())).trim_end().to_owned()
}

#[rstest]
#[case(&["xterm-256color", "screen-256color", "tmux-256color"], "tmux-256color")]
#[case(&["xterm-256color", "screen-256color"], "screen-256color")]
#[case(&["xterm-256color"], "xterm-256color")]
fn in_a_window_the_pod_s_best_type_is_chosen(#[case] known: &[&str], #[case] chosen: &str) {
    let (operator, worker) = pod_that_knows(known);
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    // The pod's locale is a POSIX one.
    assert_eq!(client(&worker.pod(), "#{client_termname} #{client_utf8}"), format!("{chosen} 1"));
}

#[test]
fn a_pod_that_knows_none_says_so_with_a_remedy() {
    let (operator, worker) = pod_that_knows(&[]);
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("it knows none of the terminal types");
    screen.wait("install a terminfo database in the image");
    screen.wait("Enter tries again · Q closes");
    assert!(worker.pod().clients().is_empty());
}

/// A view in a terminal with no tmux around it, in which these are set.
fn attach(operator: &Operator, settings: &[(&str, &str)]) -> Pty {
    // A terminal's variables are what its first program finds.
    let mut command = operator.world.program("env");
    command.args(settings.iter().map(|(name, value)| format!("{name}={value}"))).args([BIN, "attach", "w/qa"]);
    let terminal = Pty::run(command);
    terminal.wait("I am qa");
    terminal
}

#[rstest]
#[case::its_own("screen-256color", &["screen-256color", "xterm-256color"], "screen-256color")]
#[case::unknown_there("foot", &["screen-256color", "xterm-256color"], "xterm-256color")]
#[case::no_plain_name("screen-256color x", &["tmux-256color", "screen-256color"], "tmux-256color")]
fn in_a_plain_terminal_its_own_type_comes_first(#[case] own: &str, #[case] known: &[&str], #[case] chosen: &str) {
    let (operator, worker) = pod_that_knows(known);
    let _terminal = attach(&operator, &[("TERM", own)]);
    assert_eq!(client(&worker.pod(), "#{client_termname}"), chosen);
}

#[rstest]
#[case::of_16_million_colours("truecolor", true)]
#[case::of_256("", false)]
fn a_plain_terminal_says_by_a_variable_that_it_has_all_colours(#[case] colours: &str, #[case] all: bool) {
    let (operator, worker) = pod_that_knows(&["screen-256color"]);
    let _terminal = attach(&operator, &[("TERM", "screen-256color"), ("COLORTERM", colours)]);
    let features = client(&worker.pod(), "#{client_termfeatures}");
    assert_eq!(features.split(',').any(|feature| feature == "RGB"), all, "{features}");
    for feature in ["clipboard", "title", "mouse", "focus", "bpaste"] {
        assert!(features.split(',').any(|there| there == feature), "no {feature} in {features}");
    }
}
