//! `polecat logs`: what one of its containers has said.

use anyhow::Result;

use super::town;
use crate::cli::polecat::PolecatLogs;
use crate::cluster::gateway::{Polecats, Wanted};
use crate::commands::Context;
use crate::commands::worker::logs::{log, print};
use crate::exit::{Code, Problem};
use crate::registry::names::ObjectName;

pub fn run(context: &Context, args: &PolecatLogs) -> Result<Code> {
    let container: ObjectName =
        args.container.parse().map_err(|error| Problem::new(Code::Usage, format!("--container: {error}"), ""))?;
    let resident = town::find(context, &args.polecat, Polecats { looks: true, changes: None })?;
    let (cluster, pod, log) = (resident.cluster(), &resident.found.pod, log(args.extent, false));
    let wanted = Wanted { pod, container: Some(&container), log, since: None };
    let read = if log.follow { None } else { resident.gateways().read_log(&cluster, wanted, context.timeout(), print) };
    read.unwrap_or_else(|| cluster.read_log(pod, Some(&container), log, context.timeout(), print))?;
    Ok(Code::Done)
}
