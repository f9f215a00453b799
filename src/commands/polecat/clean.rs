//! `polecat clean`: those that have ended go, and no other.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;

use super::town::Towns;
use crate::cli::polecat::PolecatClean;
use crate::cluster::gateway::{Method, Polecats};
use crate::cluster::objects::Change;
use crate::cluster::resource::POLECATS;
use crate::commands::worker_state;
use crate::commands::{Context, report};
use crate::discovery;
use crate::exit::{Code, Problem};
use crate::gastown::Found;
use crate::registry::source::Source;
use crate::remote::session::State;
use crate::terminal::{key, neutralise};

pub fn run(context: &Context, args: &PolecatClean) -> Result<Code> {
    let mut end = Code::Done;
    let towns = Towns::of(context, &args.town, Polecats { looks: false, changes: Some(Method::Delete) })?;
    let finished = finished(context, &towns, args, &mut end);
    let count = finished.iter().map(|(_, found)| found.len()).sum::<usize>();
    let mut out = io::stdout();
    if count == 0 {
        writeln!(out, "no polecat has ended")?;
        return Ok(end);
    }
    for found in finished.iter().flat_map(|(_, found)| found) {
        let status = found.told.as_ref().map(|answer| worker_state::of(answer).0).unwrap_or_default();
        writeln!(out, "{}  {}  {}", found.polecat.name, neutralise::line(&found.polecat.rig), neutralise::line(&status))?;
    }
    let them = if count == 1 { "1 polecat".to_owned() } else { format!("{count} polecats") };
    if args.dry_run {
        for (town, found) in &finished {
            delete(context, &towns, town, found, Change::DryRun)?;
        }
        writeln!(out, "{them} would be deleted")?;
        return Ok(end);
    }
    if !args.yes && !agreed(&them)? {
        return Ok(Code::Interrupted);
    }
    for (town, found) in still(context, &towns, args, &finished) {
        delete(context, &towns, &town, &found, Change::Made)?;
        for found in found {
            writeln!(out, "deleted {}", found.polecat.name)?;
        }
    }
    Ok(end)
}

fn delete(context: &Context, towns: &Towns, town: &Source, found: &[Found], change: Change) -> Result<()> {
    let names: Vec<_> = found.iter().map(|found| &found.polecat.name).collect();
    towns.gateways.delete(&discovery::cluster(town), &POLECATS, &names, change, context.deadline())?;
    Ok(())
}

type Finished = Vec<(Source, Vec<Found>)>;

/// The polecats that have ended, by where they are. Who does not answer is told, and costs the others nothing.
fn finished(context: &Context, towns: &Towns, args: &PolecatClean, end: &mut Code) -> Finished {
    let mut all = Vec::new();
    for (town, found) in towns.look(context) {
        match found {
            Ok(mut found) => {
                found.retain(|found| has_ended(found) && args.rig.as_ref().is_none_or(|rig| *rig == found.polecat.rig));
                all.push((town, found));
            }
            Err(failure) => {
                *end = failure.code();
                report(&anyhow::Error::from(failure).context(format!("asking {town}")));
            }
        }
    }
    all
}

/// Those that are still there and still over: while somebody thought about it, one may have begun again.
fn still(context: &Context, towns: &Towns, args: &PolecatClean, listed: &Finished) -> Finished {
    let mut now = finished(context, towns, args, &mut Code::Done);
    for (town, found) in &mut now {
        let before = listed.iter().filter(|(other, _)| other == town).flat_map(|(_, found)| found);
        let names: Vec<_> = before.map(|found| &found.polecat.name).collect();
        found.retain(|found| names.contains(&&found.polecat.name));
    }
    now
}

fn has_ended(found: &Found) -> bool {
    let standing = found.told.as_ref().ok().and_then(|answer| answer.standing.as_ref());
    standing.is_some_and(|standing| matches!(standing.state, State::Done | State::Failed | State::Stopped))
}

fn agreed(them: &str) -> Result<bool> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let what = format!("deleting {them} cannot be undone, and there is no terminal to ask on");
        return Err(Problem::new(Code::Usage, what, "--yes deletes them").into());
    }
    Ok(key::confirm(&format!("Delete {them}?"))?)
}
