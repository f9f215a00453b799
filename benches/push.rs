//! What workers tell by themselves: from the event in the pod to the line of `watch`, beside one look at the pod by kubectl. 50 ms for
//! each request and each frame to go and come back.

use std::cell::Cell;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, Running, everything};

use crate::operator::Operator;
use crate::table::{Bound, Row};
use crate::timing::{SLOW_ROUNDS, measure, time};

const ROUND_TRIP: Duration = Duration::from_millis(50);
/// What a push may take beside the way here.
const PUSH: Duration = Duration::from_millis(300);

/// A `watch` of two pods of one cluster.
struct Watching {
    operator: Operator,
    workers: [Running; 2],
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Watching {
    fn start() -> Self {
        let cluster = Cluster::start();
        let workers = ["a", "b"].map(|name| cluster.pod(name).session("qa", "exec cat").start());
        let operator = Operator::of(cluster).worker("a", "pod/a", "").worker("b", "pod/b", "");
        operator.run(&["list"]).expect(0);
        operator.cluster.when(everything()).then(Fault::slow(ROUND_TRIP));
        let mut child = operator.world.command(&["watch", "--json"]).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut watching = Self { operator, workers, child, output };
        watching.wait("a/qa");
        watching
    }

    fn wait(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "watch has ended");
        }
    }

    /// Have something done in the pod, and wait until it is said.
    fn push(&mut self, tmux: &[&str], text: &str) -> Duration {
        let began = Instant::now();
        self.workers[0].pod().tmux(tmux);
        self.wait(text);
        began.elapsed()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn rows() -> [Row; 3] {
    let mut watching = Watching::start();
    let mut raw = watching.operator.world.program("kubectl");
    raw.args(["exec", "pod/a", "--", "tmux", "list-sessions"]);
    let number = Cell::new(0);
    let next = || {
        number.set(number.get() + 1);
        format!("s{}", number.get())
    };
    let beside = "`kubectl exec … tmux list-sessions`, once";
    let bound = Bound::Time(PUSH + ROUND_TRIP / 2);
    let mut row = |what: &str, push: &mut dyn FnMut(&mut Watching) -> Duration| {
        let pair = measure(SLOW_ROUNDS, || push(&mut watching), || time(&mut raw));
        Row::time(&format!("{what} → line of `watch`"), pair, beside, bound)
    };
    [
        row("session made in a pod", &mut |watching| {
            let name = next();
            watching.push(&["new-session", "-d", "-s", &name], &format!("a/{name}\""))
        }),
        row("session renamed", &mut |watching| {
            let (name, new) = (next(), next());
            watching.push(&["new-session", "-d", "-s", &name], &format!("a/{name}\""));
            watching.push(&["rename-session", "-t", &format!("={name}:"), &new], &format!("a/{new}\""))
        }),
        row("session ended", &mut |watching| {
            let name = next();
            watching.push(&["new-session", "-d", "-s", &name], &format!("a/{name}\""));
            watching.push(&["kill-session", "-t", &format!("={name}:")], "\"gone\"")
        }),
    ]
}
