//! `worker remove`: a worker's objects go, its volume stays, and the registry forgets it.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::owner::{self, Owner};
use crate::cli::worker::WorkerRemove;
use crate::cluster::Cluster;
use crate::cluster::objects::Change;
use crate::commands::{Context, target};
use crate::deploy::names::Names;
use crate::deploy::render;
use crate::exit::{Code, Problem};
use crate::failure::Kind;
use crate::registry::names::WorkerName;
use crate::registry::worker::{PodPlace, Worker};
use crate::registry::{Registry, edit};
use crate::remote::Remote;
use crate::remote::list;
use crate::terminal::neutralise;
use crate::terminal::progress::Progress;

/// Sessions that said something this recently are at work.
const AT_WORK: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub fn run(context: &Context, args: &WorkerRemove) -> Result<Code> {
    let registry = context.registry()?;
    let name = target::worker_name(&args.worker)?;
    let Some(worker) = registry.find(&name) else { return already_gone(args, &registry, &name) };
    let place = owner::place(worker)?;
    let names = names(worker, place)?;
    let cluster = Cluster::of(place);
    if let Some(owner) = Owner::find(&cluster, &place.pod, context.timeout())? {
        must_be_ours(worker, &owner)?;
        if !args.force {
            must_be_idle(context, worker)?;
        }
    }
    let targets = render::targets(&names, args.delete_data);
    let change = if args.dry_run { Change::DryRun } else { Change::Made };
    let deleted = cluster.delete(&targets, change, context.deadline())?;
    if !args.dry_run {
        wait_for_the_end(context, args, &cluster, &names)?;
        edit::remove(&registry.path, &name)?;
    }
    report(args, &registry, worker, place, &names, &deleted)
}

/// What was asked for is so already.
fn already_gone(args: &WorkerRemove, registry: &Registry, name: &WorkerName) -> Result<Code> {
    writeln!(io::stderr(), "factory-worker: there is no worker {name} in {}; nothing to remove", registry.path.display())?;
    if args.json {
        writeln!(
            io::stdout(),
            "{}",
            json!({ "name": name, "deleted": [], "kept": [], "registered": false, "dry_run": args.dry_run })
        )?;
    }
    Ok(Code::Done)
}

fn names(worker: &Worker, place: &PodPlace) -> Result<Names, Problem> {
    Names::registered(&place.pod).ok_or_else(|| {
        let what = format!("worker {} is registered as {}, which `worker add` does not make", worker.name, place.pod);
        Problem::new(Code::Failed, what, "delete it with kubectl, and take it out of the registry by hand")
    })
}

fn must_be_ours(worker: &Worker, owner: &Owner) -> Result<(), Problem> {
    if owner.is_ours() {
        return Ok(());
    }
    let what = format!("{} of worker {} was not made by `worker add`: it lacks its labels", owner.target, worker.name);
    Err(Problem::new(Code::Failed, what, "delete it with kubectl, and take it out of the registry by hand"))
}

/// Nobody's work is deleted: a worker whose sessions cannot be seen may be at work as well.
fn must_be_idle(context: &Context, worker: &Worker) -> Result<()> {
    let question = list::Question { queue: false, ..context.question() };
    let sessions = match list::one(&Remote::to(worker), worker, question) {
        Ok(answer) => answer.sessions,
        Err(failure) if matches!(failure.kind, Kind::Unreachable | Kind::Unauthorized | Kind::Forbidden | Kind::Incomplete) => {
            let what = format!("whether {} is at work cannot be seen: {failure}", worker.name);
            return Err(Problem::new(failure.code(), what, "--force removes it all the same").into());
        }
        // No pod, no tmux: nothing is at work.
        Err(_) => return Ok(()),
    };
    let at_work: Vec<_> = sessions
        .iter()
        .filter(|session| session.age.is_some_and(|age| age < AT_WORK))
        .map(|session| neutralise::line(session.name.as_str()))
        .collect();
    if at_work.is_empty() {
        return Ok(());
    }
    let what = format!("{} has been active in the last ten minutes: {}", worker.name, at_work.join(", "));
    Err(Problem::new(Code::Failed, what, "look with `factory-worker peek`; --force removes it all the same").into())
}

fn wait_for_the_end(context: &Context, args: &WorkerRemove, cluster: &Cluster, names: &Names) -> Result<()> {
    let _progress = Progress::show(format!("waiting for the pods of {} to end", names.deployment));
    let end = Instant::now() + args.wait;
    loop {
        let pods = cluster.select("pods", &names.selector(), context.deadline())?;
        if pods.is_empty() {
            return Ok(());
        }
        if Instant::now() >= end {
            let what = format!("{} pods of {} have not ended yet", pods.len(), names.deployment);
            return Err(Problem::new(Code::Failed, what, "the same command goes on waiting, and unregisters it then").into());
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn report(
    args: &WorkerRemove,
    registry: &Registry,
    worker: &Worker,
    place: &PodPlace,
    names: &Names,
    deleted: &[String],
) -> Result<Code> {
    let name = &worker.name;
    let kept = if args.delete_data { Vec::new() } else { vec![format!("persistentvolumeclaim/{}", names.data())] };
    let mut out = io::stdout().lock();
    if args.json {
        let answer =
            json!({ "name": name, "deleted": deleted, "kept": kept, "registered": args.dry_run, "dry_run": args.dry_run });
        writeln!(out, "{answer}")?;
        return Ok(Code::Done);
    }
    for line in deleted {
        writeln!(out, "{line}")?;
    }
    let registry = registry.path.display();
    let done = if args.dry_run { "would be taken" } else { "is taken" };
    writeln!(out, "{name} {done} out of {registry}")?;
    for claim in kept {
        let namespace = place.namespace.as_ref().map(|name| format!(" --namespace={name}")).unwrap_or_default();
        writeln!(out, "its data stays; `kubectl{namespace} delete {claim}` deletes it")?;
    }
    Ok(Code::Done)
}
