//! The one way to run something on a worker, whatever kind of worker it is.

use std::process::Command;
use std::time::Instant;

use super::list_all::Via;
use crate::cluster::login::{Login, Turn};
use crate::cluster::pod::Start;
use crate::failure::{Failure, Kind};
pub use crate::process::Greeting;
use crate::process::{Held, Output, Request};
use crate::registry::names::ObjectName;

/// A command for the caller's terminal, and where it will run.
#[derive(Debug)]
pub struct Interactive {
    pub command: Command,
    /// `None` where there is no pod.
    pub pod: Option<ObjectName>,
}

/// The containers of a worker's pod.
pub struct Beside {
    /// The one that is asked, since none is named.
    pub asked: ObjectName,
    /// The others that run, and the way to each.
    pub others: Vec<(ObjectName, Box<dyn Exec>)>,
}

/// A worker that can be asked.
pub trait Exec: Send + Sync {
    /// Run a command to its end.
    ///
    /// # Errors
    /// The worker could not be reached, or could not start the command. A command that ran and exited non-zero is an
    /// `Output`. A failure with [`Failure::before_start`] set guarantees that the command did not run.
    fn run(&self, request: Request<'_>) -> Result<Output, Failure>;

    /// The way below this one, for one that only runs commands otherwise: whatever else there is to know is known there.
    fn beneath(&self) -> Option<&dyn Exec> {
        None
    }

    /// Start a command that stays and is asked again and again: when it has answered the greeting, it is there.
    ///
    /// # Errors
    /// As [`Self::run`]; or nothing is held here.
    fn hold(&self, argv: &[String], greeting: Greeting<'_>, deadline: Instant) -> Result<Held, Failure> {
        match self.beneath() {
            Some(exec) => exec.hold(argv, greeting, deadline),
            None => Err(Failure::new(Kind::Failed, "nothing is held here").before_start()),
        }
    }

    /// The command that runs `argv` interactively on the caller's terminal, ready to be spawned.
    fn interactive(&self, argv: &[String], deadline: Instant) -> Result<Interactive, Failure> {
        match self.beneath() {
            Some(exec) => exec.interactive(argv, deadline),
            None => Err(Failure::new(Kind::Failed, "there is no terminal here").before_start()),
        }
    }

    /// The pod that answers just now, for the POD column; `None` where there is no pod, or none is known.
    fn pod(&self) -> Option<String> {
        self.beneath()?.pod()
    }

    /// Who has run what was run last.
    fn via(&self) -> Via {
        self.beneath().map_or(Via::Direct, Exec::via)
    }

    /// What leads to the worker, as one text that no other worker has; `None` for what is no worker.
    fn place(&self) -> Option<String> {
        self.beneath()?.place()
    }

    /// Which start of the container runs in `pod` just now. One question to the API server, no exec.
    ///
    /// # Errors
    /// It does not run, is about to end, or could not be asked for; there are no pods here.
    fn start(&self, pod: &ObjectName, deadline: Instant) -> Result<Start, Failure> {
        match self.beneath() {
            Some(exec) => exec.start(pod, deadline),
            None => Err(Failure::new(Kind::Missing, format!("there is no pod {pod}"))),
        }
    }

    /// Find out anew which pod it is, so that the next command goes there.
    ///
    /// # Errors
    /// There is none to run a command in; the failure says in which state it is.
    fn renew(&self, deadline: Instant) -> Result<(), Failure> {
        self.beneath().map_or(Ok(()), |exec| exec.renew(deadline))
    }

    /// Wait until it is our turn to ask, until then at most. Whoever has a deadline for the answer sets it afterwards: that
    /// somebody else logs in counts against nobody.
    ///
    /// # Errors
    /// It does not come; or nobody gets in.
    fn turn(&self, until: Option<Instant>) -> Result<Turn, Failure> {
        self.beneath().map_or_else(|| Ok(Turn::free()), |exec| exec.turn(until))
    }

    /// What the command of [`Self::interactive`] may do before it runs anything.
    fn login(&self) -> Login {
        self.beneath().map_or(Login::Known, Exec::login)
    }

    /// A failure told better where more is known: of the command of [`Self::interactive`], of an answer, of a view.
    fn explained(&self, failure: Failure) -> Failure {
        match self.beneath() {
            Some(exec) => exec.explained(failure),
            None => failure,
        }
    }

    /// Who else is in the pod, when the container that is asked is not named; `None` where it is, or nobody else is known.
    fn beside(&self, deadline: Instant) -> Option<Beside> {
        self.beneath()?.beside(deadline)
    }

    /// `HOST:PORT` of what has to be reachable before anything else is; `None` when there is none, or it is not known.
    fn endpoint(&self) -> Option<String> {
        self.beneath()?.endpoint()
    }
}
