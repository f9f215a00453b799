//! `worker remove`: a worker's objects go, its volume stays, and the registry forgets it.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::json;

use super::owner::{self, Owner};
use super::place::{self, Where};
use super::sessions;
use crate::cli::worker::WorkerRemove;
use crate::cluster::Cluster;
use crate::cluster::objects::Change;
use crate::commands::{Context, target};
use crate::deploy::leftovers::Leftovers;
use crate::deploy::names::Names;
use crate::exit::{Code, Problem};
use crate::ourselves;
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
    let registry = context.load()?;
    let name = target::worker_name(&args.worker)?;
    if place_given(args).says_nothing() && registry.find_invalid(&name).is_some() {
        return forget(args, &registry, &name);
    }
    context.complain(&registry);
    let removed = Removed::find(context, args, &registry)?;
    let left = Leftovers::find(&removed.cluster, &removed.names, context.deadline())?;
    if let Some(theirs) = &left.theirs {
        writeln!(
            io::stderr(),
            "factory-worker: {theirs} is somebody else's and stays: it lacks the label {}",
            removed.names.label()
        )?;
    }
    let (targets, kept) = (left.targets(args.delete_data), left.kept(args.delete_data));
    if !removed.registered && targets.is_empty() {
        return already_gone(args, &registry, &removed, kept);
    }
    if left.has_deployment() && !args.force {
        must_be_idle(context, &removed.worker)?;
    }
    let change = if args.dry_run { Change::DryRun } else { Change::Made };
    let deleted = match targets.is_empty() {
        true => Vec::new(),
        false => removed.cluster.delete(&targets, change, context.deadline())?,
    };
    if !args.dry_run {
        wait_for_the_end(context, args, &removed.cluster, &removed.names)?;
        if removed.registered {
            edit::remove(&registry.path, &removed.worker.name)?;
        }
    }
    report(args, &registry, &removed, kept, &deleted)
}

/// The worker that is to go.
struct Removed {
    worker: Worker,
    names: Names,
    cluster: Cluster,
    registered: bool,
}

impl Removed {
    /// The worker of the registry, unless the command line says another place; else where `add` would make one.
    fn find(context: &Context, args: &WorkerRemove, registry: &Registry) -> Result<Self> {
        let name = target::worker_name(&args.worker)?;
        let at = place_given(args);
        if let Some(worker) = registry.find(&name).filter(|_| at.says_nothing()) {
            return Self::registered(context, worker.clone());
        }
        let named = [(name.clone(), Names::new(&name)?)];
        let cluster = place::cluster(context, registry, at, &named)?;
        let [(_, names)] = named;
        if let Some(worker) = registry.find(&name).filter(|worker| place::is_there(worker, &names, &cluster)) {
            return Self::registered(context, worker.clone());
        }
        let worker = place::worker(registry, &name, &names, &cluster)?;
        // What is wrong about an entry of this name goes with it.
        let registered = registry.find_invalid(&name).is_some();
        Ok(Self { worker, names, cluster, registered })
    }

    fn registered(context: &Context, worker: Worker) -> Result<Self> {
        let place = owner::place(&worker)?;
        let (names, cluster) = (names(&worker, place)?, Cluster::of(place));
        if let Some(owner) = Owner::find(&cluster, &place.pod, context.timeout())? {
            must_be_ours(&worker, &owner)?;
        }
        Ok(Self { worker, names, cluster, registered: true })
    }
}

fn place_given(args: &WorkerRemove) -> Where<'_> {
    Where { namespace: args.namespace.as_deref(), context: args.context.as_deref(), kubeconfig: args.kubeconfig.as_deref() }
}

/// An entry that cannot be used says nothing that could be relied on about where the worker is: it goes, and no cluster is asked.
fn forget(args: &WorkerRemove, registry: &Registry, name: &WorkerName) -> Result<Code> {
    if !args.dry_run {
        edit::remove(&registry.path, name)?;
    }
    let mut out = io::stdout().lock();
    if args.json {
        let answer = json!({ "name": name, "deleted": [], "kept": [], "registered": args.dry_run, "dry_run": args.dry_run });
        writeln!(out, "{answer}")?;
        return Ok(Code::Done);
    }
    let done = if args.dry_run { "would be taken" } else { "is taken" };
    let path = registry.path.display();
    writeln!(out, "{name} {done} out of {path}")?;
    writeln!(out, "what there is of it in a cluster stays, since its entry could not be used to find it")?;
    writeln!(
        out,
        "  {} deletes that",
        ourselves::led(&format!("`factory-worker worker remove {name} --context CONTEXT --namespace NAMESPACE`"))
    )?;
    Ok(Code::Done)
}

/// What was asked for is so already.
fn already_gone(args: &WorkerRemove, registry: &Registry, removed: &Removed, kept: &[String]) -> Result<Code> {
    let (name, path) = (&removed.worker.name, registry.path.display());
    let namespace = removed.cluster.namespace.as_ref().map(|name| format!(" namespace {name}")).unwrap_or_default();
    let context = removed.cluster.context.as_ref().map(|name| format!(" of context {name}")).unwrap_or_default();
    let what = if kept.is_empty() { "nothing of one" } else { "only the data of one" };
    writeln!(
        io::stderr(),
        "factory-worker: there is no worker {name} in {path}, and {what} in{namespace}{context}; nothing to remove"
    )?;
    if args.json {
        writeln!(
            io::stdout(),
            "{}",
            json!({ "name": name, "deleted": [], "kept": kept, "registered": false, "dry_run": args.dry_run })
        )?;
    } else {
        say_what_stays(&mut io::stdout().lock(), removed, kept)?;
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
        Err(failure) if sessions::hides_them(&failure) => {
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

fn report(args: &WorkerRemove, registry: &Registry, removed: &Removed, kept: &[String], deleted: &[String]) -> Result<Code> {
    let name = &removed.worker.name;
    let mut out = io::stdout().lock();
    if args.json {
        let registered = removed.registered && args.dry_run;
        let answer = json!({ "name": name, "deleted": deleted, "kept": kept, "registered": registered, "dry_run": args.dry_run });
        writeln!(out, "{answer}")?;
        return Ok(Code::Done);
    }
    for line in deleted {
        writeln!(out, "{line}")?;
    }
    let registry = registry.path.display();
    let done = if args.dry_run { "would be taken" } else { "is taken" };
    match removed.registered {
        true => writeln!(out, "{name} {done} out of {registry}")?,
        false => writeln!(out, "{name} was not in {registry}")?,
    }
    say_what_stays(&mut out, removed, kept)?;
    Ok(Code::Done)
}

fn say_what_stays(out: &mut impl Write, removed: &Removed, kept: &[String]) -> io::Result<()> {
    // Elsewhere it might be somebody else's of the same name.
    let kubectl = removed.cluster.words();
    kept.iter().try_for_each(|claim| writeln!(out, "its data stays; `{kubectl} delete {claim}` deletes it"))
}
