//! Which session an argument means: `WORKER/SESSION`, `WORKER --session NAME`, or `WORKER` alone.

use std::io::{self, IsTerminal};

use anyhow::{Context as _, Result};

use super::Context;
use crate::cli::SessionArg;
use crate::exit::{Code, Problem};
use crate::ourselves;
use crate::picker::{Picker, Purpose};
use crate::registry::Registry;
use crate::registry::names::{Address, SessionName, Target, WorkerName};
use crate::registry::worker::Worker;
use crate::remote::list::{self, Question};
use crate::terminal::neutralise;
use crate::terminal::progress::Progress;

/// The worker of this name.
///
/// # Errors
/// There is none (exit 4); the message lists those there are, or says how to make a registry. Or its entry cannot be used (exit 2).
pub fn worker<'a>(registry: &'a Registry, name: &WorkerName) -> Result<&'a Worker> {
    registry.find(name).ok_or_else(|| {
        if let Some(invalid) = registry.find_invalid(name) {
            let failure = registry.fault(invalid);
            let what = format!("worker {name} is {}: {failure}", failure.status());
            return Problem::new(failure.code(), neutralise::line(&what), failure.remedy()).into();
        }
        let remedy = if registry.is_empty() { no_workers(registry) } else { format!("there are: {}", names(registry)) };
        Problem::new(Code::Missing, format!("there is no worker {:?} in {}", name.as_str(), registry.path.display()), remedy)
            .into()
    })
}

fn names(registry: &Registry) -> String {
    if registry.workers.is_empty() {
        return "none just now".to_owned();
    }
    registry.workers.iter().map(|worker| worker.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// What to do about a registry without workers.
pub fn no_workers(registry: &Registry) -> String {
    let path = registry.path.display();
    if registry.exists {
        format!("add workers to {path}")
    } else {
        ourselves::led(&format!("make a registry with `factory-worker config init` (it writes {path})"))
    }
}

/// The workers of these names in the registry's order; all of them when no name is given.
pub fn workers(registry: &Registry, names: &[WorkerName]) -> Result<Vec<Worker>> {
    for name in names {
        worker(registry, name)?;
    }
    let chosen = registry.workers.iter().filter(|worker| names.is_empty() || names.contains(&worker.name));
    Ok(chosen.cloned().collect())
}

/// Names of workers from the command line.
pub fn worker_names(texts: &[String]) -> Result<Vec<WorkerName>> {
    texts.iter().map(|text| worker_name(text)).collect()
}

/// A worker's name from the command line.
pub fn worker_name(text: &str) -> Result<WorkerName> {
    text.parse().map_err(|error| Problem::new(Code::Usage, format!("{error}"), "").into())
}

/// An address as it was written, which may leave the session out.
pub fn parse(argument: &SessionArg) -> Result<Target> {
    let usage = |error: String| Problem::new(Code::Usage, error, "an address is WORKER/SESSION");
    let target: Target = argument.address.parse().map_err(|error| usage(format!("{error}")))?;
    match (&argument.session, &target.session) {
        (None, _) => Ok(target),
        (Some(_), Some(_)) => Err(usage("--session goes with a worker's name, not with WORKER/SESSION".to_owned()).into()),
        (Some(name), None) => {
            let session = name.parse().map_err(|error| usage(format!("{error}")))?;
            Ok(Target { session: Some(session), ..target })
        }
    }
}

/// The session that `argument` means. A worker alone means its only session; with several, a picker on a terminal,
/// else an error that lists them.
pub fn session(context: &Context, argument: &SessionArg) -> Result<(Worker, SessionName)> {
    let target = parse(argument)?;
    let registry = context.registry_with(std::slice::from_ref(&target.worker))?;
    let worker = worker(&registry, &target.worker)?.clone();
    let session = match target.session {
        Some(session) => session,
        None => only_session(context, &registry, &worker)?,
    };
    Ok((worker, session))
}

fn only_session(context: &Context, registry: &Registry, worker: &Worker) -> Result<SessionName> {
    let question = Question { queue: false, ..context.question() };
    let progress = Progress::show(format!("asking {}…", worker.name));
    let answer = list::one(&context.remote(worker), worker, question)
        .with_context(|| format!("asking {} for its sessions", worker.name))?;
    drop(progress);
    let mut sessions = answer.sessions.into_iter().map(|session| session.name);
    match (sessions.next(), sessions.next()) {
        (None, _) => {
            let (why, remedy) = match &answer.elsewhere {
                Some(elsewhere) => (format!(": {}", elsewhere.reason()), elsewhere.remedy()),
                None => (
                    String::new(),
                    "dispatch an issue to it, or start one on it; `factory-worker list` shows when it is there".to_owned(),
                ),
            };
            Err(Problem::new(Code::Missing, format!("worker {} has no sessions{why}", worker.name), remedy).into())
        }
        (Some(only), None) => Ok(only),
        (Some(first), Some(second)) => {
            let all: Vec<_> = [first, second].into_iter().chain(sessions).collect();
            choose(context, registry, worker, &all)
        }
    }
}

fn choose(context: &Context, registry: &Registry, worker: &Worker, sessions: &[SessionName]) -> Result<SessionName> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() && io::stderr().is_terminal() {
        let only = Registry { workers: vec![worker.clone()], sources: Vec::new(), invalid: Vec::new(), ..registry.clone() };
        let mut picker = Picker::new(only, context.question(), Purpose::Choose, context.hub().cloned());
        let chosen = picker.pick()?.and_then(|choice| choice.target.session);
        return chosen.ok_or_else(|| Problem::new(Code::Interrupted, "nothing was chosen", "").into());
    }
    let addresses = sessions.iter().map(|session| Address { worker: worker.name.clone(), session: session.clone() }.to_string());
    let listed = addresses.collect::<Vec<_>>().join(", ");
    Err(Problem::new(Code::Usage, format!("worker {} has {} sessions; say which", worker.name, sessions.len()), listed).into())
}
