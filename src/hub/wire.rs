//! What a client and the hub say to each other: a JSON line each way, and bytes behind them where there are any.
//!
//! The client says who it is and what it wants; the hub says at once whether it takes that, and then answers.

use std::collections::BTreeMap;
use std::io::{self, BufRead, ErrorKind, Write};
use std::path::PathBuf;
use std::time::SystemTime;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::board::Seen;
use super::link::Link;
use super::surroundings::Surroundings;
use crate::discovery::Finding;
use crate::failure::Failure;
use crate::registry::names::WorkerName;
use crate::remote::session::{Answer, Queue};
use crate::state::process_id::ProcessId;

/// The longest line, in bytes.
const LINE: u64 = 16 << 20;
/// What ends a command that is to be run.
pub const STILL_WANTED: u8 = b'\n';

/// Who speaks: what is said has changed whenever this has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// 1, 2, 3 …
    pub revision: u32,
    /// Of the program, for people.
    pub release: String,
}

impl Version {
    pub fn ours() -> Self {
        Self { revision: 1, release: env!("CARGO_PKG_VERSION").to_owned() }
    }
}

/// The first line of a client. What it wants is read only by who speaks the same.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hello {
    pub version: Version,
    pub request: serde_json::Value,
}

/// The hub's first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// The answer follows.
    Yes,
    /// It speaks otherwise.
    Other(Version),
    /// It does not; the client asks by itself, for this reason.
    Direct(String),
    /// The same for whatever this client wants: it is in other surroundings.
    Stranger(String),
}

/// What a client wants, and where it comes from.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    pub surroundings: Surroundings,
    /// The tmux server that it runs in.
    pub tmux: Option<ProcessId>,
    pub request: Request,
}

/// What there is to be wanted.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Who is there, and how it stands.
    Status,
    /// End.
    Stop,
    /// Follow the workers of a registry.
    Follow { registry: PathBuf },
    /// What is known of the workers of a registry. Queues are renewed in the background when they are wanted.
    List { registry: PathBuf, queues: bool },
    /// The same, and each change.
    Watch { registry: PathBuf },
    /// Somebody has made or removed something that the registry's sources may find.
    Changed { registry: PathBuf },
    /// Run a command on a worker.
    Run(Run),
    /// A worker that could not be asked has answered somebody: it may be asked again, in nobody's name.
    Answered { registry: PathBuf, worker: WorkerName, place: Option<String> },
}

/// A command that is to be run on a worker. Once it was taken, what it reads follows as bytes, and the byte [`STILL_WANTED`]: who has
/// not waited for us to take it asks by himself, and it must not run twice.
#[derive(Debug, Serialize, Deserialize)]
pub struct Run {
    pub registry: PathBuf,
    pub worker: WorkerName,
    /// What leads to the worker, so that no other one of its name is asked.
    pub place: Option<String>,
    pub argv: Vec<String>,
    pub reads_to_end: bool,
    /// In milliseconds.
    pub timeout: u64,
    pub stdin: usize,
}

/// How a command ended; its outputs follow as bytes, so many of each.
#[derive(Debug, Serialize, Deserialize)]
pub struct Ran {
    pub status: i32,
    pub stdout: usize,
    pub stderr: usize,
    pub pod: Option<String>,
}

/// What is known of a worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub worker: WorkerName,
    pub place: Option<String>,
    pub pod: Option<String>,
    pub answer: Result<Answer, Failure>,
    /// When it was so.
    pub as_of: SystemTime,
    /// What its queue held when that was asked for last.
    #[serde(default)]
    pub queue: Option<(Queue, SystemTime)>,
    /// It is none any more.
    #[serde(default)]
    pub is_forgotten: bool,
}

impl Row {
    /// What is known of a worker, with its link if there is one.
    pub fn of(seen: Seen, link: Option<&Link>) -> Self {
        let Seen { worker, pod, answer, as_of, is_forgotten } = seen.aged();
        let queue = link.and_then(Link::queue).map(|(queue, as_of)| (queue, as_of.by_the_clock()));
        Self { place: link.and_then(Link::place), worker, pod, answer, as_of: as_of.by_the_clock(), queue, is_forgotten }
    }
}

/// What is known of the workers of a registry.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Listed {
    pub rows: Vec<Row>,
    pub found: Vec<Found>,
}

/// What a source has found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Found {
    /// What tells the source from others.
    pub source: String,
    pub findings: Vec<Finding>,
    /// When that was so.
    pub as_of: SystemTime,
}

/// How the hub is.
#[derive(Debug, Serialize, Deserialize)]
pub struct Standing {
    pub pid: u32,
    /// In seconds.
    pub runs_for: u64,
    pub registries: Vec<Served>,
    /// Why somebody went direct, and how often.
    pub direct: BTreeMap<String, u64>,
}

/// A registry that is served.
#[derive(Debug, Serialize, Deserialize)]
pub struct Served {
    pub registry: PathBuf,
    /// How many changes there were.
    pub seq: u64,
    pub rows: Vec<Row>,
}

/// Write one line.
///
/// # Errors
/// Nobody reads it.
pub fn write<T: Serialize>(mut to: impl Write, value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// Read one line.
///
/// # Errors
/// There is none, or it makes no sense.
pub fn read<T: DeserializeOwned>(from: &mut impl BufRead) -> io::Result<T> {
    let mut line = Vec::new();
    io::Read::take(&mut *from, LINE).read_until(b'\n', &mut line)?;
    if line.last() != Some(&b'\n') {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_slice(&line)?)
}

/// Read so many bytes.
///
/// # Errors
/// There are fewer, or it is too much.
pub fn read_bytes(from: &mut impl BufRead, count: usize) -> io::Result<Vec<u8>> {
    if count as u64 > LINE {
        return Err(ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; count];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}
