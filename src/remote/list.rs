//! The one question per worker: its sessions and its queue, in one exec.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::queue::Items;
use super::script::{self, Parts, Script};
use super::session::{Answer, Queue, Session, SessionId};
use super::{Remote, elsewhere, tmux_words};
use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};
use crate::registry::origin::Reads;
use crate::registry::worker::Worker;
use crate::terminal::neutralise;

const SCRIPT: &str = concat!(include_str!("listing.sh"), include_str!("bounded.sh"), include_str!("list.sh"));
/// What `listing.sh` lets tmux say behind the last session.
const ALL: &str = "those are all";

/// How workers are asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Each worker has this long, from the moment it is asked.
    pub timeout: Duration,
    /// How many are asked at the same time.
    pub parallel: NonZeroUsize,
    /// Ask for the queue too.
    pub queue: bool,
}

/// Ask one worker. A polecat without tmux is not asked: it has its log.
///
/// # Errors
/// It did not answer, or not wholly.
pub fn one(remote: &Remote, worker: &Worker, question: Question) -> Result<Answer, Failure> {
    let log = || Ok(Answer::of(Session::log(None, None).into_iter().collect()));
    match worker.polecat().map(|polecat| polecat.reads) {
        Some(Reads::Log) => log(),
        Some(Reads::PerhapsTmux) => match with_queue(remote, worker, question) {
            Err(failure) if failure.kind == Kind::NoTmux => log(),
            result => result,
        },
        None => {
            let deadline = Instant::now() + question.timeout;
            or_elsewhere(remote, with_queue(remote, worker, question), deadline)
        }
    }
}

/// What a worker has said, and if that is that it has no session, or cannot have any: whether another container of its pod has.
///
/// # Errors
/// The worker's own.
pub fn or_elsewhere(remote: &Remote, said: Result<Answer, Failure>, deadline: Instant) -> Result<Answer, Failure> {
    match said {
        Ok(answer) if answer.sessions.is_empty() => Ok(Answer { elsewhere: elsewhere::look(remote, deadline), ..answer }),
        said => said.map_err(|failure| elsewhere::told(remote, failure, None, deadline)),
    }
}

/// Ask one worker for its sessions and, if that is wanted and it has such a command, for its queue.
///
/// # Errors
/// The worker did not answer, or not wholly.
pub fn with_queue(remote: &Remote, worker: &Worker, question: Question) -> Result<Answer, Failure> {
    let command = worker.commands.queue.as_ref().filter(|_| question.queue).map(|queue| queue.fill(&[]));
    let (answer, said) = with_command(remote, command.as_deref().unwrap_or_default(), question.timeout)?;
    let queue = match (command, said) {
        (None, _) => Queue::NotAsked,
        (Some(_), None) => Queue::Failed("there is no sh in the container".to_owned()),
        (Some(_), Some(output)) => queue(&output),
    };
    Ok(Answer { queue, ..answer })
}

/// Ask one worker for its sessions, and in the same exec run a command of its own that only answers something. What the
/// command said is `None` when there is no command, or no sh to run it under. It ends before the time is over, so that a
/// slow one (status 124) does not cost us the sessions.
///
/// # Errors
/// The worker did not answer, or not wholly.
pub fn with_command(remote: &Remote, command: &[String], timeout: Duration) -> Result<(Answer, Option<Output>), Failure> {
    let deadline = Instant::now() + timeout;
    let mut arguments = vec![(timeout.as_secs() * 4 / 5).max(1).to_string()];
    arguments.extend_from_slice(command);
    let script = Script { text: SCRIPT, tmux: &remote.tmux, arguments: &arguments, stdin: b"" };
    match script::run(remote.exec.as_ref(), &script, deadline) {
        Ok(parts) => Ok((understand(&parts)?, said(&parts))),
        Err(failure) if failure.kind == Kind::NoShell => Ok((without_sh(remote, deadline)?, None)),
        Err(failure) => Err(failure),
    }
}

fn said(parts: &Parts) -> Option<Output> {
    let (body, end) = (parts.get("command")?, parts.get("command-end")?);
    Some(Output { status: end.detail.parse().ok()?, stdout: body.body.clone(), stderr: parts.stderr.clone() })
}

fn no_tmux() -> Failure {
    Failure::new(Kind::NoTmux, "there is no tmux in it")
}

fn understand(parts: &Parts) -> Result<Answer, Failure> {
    if parts.get("no-tmux").is_some() {
        return Err(no_tmux());
    }
    let part = |name: &str| parts.get(name).map(script::Part::text).unwrap_or_default();
    let now = part("now").trim().parse().ok();
    let status = parts.get("sessions-end").map_or("", |part| part.detail.as_str());
    Ok(Answer::of(sessions(&part("sessions"), status, now)?))
}

