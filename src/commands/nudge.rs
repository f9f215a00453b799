use anyhow::Result;

use super::Context;
use crate::cli::Nudge;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Nudge) -> Result<Code> {
    anyhow::bail!("nudge is not built yet")
}
