//! The numbers that the README claims, each beside the raw command it is made of, run in turn in the same loop.
//!
//! `make bench` prints a row for each, and fails when one misses its bound.

mod discovered;
mod execs;
mod gascity;
mod local;
mod memory;
#[path = "../tests/support/operator.rs"]
mod operator;
mod pods;
#[path = "../tests/support/mod.rs"]
mod support;
mod table;
mod timing;
#[path = "../tests/support/town.rs"]
mod town;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut rows = vec![local::version(), local::completion(), local::peek(), local::open(), local::list(), local::size()];
    rows.extend(pods::peek());
    rows.extend(pods::list());
    rows.push(discovered::list());
    rows.extend(gascity::rows());
    rows.push(memory::list());
    table::print(&rows);
    if table::all_hold(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
