//! What has changed, by what is known of a worker and what is seen of it now.

use serde::Serialize;

use crate::commands::live::Seen;
use crate::registry::names::{Address, WorkerName};
use crate::remote::session::{Session, SessionId};

/// A change of a worker or of one of its sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Change {
    /// It answers, or does not.
    Worker {
        /// As in `list`.
        status: &'static str,
        reason: Option<String>,
        pod: Option<String>,
    },
    /// There is one, or it is another than before in what is said of it here.
    Session {
        address: String,
        /// What it was called before.
        was: Option<String>,
        windows: u32,
        /// How many clients are attached.
        attached: u32,
    },
    /// It has ended: the worker answered, and has none such.
    Gone { address: String },
}

impl Change {
    /// For a person.
    pub fn line(&self, worker: &WorkerName) -> String {
        match self {
            Self::Worker { status, reason, pod } => {
                let pod = pod.as_ref().map(|pod| format!(" in {pod}")).unwrap_or_default();
                let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
                format!("worker   {worker}  {status}{pod}{reason}")
            }
            Self::Session { address, was, windows, attached } => {
                let was = was.as_ref().map(|was| format!(" (was {was})")).unwrap_or_default();
                let attached = if *attached > 0 { format!(", attached {attached}") } else { String::new() };
                let s = if *windows == 1 { "" } else { "s" };
                format!("session  {address}{was}  {windows} window{s}{attached}")
            }
            Self::Gone { address } => format!("gone     {address}"),
        }
    }
}

/// What is known of a worker. That it does not answer says nothing of its sessions.
#[derive(Debug, Default)]
pub struct Known {
    worker: Option<Change>,
    sessions: Vec<Shown>,
}

/// A session as it was said.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    identity: Identity,
    address: String,
    windows: u32,
    attached: u32,
}

/// A session by what no other one of this worker has: the first one of two tmux servers that were started in the same second is told
/// by its pod.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    pod: Option<String>,
    id: Option<SessionId>,
    created: Option<u64>,
}

impl Known {
    /// Take in what is seen now; gives what has changed by that.
    pub fn learn(&mut self, seen: Seen) -> Vec<Change> {
        let Seen { worker, pod, answer } = seen;
        let mut changes = Vec::new();
        let (status, reason) = match &answer {
            Ok(_) => ("running", None),
            Err(failure) => (failure.status(), Some(failure.reason.clone())),
        };
        let now = Change::Worker { status, reason, pod: pod.clone() };
        if self.worker.as_ref() != Some(&now) {
            changes.push(now.clone());
            self.worker = Some(now);
        }
        let Ok(answer) = answer else { return changes };
        let now: Vec<_> = answer.sessions.iter().map(|session| Shown::of(&worker, pod.clone(), session)).collect();
        let before = std::mem::replace(&mut self.sessions, now);
        let gone = before.iter().filter(|session| !self.sessions.iter().any(|now| now.identity == session.identity));
        changes.extend(gone.map(|session| Change::Gone { address: session.address.clone() }));
        for session in &self.sessions {
            let known = before.iter().find(|known| known.identity == session.identity);
            if known != Some(session) {
                changes.push(session.since(known));
            }
        }
        changes
    }
}

impl Shown {
    fn of(worker: &WorkerName, pod: Option<String>, session: &Session) -> Self {
        Self {
            identity: Identity { pod, id: session.id.clone(), created: session.created },
            address: Address { worker: worker.clone(), session: session.name.clone() }.to_string(),
            windows: session.windows,
            attached: session.attached,
        }
    }

    /// That it is so now, with the name that it had.
    fn since(&self, known: Option<&Self>) -> Change {
        let was = known.map(|known| known.address.clone()).filter(|was| *was != self.address);
        Change::Session { address: self.address.clone(), was, windows: self.windows, attached: self.attached }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Kind};
    use crate::remote::list;

    fn lines(known: &mut Known, answer: Result<&str, Failure>) -> Vec<String> {
        lines_in("p", known, answer)
    }

    fn lines_in(pod: &str, known: &mut Known, answer: Result<&str, Failure>) -> Vec<String> {
        let answer = answer.map(|listing| list::told(listing, "0", None).unwrap());
        let worker = "w".parse().unwrap();
        let seen = Seen { worker, pod: Some(pod.to_owned()), answer };
        known.learn(seen).iter().map(|change| change.line(&"w".parse().unwrap())).collect()
    }

    #[test]
    fn each_change_is_said_once() {
        let known = &mut Known::default();
        let two = "S $0 1 0 10 qa\nS $1 2 1 11 dev\n";
        let first = ["worker   w  running in p", "session  w/qa  1 window", "session  w/dev  2 windows, attached 1"];
        assert_eq!(lines(known, Ok(two)), first);
        assert_eq!(lines(known, Ok(two)), [""; 0]);
        assert_eq!(lines(known, Ok("S $0 1 0 10 old\nS $1 2 1 11 dev\n")), ["session  w/old (was w/qa)  1 window"]);
        // No answer says nothing of sessions.
        let failure = || Failure::new(Kind::Unreachable, "no answer");
        assert_eq!(lines(known, Err(failure())), ["worker   w  unreachable in p: no answer"]);
        assert_eq!(lines(known, Err(failure())), [""; 0]);
        assert_eq!(
            lines(known, Ok("S $1 2 0 11 dev\n")),
            ["worker   w  running in p", "gone     w/old", "session  w/dev  2 windows"]
        );
    }

    #[test]
    fn another_session_of_the_same_name_and_id_is_another_one() {
        let known = &mut Known::default();
        lines(known, Ok("S $0 1 0 10 qa\n"));
        assert_eq!(lines(known, Ok("S $0 1 0 99 qa\n")), ["gone     w/qa", "session  w/qa  1 window"]);
        // Its pod was replaced within a second.
        let replaced = ["worker   w  running in p2", "gone     w/qa", "session  w/qa  1 window"];
        assert_eq!(lines_in("p2", known, Ok("S $0 1 0 99 qa\n")), replaced);
    }
}
