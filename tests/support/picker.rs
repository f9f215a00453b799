//! The picker on a terminal, and what it shows there.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::path::Path;

use crate::support::{BIN, Screen, World};

/// The picker, run at the prompt of a terminal without the plugin.
pub fn picker<'a>(world: &'a World, arguments: &str) -> Screen<'a> {
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {BIN} pick {arguments}; echo left with $?"));
    screen.wait("> ");
    screen
}

/// The highlighted row, without what the preview shows beside it.
pub fn highlighted(screen: &str) -> Option<&str> {
    screen.lines().find(|line| line.starts_with("> ")).map(|line| line[2..].split('│').next().unwrap().trim_end())
}

/// Wait until the row of this address is highlighted.
#[track_caller]
pub fn wait_highlighted(screen: &Screen<'_>, address: &str) -> String {
    screen.wait_until(&format!("{address:?} to be highlighted"), |text| {
        highlighted(text)
            .is_some_and(|row| row.strip_prefix(address).is_some_and(|rest| rest.is_empty() || rest.starts_with("  ")))
    })
}

/// Wait until it has ended with this exit code.
#[track_caller]
pub fn wait_left(screen: &Screen<'_>, code: i32) {
    screen.wait(&format!("left with {code}"));
}

/// A tmux that adds a line to this file for every look at a session.
pub fn counting_tmux(world: &World, log: &Path) -> String {
    let script = format!("#!/bin/sh\ncase \"$*\" in *capture-pane*) echo look >>{} ;; esac\nexec tmux \"$@\"\n", log.display());
    format!("tmux: {}", world.script("counting-tmux", &script).display())
}

/// How many looks there were.
pub fn looks(log: &Path) -> usize {
    fs::read_to_string(log).unwrap_or_default().lines().count()
}
