//! The set of workers: `workers.yaml` and what it says, as validated values.

mod document;
pub mod edit;
mod file;
pub mod names;
pub mod origin;
pub mod preset;
pub mod source;
pub mod template;
mod unknown_key;
pub mod worker;

use std::path::{Path, PathBuf};
use std::time::Duration;

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
    /// Where polecats are when no source says so: the namespace that Gas Town itself takes.
    pub town: Source,
    /// A session whose last output is younger than this is `active` (`active:` in the file, default 60 s).
    pub active_within: Duration,
    /// How long a window waits for its session after the session's pod was replaced (`session-wait:` in the file, default 2
    /// minutes).
    pub session_wait: Duration,
}

impl Registry {
    /// Read and validate the registry: `given` (`--workers`), else `$FACTORY_WORKERS`, else `~/.factory/workers.yaml`.
    /// Nobody needs one to begin with: without a file it is empty.
    ///
    /// # Errors
    /// The file cannot be read, belongs to somebody else, or is malformed; the text then begins `FILE:LINE:COLUMN:`.
    pub fn load(given: Option<&Path>) -> anyhow::Result<Self> {
        let path = file::locate(given)?;
        let text = file::read(&path)?;
        let exists = text.is_some();
        let read = document::read(&path, &text.unwrap_or_default())?;
        let active_within = read.active.unwrap_or(ACTIVE_WITHIN);
        let session_wait = read.session_wait.unwrap_or(SESSION_WAIT);
        Ok(Self { path, exists, workers: read.workers, sources: read.sources, town: read.town, active_within, session_wait })
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
}
