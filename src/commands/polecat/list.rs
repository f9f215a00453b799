//! `polecat list`: all of them, with the truth about each.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;

use anyhow::Result;
use serde_json::{Value, json};

use super::town::{self, Towns};
use crate::cli::polecat::PolecatList;
use crate::cluster::gateway::{Gateways, Polecats};
use crate::commands::worker_state;
use crate::commands::{Context, report};
use crate::exit::Code;
use crate::gastown::Found;
use crate::registry::source::Source;
use crate::terminal::style::Style;
use crate::terminal::table::{self, Cell};
use crate::terminal::{json, neutralise};

pub fn run(context: &Context, args: &PolecatList) -> Result<Code> {
    let mut end = Code::Done;
    let mut all = Vec::new();
    let towns = Towns::of(context, &args.town, Polecats { looks: true, changes: None })?;
    for (town, found) in towns.look(context) {
        match found {
            Ok(found) => all.extend(found.into_iter().map(|found| (town.clone(), found))),
            Err(failure) => {
                end = failure.code();
                report(&anyhow::Error::from(failure).context(format!("asking {town}")));
            }
        }
    }
    all.retain(|(_, found)| args.rig.as_ref().is_none_or(|rig| *rig == found.polecat.rig));
    listen(context, &towns.gateways, &mut all);
    let mut out = io::stdout().lock();
    if args.json {
        let rows: Vec<Value> = all.iter().map(|(town, found)| row_json(town, found)).collect();
        json::write_line(&mut out, &json!({ "polecats": rows }))?;
        return Ok(end);
    }
    let rows: Vec<Vec<Cell>> = all.iter().map(|(town, found)| row(town, found)).collect();
    for line in table::lines(&["NAME", "NAMESPACE", "RIG", "BEAD", "STATUS", "BRANCH"], &rows, None) {
        writeln!(out, "{line}")?;
    }
    Ok(end)
}

/// Take in of those that count as stuck by their age whether anything comes from them, some at a time. What nobody can say changes
/// nothing.
fn listen(context: &Context, gateways: &Arc<Gateways>, all: &mut [(Source, Found)]) {
    let old = |found: &Found| {
        let standing = found.told.as_ref().ok().and_then(|answer| answer.standing.as_ref());
        standing.is_some_and(|standing| standing.silence.is_some())
    };
    let mut old: Vec<_> = all.iter_mut().filter(|(_, found)| old(found)).collect();
    for some in old.chunks_mut(context.question().parallel.get()) {
        thread::scope(|scope| {
            for (town, found) in some {
                scope.spawn(|| town::listen(town, found, gateways, context));
            }
        });
    }
}

fn row(town: &Source, found: &Found) -> Vec<Cell> {
    let plain = |text: &str| Cell::new(neutralise::line(text), Style::Plain);
    let polecat = &found.polecat;
    let (status, style) = match &found.told {
        Ok(answer) => worker_state::of(answer),
        Err(failure) => (format!("{} ({})", failure.status(), failure.reason), Style::Bad),
    };
    vec![
        Cell::new(polecat.name.as_str(), Style::Bold),
        plain(town.namespace.as_ref().map_or("-", |name| name.as_str())),
        plain(&polecat.rig),
        plain(polecat.bead.as_deref().unwrap_or("-")),
        Cell::new(neutralise::line(&status), style),
        plain(&polecat.branch),
    ]
}

/// One polecat in `polecat list --json` and `polecat status --json`.
pub fn row_json(town: &Source, found: &Found) -> Value {
    let polecat = &found.polecat;
    let (status, reason) = match &found.told {
        Ok(answer) => {
            (answer.status(), answer.standing.as_ref().map(|standing| &standing.detail).filter(|text| !text.is_empty()))
        }
        Err(failure) => (failure.status(), Some(&failure.reason)),
    };
    json!({
        "name": polecat.name, "context": town.context, "namespace": town.namespace, "pod": found.pod, "rig": polecat.rig,
        "bead": polecat.bead, "phase": polecat.phase, "branch": polecat.branch, "deadline": polecat.deadline, "status": status,
        "reason": reason,
    })
}