/// A container without sh is asked for tmux alone; the sentinel is a message that tmux itself prints at the end.
pub(super) fn without_sh(remote: &Remote, deadline: Instant) -> Result<Answer, Failure> {
    let format = "S #{session_id} #{session_windows} #{session_attached} #{session_created} #{session_name}";
    let sessions = match tmux_alone(remote, &["list-sessions", "-F", format], deadline)? {
        Ok(listing) => sessions(&String::from_utf8_lossy(&listing), "0", None)?,
        Err(said) => sessions(&said, "1", None)?,
    };
    Ok(Answer::of(sessions))
}

/// One tmux command without any shell: what it printed when that is whole, or what it complained of.
pub(super) fn tmux_alone(remote: &Remote, command: &[&str], deadline: Instant) -> Result<Result<Vec<u8>, String>, Failure> {
    let sentinel = script::nonce();
    let mut argv = remote.tmux.clone();
    argv.extend(["-u"].iter().chain(command).chain(&[";", "display-message", "-p", &sentinel]).map(|&word| word.to_owned()));
    let Output { status, stdout, stderr } =
        remote.exec.run(Request { argv: &argv, stdin: b"", reads_to_end: false, deadline })?;
    match stdout.trim_ascii_end().strip_suffix(sentinel.as_bytes()) {
        Some(printed) if status == 0 => Ok(Ok(printed.to_vec())),
        _ => Ok(Err(neutralise::plain(&stderr))),
    }
}

/// What a worker says by itself of its sessions, as `listing.sh` says it: with tmux's status, and the worker's time.
///
/// # Errors
/// It is no listing.
pub fn told(listing: &str, status: &str, now: Option<u64>) -> Result<Answer, Failure> {
    // A shell that finds no such program (POSIX).
    if status == "127" {
        return Err(no_tmux());
    }
    sessions(listing, status, now).map(Answer::of)
}

/// The sessions of a listing, in tmux's order.
fn sessions(listing: &str, status: &str, now: Option<u64>) -> Result<Vec<Session>, Failure> {
    if status != "0" {
        return no_listing(listing);
    }
    let mut sessions: Vec<Session> = Vec::new();
    let mut places: HashMap<SessionId, usize> = HashMap::new();
    for line in listing.lines() {
        let understood = match line.split_at_checked(2) {
            Some(("S ", rest)) => session(rest).map(|session| {
                places.extend(session.id.clone().map(|id| (id, sessions.len())));
                sessions.push(session);
            }),
            // A session that began between the two listings has panes only; the next question finds it.
            Some(("P ", rest)) => pane(rest).map(|pane| {
                if let Some(&place) = places.get(&pane.session) {
                    note(&mut sessions[place], &pane, now);
                }
            }),
            _ => (line == ALL || line.trim().is_empty()).then_some(()),
        };
        if understood.is_none() {
            return Err(Failure::new(Kind::Incomplete, format!("tmux said something unexpected: {}", neutralise::line(line))));
        }
    }
    Ok(sessions)
}

fn session(line: &str) -> Option<Session> {
    let mut fields = line.splitn(5, ' ');
    Some(Session {
        id: Some(SessionId::parse(fields.next()?)?),
        windows: fields.next()?.parse().ok()?,
        attached: fields.next()?.parse().ok()?,
        created: Some(fields.next()?.parse().ok()?),
        name: fields.next()?.parse().ok()?,
        last_output: None,
        age: None,
        in_mode: false,
        told: None,
    })
}

struct Pane {
    session: SessionId,
    activity: u64,
    /// The pane that a key would reach.
    current: bool,
    in_mode: bool,
}

fn pane(line: &str) -> Option<Pane> {
    let mut fields = line.split(' ');
    Some(Pane {
        session: SessionId::parse(fields.next()?)?,
        activity: fields.next()?.parse().ok()?,
        current: fields.next()? == "11",
        // How deep it is in modes; tmux prints nothing or 0 for none.
        in_mode: !matches!(fields.next(), None | Some("" | "0")),
    })
}

/// `session_activity` moves with a client's input; the newest `window_activity` is the last output.
fn note(session: &mut Session, pane: &Pane, now: Option<u64>) {
    session.in_mode |= pane.current && pane.in_mode;
    if session.last_output.is_none_or(|last| last < pane.activity) {
        session.last_output = Some(pane.activity);
        session.age = now.map(|now| Duration::from_secs(now.saturating_sub(pane.activity)));
    }
}

