//! `polecat list`: all of them, with the truth about each.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Value, json};

use super::town;
use crate::cli::polecat::PolecatList;
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
    for (town, found) in town::look(context, &args.town)? {
        match found {
            Ok(found) => all.extend(found.into_iter().map(|found| (town.clone(), found))),
            Err(failure) => {
                end = failure.code();
                report(&anyhow::Error::from(failure).context(format!("asking {town}")));
            }
        }
    }
    all.retain(|(_, found)| args.rig.as_ref().is_none_or(|rig| *rig == found.polecat.rig));
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
