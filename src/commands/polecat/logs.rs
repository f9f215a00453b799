//! `polecat logs`: what one of its containers has said.

use anyhow::Result;

use super::town;
use crate::cli::polecat::PolecatLogs;
use crate::commands::Context;
use crate::commands::worker::logs::{log, print};
use crate::exit::{Code, Problem};
use crate::registry::names::ObjectName;

pub fn run(context: &Context, args: &PolecatLogs) -> Result<Code> {
    let container: ObjectName =
        args.container.parse().map_err(|error| Problem::new(Code::Usage, format!("--container: {error}"), ""))?;
    let resident = town::find(context, &args.polecat)?;
    resident.cluster().read_log(&resident.found.pod, Some(&container), log(args.extent, false), context.timeout(), print)?;
    Ok(Code::Done)
}
