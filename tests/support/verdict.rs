//! The STATUS table of the README: what is found wrong with a worker, what a command about it exits with, and the heart of
//! what it tells to do.

#![allow(dead_code)] // every test binary uses its own part

use std::thread;

use serde_json::Value;

use crate::operator::Operator;
use crate::support::Ran;

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Verdict {
    pub status: &'static str,
    pub code: i32,
    pub remedy: &'static str,
}

const fn verdict(status: &'static str, code: i32, remedy: &'static str) -> Verdict {
    Verdict { status, code, remedy }
}

pub const PENDING: Verdict = verdict("pending", 3, "` says what it waits for");
pub const STARTING: Verdict = verdict("starting", 3, "try again in a moment");
pub const TERMINATING: Verdict = verdict("terminating", 3, "being replaced or removed; try again in a moment");
pub const CRASHING: Verdict = verdict("crashing", 3, " logs --previous ");
pub const COMPLETED: Verdict = verdict("completed", 3, "`, so that its owner makes a new one");
pub const MISSING: Verdict = verdict("missing", 4, "compare pod, namespace and context in workers.yaml with `kubectl");
pub const NO_CONTAINER: Verdict = verdict("no container", 4, "set container: in workers.yaml");
pub const NO_TMUX: Verdict = verdict("no tmux", 1, "install tmux in the image, or set tmux: in workers.yaml");
/// The network does not work.
pub const CUT_OFF: Verdict = verdict("unreachable", 3, "check the network and the VPN");
/// The API server does not do what it is there for.
pub const FAILING: Verdict = verdict("unreachable", 3, "get --raw=/readyz` says whether the API server is well");
pub const TOO_BUSY: Verdict = verdict("unreachable", 3, "try again in a moment, with a lower --parallel");
pub const NO_ANSWER: Verdict = verdict("unreachable", 3, "check the network and the VPN, or give it longer with --timeout");
pub const NO_CONTEXT: Verdict = verdict("unreachable", 3, " config get-contexts` lists those there are; set context:");
pub const NOT_TRUSTED: Verdict = verdict("unreachable", 3, "certificate-authority");
pub const NO_KUBECTL: Verdict = verdict("unreachable", 3, "install kubectl");
pub const UNAUTHORIZED: Verdict = verdict("unauthorized", 3, "log in to the cluster again");
pub const LOGIN_FAILS: Verdict = verdict("unauthorized", 3, " get pods` in a terminal: the login plugin may want to ask");
pub const FORBIDDEN: Verdict = verdict("forbidden", 3, "ask for a role that may get pods, and create and get pods/exec");
/// Nothing can be looked up.
pub const HIDDEN: Verdict = verdict("forbidden", 3, "ask for a role that may list deployments, statefulsets and pods");
pub const INCOMPLETE: Verdict = verdict("incomplete", 3, "try again, with a longer --timeout");
pub const TOO_LARGE: Verdict = verdict("incomplete", 3, "look on the worker at what makes it so long");

/// What a session of the worker `w` is called that is looked at while its worker is in trouble.
const SESSION: &str = "w/qa";

/// Each command says it in its way: `list` in a row, also as JSON, `peek` and `status` by their exit and with the remedy.
/// Gives the row of the JSON.
#[track_caller]
pub fn assert_found(operator: &Operator, timeout: &str, expected: Verdict) -> Value {
    let [json, table, peek, status] = at_once(
        operator,
        [&[timeout, "list", "--json"], &[timeout, "list"], &[timeout, "peek", SESSION], &[timeout, "status", "w"]],
    );
    let answer: Value = serde_json::from_str(&json.expect(0).stdout).unwrap();
    let row = answer["workers"][0].clone();
    let reason = row["reason"].as_str().unwrap_or_default().to_owned();
    assert_eq!(row["status"], expected.status, "{row}");
    assert_eq!(row["sessions"], Value::Null, "unknown is not none: {row}");
    assert!(!reason.is_empty(), "{row}");
    let table = table.expect(0).stdout;
    let line = table.lines().nth(1).unwrap_or_default();
    assert!(line.contains(expected.status) && table.lines().count() == 2, "{table}");
    for (ran, what) in [(peek, "peek"), (status, "status")] {
        assert_eq!((ran.code, ran.stdout.as_str()), (expected.code, ""), "{what}: {}", ran.stderr);
        let lines: Vec<&str> = ran.stderr.lines().collect();
        assert_eq!(lines.len(), 2, "{what} says what is wrong, then what to do: {}", ran.stderr);
        assert!(lines[1].contains(expected.remedy), "{what}: {}", ran.stderr);
    }
    row
}

/// Commands that run at the same time.
pub fn at_once<const N: usize>(operator: &Operator, commands: [&[&str]; N]) -> [Ran; N] {
    thread::scope(|scope| {
        let running = commands.map(|command| scope.spawn(move || operator.run(command)));
        running.map(|running| running.join().unwrap())
    })
}
