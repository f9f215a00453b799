//! The tmux plugin in the operator's tmux, with two sessions to use it on.

#![allow(dead_code)] // every test binary uses its own part

use crate::support::{BIN, ROOT, Screen, World};

/// The keys by default: which option chooses each, and the key.
pub const KEYS: &[(&str, &str)] = &[("pick", "W"), ("peek", "P"), ("dispatch", "G"), ("nudge", "N")];

/// The worker `w` with the sessions `qa` and `dev`, which say so.
pub fn world() -> World {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo 'I am qa'; exec cat");
    world.session("w", "dev", "echo 'I am dev'; exec cat");
    world
}

/// A configuration that says where the program is, has these lines `more`, and loads the plugin.
pub fn load(more: &str) -> String {
    format!("set -g @factory-worker-bin '{BIN}'\n{more}\nrun-shell '{ROOT}/factory-worker.tmux'")
}

/// Load the plugin once more.
pub fn source(screen: &Screen<'_>) {
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
}
