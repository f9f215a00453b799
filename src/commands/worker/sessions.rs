//! The sessions that end with a worker's pod.

use serde_json::{Value, json};

use crate::commands::Context;
use crate::failure::{Failure, Kind};
use crate::registry::names::{ObjectName, SessionName};
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::remote::elsewhere::{self, Elsewhere};
use crate::remote::list;
use crate::terminal::neutralise;

/// The sessions that would end, as far as they can be known.
pub enum Sessions {
    Known(Vec<String>),
    Unknown(Failure),
}

impl Sessions {
    pub fn of(context: &Context, worker: &Worker) -> Self {
        let question = list::Question { queue: false, ..context.question() };
        match list::one(&Remote::to(worker), worker, question) {
            // The pod ends with all of its containers.
            Ok(answer) => match answer.elsewhere {
                Some(elsewhere) => Self::in_other_containers(&elsewhere),
                None => Self::Known(answer.sessions.iter().map(|session| neutralise::line(session.name.as_str())).collect()),
            },
            Err(failure) if matches!(failure.kind, Kind::NoTmux | Kind::NoShell) => {
                match elsewhere::look(&Remote::to(worker), context.deadline()) {
                    Some(elsewhere) => Self::in_other_containers(&elsewhere),
                    None => Self::Unknown(failure),
                }
            }
            Err(failure) => Self::Unknown(failure),
        }
    }

    fn in_other_containers(elsewhere: &Elsewhere) -> Self {
        let of = |(container, sessions): &(ObjectName, Vec<SessionName>)| {
            let name = |session: &SessionName| format!("{} (in container {container})", neutralise::line(session.as_str()));
            sessions.iter().map(name).collect::<Vec<_>>()
        };
        Self::Known(elsewhere.found.iter().flat_map(of).collect())
    }

    /// Whether there may be one.
    pub fn may_end(&self) -> bool {
        match self {
            Self::Known(names) => !names.is_empty(),
            Self::Unknown(failure) => hides_them(failure),
        }
    }

    pub fn names(&self) -> Value {
        match self {
            Self::Known(names) => json!(names),
            Self::Unknown(_) => Value::Null,
        }
    }

    pub fn sentence(&self) -> String {
        match self {
            Self::Known(names) if names.is_empty() => "It has no sessions.".to_owned(),
            Self::Known(names) => format!("These sessions end: {}", names.join(", ")),
            Self::Unknown(failure) => format!("Which sessions end is not known: {failure}"),
        }
    }
}

/// Whether a worker that fails to answer like this may have sessions all the same. Without a pod, or without tmux in it,
/// there are none.
pub fn hides_them(failure: &Failure) -> bool {
    use Kind::{Completed, Crashing, Missing, NoContainer, NoTmux, Pending, Starting, Terminating};
    !matches!(failure.kind, Pending | Starting | Terminating | Crashing | Completed | Missing | NoContainer | NoTmux)
}
