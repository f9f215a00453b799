use anyhow::Result;

use super::Context;
use crate::cli::Status;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Status) -> Result<Code> {
    anyhow::bail!("status is not built yet")
}
