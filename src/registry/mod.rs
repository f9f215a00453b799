//! The set of workers: `workers.yaml` and what it says, as validated values.

mod document;
pub mod edit;
mod file;
pub mod identity;
pub mod invalid;
pub mod names;
pub mod origin;
pub mod preset;
pub mod source;
pub mod template;
mod unknown_key;
pub mod worker;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::{Failure, Kind};
use invalid::{Invalid, List};
use names::WorkerName;
use source::Source;
use worker::Worker;

/// How young the last output of an `active` session is, unless the file says otherwise.
const ACTIVE_WITHIN: Duration = Duration::from_secs(60);

/// How long a session may take to come back, unless the file says otherwise.
const SESSION_WAIT: Duration = Duration::from_secs(120);

/// The workers, in the file's order.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The file it was read from (or would be), absolute.
    pub path: PathBuf,
    /// False when there is no such file: the registry is empty then.
    pub exists: bool,
    pub workers: Vec<Worker>,
    /// Where more of them are found, in the file's order.
    pub sources: Vec<Source>,
    /// Entries that are neither, since something about them is wrong.
    pub invalid: Vec<Invalid>,
    /// Where polecats are when no source says so: the namespace that Gas Town itself takes.
    pub town: Source,
    /// A session whose last output is younger than this is `active` (`active:` in the file, default 60 s).
    pub active_within: Duration,
    /// How long a window waits for its session after the session's pod was replaced (`session-wait:` in the file, default 2
    /// minutes).
    pub session_wait: Duration,
    /// Whether a hub may follow the workers in the background (`live: off` in the file: it may not).
    pub live: bool,
}

impl Registry {
    /// Read and validate the registry: `given` (`--workers`), else `$FACTORY_WORKERS`, else `~/.factory/workers.yaml`.
    /// Nobody needs one to begin with: without a file it is empty.
    ///
    /// # Errors
    /// The file cannot be read, belongs to somebody else, or is malformed as a whole; the text then begins `FILE:LINE:COLUMN:`.
    pub fn load(given: Option<&Path>) -> anyhow::Result<Self> {
        let path = file::locate(given)?;
        let text = file::read(&path)?;
        let exists = text.is_some();
        let read = document::read(&path, &text.unwrap_or_default())?;
        let active_within = read.active.unwrap_or(ACTIVE_WITHIN);
        let session_wait = read.session_wait.unwrap_or(SESSION_WAIT);
        let live = read.live.unwrap_or(true);
        let document::Document { workers, sources, invalid, town, .. } = read;
        Ok(Self { path, exists, workers, sources, invalid, town, active_within, session_wait, live })
    }

    /// Where [`Registry::load`] looks, absolute, whether or not there is such a file.
    ///
    /// # Errors
    /// No path was given and there is no home directory to look in.
    pub fn path(given: Option<&Path>) -> anyhow::Result<PathBuf> {
        file::locate(given)
    }

    pub fn find(&self, name: &WorkerName) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.name == *name)
    }

    /// Whether it has neither workers nor sources, not even any that cannot be used.
    pub fn is_empty(&self) -> bool {
        self.workers.is_empty() && self.sources.is_empty() && self.invalid.is_empty()
    }

    /// The entry of this name, when no worker that can be used has it.
    pub fn find_invalid(&self, name: &WorkerName) -> Option<&Invalid> {
        match self.find(name) {
            Some(_) => None,
            None => self.invalid_in(List::Workers).find(|invalid| invalid.name == *name),
        }
    }

    /// The entries of a list that cannot be used, in the file's order.
    pub fn invalid_in(&self, list: List) -> impl Iterator<Item = &Invalid> {
        self.invalid.iter().filter(move |invalid| invalid.list == list)
    }

    /// Why an entry cannot be used: `FILE:LINE:COLUMN: reason`.
    pub fn fault(&self, invalid: &Invalid) -> Failure {
        Failure::new(Kind::Invalid, format!("{}:{invalid}", self.path.display()))
    }

    /// What a command that is about other things says of the entries that cannot be used, one line; `None` when there are none.
    pub fn complaint(&self) -> Option<String> {
        match self.invalid.as_slice() {
            [] => None,
            [only] => Some(format!("{} {} is invalid: {}", only.list.noun(), only.name, self.fault(only))),
            [first, others @ ..] => Some(format!(
                "{} entries of {} are invalid, the first in line {}: {}; `factory-worker config check` names them all",
                others.len() + 1,
                self.path.display(),
                first.line,
                first.reason,
            )),
        }
    }
}
