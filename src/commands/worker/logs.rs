//! `worker logs`: what the pod of a worker has said.

use std::io::{self, Write};
use std::os::fd::AsFd;

use anyhow::Result;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use serde_json::{Value, json};

use super::owner::{self, Owner};
use crate::cli::LogExtent;
use crate::cli::worker::WorkerLogs;
use crate::cluster::Cluster;
use crate::cluster::objects::{Log, Part};
use crate::commands::{Context, target};
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::registry::worker::{PodPlace, PodRef, Worker};
use crate::terminal::{self, neutralise, shell, style};

pub fn run(context: &Context, args: &WorkerLogs) -> Result<Code> {
    let name = target::worker_name(&args.worker)?;
    let registry = context.registry_with(std::slice::from_ref(&name))?;
    let worker = target::worker(&registry, &name)?;
    let place = owner::place(worker)?;
    let cluster = Cluster::of(place);
    let (pod, container) = newest(context, worker, place, &cluster)?;
    let log = log(args.extent, args.previous);
    if args.dry_run {
        let command = cluster.log_command(&pod, container.as_ref(), log)?;
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let argv: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        writeln!(io::stdout(), "{}", shell::line(&argv))?;
    } else if args.json {
        let mut text = String::new();
        cluster.read_log(&pod, container.as_ref(), log, context.timeout(), |line| {
            text.push_str(&String::from_utf8_lossy(line));
            Ok(())
        })?;
        let answer = json!({ "name": worker.name, "pod": pod, "log": text });
        terminal::json::write_line(&mut io::stdout().lock(), &answer)?;
    } else {
        cluster.read_log(&pod, container.as_ref(), log, context.timeout(), print)?;
    }
    Ok(Code::Done)
}

/// The log that the command line asks for.
pub fn log(extent: LogExtent, previous: bool) -> Log {
    Log { part: extent.lines.map_or(Part::All, Part::Last), previous, follow: extent.follow }
}

/// Print a line of a log, harmless; an empty one only asks whether anybody reads.
pub fn print(line: &[u8]) -> io::Result<()> {
    if line.is_empty() {
        return still_read();
    }
    let text = if style::colour() { neutralise::coloured(line) } else { neutralise::plain(line) };
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// An error when the reader of our output has gone: without something to write nobody would tell us.
fn still_read() -> io::Result<()> {
    let out = io::stdout();
    let mut asked = [PollFd::new(out.as_fd(), PollFlags::empty())];
    poll(&mut asked, PollTimeout::ZERO)?;
    match asked[0].revents() {
        Some(said) if said.contains(PollFlags::POLLERR) => Err(io::ErrorKind::BrokenPipe.into()),
        _ => Ok(()),
    }
}

/// The newest pod of a worker in whatever state, and its container: a pod that crashes has the most to say. One that is
/// being deleted is the newest only when all are.
fn newest(context: &Context, worker: &Worker, place: &PodPlace, cluster: &Cluster) -> Result<(ObjectName, Option<ObjectName>)> {
    let Some(owner) = Owner::find(cluster, &place.pod, context.timeout())? else {
        return match &place.pod {
            PodRef::Any(name) | PodRef::Pod(name) => Ok((name.clone(), place.container.clone())),
            _ => Err(cluster
                .named(Failure::new(Kind::Missing, format!("worker {}: there is no {}", worker.name, place.pod)))
                .into()),
        };
    };
    let pods = cluster.select("pods", &owner.selector(), context.deadline())?;
    let made = |pod: &&Value| {
        let about = &pod["metadata"];
        (about["deletionTimestamp"].is_null(), about["creationTimestamp"].as_str().map(str::to_owned))
    };
    let newest = pods.iter().max_by_key(made).and_then(|pod| pod["metadata"]["name"].as_str()?.parse().ok());
    Ok((newest.ok_or_else(|| missing(worker, place))?, owner.container(place)))
}

fn missing(worker: &Worker, place: &PodPlace) -> Problem {
    let what = format!("worker {} has no pod: {} has made none", worker.name, place.pod);
    Problem::new(Code::Missing, what, "`factory-worker doctor` looks for the reason")
}
