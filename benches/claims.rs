//! The numbers that the README claims, each beside the raw command it is made of, run in turn in the same loop.
//!
//! `make bench` prints a row for each, and fails when one misses its bound.

#[path = "../tests/support/mod.rs"]
mod support;
mod table;

use std::fs;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use support::{BIN, Screen, World};
use table::{Bound, Row};

/// Runs that count, for what takes milliseconds.
const ROUNDS: usize = 60;
/// The same for what takes a good part of a second.
const SLOW_ROUNDS: usize = 9;

fn main() -> ExitCode {
    let rows = [version(), completion(), peek(), open(), list(), size()];
    table::print(&rows);
    if rows.iter().all(Row::holds) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Medians of two commands that are run in turn; what is slow on the machine just now is slow for both.
fn medians(rounds: usize, mut ours: Command, mut raw: Command) -> (Duration, Duration) {
    let mut times = (Vec::new(), Vec::new());
    for round in 0..rounds + 3 {
        let (a, b) = (time(&mut ours), time(&mut raw));
        // The first ones warm the caches up.
        if round >= 3 {
            times.0.push(a);
            times.1.push(b);
        }
    }
    (median(times.0), median(times.1))
}

fn time(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().unwrap();
    let took = begin.elapsed();
    assert!(status.success(), "{command:?} failed: {status}");
    took
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Starting at all, beside starting a program that does nothing.
fn version() -> Row {
    let world = World::new();
    let (ours, raw) = medians(ROUNDS, world.command(&["--version"]), world.program("true"));
    Row::time("--version", ours, raw, "true", Bound::Time(Duration::from_millis(5)))
}

/// TAB behind `peek`, all answers young; beside reading the file they are kept in.
fn completion() -> Row {
    let mut world = World::new();
    let names: Vec<_> = (0..20).map(|number| format!("worker-{number}")).collect();
    for name in &names {
        world = world.worker(name);
    }
    let directory = world.path("state/factory-worker");
    let file = directory.join("sessions.json");
    // As if asked a moment ago, and still when the last round runs.
    let asked = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64;
    let sessions: Vec<_> = (0..10).map(|number| format!("issue-{number}-review")).collect();
    let known: serde_json::Map<_, _> =
        names.iter().map(|name| (name.clone(), serde_json::json!({ "asked": asked, "sessions": sessions }))).collect();
    fs::create_dir_all(&directory).unwrap();
    fs::write(&file, serde_json::to_vec(&known).unwrap()).unwrap();
    let ours = ["complete", "--index", "2", "--", "factory-worker", "peek", "worker-1"];
    let mut raw = world.program("cat");
    raw.arg(&file);
    let (ours, raw) = medians(ROUNDS, world.command(&ours), raw);
    Row::time("complete addresses, cached", ours, raw, "cat", Bound::Time(Duration::from_millis(30)))
}

/// The last lines of a session, beside tmux doing nothing but that.
fn peek() -> Row {
    let world = World::new().worker("w");
    world.session("w", "s", "seq 1 200; exec cat");
    support::eventually("the session's output", || world.pane("w", "s").contains("200").then_some(()));
    let mut raw = world.program("tmux");
    raw.arg("-S").arg(world.worker_directory("w").join("tmux.sock")).args(["capture-pane", "-p", "-S", "-50", "-t", "=s:"]);
    let (ours, raw) = medians(ROUNDS, world.command(&["peek", "w/s"]), raw);
    Row::time("peek, local worker", ours, raw, "tmux capture-pane", Bound::Over(Duration::from_millis(5)))
}

/// Going to a window that is open, beside tmux selecting it.
fn open() -> Row {
    let world = World::new().worker("w");
    world.session("w", "s", "exec cat");
    let screen = world.screen();
    let inside = inside(&screen);
    let mut open = world.command(&["open", "w/s"]);
    open.env("TMUX", &inside);
    time(&mut open);
    support::eventually("the window", || screen.windows().iter().any(|window| window.starts_with("w/s|")).then_some(()));
    let mut raw = world.program("tmux");
    raw.arg("-S").arg(screen.socket()).args(["select-window", "-t", "main:1"]);
    let (ours, raw) = medians(ROUNDS, open, raw);
    Row::time("open, already open", ours, raw, "tmux select-window", Bound::Time(Duration::from_millis(25)))
}

/// What `$TMUX` is in the operator's tmux.
fn inside(screen: &Screen<'_>) -> String {
    screen.inner(&["display-message", "-p", "#{socket_path},#{pid},0"]).trim_end().to_owned()
}

/// Twenty workers, each 300 ms away, beside one of them.
fn list() -> Row {
    let mut world = World::new();
    let script = "#!/bin/sh\ncase $* in *list-sessions*) sleep 0.3 ;; esac\nexec tmux \"$@\"\n";
    let tmux = world.script("far-tmux", script).display().to_string();
    for number in 0..20 {
        world = world.worker_with(&format!("w{number}"), &format!("tmux: {tmux}"));
    }
    for number in 0..20 {
        world.session(&format!("w{number}"), "s", "exec cat");
    }
    let mut raw = world.program(&tmux);
    raw.arg("-S").arg(world.worker_directory("w0").join("tmux.sock")).arg("list-sessions");
    let (ours, raw) = medians(SLOW_ROUNDS, world.command(&["list", "--parallel", "20"]), raw);
    Row::time("list, 20 workers 300 ms away", ours, raw, "one, asked directly", Bound::Time(Duration::from_millis(450)))
}

fn size() -> Row {
    Row::size("size of the stripped binary", fs::metadata(BIN).unwrap().len(), 12_000_000)
}
