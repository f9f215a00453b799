//! What became of the workers, for a person and for a program.

use std::io::{self, Write};

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::plan::{Plan, Planned};
use super::{Outcome, Trouble};
use crate::cli::worker::WorkerAdd;
use crate::exit::Code;
use crate::terminal::neutralise;

/// Tell it; `told` has what each of them has in the JSON besides.
///
/// # Errors
/// Nobody reads it.
pub fn report(args: &WorkerAdd, plan: &Plan, outcomes: &[Outcome], told: &[Map<String, Value>]) -> Result<Code> {
    let both = || plan.workers.iter().zip(outcomes);
    if args.json {
        let workers: Vec<_> = both().zip(told).map(|((worker, outcome), told)| as_json(plan, worker, outcome, told)).collect();
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
            Err(why) => trouble(worker, why)?,
        }
    }
    Ok(outcomes.iter().find_map(|outcome| outcome.as_ref().err()).map_or(Code::Done, |trouble| trouble.code))
}

/// Tell why a worker is not ready.
///
/// # Errors
/// Nobody reads it.
pub fn trouble(worker: &Planned, trouble: &Trouble) -> io::Result<()> {
    let mut text = format!("factory-worker: {}: {}\n", worker.name, trouble.reason);
    let more = std::iter::once(&trouble.remedy).chain(&trouble.explanation).chain(&trouble.left);
    more.filter(|line| !line.is_empty()).for_each(|line| text.push_str(&format!("  {line}\n")));
    io::stderr().write_all(neutralise::lines(&text).as_bytes())
}

fn as_json(plan: &Plan, worker: &Planned, outcome: &Outcome, told: &Map<String, Value>) -> Value {
    let trouble = outcome.as_ref().err();
    let mut answer = json!({
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
        "left": trouble.map(|trouble| &trouble.left),
    });
    answer.as_object_mut().into_iter().for_each(|answer| answer.extend(told.clone()));
    answer
}
