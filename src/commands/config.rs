//! `config`: where the registry is, what it says, whether it is right, and a first one.

mod init;
mod show;

use std::io::{self, BufWriter, Write};

use anyhow::Result;

use super::{Context, target};
use crate::cli::{Config, ConfigAction};
use crate::exit::{Code, Problem};
use crate::registry::Registry;
use crate::terminal::neutralise;

pub fn run(context: &Context, args: &Config) -> Result<Code> {
    match args.action {
        ConfigAction::Path => path(context),
        ConfigAction::Show { json } => show::run(&context.registry()?, json),
        ConfigAction::Check => check(&context.load()?),
        ConfigAction::Init => init::run(context),
    }
}

fn path(context: &Context) -> Result<Code> {
    writeln!(io::stdout(), "{}", Registry::path(context.global.workers.as_deref())?.display())?;
    Ok(Code::Done)
}

/// A registry that can be read, with every entry, is right; one that is not there is no help to anybody.
fn check(registry: &Registry) -> Result<Code> {
    let path = registry.path.display();
    if !registry.exists {
        return Err(Problem::new(Code::Failed, format!("there is no {path}"), target::no_workers(registry)).into());
    }
    let workers = match registry.workers.len() {
        1 => "1 worker".to_owned(),
        count => format!("{count} workers"),
    };
    let sources = match registry.sources.len() {
        0 => String::new(),
        1 => ", 1 source".to_owned(),
        count => format!(", {count} sources"),
    };
    if registry.invalid.is_empty() {
        writeln!(io::stdout(), "{path} is right: {workers}{sources}")?;
        return Ok(Code::Done);
    }
    let mut err = BufWriter::new(io::stderr().lock());
    for invalid in &registry.invalid {
        let fault = neutralise::line(&registry.fault(invalid).reason);
        writeln!(err, "factory-worker: {} {} is invalid: {fault}", invalid.list.noun(), invalid.name)?;
    }
    err.flush()?;
    let entries = match registry.invalid.len() {
        1 => "1 entry".to_owned(),
        count => format!("{count} entries"),
    };
    writeln!(io::stdout(), "{entries} of {path} cannot be used; the rest is right: {workers}{sources}")?;
    Ok(Code::Failed)
}
