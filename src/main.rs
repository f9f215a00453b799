//! Parse, run, and turn an error into a message and an exit code.

mod cli;
mod cluster;
mod commands;
mod deploy;
mod discovery;
mod doctor;
mod exit;
mod failure;
mod gascity;
mod gastown;
mod local;
mod picker;
mod process;
mod registry;
mod remote;
mod signals;
mod state;
mod terminal;
mod view;
mod worker_json;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// What is asked of us, by our arguments or by the name that we are called by.
fn run() -> u8 {
    let mut words = std::env::args_os();
    let name = words.next().map(PathBuf::from);
    let name = name.as_deref().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
    if let Some(code) = commands::run_as(name, &words.collect::<Vec<_>>()) {
        return code;
    }
    commands::run(cli::Cli::parse()).unwrap_or_else(|error| commands::report(&error) as u8)
}

fn main() -> ExitCode {
    let status = run();
    // What is still being asked is of no use to anybody.
    process::end();
    ExitCode::from(status)
}
