//! Workers that are pods, through the real kubectl, with 50 ms for each request and each frame to go and come back.

use std::fs;
use std::time::Duration;

use kubesim::{Cluster, Fault, everything};

use crate::execs::Execs;
use crate::operator::Operator;
use crate::table::{Bound, Row};
use crate::timing::{SLOW_ROUNDS, SLOWEST_ROUNDS, in_turn, measure, time};

const ROUND_TRIP: Duration = Duration::from_millis(50);
pub const WORKERS: usize = 20;

/// An operator with so many Deployments as workers, all of them far away and found before.
pub fn far_away(workers: usize) -> Operator {
    let cluster = Cluster::start();
    let names: Vec<_> = (0..workers).map(|number| format!("worker-{number}")).collect();
    for name in &names {
        cluster.deployment(name).session("qa", "seq 1 200; exec cat").start();
    }
    let operator = names.iter().fold(Operator::of(cluster), |operator, name| operator.worker(name, name, ""));
    operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
    assert!(operator.rows().iter().all(|row| row["status"] == "running"));
    operator
}

/// The last lines of a session, beside kubectl and tmux doing nothing but that; first with the pod known, then without.
pub fn peek() -> [Row; 2] {
    let operator = far_away(1);
    let world = &operator.world;
    let pod = operator.rows()[0]["pod"].as_str().unwrap().to_owned();
    let exec = ["exec", &format!("pod/{pod}"), "--", "tmux", "capture-pane", "-p", "-e", "-S", "-50", "-t", "=qa:"];
    let mut raw = world.program("kubectl");
    raw.args(exec);
    let known = in_turn(SLOW_ROUNDS, world.command(&["peek", "worker-0/qa"]), raw);

    let mut raw = world.program("sh");
    raw.args(["-c", "kubectl get deployments,statefulsets,pods --output=json && exec kubectl \"$@\"", "sh"]).args(exec);
    let mut ours = world.command(&["peek", "worker-0/qa"]);
    let unknown = || {
        fs::remove_dir_all(world.path("state")).unwrap();
        time(&mut ours)
    };
    let cold = measure(SLOWEST_ROUNDS, unknown, || time(&mut raw));
    [
        Row::time("`peek`, pod", known, "`kubectl exec … tmux capture-pane`", Bound::Times(1.10)),
        Row::time("`peek`, pod not known yet", cold, "`kubectl get …`, then that", Bound::Times(1.10)),
    ]
}

/// Twenty workers, beside the very same execs by xargs: as many at the same time, and one after the other.
pub fn list() -> [Row; 2] {
    let operator = far_away(WORKERS);
    let execs = Execs::of(&operator, &["list"], WORKERS);
    let ours = || operator.world.command(&["list"]);
    let together = in_turn(SLOWEST_ROUNDS, ours(), execs.run(&operator, 16));
    let one_by_one = in_turn(3, ours(), execs.run(&operator, 1));
    [
        Row::time("`list`, 20 pods", together, "the same execs by `xargs -P16`", Bound::Times(1.15)),
        Row::time("`list`, 20 pods", one_by_one, "the same, one after the other", Bound::Times(0.5)),
    ]
}
