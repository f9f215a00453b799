//! `polecat shell`: a shell beside the agent.

use anyhow::Result;

use super::town;
use crate::cli::polecat::PolecatShell;
use crate::commands::{Context, shell};
use crate::exit::Code;
use crate::registry::names::ObjectName;
use crate::registry::origin::Polecat;

pub fn run(context: &Context, args: &PolecatShell) -> Result<Code> {
    shell::needs_terminal()?;
    let resident = town::find(context, &args.polecat)?;
    if let Err(failure) = &resident.found.told {
        return Err(anyhow::Error::from(failure.clone()).context(format!("no shell in polecat {}", resident.found.polecat.name)));
    }
    let container: Option<ObjectName> = Polecat::CONTAINER.parse().ok();
    shell::open(|argv| resident.cluster().interactive(&resident.found.pod, container.as_ref(), argv))
}
