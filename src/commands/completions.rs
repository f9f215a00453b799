//! `completions`: the script that teaches a shell to complete our command lines.

use std::io::{self, Write};

use anyhow::Result;

use super::Context;
use crate::cli::{Completions, Shell};
use crate::exit::Code;

pub fn run(_context: &Context, args: &Completions) -> Result<Code> {
    io::stdout().lock().write_all(script(args.shell).as_bytes())?;
    Ok(Code::Done)
}

/// The scripts are written by hand: generated ones know no sessions, and nobody reads them.
fn script(shell: Shell) -> &'static str {
    match shell {
        Shell::Bash => include_str!("../../shell/completions/factory-worker.bash"),
        Shell::Zsh => include_str!("../../shell/completions/factory-worker.zsh"),
        Shell::Fish => include_str!("../../shell/completions/factory-worker.fish"),
    }
}
