//! What else the commands do on pods: each way to attach and to open, following, completion, a set-up in which all is well.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, Running, execs};
use operator::{FACTORY, Operator};
use rstest::rstest;
use serde_json::Value;
use support::shells::{Prompt, Shell};
use support::{BIN, eventually};

const LONG: &str = "--timeout=60s";

/// The worker `w`, a Deployment with the sessions `dev` and `qa`, which show what is typed.
fn factory() -> (Operator, Running) {
    let cluster = Cluster::start();
    let fleet = cluster.deployment("fleet").script("factory", FACTORY);
    let worker = fleet.session("dev", "echo I am dev; exec cat").session("qa", "echo I am qa; exec cat").start();
    eventually("the session to begin", || worker.pod().pane("qa").contains("I am qa").then_some(()));
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

/// What the session's options are for everybody.
fn options(worker: &Running) -> String {
    worker.pod().tmux(&["show-options", "-t", "qa", ";", "show-hooks", "-t", "qa", ";", "show-options", "-s"])
}

#[test]
fn attach_read_only_shows_and_types_nothing() {
    let (operator, worker) = factory();
    let screen = operator.world.screen_with("");
    screen.enter(&format!("clear; {BIN} attach --read-only w/qa; echo left with $?"));
    screen.wait("I am qa");
    screen.type_text("not for the agent");
    screen.keys(&["Enter"]);
    // To leave is the one thing that its keys may do: what came before them came too.
    eventually("the client to leave", || {
        screen.keys(&["C-F12", "d"]);
        let end = Instant::now() + Duration::from_secs(2);
        while Instant::now() < end {
            if screen.text().contains("left with 0") {
                return Some(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        None
    });
    assert!(!worker.pod().pane("qa").contains("not for the agent"), "{}", worker.pod().pane("qa"));
}

#[rstest]
#[case::plain("--plain", true)]
#[case::seamless("", false)]
fn attach_plain_changes_nothing_for_the_session(#[case] flag: &str, #[case] plain: bool) {
    let (operator, worker) = factory();
    let before = options(&worker);
    let screen = operator.world.screen_with("");
    screen.enter(&format!("clear; {BIN} attach {flag} w/qa; echo left with $?"));
    screen.wait("I am qa");
    eventually("the client", || (worker.pod().clients().len() == 1).then_some(()));
    if plain {
        // With the session's own status line, as anybody has it.
        screen.wait("[qa] 0:");
        assert_eq!(options(&worker), before);
    } else {
        eventually("the status line to be gone", || (!screen.text().contains("[qa] 0:")).then_some(()));
        assert_ne!(options(&worker), before);
    }
    worker.pod().tmux(&["detach-client", "-s", "=qa"]);
    screen.wait("left with 0");
    eventually("the options to be as before", || (options(&worker) == before).then_some(()));
}

#[test]
fn open_detached_leaves_the_operator_where_they_are() {
    let (operator, worker) = factory();
    let screen = operator.world.screen();
    screen.run(&["open", "--detached", "w/qa", "w/dev"]).expect(0);
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa", "w/dev|w/dev"]);
    assert_eq!(screen.inner(&["display-message", "-p", "#{window_name}"]), "home\n");
    eventually("both clients", || (worker.pod().clients().len() == 2).then_some(()));
    // Again, nothing: not even a question.
    operator.cluster.forget_calls();
    screen.run(&["open", "--detached", "w/qa"]).expect(0);
    assert_eq!(screen.inner(&["display-message", "-p", "#{window_name}"]), "home\n");
    assert!(operator.cluster.calls().execs().is_empty());
    screen.run(&["close", "w/qa", "w/dev"]).expect(0);
    eventually("the clients to go", || worker.pod().clients().is_empty().then_some(()));
}

/// Piped, `peek --follow` is a stream: each line once, also over a connection that breaks meanwhile, until the session ends.
#[test]
fn peek_follow_piped_says_each_line_once() {
    let (operator, worker) = factory();
    let mut command = operator.world.command(&[LONG, "peek", "w/qa", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut pipe = child.stderr.take().unwrap();
    let errors = thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).map(|_| text)
    });
    let mut next = || output.next().unwrap().unwrap();
    let say = |text: &str| worker.pod().tmux(&["send-keys", "-t", "=qa:", text, "Enter"]);
    assert_eq!(next(), "I am qa");
    say("first");
    // The terminal's echo, and what cat says.
    assert_eq!([next(), next()], ["first", "first"]);

    let broken = operator.cluster.when(execs()).then(Fault::cut_after_bytes(20).looking_like_success());
    operator.cluster.forget_calls();
    eventually("two looks that fail", || (operator.cluster.calls().execs().len() >= 2).then_some(()));
    say("second");
    broken.lift();
    assert_eq!([next(), next()], ["second", "second"]);

    worker.pod().tmux(&["kill-session", "-t", "=qa"]);
    assert!(output.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(4));
    let said = errors.join().unwrap().unwrap();
    assert_eq!(said.matches("looking again").count(), 1, "{said}");
    assert!(said.contains("there is no session \"qa\""), "{said}");
}

#[test]
fn completion_offers_the_sessions_in_pods_and_asks_behind_one_s_back() {
    let (operator, worker) = factory();
    operator.run(&["list"]).expect(0);
    let prompt = Prompt::new(&operator.world, Shell::Bash);
    operator.cluster.forget_calls();
    assert_eq!(prompt.complete("args peek w/q"), ["peek", "w/qa"]);
    assert_eq!(prompt.complete("args status "), ["status", "w"]);
    worker.pod().session("release", "cat");
    // Renewed by whoever presses the key once the last answer is old.
    eventually("the new session to be offered", || (prompt.complete("args peek w/rel") == ["peek", "w/release"]).then_some(()));
    let calls = operator.cluster.calls();
    assert!((1..=3).contains(&calls.execs().len()), "{calls:?}");
}

#[test]
fn doctor_finds_nothing_wrong_where_nothing_is() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").script("factory", FACTORY).session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    let ran = operator.run(&[LONG, "doctor", "--json"]).expect(0);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    let not_ok = said["checks"].as_array().unwrap().iter().filter(|check| check["verdict"] != "ok");
    // Outside tmux the operator's own options are not looked at; nothing else is left out. API servers of 1.30 to 1.32 are named.
    let left: Vec<&str> = not_ok.map(|check| check["check"].as_str().unwrap()).collect();
    assert_eq!(left, ["options and keys", "API server"], "{said:#}");
    for check in ["login", "get pods", "create pods/exec", "pod", "container", "sh", "tmux", "terminfo", "locale"] {
        assert!(said["checks"].as_array().unwrap().iter().any(|there| there["check"] == check), "{check}: {said:#}");
    }
    assert!(operator.run(&[LONG, "doctor"]).expect(0).stdout.ends_with("it works; 1 could be better\n"));
}

#[test]
fn f1_shows_the_keys_and_the_session_again() {
    let (operator, _worker) = factory();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("w/dev");
    screen.type_text("qa");
    screen.wait("│I am qa");
    screen.keys(&["F1"]);
    let text = screen.wait("Alt-x    send Ctrl-C to it, after asking");
    for key in ["Enter", "Alt-s", "Alt-p", "Alt-g", "Alt-n", "Ctrl-r", "F1", "Esc"] {
        assert!(text.contains(key), "{key}: {text}");
    }
    assert!(!text.contains("I am qa"), "{text}");
    screen.keys(&["F1"]);
    screen.wait("│I am qa");
}
