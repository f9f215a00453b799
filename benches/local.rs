//! What costs something before any cluster is asked: starting, completing, and workers on this machine.

use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::support::{self, BIN, Screen, World};
use crate::table::{Bound, Row};
use crate::timing::{ROUNDS, SLOWEST_ROUNDS, in_turn, time};

/// Starting at all, beside starting a program that does nothing.
pub fn version() -> Row {
    let world = World::new();
    let pair = in_turn(ROUNDS, world.command(&["--version"]), world.program("true"));
    Row::time("`--version`", pair, "`true`", Bound::Time(Duration::from_millis(5)))
}

/// TAB behind `peek`, all answers young; beside reading the file they are kept in.
pub fn completion() -> Row {
    let mut world = World::new();
    let names: Vec<_> = (0..20).map(|number| format!("worker-{number}")).collect();
    for name in &names {
        world = world.worker(name);
    }
    let directory = world.path("state/factory-worker");
    let file = directory.join("sessions.json");
    // As if asked a moment ago, and still when the last round runs.
    let asked = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
    let sessions: Vec<_> = (0..10).map(|number| format!("issue-{number}-review")).collect();
    let known: serde_json::Map<_, _> =
        names.iter().map(|name| (name.clone(), serde_json::json!({ "asked": asked, "sessions": sessions }))).collect();
    fs::create_dir_all(&directory).unwrap();
    fs::write(&file, serde_json::to_vec(&known).unwrap()).unwrap();
    let ours = ["complete", "--index", "2", "--", "factory-worker", "peek", "worker-1"];
    let mut raw = world.program("cat");
    raw.arg(&file);
    let pair = in_turn(ROUNDS, world.command(&ours), raw);
    Row::time("TAB behind `peek`, 20 workers known", pair, "`cat` of the cache", Bound::Time(Duration::from_millis(30)))
}

/// The last lines of a session, beside tmux doing nothing but that.
pub fn peek() -> Row {
    let world = World::new().worker("w");
    world.session("w", "s", "seq 1 200; exec cat");
    support::eventually("the session's output", || world.pane("w", "s").contains("200").then_some(()));
    let mut raw = tmux(&world, "w");
    raw.args(["capture-pane", "-p", "-S", "-50", "-t", "=s:"]);
    let pair = in_turn(ROUNDS, world.command(&["peek", "w/s"]), raw);
    Row::time("`peek`, local worker", pair, "`tmux capture-pane`", Bound::Over(Duration::from_millis(5)))
}

fn tmux(world: &World, worker: &str) -> Command {
    let mut command = world.program("tmux");
    command.arg("-S").arg(world.worker_directory(worker).join("tmux.sock"));
    command
}

/// Going to a window that is open, beside tmux selecting it.
pub fn open() -> Row {
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
    let pair = in_turn(ROUNDS, open, raw);
    Row::time("`open` of an open window", pair, "`tmux select-window`", Bound::Time(Duration::from_millis(25)))
}

/// What `$TMUX` is in the operator's tmux.
fn inside(screen: &Screen<'_>) -> String {
    screen.inner(&["display-message", "-p", "#{socket_path},#{pid},0"]).trim_end().to_owned()
}

/// Twenty workers, each 300 ms away, beside one of them.
pub fn list() -> Row {
    let mut world = World::new();
    let script = "#!/bin/sh\ncase $* in *list-sessions*) sleep 0.3 ;; esac\nexec tmux \"$@\"\n";
    let far = world.script("far-tmux", script).display().to_string();
    for number in 0..20 {
        world = world.worker_with(&format!("w{number}"), &format!("tmux: {far}"));
    }
    for number in 0..20 {
        world.session(&format!("w{number}"), "s", "exec cat");
    }
    let mut raw = world.program(&far);
    raw.arg("-S").arg(world.worker_directory("w0").join("tmux.sock")).arg("list-sessions");
    let pair = in_turn(SLOWEST_ROUNDS, world.command(&["list", "--parallel", "20"]), raw);
    Row::time(
        "`list`, 20 local workers 300 ms away",
        pair,
        "one of them, asked directly",
        Bound::Time(Duration::from_millis(450)),
    )
}

pub fn size() -> Row {
    Row::size("size of the stripped binary", fs::metadata(BIN).unwrap().len(), 12_000_000)
}
