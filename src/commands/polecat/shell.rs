//! `polecat shell`: a shell beside the agent.

use std::io::{self, IsTerminal};

use anyhow::{Context as _, Result};

use super::town;
use crate::cli::polecat::PolecatShell;
use crate::commands::Context;
use crate::exit::{Code, Problem};
use crate::registry::discover::Polecat;
use crate::registry::names::ObjectName;
use crate::remote::kubectl::Cluster;
use crate::view;

const SCRIPT: &str = include_str!("shell.sh");

pub fn run(context: &Context, args: &PolecatShell) -> Result<Code> {
    needs_terminal()?;
    let resident = town::find(context, &args.polecat)?;
    if let Err(failure) = &resident.found.told {
        return Err(anyhow::Error::from(failure.clone()).context(format!("no shell in polecat {}", resident.found.polecat.name)));
    }
    open(&resident.cluster(), &resident.found.pod)
}

/// A shell in a polecat's pod, on this terminal, until it ends.
///
/// # Errors
/// There is no terminal, or no kubectl; or the shell ended with a status of its own, which is in the message.
pub fn open(cluster: &Cluster, pod: &ObjectName) -> Result<Code> {
    needs_terminal()?;
    let container: Option<ObjectName> = Polecat::CONTAINER.parse().ok();
    let argv: Vec<String> = view::terminal_type().into_iter().chain(["sh", "-c", SCRIPT].map(str::to_owned)).collect();
    let command = cluster.interactive(pod, container.as_ref(), &argv)?;
    let ended = view::run_here(command).context("the shell cannot be opened")?;
    match ended.status {
        0 | 130 => Ok(Code::Done),
        status => {
            let said = ended.said.map(|said| format!(": {said}")).unwrap_or_default();
            Err(Problem::new(Code::Failed, format!("the shell in {pod} ended with status {status}{said}"), "").into())
        }
    }
}

fn needs_terminal() -> Result<(), Problem> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Problem::new(Code::Usage, "a shell needs a terminal, and this is none", "read its log: factory-worker polecat logs"))
}
