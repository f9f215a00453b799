//! What commands about polecats cost through one kubectl, beside the same commands with a kubectl for each question, with the same
//! distance to go as for pods.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kubesim::{Fault, everything};
use serde_json::json;

use crate::operator::Operator;
use crate::pods::in_turn_accounted;
use crate::table::{Bound, Row};
use crate::timing::SLOWEST_ROUNDS;
use crate::town;

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// Those that count as stuck by their age, and are asked whether they say anything.
const OLD: usize = 8;

/// A town with so many old polecats, and one that is done.
fn far_away() -> Operator {
    let cluster = town::town();
    // Where one kubectl is all that it takes.
    cluster.namespace("calm");
    let old: Vec<_> = (0..OLD).map(|number| format!("old-{number}")).collect();
    for name in &old {
        town::polecat(&cluster, name);
        town::says(&cluster, name, json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
    }
    town::polecat(&cluster, "done");
    town::says(&cluster, "done", town::ended(0));
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
    operator
}

/// Each command, how many kubectls it would take, and how much of their time and of their processor time it may.
pub fn rows() -> Vec<Row> {
    let operator = far_away();
    let by_itself = operator.world.path("by-itself");
    // As where it was found that there can be no gateway.
    let state = by_itself.join("factory-worker");
    DirBuilder::new().recursive(true).mode(0o700).create(&state).unwrap();
    let name = format!("{} {} ", which::which("kubectl").unwrap().display(), operator.cluster.kubeconfig().display());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    fs::write(state.join("gateways.json"), json!({ name: { "since": now, "why": "for comparison" } }).to_string()).unwrap();
    let commands = [
        ("list", &["list"][..], 1 + OLD, 0.6, 0.35),
        ("list --namespace calm", &["list", "--namespace", "calm"], 1, 1.1, 1.25),
        ("status", &["status", "old-0"], 2, 0.6, 0.7),
        ("logs", &["logs", "old-0"], 2, 0.6, 0.7),
        ("stop", &["stop", "old-0"], 2, 0.6, 0.7),
        ("retry --dry-run", &["retry", "old-1", "--dry-run", "--force"], 2, 0.6, 0.7),
        ("clean --dry-run", &["clean", "--dry-run"], 2, 0.6, 0.7),
    ];
    let row = |(name, arguments, kubectls, time, processor): (&str, &[&str], usize, f64, f64)| {
        let arguments = [&["polecat"], arguments].concat();
        let ours = operator.world.command(&arguments);
        let mut one_by_one = operator.world.command(&arguments);
        one_by_one.env("XDG_STATE_HOME", &by_itself);
        let [took, cost] = in_turn_accounted(&operator, SLOWEST_ROUNDS, &ours, &one_by_one);
        let beside =
            if kubectls == 1 { "the same by `kubectl get`".to_owned() } else { format!("the same by {kubectls} kubectls") };
        [
            Row::time(&format!("`polecat {name}`"), took, &beside, Bound::Times(time)),
            Row::time("the same, processor time", cost, &beside, Bound::Times(processor)),
        ]
    };
    commands.into_iter().flat_map(row).collect()
}
