//! `worker add`: from nothing, or from what there is, to a worker that shows in `list`.

mod admission;
mod dry_run;
mod left;
mod namespace;
mod plan;
mod prepare;
mod report;

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use serde_json::Value;

use self::left::Left;
use self::namespace::Namespace;
use self::plan::{Plan, Planned};
use self::prepare::Prepared;
use crate::cli::worker::WorkerAdd;
use crate::cluster::Cluster;
use crate::cluster::objects::Change;
use crate::commands::Context;
use crate::deploy::rollout::{self, Look, Ready, Rollout};
use crate::deploy::{diagnosis, present};
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::registry::edit;
use crate::terminal::progress::{Line, Lines};

pub fn run(context: &Context, args: &WorkerAdd) -> Result<Code> {
    let plan = Plan::new(context, args)?;
    plan.warnings().into_iter().try_for_each(|warning| writeln!(io::stderr(), "factory-worker: {warning}"))?;
    let namespace = Namespace::look(context, args, &plan)?;
    let prepared = at_once(context, &plan.workers, |worker| {
        let prepared = if namespace.is_there() {
            prepare::prepare(context, &plan, worker, &namespace)
        } else {
            prepare::unchecked(&plan, worker)
        };
        prepared.map_err(Trouble::from)
    });
    let missing: BTreeSet<_> = prepared.iter().flatten().flat_map(|prepared| prepared.missing.iter().copied()).collect();
    for name in missing {
        writeln!(io::stderr(), "factory-worker: there is no {name}: the worker goes without")?;
    }
    if args.dry_run {
        return dry_run::run(context, args, &plan, &namespace, &prepared);
    }
    for (worker, prepared) in plan.workers.iter().zip(&prepared) {
        let Ok(prepared) = prepared else { continue };
        if !args.json {
            prepare::show(&prepared.sentences(worker))?;
        }
        if !prepared.is_agreed(args, worker)? {
            return Ok(Code::Interrupted);
        }
    }
    namespace.ensure(context, &plan, &prepared)?;
    let told = prepared.iter().map(|prepared| prepared.as_ref().map(Prepared::json).unwrap_or_default()).collect::<Vec<_>>();
    let outcomes = bring_up_all(context, args, &plan, prepared);
    report::report(args, &plan, &outcomes, &told)
}

/// What became of one worker.
type Outcome = Result<Ready, Trouble>;

/// Why a worker is not ready, and what explains that.
struct Trouble {
    code: Code,
    reason: String,
    remedy: String,
    /// Events and log lines.
    explanation: Vec<String>,
    /// What is there of it now, and what can be done with that.
    left: Vec<String>,
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        let (code, reason, remedy) = match (error.downcast_ref::<Problem>(), error.downcast_ref::<Failure>()) {
            (Some(problem), _) => (problem.code, problem.what.clone(), problem.remedy.clone()),
            (_, Some(failure)) => {
                (failure.code(), failure.reason.clone(), super::for_admins(failure.clone()).remedy().to_owned())
            }
            _ => (Code::Failed, format!("{error:#}"), String::new()),
        };
        Self { code, reason, remedy, explanation: Vec::new(), left: Vec::new() }
    }
}

/// Do something with all of them at the same time, at most with `--parallel` of them; the results are in their order.
fn at_once<T: Send, R: Send>(
    context: &Context,
    all: impl IntoIterator<Item = T, IntoIter: Send>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let next = Mutex::new(all.into_iter().enumerate());
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..context.global.parallel.get() {
            scope.spawn(|| {
                // Taken in a statement of its own: the lock is not held during the work.
                let take = || lock(&next).next();
                while let Some((at, one)) = take() {
                    let result = work(one);
                    lock(&results).push((at, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Bring up those that could be prepared.
fn bring_up_all(context: &Context, args: &WorkerAdd, plan: &Plan, prepared: Vec<Result<Prepared, Trouble>>) -> Vec<Outcome> {
    let left = Left::default();
    let _listening = left.listen();
    let lines = Lines::new(plan.workers.iter().map(|worker| worker.name.as_str()));
    let both: Vec<_> = plan.workers.iter().zip(prepared).collect();
    at_once(context, both, |(worker, prepared)| {
        let prepared = prepared?;
        let line = lines.line(worker.name.as_str());
        let outcome = bring_up(context, args, plan, worker, &prepared, &left, &line);
        outcome.map_err(|trouble| Trouble { left: left.lines(worker), ..trouble })
    })
}

fn bring_up(
    context: &Context,
    args: &WorkerAdd,
    plan: &Plan,
    worker: &Planned,
    prepared: &Prepared,
    left: &Left,
    line: &Line,
) -> Outcome {
    line.say("applying".to_owned());
    let before = plan.cluster.select("pods", &worker.names.selector(), context.deadline()).map_err(anyhow::Error::from)?;
    apply(context, plan, worker, prepared, left)?;
    let mut ready = wait(context, args, &plan.cluster, worker, &before, line)?;
    if prepared.secret.is_some() && ready.pod.as_ref().is_some_and(|pod| rollout::ready_ones(&before).contains(pod)) {
        let restart = format!("`factory-worker worker restart {}`", worker.name);
        ready.remarks.push(format!("it goes on as it was: tokens that are new come with its next pod, {restart}"));
    }
    if !worker.registered {
        edit::add(&plan.registry, &worker.entry)?;
    }
    left.done(worker);
    Ok(ready)
}

/// The volume first: when the cluster refuses that, nothing else has become another. Then the Secret: the pod needs it.
fn apply(context: &Context, plan: &Plan, worker: &Planned, prepared: &Prepared, left: &Left) -> Result<()> {
    let (volume, others) = prepared.objects.split_at(1);
    let made = |objects: &[Value]| {
        left.begin(plan, worker, objects.iter().map(present::target));
        plan.cluster.apply(objects, Change::Made, context.deadline())
    };
    made(volume)?;
    if let Some(secret) = &prepared.secret {
        made(std::slice::from_ref(secret))?;
    }
    made(others)?;
    Ok(())
}

/// `before` are the pods that were there before anything was applied.
fn wait(context: &Context, args: &WorkerAdd, cluster: &Cluster, worker: &Planned, before: &[Value], line: &Line) -> Outcome {
    let mut rollout = Rollout::of(cluster, &worker.names, args.wait, context.timeout()).map_err(anyhow::Error::from)?;
    let was_there = |look: &Look| look.pod.as_ref().is_some_and(|pod| rollout::names(before).any(|name| name == *pod));
    let mut end = rollout.wait(|look| line.say(look.sentence()));
    if matches!(&end, Err((_, look)) if look.stuck && was_there(look)) {
        // It was stuck before what we have just applied, which the cluster would look at after a long pause only.
        cluster.patch(&rollout.owner, &rollout::renewal(), Change::Made, context.deadline()).map_err(anyhow::Error::from)?;
        rollout.old = rollout::uids(before);
        end = rollout.wait(|look| line.say(look.sentence()));
    }
    end.map_err(|(failure, look)| {
        line.say("asking why".to_owned());
        let name = worker.names.deployment.as_str();
        let explanation =
            diagnosis::explain(cluster, name, look.pod.as_deref(), &rollout.container, Instant::now() + context.timeout());
        let (code, remedy) = (failure.code(), failure.remedy().to_owned());
        Trouble { code, remedy, reason: failure.reason, explanation, left: Vec::new() }
    })
}
