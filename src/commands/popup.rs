use anyhow::Result;

use super::Context;
use crate::cli::Popup;
use crate::exit::Code;

pub fn run(_context: &Context, _args: &Popup) -> Result<Code> {
    anyhow::bail!("popup is not built yet")
}
