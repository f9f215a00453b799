use anyhow::Result;

use super::Context;
use crate::cli::Dispatch;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Dispatch) -> Result<Code> {
    anyhow::bail!("dispatch is not built yet")
}
