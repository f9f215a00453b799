use anyhow::Result;

use super::Context;
use crate::cli::Interrupt;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Interrupt) -> Result<Code> {
    anyhow::bail!("interrupt is not built yet")
}
