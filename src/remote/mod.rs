//! A worker as seen from here: reached through [`exec::Exec`], asked through fixed scripts, its failures as kinds.

#[cfg(test)]
mod answers_tests;
pub mod ask;
pub mod command;
mod evidence;
pub mod examine;
pub mod exec;
pub mod failure;
pub mod here;
pub mod interrupt;
pub mod kubectl;
pub mod kubectl_error;
pub mod log;
pub mod nudge;
pub mod peek;
pub mod pod;
mod queue;
pub mod repositories;
pub mod script;
pub mod session;

use exec::Exec;
use failure::Failure;
use log::Log;

use crate::registry::names::SessionName;
use crate::registry::worker::{Place, Worker};

/// A worker, and the way to it.
pub struct Remote {
    pub exec: Box<dyn Exec>,
    /// The tmux command line on it, with everything that selects its server.
    pub tmux: Vec<String>,
    /// Of a polecat, which may have no tmux.
    pub log: Option<Log>,
}

impl Remote {
    /// The way to `worker`. Nothing is started or asked yet.
    pub fn to(worker: &Worker) -> Self {
        let mut tmux = worker.tmux.clone();
        let exec: Box<dyn Exec> = match &worker.place {
            Place::Local(directory) => {
                tmux.extend(["-S".to_owned(), directory.join(here::SOCKET).to_string_lossy().into_owned()]);
                Box::new(here::Here { directory: directory.clone() })
            }
            Place::Pod(place) => Box::new(pod::Pod::new(place.clone())),
        };
        Self { exec, tmux, log: Log::of(worker) }
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
