//! `polecat logs`: what one of its containers has said.

use anyhow::Result;

use super::town;
use crate::cli::polecat::PolecatLogs;
use crate::cluster::objects::{Log, Part};
use crate::commands::Context;
use crate::commands::worker::logs::print;
use crate::exit::{Code, Problem};
use crate::registry::names::ObjectName;

pub fn run(context: &Context, args: &PolecatLogs) -> Result<Code> {
    let container: ObjectName =
        args.container.parse().map_err(|error| Problem::new(Code::Usage, format!("--container: {error}"), ""))?;
    let resident = town::find(context, &args.polecat)?;
    let log = Log { part: args.lines.map_or(Part::All, Part::Last), previous: false, follow: args.follow };
    resident.cluster().read_log(&resident.found.pod, Some(&container), log, context.timeout(), print)?;
    Ok(Code::Done)
}
