use anyhow::Result;

use super::Context;
use crate::cli::Config;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Config) -> Result<Code> {
    anyhow::bail!("config is not built yet")
}
