use anyhow::Result;

use super::Context;
use crate::cli::Complete;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Complete) -> Result<Code> {
    anyhow::bail!("complete is not built yet")
}
