//! `config`: where the registry is, what it says, whether it is right, and a first one.

mod init;
mod show;

use std::io::{self, Write};

use anyhow::Result;

use super::{Context, target};
use crate::cli::{Config, ConfigAction};
use crate::exit::{Code, Problem};
use crate::registry::Registry;

pub fn run(context: &Context, args: &Config) -> Result<Code> {
    match args.action {
        ConfigAction::Path => path(context),
        ConfigAction::Show { json } => show::run(&context.registry()?, json),
        ConfigAction::Check => check(&context.registry()?),
        ConfigAction::Init => init::run(context),
    }
}

fn path(context: &Context) -> Result<Code> {
    writeln!(io::stdout(), "{}", Registry::path(context.global.workers.as_deref())?.display())?;
    Ok(Code::Done)
}

/// A registry that can be read is right; one that is not there is no help to anybody.
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
    writeln!(io::stdout(), "{path} is right: {workers}{sources}")?;
    Ok(Code::Done)
}
