//! Exit codes, and the error that carries one to `main`.

use std::fmt;

/// What the process tells its caller. The values are part of the interface: README, `--help` and the man page list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Code {
    Done = 0,
    /// Something failed here or on the worker; the message has the remote status.
    Failed = 1,
    /// The command line is wrong (clap uses the same value).
    Usage = 2,
    /// The worker could not be reached, or its answer is not whole.
    Unreachable = 3,
    /// No such worker, pod, container or session.
    Missing = 4,
    /// Something was sent and nobody knows whether it arrived.
    Unproven = 5,
    Interrupted = 130,
}

/// An error for the user: what failed and why, what to do about it, and the exit code.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    /// What failed and why, one line, already neutralised when any of it came from a worker.
    pub what: String,
    /// What to do about it, one line; empty when there is nothing sensible to say.
    pub remedy: String,
}

impl Problem {
    pub fn new(code: Code, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { code, what: what.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}
