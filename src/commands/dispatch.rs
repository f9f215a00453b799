//! `dispatch`: hand an issue to a worker's queue.

mod form;
mod order;

use std::io::{self, Write};

use anyhow::Result;

pub use form::form;
pub use order::Order;

use super::{Context, target};
use crate::cli::Dispatch;
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::process::Output;
use crate::registry::template::Template;
use crate::registry::worker::Worker;
use crate::remote::command;
use crate::remote::{Remote, repositories};
use crate::terminal::progress::Progress;
use crate::terminal::{neutralise, shell};

pub fn run(context: &Context, args: &Dispatch) -> Result<Code> {
    let order = Order::new(&args.project, &args.issue, &args.intent)?;
    let name = target::worker_name(&args.worker)?;
    let registry = context.registry_with(std::slice::from_ref(&name))?;
    let worker = target::worker(&registry, &name)?;
    let remote = context.remote(worker);
    let progress = Progress::show(format!("asking {}…", worker.name));
    let command = prepare(context, worker, &remote, &order)?;
    drop(progress);
    if let Some(note) = command.note.filter(|_| args.dry_run || command.guessed) {
        writeln!(io::stderr(), "factory-worker: {note}")?;
    }
    if args.dry_run {
        writeln!(io::stdout(), "{}", shell::line(&command.argv))?;
        return Ok(Code::Done);
    }
    let progress = Progress::show(format!("dispatching to {}…", worker.name));
    let output = deliver(context, worker, &remote, &command.argv)?;
    drop(progress);
    io::stdout().write_all(neutralise::plain(&output.stdout).as_bytes())?;
    io::stderr().write_all(neutralise::plain(&output.stderr).as_bytes())?;
    verdict(worker, &command.argv, &output)?;
    Ok(Code::Done)
}

/// Hand the issue over, for the form: what the worker printed, neutralised.
///
/// # Errors
/// The worker has no dispatch command, could not be asked, or the command failed (the text has its last line).
/// With [`Code::Unproven`] nobody knows whether the issue is queued, so it must not be sent again unasked.
pub fn send(context: &Context, worker: &Worker, order: &Order) -> Result<String> {
    let remote = context.remote(worker);
    let argv = prepare(context, worker, &remote, order)?.argv;
    let output = deliver(context, worker, &remote, &argv)?;
    verdict(worker, &argv, &output)?;
    Ok(neutralise::plain(&output.stdout))
}

/// The exact command.
struct Prepared {
    argv: Vec<String>,
    /// How it came about, when the registry alone does not say.
    note: Option<String>,
    /// Whether a part of it is a guess.
    guessed: bool,
}

/// Fill the template. A `{config}` in it is looked up on the worker first.
fn prepare(context: &Context, worker: &Worker, remote: &Remote, order: &Order) -> Result<Prepared> {
    let template = worker.commands.dispatch.as_ref().ok_or_else(|| no_command(worker))?;
    if !template.uses("config") {
        return Ok(Prepared { argv: fill(template, order, ""), note: None, guessed: false });
    }
    let (listed, note, guessed) = match repositories::list(remote, context.deadline()) {
        Ok(listed) => (listed, format!("asked {} for its repositories to find the project's --config", worker.name), false),
        // A worker that cannot list them has them where the published deployment has them.
        Err(failure) if failure.kind == Kind::Failed && !failure.before_start => {
            (Vec::new(), format!("worker {}: {failure}; --config is a guess", worker.name), true)
        }
        Err(failure) => return Err(asking(worker, &failure)),
    };
    let config = repositories::config(&listed, &order.project).map_err(|why| {
        Problem::new(Code::Usage, format!("worker {}: {why}", worker.name), "write the one you mean with --project")
    })?;
    Ok(Prepared { argv: fill(template, order, &config), note: Some(note), guessed })
}

fn fill(template: &Template, order: &Order, config: &str) -> Vec<String> {
    let issue = order.issue.to_string();
    template.fill(&[("project", &order.project), ("issue", &issue), ("intent", &order.intent), ("config", config)])
}

fn no_command(worker: &Worker) -> Problem {
    let what = format!("worker {} has no dispatch command", worker.name);
    Problem::new(Code::Failed, what, "give it one in the registry: commands: {dispatch: …}; see `factory-worker config show`")
}

fn deliver(context: &Context, worker: &Worker, remote: &Remote, argv: &[String]) -> Result<Output> {
    command::run(remote, argv, context.deadline()).map_err(|failure| match failure.kind {
        Kind::Unproven => {
            let what = format!("dispatch to {}: outcome unknown, it may be queued or not: {failure}", worker.name);
            let remedy = format!(
                "see what is queued with `factory-worker list {}` before sending it again; --timeout waits longer",
                worker.name
            );
            Problem::new(Code::Unproven, what, remedy).into()
        }
        _ => asking(worker, &failure),
    })
}

/// Nothing was sent.
fn asking(worker: &Worker, failure: &Failure) -> anyhow::Error {
    Problem::new(failure.code(), format!("nothing was sent to worker {}: {failure}", worker.name), failure.remedy()).into()
}

const NO_PROGRAM: &str = "install it there, or correct dispatch: under commands: in workers.yaml";

fn verdict(worker: &Worker, argv: &[String], output: &Output) -> Result<(), Problem> {
    if output.status == 0 {
        return Ok(());
    }
    if output.status == 127 {
        // The shell's own words say nothing more.
        let what = format!("dispatch to {}: {}", worker.name, command::verdict(argv, output.status));
        return Err(Problem::new(Code::Failed, what, NO_PROGRAM));
    }
    let said = neutralise::plain(if output.stderr.is_empty() { &output.stdout } else { &output.stderr });
    let last = said.lines().map(str::trim).rfind(|line| !line.is_empty()).map(|line| format!(": {line}")).unwrap_or_default();
    let what = format!("dispatch to {}: {}{last}", worker.name, command::verdict(argv, output.status));
    Err(Problem::new(Code::Failed, what, ""))
}
