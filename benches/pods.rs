//! Workers that are pods, through the real kubectl, with 50 ms for each request and each frame to go and come back.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use kubesim::{Cluster, Fault, everything};

use crate::operator::Operator;
use crate::table::{Bound, Row};
use crate::timing::{SLOW_ROUNDS, SLOWEST_ROUNDS, in_turn, measure, time};

const ROUND_TRIP: Duration = Duration::from_millis(50);
const WORKERS: usize = 20;

/// An operator with so many Deployments as workers, all of them far away and found before.
fn far_away(workers: usize) -> Operator {
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
    let execs = Execs::of(&operator, &["list"]);
    let ours = || operator.world.command(&["list"]);
    let together = in_turn(SLOWEST_ROUNDS, ours(), execs.by_xargs(&operator, 16));
    let one_by_one = in_turn(3, ours(), execs.by_xargs(&operator, 1));
    [
        Row::time("`list`, 20 pods", together, "the same execs by `xargs -P16`", Bound::Times(1.15)),
        Row::time("`list`, 20 pods", one_by_one, "the same, one after the other", Bound::Times(0.5)),
    ]
}

/// The kubectl commands that one of ours runs.
struct Execs {
    /// Their arguments, each followed by NUL.
    file: PathBuf,
    /// How many arguments each has.
    words: usize,
}

impl Execs {
    fn of(operator: &Operator, arguments: &[&str]) -> Self {
        let directory = operator.world.path("execs");
        fs::create_dir(&directory).unwrap();
        let noting = format!("#!/bin/sh\nprintf '%s\\0' \"$@\" >'{}'/$$\nexec kubectl \"$@\"\n", directory.display());
        let noting = operator.world.script("noting-kubectl", &noting);
        time(operator.world.command(arguments).env("FACTORY_KUBECTL", noting));
        let execs: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect();
        let words = |exec: &Vec<u8>| exec.iter().filter(|&&byte| byte == 0).count();
        assert!(execs.len() == WORKERS && execs.iter().all(|exec| words(exec) == words(&execs[0])));
        let file = operator.world.path("all-execs");
        fs::write(&file, execs.concat()).unwrap();
        Self { file, words: words(&execs[0]) }
    }

    fn by_xargs(&self, operator: &Operator, parallel: usize) -> Command {
        let mut command = operator.world.program("xargs");
        command.args(["-0", &format!("-P{parallel}"), &format!("-n{}", self.words)]);
        command.arg("-a").arg(&self.file).arg("kubectl");
        command
    }
}
