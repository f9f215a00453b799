//! A worker as seen from here: reached through [`exec::Exec`], asked through fixed scripts, its failures as kinds.

pub mod command;
pub mod elsewhere;
pub mod examine;
pub mod exec;
pub mod interrupt;
pub mod list;
pub mod list_all;
pub mod local;
pub mod nudge;
#[cfg(test)]
mod over_gateway;
pub mod peek;
pub mod pod;
pub mod polecat_log;
#[cfg(test)]
mod properties;
mod queue;
pub mod relay;
pub mod repositories;
pub mod script;
pub mod session;
pub mod tmux_words;
pub mod whereabouts;

use std::sync::Arc;

use exec::Exec;
use list_all::Via;
use polecat_log::Log;
use relay::Relayed;

use crate::cluster::gateway::Gateways;
use crate::failure::{Failure, Kind};
use crate::registry::identity::SessionIdentity;
use crate::registry::names::SessionName;
use crate::registry::worker::{Place, PodPlace, Worker};

/// A worker, and the way to it.
pub struct Remote {
    pub exec: Box<dyn Exec>,
    /// The tmux command line on it, with everything that selects its server.
    pub tmux: Vec<String>,
    /// Of a polecat, which may have no tmux.
    pub log: Option<Log>,
    /// The session that is meant by its name, where that is known: it may be called otherwise by now.
    pub meant: Option<SessionIdentity>,
}

impl Remote {
    /// The way to `worker`. Nothing is started or asked yet.
    pub fn to(worker: &Worker) -> Self {
        Self::by(worker, pod::Pod::new)
    }

    /// The same, through these gateways where they lead there.
    pub fn through(worker: &Worker, gateways: &Arc<Gateways>) -> Self {
        let remote = Self::by(worker, |place| pod::Pod::through(place, gateways.clone()));
        Self { log: remote.log.map(|log| log.through(gateways.clone())), ..remote }
    }

    fn by(worker: &Worker, pod: impl FnOnce(PodPlace) -> pod::Pod) -> Self {
        let mut tmux = worker.tmux.clone();
        let exec: Box<dyn Exec> = match &worker.place {
            Place::Local(directory) => {
                tmux.extend(["-S".to_owned(), directory.join(local::SOCKET).to_string_lossy().into_owned()]);
                Box::new(local::Local { directory: directory.clone() })
            }
            Place::Pod(place) => Box::new(pod(place.clone())),
        };
        let exec = if relay::is_wanted() { Box::new(Relayed::new(exec)) } else { exec };
        Self { exec, tmux, log: Log::of(worker), meant: None }
    }

    /// The same for questions about this one session.
    pub fn meaning(self, meant: Option<SessionIdentity>) -> Self {
        Self { meant, ..self }
    }

    /// Look at something on it; once more where the hub has lost its way to the worker over that, and goes past it next time. What is only
    /// looked at may be looked at twice.
    ///
    /// # Errors
    /// The look's own.
    pub fn look<T>(&self, look: impl Fn() -> Result<T, Failure>) -> Result<T, Failure> {
        let is_lost = |failure: &Failure| matches!(failure.kind, Kind::Incomplete | Kind::Unreachable) && !failure.late;
        match look() {
            Err(failure) if self.exec.via() == Via::Hub && is_lost(&failure) => look(),
            said => said,
        }
    }

    /// Whether something can be typed into its sessions, as far as that is known without asking.
    ///
    /// # Errors
    /// It cannot; the text says why.
    pub fn takes_keys(&self) -> Result<(), Failure> {
        match self.log.as_ref().filter(|log| log.is_all()) {
            Some(log) => Err(log.takes_no_keys()),
            None => Ok(()),
        }
    }

    /// A failure to type into a session: of a polecat that turns out to have no tmux, the reason.
    fn not_typed(&self, session: &SessionName, failure: Failure) -> Failure {
        match self.log.as_ref().filter(|log| log.stands_in(session, &failure)) {
            Some(log) => log.takes_no_keys(),
            None => failure,
        }
    }
}