/// tmux failed: without a server there are no sessions, and a server without any (`exit-empty off`) has listed none before it
/// fails at its panes; anything else is no answer.
fn no_listing(said: &str) -> Result<Vec<Session>, Failure> {
    // What it complains of may come before what it says.
    let has_listed_none = || said.lines().any(|line| line == ALL) && !said.lines().any(|line| line.starts_with("S "));
    if tmux_words::no_server(said) || has_listed_none() {
        return Ok(Vec::new());
    }
    Err(tmux_words::failed(said))
}

fn queue(output: &Output) -> Queue {
    if output.status != 0 {
        let said = neutralise::plain(&output.stderr);
        let said = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        let timed_out = if output.status == 124 { ", it took too long" } else { "" };
        return Queue::Failed(format!("the queue command failed (exit {}{timed_out}): {said}", output.status));
    }
    match Items::parse(&output.stdout) {
        Ok(items) => Queue::Items(items),
        Err(reason) => Queue::Failed(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    const LISTING: &str =
        "S $0 2 0 1700000000 a\nS $12 1 1 1700000001  b c \nP $0 1700000050 01 1\nP $0 1700000040 11 0\nP $12 1700000001 11 1\n";

    #[test]
    fn a_listing_is_understood() {
        let sessions = sessions(LISTING, "0", Some(1_700_000_060)).unwrap();
        let seen: Vec<_> = sessions
            .iter()
            .map(|s| {
                (s.id.as_ref().unwrap().as_str(), s.name.as_str(), s.windows, s.attached, s.age.unwrap().as_secs(), s.in_mode)
            })
            .collect();
        assert_eq!(seen, [("$0", "a", 2, 0, 10, false), ("$12", " b c ", 1, 1, 59, true)]);
    }

    #[test]
    fn a_session_is_active_by_its_last_output_and_attached_by_its_clients() {
        let sessions = sessions(LISTING, "0", Some(1_700_000_060)).unwrap();
        let states: Vec<_> = sessions.iter().map(|session| session.state(Duration::from_secs(60)).word()).collect();
        assert_eq!(states, ["active", "attached"]);
        assert_eq!(sessions[0].state(Duration::from_secs(5)), crate::remote::session::State::Idle);
    }

    #[rstest]
    #[case("no server running on /tmp/tmux-0/default\n", true)]
    #[case("error connecting to /tmp/x/tmux.sock (No such file or directory)\n", true)]
    #[case("server exited unexpectedly\n", false)]
    #[case("lost server\n", false)]
    #[case("S $0 1 0 1 a\nlost server\n", false)]
    #[case("S $0 1 0 1 a\nno server running on /x\n", false)]
    #[case("", false)]
    #[case("those are all\nno current target\n", true)]
    #[case("no current target\nthose are all\n", true)]
    #[case("lost server\nS $0 1 0 1 a\nthose are all\n", false)]
    #[case("S $0 1 0 1 a\nthose are all\nlost server\n", false)]
    #[case("no current target\n", false)]
    fn only_tmux_without_a_server_or_with_an_empty_one_means_no_sessions(#[case] said: &str, #[case] none: bool) {
        match sessions(said, "1", None) {
            Ok(sessions) => assert!(none && sessions.is_empty()),
            Err(failure) => assert!(!none && failure.kind == Kind::Incomplete, "{failure:?}"),
        }
    }

    proptest! {
        #[test]
        fn every_name_that_tmux_can_say_is_listed_as_it_is(names in prop::collection::vec("\\PC{1,20}", 0..8)) {
            let names: Vec<_> = names.into_iter().filter(|name| !name.contains(char::is_control)).collect();
            let listing: String = names.iter().enumerate().map(|(at, name)| format!("S ${at} 1 0 1 {name}\n")).collect();
            let listed = sessions(&listing, "0", None).unwrap();
            prop_assert_eq!(listed.iter().map(|session| session.name.as_str()).collect::<Vec<_>>(), names);
        }

        #[test]
        fn any_listing_is_understood_or_refused_in_one_line(listing in "([SPX] |[$0-9a \n\u{1b}\u{9b}é]){0,40}", status in "[01]?", now in any::<u64>()) {
            if let Err(failure) = sessions(&listing, &status, Some(now)) {
                prop_assert!(!failure.reason.contains(char::is_control), "{}", failure.reason);
            }
        }
    }

    #[rstest]
    #[case("S $x 1 0 1 a\n")]
    #[case("S $0 1\n")]
    #[case("hello\n")]
    #[case("S $0 1 0 1 \n")]
    #[case("é\n")]
    fn what_tmux_would_not_say_is_no_listing(#[case] listing: &str) {
        assert_eq!(sessions(listing, "0", None).unwrap_err().kind, Kind::Incomplete);
    }
}
