//! The numbers that the README claims, each beside the raw command it is made of, run in turn in the same loop.
//!
//! `make bench` prints a row for each, and fails when one misses its bound. With words behind it (`cargo bench --bench claims
//! -- opening`) only the groups of these names are measured.

#[path = "../tests/support/crowd.rs"]
mod crowd;
mod discovered;
mod execs;
mod gascity;
mod hub;
mod leftovers;
mod local;
mod logins;
mod memory;
mod opening;
#[path = "../tests/support/operator.rs"]
mod operator;
mod pods;
mod polecats;
#[path = "../tests/support/pty.rs"]
mod pty;
mod push;
mod registry;
#[path = "../tests/support/mod.rs"]
mod support;
mod table;
mod timing;
#[path = "../tests/support/town.rs"]
mod town;

use std::env;
use std::process::ExitCode;

use table::Row;
use timing::SLOWEST_ROUNDS;

/// What belongs together, and is measured together.
type Group = (&'static str, fn() -> Vec<Row>);

const GROUPS: [Group; 13] = [
    ("local", || vec![local::version(), local::completion(), local::peek(), local::open(), local::list(), local::size()]),
    ("pods", || pods::peek().into_iter().chain([pods::one_by_one()]).collect()),
    ("gateway", || [pods::list(pods::WORKERS, SLOWEST_ROUNDS), pods::list(100, 5)].concat()),
    ("leftovers", leftovers::rows),
    ("logins", || vec![logins::list()]),
    ("opening", || opening::rows().into()),
    ("discovered", || vec![discovered::list()]),
    ("gascity", gascity::rows),
    ("polecats", polecats::rows),
    ("memory", || vec![memory::list()]),
    ("registry", registry::rows),
    ("push", || push::rows().into()),
    ("hub", hub::rows),
];

fn main() -> ExitCode {
    // cargo adds flags of its own.
    let wanted: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|word| word == name);
    let rows: Vec<Row> = GROUPS.iter().filter(|(name, _)| is_wanted(name)).flat_map(|(_, rows)| rows()).collect();
    table::print(&rows);
    if table::all_hold(&rows) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
