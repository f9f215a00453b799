//! `worker restart`: a new pod for a worker, after naming what will end with the old one.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde_json::json;

use super::owner::{self, Owner};
use super::sessions::Sessions;
use crate::cli::worker::WorkerRestart;
use crate::cluster::Cluster;
use crate::cluster::objects::Change;
use crate::commands::{Context, target};
use crate::deploy::diagnosis;
use crate::deploy::rollout::{self, Ready};
use crate::exit::{Code, Problem};
use crate::registry::worker::{PodPlace, Worker};
use crate::terminal::key;
use crate::terminal::progress::Lines;

pub fn run(context: &Context, args: &WorkerRestart) -> Result<Code> {
    let name = target::worker_name(&args.worker)?;
    let registry = context.registry_with(std::slice::from_ref(&name))?;
    let worker = target::worker(&registry, &name)?;
    let place = owner::place(worker)?;
    let cluster = Cluster::of(place);
    let owner = owner_of(context, worker, place, &cluster)?;
    let sessions = Sessions::of(context, worker);
    if args.dry_run {
        for line in cluster.patch(&owner.target, &rollout::renewal(), Change::DryRun, context.deadline())? {
            writeln!(io::stdout(), "{line}")?;
        }
        writeln!(io::stdout(), "{}", sessions.sentence())?;
        return Ok(Code::Done);
    }
    if !args.yes && !agreed(worker, &sessions)? {
        return Ok(Code::Interrupted);
    }
    let ready = replace(context, args, worker, place, &cluster, &owner)?;
    let pod = ready.pod.unwrap_or_default();
    if args.json {
        let name = &worker.name;
        writeln!(io::stdout(), "{}", json!({ "name": name, "status": "ready", "pod": pod, "ended": sessions.names() }))?;
    } else {
        writeln!(io::stdout(), "{} is ready again, as pod {pod}", worker.name)?;
    }
    ready.remarks.iter().try_for_each(|remark| writeln!(io::stderr(), "factory-worker: {} says: {remark}", worker.name))?;
    Ok(Code::Done)
}

fn owner_of(context: &Context, worker: &Worker, place: &PodPlace, cluster: &Cluster) -> Result<Owner> {
    Owner::find(cluster, &place.pod, context.timeout())?.ok_or_else(|| {
        let what = format!("there is no Deployment or StatefulSet {} that would make a new pod for {}", place.pod, worker.name);
        Problem::new(
            Code::Missing,
            what,
            "a pod on its own is gone when it is deleted; `factory-worker worker add` makes one that stays",
        )
        .into()
    })
}

fn agreed(worker: &Worker, sessions: &Sessions) -> Result<bool> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let what = format!("restarting {} ends its sessions, and there is no terminal to ask on", worker.name);
        return Err(Problem::new(Code::Usage, what, format!("{}; --yes restarts it", sessions.sentence())).into());
    }
    writeln!(io::stdout(), "{}", sessions.sentence())?;
    Ok(key::confirm(&format!("Restart {}?", worker.name))?)
}

fn replace(
    context: &Context,
    args: &WorkerRestart,
    worker: &Worker,
    place: &PodPlace,
    cluster: &Cluster,
    owner: &Owner,
) -> Result<Ready> {
    let container = owner.container(place).ok_or_else(|| {
        let remedy = format!("see `{} get {} --output=yaml`", cluster.words(), owner.target);
        Problem::new(Code::Failed, format!("{} has no container", owner.target), remedy)
    })?;
    let mut rollout = owner.rollout(cluster, container.clone(), args.wait, context.timeout());
    rollout.old = rollout::uids(&cluster.select("pods", &owner.selector(), context.deadline())?);
    cluster.patch(&owner.target, &rollout::renewal(), Change::Made, context.deadline())?;
    let lines = Lines::new([worker.name.as_str()]);
    let line = lines.line(worker.name.as_str());
    rollout.wait(|look| line.say(look.sentence())).map_err(|(failure, look)| {
        let explanation = diagnosis::explain(cluster, owner.name(), look.pod.as_deref(), &container, context.deadline());
        let remedy = std::iter::once(failure.remedy().to_owned()).chain(explanation).filter(|line| !line.is_empty());
        let remedy = remedy.collect::<Vec<_>>().join("\n  ");
        Problem::new(failure.code(), format!("{} did not come back: {failure}", worker.name), remedy).into()
    })
}
