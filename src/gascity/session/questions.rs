//! What is asked of an agent's pod once it is found: one exec each, whose answer counts only with its end.

use std::time::{Instant, UNIX_EPOCH};

use super::{Agent, City, SESSION, remote};
use crate::failure::{Failure, Kind};
use crate::remote::script::{self, Parts, Script};
use crate::terminal::neutralise;

const NUDGE: &str = concat!(include_str!("../../remote/unless.sh"), include_str!("nudge.sh"));
const KEYS: &str = include_str!("keys.sh");
const META: &str = include_str!("meta.sh");
const PEEK: &str = include_str!("peek.sh");
const LOOK: &str = include_str!("look.sh");
const CLEAR: &str = include_str!("clear.sh");
const ALIVE: &str = include_str!("alive.sh");
const FILE: &str = include_str!("file.sh");
const EXECUTE: &str = include_str!("execute.sh");

/// What is done with a piece of metadata.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meta<'a> {
    Set(&'a [u8]),
    Unset,
}

/// A command that ran in the pod.
#[derive(Debug, PartialEq, Eq)]
pub struct Ran {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// Whether the agent's session is there.
///
/// # Errors
/// The pod did not say. That its container is gone, or has no tmux server, is an answer.
pub fn is_there(city: &City, agent: &Agent, deadline: Instant) -> Result<bool, Failure> {
    match look(city, agent, "", deadline) {
        Ok(_) => Ok(true),
        Err(failure) if is_absence(&failure) => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// What a session that is not there makes of a question about it.
fn is_absence(failure: &Failure) -> bool {
    let kinds =
        [Kind::NoSession, Kind::Missing, Kind::Pending, Kind::Starting, Kind::Terminating, Kind::Crashing, Kind::Completed];
    kinds.contains(&failure.kind)
}

/// The answer to something that needs no answer when the session is not there.
fn unless_absent<T: Default>(result: Result<T, Failure>) -> Result<T, Failure> {
    result.or_else(|failure| if is_absence(&failure) { Ok(T::default()) } else { Err(failure) })
}

/// Type a text into the agent's pane, literally, and press Enter.
///
/// # Errors
/// It was not typed, or nobody knows.
pub fn nudge(city: &City, agent: &Agent, text: &[u8], deadline: Instant) -> Result<(), Failure> {
    if text.contains(&0) {
        return Err(Failure::new(Kind::Failed, "the text has a NUL byte, which cannot be typed"));
    }
    unless_absent(ask(city, agent, NUDGE, &[], text, deadline).and_then(|parts| match parts.get("typed") {
        Some(_) => done(&parts, "sent", "the text was typed, and Enter was not pressed"),
        None => done(&parts, "sent", "the text was not typed"),
    }))
}

/// Press keys, by tmux's names for them.
///
/// # Errors
/// tmux refused them, or nobody knows.
pub fn keys(city: &City, agent: &Agent, keys: &[String], deadline: Instant) -> Result<(), Failure> {
    // A semicolon at the end would end tmux's command.
    let keys: Vec<_> = keys.iter().map(|key| key.strip_suffix(';').map_or(key.clone(), |rest| format!("{rest}\\;"))).collect();
    unless_absent(
        ask(city, agent, KEYS, &keys, b"", deadline).and_then(|parts| done(&parts, "sent", "the keys were not pressed")),
    )
}

/// Change a piece of metadata.
///
/// # Errors
/// It was not changed, or nobody knows.
pub fn set_meta(city: &City, agent: &Agent, key: &str, change: Meta<'_>, deadline: Instant) -> Result<(), Failure> {
    let (verb, value) = match change {
        Meta::Set(value) => ("set", value),
        Meta::Unset => ("unset", &b""[..]),
    };
    let parts = ask(city, agent, META, &[verb.to_owned(), key.to_owned()], value, deadline);
    let result = parts.and_then(|parts| done(&parts, "ok", "the metadata was not changed"));
    // What a session that is gone does not have any more need not be taken from it.
    if change == Meta::Unset { unless_absent(result) } else { result }
}

/// A piece of metadata, empty when it is not set.
///
/// # Errors
/// The pod did not say.
pub fn get_meta(city: &City, agent: &Agent, key: &str, deadline: Instant) -> Result<Vec<u8>, Failure> {
    unless_absent(ask(city, agent, META, &["get".to_owned(), key.to_owned()], b"", deadline).and_then(|parts| {
        done(&parts, "ok", "the metadata could not be read")?;
        Ok(parts.get("value").map(|value| value.body.clone()).unwrap_or_default())
    }))
}

/// What the agent's pane shows, with so many lines of its history, or all of it.
///
/// # Errors
/// The pod did not say.
pub fn peek(city: &City, agent: &Agent, lines: Option<u64>, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let from = lines.map_or_else(|| "-".to_owned(), |lines| format!("-{lines}"));
    unless_absent(ask(city, agent, PEEK, &[from], b"", deadline).and_then(|parts| whole(&parts, "pane")))
}

/// When a pane of the session last wrote something, as RFC 3339; empty when the session is not there.
///
/// # Errors
/// The pod did not say.
pub fn activity(city: &City, agent: &Agent, deadline: Instant) -> Result<String, Failure> {
    // The session's own activity moves with what is typed, too.
    let seen = unless_absent(look(city, agent, "#{window_activity}", deadline))?;
    let newest = seen.lines().filter_map(|line| line.trim().parse().ok()).max();
    let time = newest.and_then(|seconds| UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds)));
    Ok(time.map(|time| humantime::format_rfc3339_seconds(time).to_string()).unwrap_or_default())
}

/// Whether a client is attached.
///
/// # Errors
/// The pod did not say.
pub fn is_attached(city: &City, agent: &Agent, deadline: Instant) -> Result<bool, Failure> {
    let seen = unless_absent(look(city, agent, "#{session_attached}", deadline))?;
    Ok(seen.lines().any(|line| line.trim().parse::<u32>().is_ok_and(|clients| clients > 0)))
}

/// Forget the history of the agent's pane.
///
/// # Errors
/// tmux refused, or the pod did not say.
pub fn clear(city: &City, agent: &Agent, deadline: Instant) -> Result<(), Failure> {
    unless_absent(ask(city, agent, CLEAR, &[], b"", deadline).and_then(|parts| done(&parts, "ok", "the history was not cleared")))
}

/// Whether a program of one of these names runs in the session.
///
/// # Errors
/// The pod did not say.
pub fn alive(city: &City, agent: &Agent, names: &[u8], deadline: Instant) -> Result<bool, Failure> {
    unless_absent(ask(city, agent, ALIVE, &[], names, deadline).and_then(|parts| match (parts.get("alive"), parts.get("dead")) {
        (Some(_), _) => Ok(true),
        (None, Some(_)) => Ok(false),
        (None, None) => Err(said(&parts, "the pod does not say what runs in it")),
    }))
}

/// The bytes of a file in the pod.
///
/// # Errors
/// It cannot be read, or the pod did not say.
pub fn copy_from(city: &City, agent: &Agent, path: &str, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let script = Script { text: FILE, tmux: &[], arguments: &[path.to_owned()], stdin: b"" };
    whole(&script::run(remote(city, agent).exec.as_ref(), &script, deadline)?, "file")
}

/// Run a command (for sh) in the pod.
///
/// # Errors
/// Nobody knows how it ended. One that ran and failed is a [`Ran`].
pub fn execute(city: &City, agent: &Agent, command: &[u8], deadline: Instant) -> Result<Ran, Failure> {
    let script = Script { text: EXECUTE, tmux: &[], arguments: &[], stdin: command };
    let parts = script::run(remote(city, agent).exec.as_ref(), &script, deadline)?;
    let (Some(output), Some(status)) = (parts.get("output"), parts.get("status").and_then(|part| part.detail.parse().ok()))
    else {
        return Err(Failure::new(Kind::Incomplete, "the answer does not say how the command ended"));
    };
    Ok(Ran { status, stdout: output.body.clone(), stderr: parts.stderr })
}

fn look(city: &City, agent: &Agent, format: &str, deadline: Instant) -> Result<String, Failure> {
    let parts = ask(city, agent, LOOK, &[format.to_owned()], b"", deadline)?;
    whole(&parts, "seen").map(|seen| String::from_utf8_lossy(&seen).into_owned())
}

fn ask(
    city: &City,
    agent: &Agent,
    text: &'static str,
    arguments: &[String],
    stdin: &[u8],
    deadline: Instant,
) -> Result<Parts, Failure> {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    script::on_session(&remote(city, agent), text, &super::session()?, script::Input { arguments: &arguments, stdin }, deadline)
}

/// The part of this name, when the command that wrote it succeeded.
fn whole(parts: &Parts, name: &str) -> Result<Vec<u8>, Failure> {
    match (parts.get(name), parts.get("status").map(|part| part.detail.as_str())) {
        (Some(part), Some("0")) => Ok(part.body.clone()),
        _ => Err(said(parts, &format!("session {SESSION} does not tell"))),
    }
}

/// That something was done.
fn done(parts: &Parts, mark: &str, otherwise: &str) -> Result<(), Failure> {
    match parts.get(mark) {
        Some(_) => Ok(()),
        None => Err(said(parts, otherwise)),
    }
}

/// A failure with what the pod has to say of it.
pub(super) fn said(parts: &Parts, what: &str) -> Failure {
    let text = neutralise::plain(&parts.stderr);
    let reason = parts.get("refused").map(|part| part.detail.clone()).unwrap_or_default();
    let words = format!("{reason} {}", text.trim());
    match words.trim() {
        "" => Failure::new(Kind::Failed, what),
        words => Failure::new(Kind::Failed, format!("{what}: {}", neutralise::line(words))),
    }
}
