//! `hub`: the process that follows all workers, in the foreground; how it is, and its end.

use std::io::{self, BufWriter, Write};
use std::time::Duration;

use anyhow::Result;

use crate::cli::{Hub, HubCommand};
use crate::exit::{Code, Problem};
use crate::hub::client::{self, NoHub};
use crate::hub::wire::{Row, Standing};
use crate::terminal::{age, json, neutralise};
use crate::{hub, process};

const NONE: &str = "no hub runs";

pub fn run(args: &Hub) -> Result<Code> {
    match &args.command {
        Some(HubCommand::Status(args)) => status(args.json),
        Some(HubCommand::Stop) => stop(),
        None => {
            process::set_verbose(!args.background);
            hub::run(args.background)
        }
    }
}

/// Exit 1 when there is none.
fn status(as_json: bool) -> Result<Code> {
    let standing = match client::standing() {
        Ok(standing) => standing,
        Err(NoHub::None) => {
            writeln!(io::stderr(), "factory-worker: {NONE}")?;
            return Ok(Code::Failed);
        }
        Err(why) => return Err(unwilling(&why).into()),
    };
    let mut out = BufWriter::new(io::stdout().lock());
    if as_json {
        json::write_line(&mut out, &standing)?;
    } else {
        for line in lines(&standing) {
            writeln!(out, "{}", neutralise::line(&line))?;
        }
    }
    out.flush()?;
    Ok(Code::Done)
}

fn lines(standing: &Standing) -> Vec<String> {
    let since = age::short(Duration::from_secs(standing.runs_for));
    let mut lines = vec![format!("hub {} runs since {since}", standing.pid)];
    for served in &standing.registries {
        let there = served.rows.iter().filter(|row| row.answer.is_ok()).count();
        lines.push(format!("{}: {there} of {} workers are there", served.registry.display(), served.rows.len()));
        lines.extend(served.rows.iter().filter_map(missing));
    }
    lines.extend(standing.direct.iter().map(|(why, count)| format!("went direct {}: {why}", times(*count))));
    lines
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

/// Why a worker is not there, and since when that is known.
fn missing(row: &Row) -> Option<String> {
    let failure = row.answer.as_ref().err()?;
    let at = humantime::format_rfc3339_seconds(row.as_of);
    Some(format!("  {} {} as of {at}: {}", row.worker, failure.predicate(), failure.reason))
}

/// There is one, and it does not do what we want.
fn unwilling(why: &NoHub) -> Problem {
    let (what, remedy) = why.told();
    Problem::new(Code::Failed, what, remedy)
}

fn stop() -> Result<Code> {
    let said = match client::stop() {
        Ok(()) => "the hub has ended",
        Err(NoHub::None) => NONE,
        Err(why) => return Err(unwilling(&why).into()),
    };
    writeln!(io::stdout(), "{said}")?;
    Ok(Code::Done)
}
