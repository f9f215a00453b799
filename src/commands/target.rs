//! Which session an argument means: `WORKER/SESSION`, `WORKER --session NAME`, or `WORKER` alone.

use anyhow::Result;

use super::Context;
use crate::cli::SessionArg;
use crate::registry::Registry;
use crate::registry::names::{SessionName, WorkerName};
use crate::registry::worker::Worker;

/// The worker of this name.
///
/// # Errors
/// There is none (exit 4); the message lists those there are, or says how to make a registry.
pub fn worker<'a>(_registry: &'a Registry, _name: &WorkerName) -> Result<&'a Worker> {
    todo!()
}

/// The session that `argument` means. A worker alone means its only session; with several, a picker on a terminal,
/// else an error that lists them.
pub fn session(_context: &Context, _registry: &Registry, _argument: &SessionArg) -> Result<(Worker, SessionName)> {
    todo!()
}
