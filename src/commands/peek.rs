use anyhow::Result;

use super::Context;
use crate::cli::Peek;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Peek) -> Result<Code> {
    anyhow::bail!("peek is not built yet")
}
