//! Workers that are found: a fleet, a city and a town, with the same distance to go as for pods.

use std::time::Duration;

use kubesim::{Fault, everything};

use crate::execs::Execs;
use crate::operator::Operator;
use crate::table::{Bound, Row};
use crate::timing::{SLOWEST_ROUNDS, in_turn};
use crate::town;

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Of each kind. Nobody has to ask a polecat's pod.
const WORKERS: usize = 8;

/// All of them, beside the very same questions and execs by xargs.
pub fn list() -> Row {
    let cluster = town::town();
    cluster.deployment("fleet").replicas(WORKERS).session("qa", "cat").start();
    for number in 0..WORKERS {
        town::agent(&cluster, &format!("agent-{number}"), &format!("agent-{number}"), "/city");
        town::polecat(&cluster, &format!("cat-{number}"));
    }
    let operator = Operator::of(cluster).discovers(&["pods: {selector: app=fleet}", "gascity: {}", "gastown: {}"]);
    operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
    let rows = operator.rows();
    assert!(rows.len() == 3 * WORKERS && rows.iter().all(|row| row["status"] == "running" || row["status"] == "working"));
    let execs = Execs::of(&operator, &["list"], 2 * WORKERS);
    assert_eq!(execs.questions(), 3, "one for each source");
    let pair = in_turn(SLOWEST_ROUNDS, operator.world.command(&["list"]), execs.run(&operator, 16));
    Row::time(
        "`list`, 24 workers of three sources",
        pair,
        "the same `get`s, then the same execs by `xargs -P16`",
        Bound::Times(0.8),
    )
}
