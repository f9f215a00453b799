//! The one way to run something on a worker, whatever kind of worker it is.

use std::process::Command;
use std::time::Instant;

use super::failure::Failure;

/// The largest answer taken from a worker, in bytes; more is `incomplete`.
pub const ANSWER_CAP: usize = 4 << 20;

/// One command to run on a worker.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Program and arguments; no shell parses them.
    pub argv: &'a [String],
    /// What the program reads; empty means a closed standard input. Prompts and secrets travel here, never in argv.
    pub stdin: &'a [u8],
    pub deadline: Instant,
}

/// What the command said. The exit status proves nothing by itself: kubectl exits 0 on some broken
/// connections (kubernetes#73056, kubectl#1208), so callers look for a sentinel of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

/// A worker that can be asked.
pub trait Exec: Send + Sync {
    /// Run a command to its end.
    ///
    /// # Errors
    /// The worker could not be reached, or could not start the command. A command that ran and exited non-zero is an
    /// `Output`. A failure with [`Failure::before_start`] set guarantees that the command did not run.
    fn run(&self, request: Request<'_>) -> Result<Output, Failure>;

    /// The command that runs `argv` interactively on the caller's terminal, ready to be spawned.
    fn interactive(&self, argv: &[String], deadline: Instant) -> Result<Command, Failure>;

    /// The pod that answers just now, for the POD column; `None` where there is no pod, or none is known.
    fn pod(&self) -> Option<String>;

    /// What leads to the worker, as one text that no other worker has; `None` for what is no worker.
    fn place(&self) -> Option<String> {
        None
    }
}
