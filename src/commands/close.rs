use anyhow::Result;

use super::Context;
use crate::cli::Close;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Close) -> Result<Code> {
    anyhow::bail!("close is not built yet")
}
