//! What is run for an answer, on whatever machine, and what it said.

use std::time::Instant;

/// The largest answer taken from a command, in bytes; more is `incomplete`.
pub const ANSWER_CAP: usize = 4 << 20;

/// One command to run on a worker.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Program and arguments; no shell parses them.
    pub argv: &'a [String],
    /// What the program reads; empty means a closed standard input. Prompts and secrets travel here, never in argv.
    pub stdin: &'a [u8],
    /// It needs to see the end of that, and does not know by itself where it is.
    pub reads_to_end: bool,
    pub deadline: Instant,
}

/// What the command said. The exit status proves nothing by itself: kubectl exits 0 on some broken
/// connections (kubernetes#73056, kubectl#1208), so callers on a worker look for a sentinel of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub status: i32,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}
