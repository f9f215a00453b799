use anyhow::Result;

use super::Context;
use crate::cli::Doctor;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Doctor) -> Result<Code> {
    anyhow::bail!("doctor is not built yet")
}
