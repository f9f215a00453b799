//! `status`: what the worker's own status command says, and the worker's live sessions.

mod command;

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;
use serde_json::Value;

use super::worker_state;
use super::{Context, target};
use crate::cli::Status;
use crate::discovery;
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::registry::Registry;
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::remote::list;
use crate::remote::list_all::{self, Report};
use crate::remote::session::{Answer, Session};
use crate::terminal::progress::Progress;
use crate::terminal::style::Style;
use crate::terminal::table::{self, Cell};
use crate::terminal::{age, json, neutralise};
use crate::worker_json::WorkerJson;
use command::Own;

pub fn run(context: &Context, args: &Status) -> Result<Code> {
    let name = target::worker_name(&args.worker)?;
    let registry = context.registry_with(std::slice::from_ref(&name))?;
    let known = target::worker(&registry, &name)?;
    let asking = Progress::show(format!("asking {}…", known.name));
    let (worker, remote, asked) = ask(context, &registry, known);
    drop(asking);
    let worker = &worker;
    let (answer, own) = match asked {
        Ok((answer, own)) => (Ok(answer), own),
        Err(failure) => (Err(failure), Vec::new()),
    };
    let report = Report::now(0, &remote, answer);
    if args.json {
        print_json(worker, &report, &own, registry.active_within)?;
    } else {
        print(worker, &report, &own, registry.active_within)?;
    }
    match report.answer {
        Err(failure) => {
            let what = format!("worker {}: {}: {failure}", worker.name, failure.status());
            Err(Problem::new(failure.code(), what, failure.remedy()).into())
        }
        Ok(_) => judge(worker, &own),
    }
}

/// What a worker says of itself, and by its own commands.
type Asked = Result<(Answer, Vec<Own>), Failure>;

/// The worker and what it says. A polecat's source is asked as well: the container alone knows little of how it is with it.
fn ask(context: &Context, registry: &Registry, known: &Worker) -> (Worker, Remote, Asked) {
    let (worker, told) = match discovery::look_again(registry, known, context.deadline()) {
        Ok(found) => found,
        Err(failure) => return (known.clone(), context.remote(known), Err(failure)),
    };
    let remote = context.remote(&worker);
    let asked = match worker.polecat() {
        Some(_) => {
            let answer = list::one(&remote, &worker, context.question());
            list_all::knowing(&remote, told, answer, context.deadline()).map(|answer| (answer, Vec::new()))
        }
        None => command::ask(&remote, &worker, context.timeout()),
    };
    (worker, remote, asked)
}

/// The first own command that failed decides.
fn judge(worker: &Worker, own: &[Own]) -> Result<Code> {
    match own.iter().find(|own| own.failed) {
        None => Ok(Code::Done),
        Some(own) => {
            let fault = own.reason.as_deref().unwrap_or("it failed");
            let place = own.repository.as_deref().map(|name| format!(" in {}", neutralise::line(name))).unwrap_or_default();
            Err(Problem::new(Code::Failed, format!("status of {}{place}: {fault}", worker.name), "").into())
        }
    }
}

/// The row of `list --json`, and what the status command said.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    worker: WorkerJson<'a>,
    commands: Vec<Value>,
}

fn print_json(worker: &Worker, report: &Report, own: &[Own], active_within: Duration) -> Result<()> {
    let row = Row { worker: WorkerJson::of(worker, report, active_within), commands: own.iter().map(Own::json).collect() };
    let mut out = BufWriter::new(io::stdout().lock());
    json::write_line(&mut out, &row)?;
    out.flush()?;
    Ok(())
}

fn print(worker: &Worker, report: &Report, own: &[Own], active_within: Duration) -> Result<()> {
    let Ok(answer) = &report.answer else {
        return Ok(());
    };
    let mut out = io::stdout().lock();
    let pod = report.pod.as_deref().map(|pod| format!("  {}", neutralise::line(pod))).unwrap_or_default();
    let (status, style) = worker_state::of(answer);
    writeln!(out, "{}{pod}  {}", Style::Bold.paint(worker.name.as_str()), style.paint(&status))?;
    for (fact, value) in worker_state::facts(&worker.origin) {
        writeln!(out, "{fact:<9} {}", neutralise::line(&value))?;
    }
    for own in own {
        own.print(&mut out)?;
    }
    writeln!(out)?;
    if answer.sessions.is_empty() {
        writeln!(out, "SESSIONS {}", Style::Dim.paint("(none)"))?;
        if let Some(elsewhere) = &answer.elsewhere {
            writeln!(out, "{}", elsewhere.said)?;
        }
    } else {
        let rows: Vec<_> = answer.sessions.iter().map(|session| row(session, active_within)).collect();
        for line in table::lines(&["SESSION", "STATE", "LAST OUTPUT", "WINDOWS", "CLIENTS"], &rows, None) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

fn row(session: &Session, active_within: Duration) -> Vec<Cell> {
    let plain = |text: String| Cell::new(text, Style::Plain);
    vec![
        Cell::new(neutralise::line(session.name.as_str()), Style::Bold),
        plain(session.state(active_within).word().to_owned()),
        plain(session.age.map_or("-".to_owned(), |age| format!("{} ago", age::short(age)))),
        plain(session.windows.to_string()),
        plain(session.attached.to_string()),
    ]
}
