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
pub mod nudge;
pub mod peek;
pub mod pod;
mod queue;
pub mod repositories;
pub mod script;
pub mod session;

use exec::Exec;

use crate::registry::worker::{Place, Worker};

/// A worker, and the way to it.
pub struct Remote {
    pub exec: Box<dyn Exec>,
    /// The tmux command line on it, with everything that selects its server.
    pub tmux: Vec<String>,
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
        Self { exec, tmux }
    }
}
