//! `watch`: every change of workers and their sessions, as it comes.

mod changes;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use serde::Serialize;

use super::{Context, live, target};
use crate::cli::Watch;
use crate::exit::Code;
use crate::registry::names::WorkerName;
use crate::terminal::{json, neutralise, reader};
use changes::{Change, Known};

/// How soon it is noticed that nobody reads any more.
const READER: Duration = Duration::from_secs(1);

pub fn run(context: &Context, args: &Watch) -> Result<Code> {
    let names = target::worker_names(&args.names)?;
    let registry = if names.is_empty() { context.known()? } else { context.registry_with(&names)? };
    let workers = target::workers(&registry, &names)?;
    if workers.is_empty() {
        writeln!(io::stderr(), "factory-worker: there are no workers; {}", target::no_workers(&registry))?;
        return Ok(Code::Done);
    }
    let news = live::follow(context, &registry, workers);
    let mut known: BTreeMap<WorkerName, Known> = BTreeMap::new();
    let mut lines = Lines { json: args.json, said: 0 };
    loop {
        match news.recv_timeout(READER) {
            Ok(seen) => {
                let name = seen.worker.clone();
                lines.say(&name, known.entry(name.clone()).or_default().learn(seen))?;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Code::Done),
        }
        if reader::leaves_within(Duration::ZERO) {
            return Ok(Code::Done);
        }
    }
}

/// What is printed, a line for each change.
struct Lines {
    json: bool,
    said: u64,
}

#[derive(Serialize)]
struct Line<'a> {
    /// 1, 2, 3 …: who finds a gap has lost a line.
    seq: u64,
    /// When it was heard of here.
    at: String,
    worker: &'a str,
    #[serde(flatten)]
    change: &'a Change,
}

impl Lines {
    fn say(&mut self, worker: &WorkerName, changes: Vec<Change>) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        for change in &changes {
            self.said += 1;
            let at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
            if self.json {
                json::write_line(&mut out, &Line { seq: self.said, at, worker: worker.as_str(), change })?;
            } else {
                writeln!(out, "{at}  {}", neutralise::line(&change.line(worker)))?;
            }
        }
        out.flush()
    }
}
