//! `polecat`: Gas Town's agents, seen as they are, ended, made and cleared away.

mod clean;
mod create;
mod list;
mod logs;
mod shell;
mod status;
mod stop;
mod town;

use anyhow::Result;

use super::Context;
use crate::cli::polecat::{Polecat, PolecatAction};
use crate::exit::Code;

pub fn run(context: &Context, args: &Polecat) -> Result<Code> {
    match &args.action {
        PolecatAction::List(args) => list::run(context, args),
        PolecatAction::Status(args) => status::run(context, args),
        PolecatAction::Logs(args) => logs::run(context, args),
        PolecatAction::Shell(args) => shell::run(context, args),
        PolecatAction::Stop(args) => stop::stop(context, args),
        PolecatAction::Retry(args) => stop::retry(context, args),
        PolecatAction::Create(args) => create::run(context, args),
        PolecatAction::Clean(args) => clean::run(context, args),
    }
}
