//! One source of workers: whether it says which there are.

use std::time::Duration;

use super::Check;
use crate::discovery;
use crate::registry::source::Source;

pub fn check(source: &Source, timeout: Duration) -> Check {
    const NAME: &str = "workers";
    match discovery::ask_in_turn(source, None, timeout) {
        Err(failure) => Check::failed(NAME, &failure),
        Ok(found) => match found.len() {
            0 => Check::ok(NAME, "it answers, and has none just now"),
            1 => Check::ok(NAME, "it has 1"),
            count => Check::ok(NAME, format!("it has {count}")),
        },
    }
}
