//! What is said on the way to a pod and by what runs in it besides tmux: the API server's messages, logs, what a queue says
//! to a form. None of it executes or reaches the terminal raw; and no key goes to another session than the one that was named.

#[path = "support/api.rs"]
mod api;
#[path = "support/liar.rs"]
mod liar;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;
mod support;

use std::fs;
use std::process::Stdio;

use api::Refusing;
use kubesim::{Cluster, Kubeconfig};
use liar::{ATTACKS, Liar, attacks};
use operator::Operator;
use raw::assert_harmless;
use rstest::rstest;
use serde_json::json;
use support::{BIN, Ran, World, eventually};

/// The attacks as an API server can say them: JSON has text only.
fn hostile_message() -> String {
    String::from_utf8_lossy(&attacks(b"\nError from server (NotFound): pods \"w\" not found\nerror: ")).into_owned()
}

fn harmless(world: &World, arguments: &[&str]) -> Ran {
    let arguments = [&["--color", "always", "--timeout", "20s"], arguments].concat();
    let output = world.command(&arguments).output().unwrap();
    assert_harmless(&output.stdout);
    assert_harmless(&output.stderr);
    world.assert_nothing_executed();
    Ran::from(output)
}

#[rstest]
#[case::unauthorized(401, "Unauthorized")]
#[case::forbidden(403, "Forbidden")]
#[case::not_found(404, "NotFound")]
#[case::internal_error(500, "InternalError")]
#[case::made_up(418, "\u{1b}]0;EVIL\u{7}\u{202e}")]
fn the_api_servers_words_stay_in_their_line(#[case] code: u16, #[case] reason: &str) {
    let server = Refusing::start(code, reason, &hostile_message());
    let world = World::new();
    let kubeconfig = world.path("kubeconfig");
    let url = format!("http://{}", server.address);
    Kubeconfig::new().entry("here", json!({ "server": url }), json!({})).write(&kubeconfig);
    let world = world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    let commands = "commands: {queue: \"\", dispatch: \"factory add {issue}\"}";
    let world = world.entry(&format!("  - {{name: w, pod: pod/w, {commands}}}\n  - {{name: x, pod: w, {commands}}}\n"));
    let ran = harmless(&world, &["list"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 3, "a header and a row each: {}", ran.stdout);
    harmless(&world, &["list", "--json"]).expect(0);
    for worker in ["w", "x"] {
        let session = format!("{worker}/qa");
        for command in [
            &["status", worker][..],
            &["peek", &session],
            &["nudge", &session, "hello"],
            &["interrupt", &session],
            &["dispatch", worker, "--project", "p", "--issue", "1"],
            &["worker", "logs", worker],
        ] {
            let ran = harmless(&world, command);
            assert!(ran.code != 0 && ran.stdout.is_empty(), "{command:?}: {}", ran.stdout);
            assert!((1..=3).contains(&ran.stderr.lines().count()), "{command:?}: {}", ran.stderr);
        }
    }
    harmless(&world, &["doctor"]).expect(1);
}

#[test]
fn logs_are_text_and_colours() {
    let cluster = Cluster::start();
    let says = ["sh", "-c", "until [ -e ready ]; do sleep 0.02; done; cat attacks; echo; echo end; exec sleep 600"];
    let worker = cluster.deployment("fleet").runs(&says).start();
    let pod = worker.pod();
    fs::write(pod.home().join("attacks"), attacks(b"\n")).unwrap();
    fs::write(pod.home().join("ready"), "").unwrap();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    eventually("the log", || operator.run(&["worker", "logs", "w"]).stdout.contains("end\n").then_some(()));
    for options in [&[][..], &["--json"], &["--lines", "3"]] {
        let ran = harmless(&operator.world, &[&["worker", "logs", "w"], options].concat()).expect(0);
        assert!(ran.stdout.contains("end"), "{options:?}: {}", ran.stdout);
    }
    // A log that is followed has no end: it is read as far as it goes.
    let mut command = operator.world.command(&["--color", "always", "worker", "logs", "w", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut read = Vec::new();
    let mut pipe = child.stdout.take().unwrap();
    while !read.ends_with(b"end\n") {
        let mut buffer = [0; 4096];
        let count = std::io::Read::read(&mut pipe, &mut buffer).unwrap();
        assert!(count > 0, "the log ended: {}", String::from_utf8_lossy(&read));
        read.extend_from_slice(&buffer[..count]);
    }
    drop(pipe);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_harmless(&read);
    operator.world.assert_nothing_executed();
}

/// What the queue answers stands in the form when it fails, and in the line that is left of it when all is well.
#[test]
fn the_dispatch_form_shows_text_only() {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("pane", "here\n");
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} pick"));
    screen.wait("│here");
    liar.write("complained", [&attacks(b"\n")[..], b"\n", ATTACKS[0], b"the queue is full\n"].concat());
    liar.write("exits", "9");
    screen.keys(&["M-g"]);
    screen.wait("Enter send");
    screen.type_text("shop");
    screen.keys(&["Tab"]);
    screen.type_text("7");
    screen.keys(&["Enter"]);
    screen.wait("the queue is full");
    liar.write("complained", attacks(b"\n"));
    liar.write("said", [&attacks(b"\n")[..], b"\n", ATTACKS[0], b"queued as 7\n"].concat());
    liar.write("exits", "0");
    screen.keys(&["Enter"]);
    screen.wait("queued as 7");
    liar.assert_harmless_terminal(&screen);
    assert!(!liar.pod.home().join("pwned").exists());
}

/// Names that tmux would take for something else, or for each other.
const LOOK_ALIKES: &[&str] =
    &["$0", "$1", "@1", "%1", "=qa", "qa", "q", "+1", "-1", "{start}", "!", "x\u{202e}y", "x\u{2066}y", "*", "#{session_id}"];

/// A pod with a session of each of these names; each notes the Ctrl-C that it gets.
fn crowd() -> (Operator, kubesim::Running) {
    let cluster = Cluster::start();
    let worker = cluster.pod("crowd").start();
    for (at, name) in LOOK_ALIKES.iter().enumerate() {
        let notes = format!("trap 'echo {at} >>interrupted' INT; echo number {at} here; while :; do sleep 0.05; done");
        worker.pod().session(name, &notes);
    }
    for (at, name) in LOOK_ALIKES.iter().enumerate() {
        eventually("the session to begin", || worker.pod().pane(name).contains(&format!("number {at} here")).then_some(()));
    }
    (Operator::of(cluster).worker("w", "pod/crowd", ""), worker)
}

#[test]
fn an_interrupt_goes_to_the_session_of_exactly_that_name() {
    let (operator, worker) = crowd();
    for (at, name) in LOOK_ALIKES.iter().enumerate() {
        operator.run(&["--timeout=60s", "interrupt", "--", &format!("w/{name}")]).expect(0);
        let notes = worker.pod().home().join("interrupted");
        eventually(&format!("Ctrl-C in {name:?}"), || fs::read_to_string(&notes).ok().filter(|notes| notes.lines().count() > at));
        let notes = fs::read_to_string(notes).unwrap();
        let expected: String = (0..=at).map(|at| format!("{at}\n")).collect();
        assert_eq!(notes, expected, "{name:?}");
    }
    operator.world.assert_nothing_executed();
}

#[test]
fn windows_and_attach_show_the_session_of_exactly_that_name() {
    let (operator, worker) = crowd();
    let screen = operator.world.screen();
    for (at, name) in LOOK_ALIKES.iter().enumerate() {
        let address = format!("w/{name}");
        screen.run(&["open", "--", &address]).expect(0);
        screen.wait(&format!("number {at} here"));
        eventually("its client, and no other", || {
            let clients = worker.pod().tmux(&["list-clients", "-F", "#{client_session}"]);
            (clients.lines().collect::<Vec<_>>() == [*name]).then_some(())
        });
        screen.run(&["close", "--", &address]).expect(0);
        eventually("the client to go", || worker.pod().clients().is_empty().then_some(()));
    }
    for (at, name) in [(1, "$1"), (5, "qa"), (11, "x\u{202e}y")] {
        assert_eq!(LOOK_ALIKES[at], name);
        screen.enter(&format!("clear; {BIN} attach -- 'w/{name}'; echo left with $?"));
        screen.wait(&format!("number {at} here"));
        eventually("the client", || worker.pod().clients().first().filter(|client| client.starts_with(name)).map(drop));
        let id = worker.pod().tmux(&["list-clients", "-F", "#{client_tty}"]);
        worker.pod().tmux(&["detach-client", "-t", id.trim_end()]);
        screen.wait("left with 0");
    }
    operator.world.assert_nothing_executed();
    assert!(!worker.pod().home().join("pwned").exists());
}
