//! The nudge form and the dispatch form in their popups, with something behind them that takes what is sent.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;

use crate::support::{ROOT, Screen, World, eventually};

/// A world with a session `w/s` that has an input box; what is sent there is in the file `got`.
pub fn with_box(mode: &str) -> World {
    let world = World::new().worker("w");
    world.session("w", "s", &format!("exec perl {ROOT}/tests/programs/box.pl got {mode}"));
    eventually("the program to start", || world.pane("w", "s").contains("working").then_some(()));
    world
}

/// What arrived in the session, if anything did.
pub fn got(world: &World) -> Option<String> {
    fs::read_to_string(world.worker_directory("w").join("got")).ok()
}

/// Wait until something has arrived in the session: this, and nothing else.
#[track_caller]
pub fn wait_got(world: &World, text: &str) {
    eventually("the text to arrive", || got(world));
    assert_eq!(got(world).as_deref(), Some(text));
}

/// A terminal in a window that shows `w/s`, as far as the keys can tell.
fn terminal(world: &World) -> Screen<'_> {
    let screen = world.screen();
    screen.inner(&["set-option", "-w", "@factory-worker-address", "w/s"]);
    screen
}

/// The nudge form for `w/s`, ready to be typed into.
pub fn nudge_form<'a>(world: &'a World) -> Screen<'a> {
    let screen = terminal(world);
    screen.prefix("N");
    screen.wait("Enter send");
    screen
}

/// A world whose worker takes issues: each argument is a line in the file `dispatched`.
pub fn with_queue() -> World {
    let world = World::new();
    let record = world.script("record", "#!/bin/sh\n[ ! -e refuse ] || { echo queue is full >&2; exit 9; }\nprintf '%s\\n' \"$@\" >dispatched\necho queued as 7\n");
    let commands =
        format!("commands: {{queue: \"\", dispatch: \"{} {{project}} {{issue}} [--intent {{intent}}]\"}}", record.display());
    let bare = "commands: {queue: \"\", dispatch: \"\"}";
    let world = world.worker_with("bare", bare).worker_with("a", &commands).worker_with("b", &commands);
    for worker in ["bare", "a", "b"] {
        world.session(worker, "s", "sleep 600");
    }
    world
}

/// The dispatch form of a window that shows this session.
pub fn dispatch_form<'a>(world: &'a World, address: &str) -> Screen<'a> {
    let screen = world.screen();
    screen.inner(&["set-option", "-w", "@factory-worker-address", address]);
    screen.prefix("G");
    screen
}

/// Wait until this worker has got an issue: its arguments, a line each.
pub fn dispatched(world: &World, worker: &str) -> String {
    let file = world.worker_directory(worker).join("dispatched");
    eventually("the issue to arrive", || fs::read_to_string(&file).ok())
}

/// What is kept.
pub fn drafts(world: &World) -> String {
    fs::read_to_string(world.path("state/factory-worker/drafts.json")).unwrap_or_default()
}
