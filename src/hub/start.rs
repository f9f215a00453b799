//! Starting the hub in the background, and what it does first there.

use std::env;
use std::fs;
use std::io;
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::socket::Place;
use crate::local::program;

/// How long it may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_millis(500);
const LOOKS_EVERY: Duration = Duration::from_millis(5);
/// As many as any system allows (macOS allows no more, whatever it says).
const FILES: u64 = 10_240;

/// Start it, and wait until it listens; false when it does not.
pub fn start(place: &Place) -> bool {
    let Ok(program) = env::current_exe() else { return false };
    let mut command = Command::new(program);
    command.args(["hub", "--background"]);
    // A login that nobody asked for opens nothing.
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env("BROWSER", "false");
    if program::in_background(command).is_err() {
        return false;
    }
    let end = Instant::now() + LISTENS_WITHIN;
    while Instant::now() < end {
        if place.connect().is_some() {
            return true;
        }
        std::thread::sleep(LOOKS_EVERY);
    }
    false
}

/// Have as many files open as we may: each worker needs some, and what a shell lets its programs have is made for programs that end.
pub fn allow_many_files() {
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = hard.min(FILES);
    if soft < wanted {
        // With fewer of them it follows fewer workers.
        let _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
    }
}

/// Let go of every file that whoever started us had open.
pub fn close_inherited_files() {
    let open = |directory: &str| -> io::Result<Vec<i32>> {
        Ok(fs::read_dir(directory)?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    };
    for file in open("/proc/self/fd").or_else(|_| open("/dev/fd")).unwrap_or_default() {
        if file > 2 {
            let _ = nix::unistd::close(file);
        }
    }
}
