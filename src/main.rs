//! Parse, run, and turn an error into a message and an exit code.

mod backoff;
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
mod hub;
mod local;
mod ourselves;
mod picker;
mod process;
mod registry;
mod remote;
mod signals;
mod state;
mod terminal;
mod view;
mod worker_json;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

/// What is asked of us, by our arguments or by the name that we are called by.
fn run() -> u8 {
    let mut words = std::env::args_os();
    let name = words.next().map(PathBuf::from);
    let name = name.as_deref().and_then(Path::file_name).and_then(OsStr::to_str).unwrap_or_default();
    let words: Vec<_> = words.collect();
    // Whoever types into a window before there is something to see must not end us by it: the rest would run in the window
    // beneath. That begins before our arguments are understood.
    let _listening = is_window(&words).then(signals::ignore_interrupts);
    signals::end_children_when_interrupted();
    if let Some(code) = commands::run_as(name, &words) {
        return code;
    }
    commands::run(cli::Cli::parse()).unwrap_or_else(|error| commands::report(&error) as u8)
}

/// Whether a window of tmux was made for us.
fn is_window(words: &[OsString]) -> bool {
    ["attach", "--in-window"].iter().all(|word| words.iter().any(|given| given == word))
}

fn main() -> ExitCode {
    let status = run();
    // What is still being asked is of no use to anybody.
    process::end();
    ExitCode::from(status)
}
