//! `worker add --dry-run`: what would be applied, checked by the cluster when it can be reached.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::json;

use super::namespace::Namespace;
use super::plan::{Plan, Planned};
use super::prepare::Prepared;
use super::{Trouble, report};
use crate::cli::worker::WorkerAdd;
use crate::cluster::objects::Change;
use crate::cluster::refusal;
use crate::commands::Context;
use crate::deploy::present;
use crate::exit::Code;

pub fn run(
    context: &Context,
    args: &WorkerAdd,
    plan: &Plan,
    namespace: &Namespace,
    prepared: &[Result<Prepared, Trouble>],
) -> Result<Code> {
    let unchecked = namespace.unchecked(plan);
    let mut lines = namespace.rehearse(context, plan)?;
    let mut code = Code::Done;
    for (worker, prepared) in plan.workers.iter().zip(prepared) {
        match prepared {
            Ok(prepared) => lines.extend(of_worker(context, plan, worker, prepared, unchecked.as_deref())?),
            Err(trouble) => {
                report::trouble(worker, trouble)?;
                code = if code == Code::Done { trouble.code } else { code };
            }
        }
    }
    if args.json {
        writeln!(io::stdout(), "{}", json!({ "dry_run": true, "checked": unchecked.is_none(), "lines": lines }))?;
    } else {
        lines.iter().try_for_each(|line| writeln!(io::stdout(), "{line}"))?;
    }
    Ok(code)
}

fn of_worker(
    context: &Context,
    plan: &Plan,
    worker: &Planned,
    prepared: &Prepared,
    unchecked: Option<&str>,
) -> Result<Vec<String>> {
    let mut lines: Vec<String> = prepared.secret.iter().map(|_| secret(plan, worker)).collect();
    let not_checked = |why: &str| {
        let targets = prepared.objects.iter().map(present::target);
        targets.map(|target| format!("{target} (not checked: {why})")).collect::<Vec<_>>()
    };
    lines.extend(match unchecked {
        Some(why) => not_checked(why),
        None => match plan.cluster.apply(&prepared.objects, Change::DryRun, context.deadline()) {
            Err(failure) if refusal::is_of_rehearsals(&failure) => not_checked(&failure.reason),
            said => said?,
        },
    });
    lines.extend(prepared.sentences(worker));
    lines.push(match worker.registered {
        true => format!("{} stays in {}", worker.name, plan.registry.display()),
        false => format!("{} would be added to {}", worker.name, plan.registry.display()),
    });
    Ok(lines)
}

/// Values are not sent anywhere for a rehearsal.
fn secret(plan: &Plan, worker: &Planned) -> String {
    format!("secret/{} with {} (values not sent)", worker.names.secrets(), plan.secrets.names().join(", "))
}
