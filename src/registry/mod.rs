//! The set of workers: `workers.yaml` and what it says, as validated values.

pub mod names;
pub mod template;
pub mod worker;

use std::path::PathBuf;
use std::time::Duration;

use names::WorkerName;
use worker::Worker;

/// The workers, in the file's order.
#[derive(Debug, Clone)]
pub struct Registry {
    /// The file it was read from (or would be).
    pub path: PathBuf,
    /// False when there is no such file: the registry is empty then.
    pub exists: bool,
    pub workers: Vec<Worker>,
    /// A session whose last output is younger than this is `active` (`active:` in the file, default 60 s).
    pub active_within: Duration,
}

impl Registry {
    /// Read and validate the registry: `given` (`--workers`), else `$FACTORY_WORKERS`, else `~/.factory/workers.yaml`.
    pub fn load(_given: Option<&std::path::Path>) -> anyhow::Result<Self> {
        todo!("registry/file.rs")
    }

    pub fn find(&self, name: &WorkerName) -> Option<&Worker> {
        self.workers.iter().find(|worker| worker.name == *name)
    }
}
