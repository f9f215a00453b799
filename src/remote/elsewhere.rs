//! Sessions in another container of a worker's pod than the one that was asked because `container:` names none: kubectl's choice may
//! be what stands beside the agent.
//!
//! A question to a worker is one exec. Only an answer without any session is followed by more: one exec for each container that runs
//! besides, one after the other, so many at most, and within the time that the answer may take.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::exec::Beside;
use super::{Remote, list};
use crate::failure::{Failure, Kind};
use crate::registry::names::{ObjectName, SessionName};
use crate::terminal::neutralise;

/// So many containers are asked at most.
const MOST: usize = 8;
/// So many sessions of each are named.
const NAMED: usize = 3;

/// Where the sessions are that are not where they were looked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// The container that was asked.
    pub asked: ObjectName,
    /// The others that have sessions, which are never none.
    pub found: Vec<(ObjectName, Vec<SessionName>)>,
    /// All of it, and what to do about it, on one line.
    pub said: String,
}

/// Look into the other containers of the pod, if that of the worker was not named; `None` when there is no session in them either,
/// or nobody says so in time.
pub fn look(remote: &Remote, deadline: Instant) -> Option<Elsewhere> {
    let Beside { asked, others } = remote.exec.beside(deadline)?;
    let mut found = Vec::new();
    for (container, exec) in others.into_iter().take(MOST) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left < Duration::from_millis(1) {
            break;
        }
        let other = Remote { exec, tmux: remote.tmux.clone(), log: None, meant: None };
        if let Ok((answer, _)) = list::with_command(&other, &[], left)
            && !answer.sessions.is_empty()
        {
            found.push((container, answer.sessions.into_iter().map(|session| session.name).collect()));
        }
    }
    (!found.is_empty()).then(|| Elsewhere::new(asked, found))
}

/// A failure to find a session, or tmux, told with where sessions are instead. `session` is one that must be among them: where the
/// worker has others, only that one says something.
pub fn told(remote: &Remote, failure: Failure, session: Option<&SessionName>, deadline: Instant) -> Failure {
    let failure = remote.exec.explained(failure);
    if !matches!(failure.kind, Kind::NoSession | Kind::NoTmux | Kind::NoShell) {
        return failure;
    }
    match look(remote, deadline) {
        Some(elsewhere) if session.is_none_or(|session| elsewhere.has(session)) => elsewhere.explain(failure),
        _ => failure,
    }
}

impl Elsewhere {
    fn new(asked: ObjectName, found: Vec<(ObjectName, Vec<SessionName>)>) -> Self {
        let mut elsewhere = Self { asked, found, said: String::new() };
        elsewhere.said = format!("{}: {}", elsewhere.reason(), elsewhere.remedy());
        elsewhere
    }

    /// `none in container web, the pod's default; agent has qa, dev`
    pub fn reason(&self) -> String {
        format!("none in container {}, the pod's default; {}", self.asked, self.others())
    }

    fn others(&self) -> String {
        let found = self.found.iter().map(|(container, sessions)| format!("{container} has {}", named(sessions)));
        found.collect::<Vec<_>>().join(", ")
    }

    /// The key to write.
    pub fn remedy(&self) -> String {
        let first = self.found.first().map_or("", |(container, _)| container.as_str());
        format!("set container: {first} for it in workers.yaml")
    }

    fn has(&self, session: &SessionName) -> bool {
        self.found.iter().any(|(_, sessions)| sessions.contains(session))
    }

    /// A failure of the container that was asked, with this.
    fn explain(&self, failure: Failure) -> Failure {
        let mut failure = failure.with_remedy(self.remedy());
        failure.reason = format!("{} (that is container {}, the pod's default; {})", failure.reason, self.asked, self.others());
        failure
    }
}

fn named(sessions: &[SessionName]) -> String {
    let names = sessions.iter().take(NAMED).map(|name| neutralise::line(name.as_str()));
    let more = sessions.len().saturating_sub(NAMED);
    let more = (more > 0).then(|| format!("+{more} more"));
    names.chain(more).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<SessionName> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn it_says_which_container_and_which_key() {
        let found = vec![
            ("agent".parse().unwrap(), names(&["qa", "a\u{202e}b", "c", "d", "e"])),
            ("other".parse().unwrap(), names(&["x"])),
        ];
        let elsewhere = Elsewhere::new("web".parse().unwrap(), found);
        let others = "agent has qa, a\u{fffd}b, c, +2 more, other has x";
        assert_eq!(elsewhere.reason(), format!("none in container web, the pod's default; {others}"));
        assert_eq!(elsewhere.remedy(), "set container: agent for it in workers.yaml");
        let failure = elsewhere.explain(Failure::new(Kind::NoTmux, "there is no tmux in it").before_start());
        let reason = format!("there is no tmux in it (that is container web, the pod's default; {others})");
        assert!(failure.before_start && failure.reason == reason, "{failure:?}");
        assert_eq!(failure.remedy(), elsewhere.remedy());
    }
}
