//! `worker add --dry-run`: what would be applied, checked by the cluster when it can be reached.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use super::plan::{Plan, Planned};
use crate::cli::worker::WorkerAdd;
use crate::cluster::objects::Change;
use crate::commands::Context;
use crate::deploy::render;
use crate::exit::Code;
use crate::failure::{Failure, Kind};

pub fn run(context: &Context, args: &WorkerAdd, plan: &Plan) -> Result<Code> {
    let mut lines = Vec::new();
    let unchecked = namespace(context, plan, &mut lines)?;
    for worker in &plan.workers {
        lines.extend(secret(plan, worker));
        let objects = render::objects(&worker.name, &plan.shape)?;
        match &unchecked {
            Some(why) => lines.extend(objects.iter().map(|object| format!("{} (not checked: {why})", target(object)))),
            None => lines.extend(plan.cluster.apply(&objects, Change::DryRun, context.deadline())?),
        }
        lines.push(match worker.registered {
            true => format!("{} stays in {}", worker.name, plan.registry.display()),
            false => format!("{} would be added to {}", worker.name, plan.registry.display()),
        });
    }
    if args.json {
        writeln!(io::stdout(), "{}", json!({ "dry_run": true, "checked": unchecked.is_none(), "lines": lines }))?;
    } else {
        lines.iter().try_for_each(|line| writeln!(io::stdout(), "{line}"))?;
    }
    Ok(Code::Done)
}

/// Why what is in the namespace cannot be checked, if it cannot.
fn namespace(context: &Context, plan: &Plan, lines: &mut Vec<String>) -> Result<Option<String>> {
    let name = &plan.shape.namespace;
    match plan.cluster.get(&format!("namespace/{name}"), context.deadline()) {
        Ok(Some(_)) => Ok(None),
        Ok(None) => {
            lines.extend(plan.cluster.apply(&[render::namespace(&plan.shape)?], Change::DryRun, context.deadline())?);
            Ok(Some(format!("there is no namespace {name} yet")))
        }
        Err(Failure { kind: Kind::Forbidden, .. }) => Ok(None),
        Err(failure @ Failure { kind: Kind::Unreachable, .. }) => Ok(Some(failure.reason)),
        Err(failure) => Err(failure.into()),
    }
}

/// Values are not sent anywhere for a rehearsal.
fn secret(plan: &Plan, worker: &Planned) -> Option<String> {
    let names = plan.secrets.names().join(", ");
    (!plan.secrets.is_empty()).then(|| format!("secret/{} with {names} (values not sent)", worker.names.secrets()))
}

fn target(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]).to_lowercase(), text(&object["metadata"]["name"]))
}
