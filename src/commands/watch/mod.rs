//! `watch`: every change of workers and their sessions, as it comes.

mod changes;
mod following;
mod pods;

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use serde::Serialize;

use super::{Context, target};
use crate::cli::Watch;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::exit::Code;
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::terminal::{json, neutralise, reader};
use changes::{Change, Known};
use pods::Bell;

/// How soon it is noticed that nobody reads any more.
const READER: Duration = Duration::from_secs(1);

pub fn run(context: &Context, args: &Watch) -> Result<Code> {
    let names = target::worker_names(&args.names)?;
    let registry = if names.is_empty() { context.known()? } else { context.registry_with(&names)? };
    let workers = target::workers(&registry, &names)?;
    let (sender, receiver) = mpsc::channel();
    let gateways = gateways(&workers, context.deadline());
    let bells: Vec<_> = workers.iter().map(|_| Arc::<Bell>::default()).collect();
    for (index, worker) in workers.iter().enumerate() {
        let (remote, name, bell) = (Remote::through(worker, &gateways), worker.name.clone(), bells[index].clone());
        let (sender, timeout) = (sender.clone(), context.question().timeout);
        thread::spawn(move || following::follow(&name, &remote, timeout, &bell, |seen| sender.send((index, seen)).is_ok()));
    }
    pods::listen(workers.iter().zip(bells), &gateways);
    drop(sender);
    let mut known: Vec<_> = workers.iter().map(|_| Known::default()).collect();
    let mut lines = Lines { json: args.json, said: 0 };
    loop {
        match receiver.recv_timeout(READER) {
            Ok((index, seen)) => lines.say(&workers[index], known[index].learn(seen))?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(Code::Done),
        }
        if reader::leaves_within(Duration::ZERO) {
            return Ok(Code::Done);
        }
    }
}

/// One for each cluster in which there are several.
fn gateways(workers: &[Worker], deadline: Instant) -> Arc<Gateways> {
    let gateways = Arc::<Gateways>::default();
    let clusters: Vec<_> = workers.iter().filter_map(Cluster::of_worker).collect();
    gateways.expect(&clusters);
    gateways.start(deadline);
    gateways
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
    fn say(&mut self, worker: &Worker, changes: Vec<Change>) -> io::Result<()> {
        let mut out = BufWriter::new(io::stdout().lock());
        for change in &changes {
            self.said += 1;
            let at = humantime::format_rfc3339_millis(SystemTime::now()).to_string();
            if self.json {
                json::write_line(&mut out, &Line { seq: self.said, at, worker: worker.name.as_str(), change })?;
            } else {
                writeln!(out, "{at}  {}", neutralise::line(&change.line(&worker.name)))?;
            }
        }
        out.flush()
    }
}
