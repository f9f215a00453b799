use anyhow::Result;

use super::Context;
use crate::cli::Attach;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Attach) -> Result<Code> {
    anyhow::bail!("attach is not built yet")
}
