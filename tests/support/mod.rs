//! The world of a black-box test ([`World`]) and the operator's terminal in it ([`Screen`]).
//!
//! The terminal is a tmux of its own (the *outer* one): its pane is a real pty in which the operator's tmux (the *inner*
//! one) has its client, so `keys` are real key presses and `text` is what a person would see, popups included.
//! Everything ends when the world is dropped, also when the test fails.

#![allow(dead_code, unused_imports)] // every test binary uses its own part

mod names;
pub mod nested;
mod screen;
pub mod shells;
mod world;

pub use kubesim::{Ran, Terminal, eventually};
pub use names::{HOSTILE_NAMES, long_name};
pub use screen::Screen;
pub use world::World;

pub const BIN: &str = env!("CARGO_BIN_EXE_factory-worker");
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Whether tmux's version, e.g. `3.3a` or `next-3.8`, is this one or newer; one without a number is newer than all.
fn is_at_least(version: &str, major: u32, minor: u32) -> bool {
    let mut numbers = version.split(|byte: char| !byte.is_ascii_digit()).filter_map(|digits| digits.parse::<u32>().ok());
    numbers.next().is_none_or(|found| (found, numbers.next().unwrap_or(0)) >= (major, minor))
}
