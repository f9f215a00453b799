use anyhow::Result;

use super::Context;
use crate::cli::Pick;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Pick) -> Result<Code> {
    anyhow::bail!("pick is not built yet")
}
