//! Parse, run, and turn an error into a message and an exit code.

mod cli;
mod commands;
mod deploy;
mod doctor;
mod exit;
mod local;
mod picker;
mod process;
mod registry;
mod remote;
mod report;
mod signals;
mod state;
mod terminal;
mod view;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let code = match commands::run(cli) {
        Ok(code) => code,
        Err(error) => commands::report(&error),
    };
    // What is still being asked is of no use to anybody.
    process::end();
    ExitCode::from(code as u8)
}
