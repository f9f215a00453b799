//! Workers that are pods, through the real kubectl, with 50 ms for each request and each frame to go and come back.

use std::fs;
use std::process::Command;
use std::time::Duration;

use kubesim::{Cluster, Fault, everything};

use crate::execs::Execs;
use crate::operator::Operator;
use crate::table::{Bound, Row};
use crate::timing::{Pair, SLOW_ROUNDS, SLOWEST_ROUNDS, in_turn, measure, time};

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

/// So many workers, whose gateway has to be started, beside the very same execs by xargs, as many at the same time: how long
/// that takes, and how much of the processor, kubectl's part included.
pub fn list(workers: usize, rounds: usize) -> [Row; 2] {
    let operator = far_away(workers);
    let execs = Execs::of(&operator, &["list"], workers);
    let [took, cost] = in_turn_accounted(&operator, rounds, &operator.world.command(&["list"]), &execs.run(&operator, 16));
    let beside = "the same execs by `xargs -P16`";
    [
        Row::time(&format!("`list`, {workers} pods"), took, beside, Bound::Times(0.8)),
        Row::time(&format!("the same, processor time, {workers} pods"), cost, beside, Bound::Times(0.5)),
    ]
}

/// Run both commands in turn; how long they take, and how much of the processor.
pub fn in_turn_accounted(operator: &Operator, rounds: usize, ours: &Command, raw: &Command) -> [Pair; 2] {
    let [mut ours, mut raw] = [ours, raw].map(|command| accounted(operator, command));
    let pairs: Vec<_> = (0..=rounds).map(|_| (run(&mut ours), run(&mut raw))).skip(1).collect();
    let of =
        |which: fn(&Cost) -> Duration| Pair::of(&pairs.iter().map(|(ours, raw)| (which(ours), which(raw))).collect::<Vec<_>>());
    [of(|cost| cost.time), of(|cost| cost.processor)]
}

/// What a command takes.
struct Cost {
    time: Duration,
    processor: Duration,
}

/// A shell that runs a command, and says what that and everything that it waited for has taken.
fn accounted(operator: &Operator, command: &Command) -> Command {
    let script = "TIMEFORMAT='%R %U %S'; { time \"$@\" >/dev/null 2>&1; } 2>&1";
    let mut shell = operator.world.program("bash");
    shell.args(["-c", script, "bash"]).arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

fn run(command: &mut Command) -> Cost {
    let said = command.output().unwrap();
    assert!(said.status.success());
    let said = String::from_utf8(said.stdout).unwrap();
    let seconds: Vec<f64> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
    Cost { time: Duration::from_secs_f64(seconds[0]), processor: Duration::from_secs_f64(seconds[1] + seconds[2]) }
}

/// Twenty of them, beside one exec after the other.
pub fn one_by_one() -> Row {
    let operator = far_away(WORKERS);
    let execs = Execs::of(&operator, &["list"], WORKERS);
    let pair = in_turn(3, operator.world.command(&["list"]), execs.run(&operator, 1));
    Row::time("`list`, 20 pods", pair, "the same, one after the other", Bound::Times(0.5))
}
