use anyhow::Result;

use super::Context;
use crate::cli::Completions;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Completions) -> Result<Code> {
    anyhow::bail!("completions is not built yet")
}
