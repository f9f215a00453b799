//! `polecat stop` and `polecat retry`: what is wanted of a polecat is changed, and its operator does it.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::json;

use super::town::{self, Resident};
use crate::cli::polecat::{PolecatRetry, PolecatStop};
use crate::cluster::gateway::{Method, Polecats};
use crate::cluster::objects::Change;
use crate::cluster::resource::PODS;
use crate::commands::Context;
use crate::exit::{Code, Problem};
use crate::remote::session::State;
use crate::terminal::progress::Progress;

/// How often it is looked whether the old pod is gone.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub fn stop(context: &Context, args: &PolecatStop) -> Result<Code> {
    let resident = town::find(context, &args.polecat, Polecats { looks: false, changes: Some(Method::Patch) })?;
    let change = if args.dry_run { Change::DryRun } else { Change::Made };
    want(context, &resident, "Terminated", change)?;
    let (name, pod) = (&resident.found.polecat.name, &resident.found.pod);
    let done = if args.dry_run { "would be stopped" } else { "is stopped" };
    writeln!(io::stdout(), "polecat {name} {done}: its operator deletes pod {pod}")?;
    Ok(Code::Done)
}

/// An existing pod is never made anew while `Working` is wanted: so `Idle`, until it is gone, and then `Working`.
pub fn retry(context: &Context, args: &PolecatRetry) -> Result<Code> {
    let mut resident = town::find(context, &args.polecat, Polecats { looks: true, changes: Some(Method::Patch) })?;
    if !args.force {
        let heard = resident.listen(context);
        let name = &resident.found.polecat.name;
        heard.map_err(|failure| {
            let what = format!("nobody can tell whether polecat {name} still works: {failure}");
            Problem::new(failure.code(), what, "--force begins again all the same; what it has not pushed is lost then")
        })?;
    }
    let name = &resident.found.polecat.name;
    if is_working(&resident) && !args.force {
        let what = format!("polecat {name} is still working, and what it has not pushed would be lost");
        return Err(Problem::new(Code::Failed, what, "--force begins again all the same").into());
    }
    if args.dry_run {
        want(context, &resident, "Idle", Change::DryRun)?;
        writeln!(io::stdout(), "polecat {name} would begin again when pod {} is gone", resident.found.pod)?;
        return Ok(Code::Done);
    }
    want(context, &resident, "Idle", Change::Made)?;
    let progress = Progress::show(format!("waiting until pod {} is gone…", resident.found.pod));
    wait_gone(context, &resident, args.wait)?;
    drop(progress);
    want(context, &resident, "Working", Change::Made)
        .with_context(|| format!("polecat {name} is idle now; the same command goes on from here"))?;
    writeln!(io::stdout(), "polecat {name} begins again")?;
    Ok(Code::Done)
}

fn want(context: &Context, resident: &Resident, state: &str, change: Change) -> Result<()> {
    let patch = json!({ "spec": { "desiredState": state } });
    let name = &resident.found.polecat.name;
    resident.patch(&patch, change, context).with_context(|| format!("setting desiredState of polecat {name} to {state}"))?;
    Ok(())
}

fn is_working(resident: &Resident) -> bool {
    let standing = resident.found.told.as_ref().ok().and_then(|answer| answer.standing.as_ref());
    standing.is_some_and(|standing| standing.state == State::Working)
}

/// Wait until the pod that is there now is gone, or another one has its name.
fn wait_gone(context: &Context, resident: &Resident, patience: Duration) -> Result<()> {
    let (cluster, pod) = (resident.cluster(), &resident.found.pod);
    let end = Instant::now() + patience;
    let look = || -> Result<Option<String>> {
        let there = resident.gateways().object(&cluster, &PODS, pod, context.deadline())?;
        Ok(there.and_then(|pod| pod["metadata"]["uid"].as_str().map(str::to_owned)))
    };
    let Some(old) = look()? else { return Ok(()) };
    loop {
        if look()?.as_ref() != Some(&old) {
            return Ok(());
        }
        if Instant::now() >= end {
            let what = format!(
                "pod {pod} is still there after {}: does the Gas Town operator run?",
                humantime::format_duration(patience)
            );
            return Err(Problem::new(Code::Unreachable, what, "--wait gives it longer").into());
        }
        thread::sleep(LOOK_EVERY);
    }
}
