use anyhow::Result;

use super::Context;
use crate::cli::{Action, Pick};
use crate::exit::Code;
use crate::registry::Registry;
use crate::registry::names::{Address, WorkerName};

pub fn run(_context: &Context, _args: &Pick) -> Result<Code> {
    anyhow::bail!("pick is not built yet")
}

/// Show the picker and give what was chosen; nothing is done with it.
pub fn session(_context: &Context, _registry: &Registry, _only: Option<&WorkerName>, _then: Action) -> Result<Option<Address>> {
    anyhow::bail!("pick is not built yet")
}
