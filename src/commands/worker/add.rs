//! `worker add`: from nothing to a worker that shows in `list`.

mod dry_run;
mod plan;

use std::io::{self, Write};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use self::plan::{Plan, Planned};
use crate::cli::worker::WorkerAdd;
use crate::cluster::Cluster;
use crate::cluster::objects::Change;
use crate::commands::Context;
use crate::deploy::diagnosis;
use crate::deploy::render;
use crate::deploy::rollout::{self, Look, Ready, Rollout};
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::registry::edit;
use crate::terminal::progress::{Line, Lines};

pub fn run(context: &Context, args: &WorkerAdd) -> Result<Code> {
    let plan = Plan::new(context, args)?;
    plan.warnings().into_iter().try_for_each(|warning| writeln!(io::stderr(), "factory-worker: {warning}"))?;
    if args.dry_run {
        return dry_run::run(context, args, &plan);
    }
    ensure_namespace(context, &plan)?;
    let outcomes = bring_up_all(context, args, &plan);
    report(args, &plan, &outcomes)
}

/// Make the namespace when it is not there. Who may not see it finds out whether it is when something is put into it.
fn ensure_namespace(context: &Context, plan: &Plan) -> Result<()> {
    let target = format!("namespace/{}", plan.shape.namespace);
    match plan.cluster.get(&target, context.deadline()) {
        Ok(Some(_)) => Ok(()),
        Err(failure) if failure.kind == Kind::Forbidden => Ok(()),
        Err(failure) => Err(failure.into()),
        Ok(None) => {
            plan.cluster.apply(&[render::namespace(&plan.shape)?], Change::Made, context.deadline())?;
            Ok(())
        }
    }
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
}

impl From<anyhow::Error> for Trouble {
    fn from(error: anyhow::Error) -> Self {
        let (code, reason, remedy) = match (error.downcast_ref::<Problem>(), error.downcast_ref::<Failure>()) {
            (Some(problem), _) => (problem.code, problem.what.clone(), problem.remedy.clone()),
            (_, Some(failure)) => (failure.code(), failure.reason.clone(), failure.remedy().to_owned()),
            _ => (Code::Failed, format!("{error:#}"), String::new()),
        };
        Self { code, reason, remedy, explanation: Vec::new() }
    }
}

/// All workers at the same time, at most `--parallel` of them; outcomes in the order of the names.
fn bring_up_all(context: &Context, args: &WorkerAdd, plan: &Plan) -> Vec<Outcome> {
    let lines = Lines::new(plan.workers.iter().map(|worker| worker.name.as_str()));
    let next = Mutex::new(plan.workers.iter().enumerate());
    let outcomes = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..context.global.parallel.get().min(plan.workers.len()) {
            scope.spawn(|| {
                // Taken in a statement of its own: the lock is not held while the worker is brought up.
                let take = || lock(&next).next();
                while let Some((at, worker)) = take() {
                    let outcome = bring_up(context, args, plan, worker, &lines.line(worker.name.as_str()));
                    lock(&outcomes).push((at, outcome));
                }
            });
        }
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    outcomes.sort_by_key(|(at, _)| *at);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn bring_up(context: &Context, args: &WorkerAdd, plan: &Plan, worker: &Planned, line: &Line) -> Outcome {
    line.say("applying".to_owned());
    let before = plan.cluster.select("pods", &worker.names.selector(), context.deadline()).map_err(anyhow::Error::from)?;
    apply(context, plan, worker)?;
    let mut ready = wait(context, args, &plan.cluster, worker, &before, line)?;
    if !plan.secrets.is_empty() && ready.pod.as_ref().is_some_and(|pod| rollout::ready_ones(&before).contains(pod)) {
        let restart = format!("`factory-worker worker restart {}`", worker.name);
        ready.remarks.push(format!("it goes on as it was: tokens that are new come with its next pod, {restart}"));
    }
    if !worker.registered {
        edit::add(&plan.registry, &worker.entry)?;
    }
    Ok(ready)
}

/// The Secret first: the pod needs it.
fn apply(context: &Context, plan: &Plan, worker: &Planned) -> Result<()> {
    if plan.secrets.is_empty() {
        must_have_a_secret(context, plan, worker)?;
    } else {
        let secret = render::secret(&worker.name, &plan.shape, plan.secrets.data()?)?;
        plan.cluster.apply(&[secret], Change::Made, context.deadline())?;
    }
    plan.cluster.apply(&render::objects(&worker.name, &plan.shape)?, Change::Made, context.deadline())?;
    Ok(())
}

/// Without tokens only a worker can be applied that has some already. Secrets are not read, so its Deployment stands in.
fn must_have_a_secret(context: &Context, plan: &Plan, worker: &Planned) -> Result<()> {
    let deployment = format!("deployment/{}", worker.names.deployment);
    if plan.cluster.get(&deployment, context.deadline())?.is_some() {
        return Ok(());
    }
    let remedy = "give them with --from-env FILE, or set CLAUDE_CODE_OAUTH_TOKEN and GH_TOKEN in the environment";
    Err(Problem::new(Code::Usage, "there are no tokens for it", remedy).into())
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
        Trouble { code: failure.code(), remedy: failure.remedy().to_owned(), reason: failure.reason, explanation }
    })
}

fn report(args: &WorkerAdd, plan: &Plan, outcomes: &[Outcome]) -> Result<Code> {
    let both = || plan.workers.iter().zip(outcomes);
    if args.json {
        let workers: Vec<_> = both().map(|(worker, outcome)| as_json(plan, worker, outcome)).collect();
        writeln!(io::stdout(), "{}", json!({ "workers": workers }))?;
    }
    for (worker, outcome) in both() {
        let name = &worker.name;
        match outcome {
            Ok(ready) => {
                if !args.json {
                    let pod = ready.pod.as_deref().unwrap_or_default();
                    writeln!(io::stdout(), "{name} is ready as pod {pod}, and in {}", plan.registry.display())?;
                }
                ready.remarks.iter().try_for_each(|remark| writeln!(io::stderr(), "factory-worker: {name} says: {remark}"))?;
            }
            Err(trouble) => {
                let mut text = format!("factory-worker: {name}: {}\n", trouble.reason);
                let more = std::iter::once(&trouble.remedy).chain(&trouble.explanation).filter(|line| !line.is_empty());
                more.for_each(|line| text.push_str(&format!("  {line}\n")));
                io::stderr().write_all(crate::terminal::neutralise::lines(&text).as_bytes())?;
            }
        }
    }
    Ok(outcomes.iter().find_map(|outcome| outcome.as_ref().err()).map_or(Code::Done, |trouble| trouble.code))
}

fn as_json(plan: &Plan, worker: &Planned, outcome: &Outcome) -> Value {
    let trouble = outcome.as_ref().err();
    json!({
        "name": worker.name,
        "status": if trouble.is_none() { "ready" } else { "failed" },
        "pod": outcome.as_ref().ok().and_then(|ready| ready.pod.clone()),
        "remarks": outcome.as_ref().map(|ready| ready.remarks.clone()).unwrap_or_default(),
        "namespace": plan.shape.namespace,
        "context": plan.cluster.context,
        "registered": trouble.is_none() || worker.registered,
        "reason": trouble.map(|trouble| &trouble.reason),
        "remedy": trouble.map(|trouble| &trouble.remedy),
        "explanation": trouble.map(|trouble| &trouble.explanation),
    })
}
