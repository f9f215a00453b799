use anyhow::Result;

use super::Context;
use crate::cli::Open;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Open) -> Result<Code> {
    anyhow::bail!("open is not built yet")
}
