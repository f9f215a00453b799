//! Parse, run, and turn an error into a message and an exit code.

mod cli;
mod commands;
mod exit;
mod process;
mod registry;
mod remote;
mod signals;
mod state;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let code = match commands::run(cli) {
        Ok(code) => code,
        Err(error) => commands::report(&error),
    };
    ExitCode::from(code as u8)
}
