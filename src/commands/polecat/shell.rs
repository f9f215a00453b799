//! `polecat shell`: a shell beside the agent.

use std::sync::Arc;

use anyhow::Result;

use super::town;
use crate::cli::polecat::PolecatShell;
use crate::cluster::gateway::Polecats;
use crate::cluster::login::{self, Manner};
use crate::commands::{Context, shell};
use crate::exit::Code;
use crate::registry::names::ObjectName;
use crate::registry::origin::Polecat;
use crate::remote::pod::Pod;

pub fn run(context: &Context, args: &PolecatShell) -> Result<Code> {
    shell::needs_terminal()?;
    // What has to be known first may be asked where the shell will be.
    let asking = login::acting(Manner::OnTerminal);
    let resident = town::find(context, &args.polecat, Polecats { looks: true, changes: None })?;
    drop(asking);
    if let Err(failure) = &resident.found.told {
        return Err(anyhow::Error::from(failure.clone()).context(format!("no shell in polecat {}", resident.found.polecat.name)));
    }
    let container: Option<ObjectName> = Polecat::CONTAINER.parse().ok();
    let pod = Pod::known(resident.cluster(), resident.found.pod.clone(), container);
    // The shell has turns of its own.
    drop(resident);
    shell::open(Arc::new(pod), context.timeout())
}
