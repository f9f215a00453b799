//! What the hub makes of it, 50 ms for each request and each frame to go and come back: `list` and `peek` as whole processes, what it
//! costs while nothing happens, and how soon all are there again after an outage.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::execs::Execs;
use crate::operator::Operator;
use crate::pods;
use crate::table::{Bound, Row};
use crate::timing::{Pair, ROUNDS, SLOW_ROUNDS, in_turn, time};

const MANY: usize = 100;
/// What a process that asks the hub may take beside the way to the worker.
const OVERHEAD: Duration = Duration::from_millis(10);
const ROUND_TRIP: Duration = Duration::from_millis(50);
const IDLE: Duration = Duration::from_secs(60);
/// One hundredth of a core.
const IDLE_COSTS: Duration = Duration::from_millis(600);
/// Of the hub and the gateway together, in bytes.
const IDLE_TAKES: u64 = 96_000_000;
const OUTAGE: Duration = Duration::from_secs(10);
/// By how much those who come back may be apart.
const JITTER: Duration = Duration::from_secs(3);

/// A hub that knows so many workers.
struct Hub {
    operator: Operator,
    child: Child,
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Hub {
    fn of(workers: usize) -> Self {
        let Operator { world, cluster } = pods::far_away(workers);
        let operator = Operator { world: world.env("FACTORY_WORKER_LIVE", "on"), cluster };
        let child = operator.world.command(&["hub"]).stderr(Stdio::null()).spawn().unwrap();
        let hub = Self { operator, child };
        hub.wait_until_all_are_there();
        hub
    }

    fn wait_until_all_are_there(&self) {
        loop {
            let rows = self.operator.rows();
            if rows.iter().all(|row| row["status"] == "running" && row["via"] == "hub") {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// How many it says are there.
    fn there(&self) -> usize {
        let said = self.operator.run(&["hub", "status", "--json"]).expect(0).stdout;
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let rows = said["registries"][0]["rows"].as_array().unwrap();
        rows.iter().filter(|row| row["answer"].get("Ok").is_some()).count()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.operator.world.command(arguments)
    }

    /// The hub, and the kubectl of its gateway.
    fn processes(&self) -> Vec<u32> {
        let mut found = vec![self.child.id()];
        let mut next = 0;
        while next < found.len() {
            let children = fs::read_dir(format!("/proc/{}/task", found[next])).unwrap().flatten();
            let children: String =
                children.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default()).collect();
            found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            next += 1;
        }
        found
    }
}

pub fn rows() -> Vec<Row> {
    let mut rows = vec![peek()];
    rows.push(list(pods::WORKERS));
    let hub = Hub::of(MANY);
    rows.push(list_of(&hub, MANY));
    rows.extend(idle(&hub));
    rows.push(outage(&hub));
    rows
}

fn peek() -> Row {
    let hub = Hub::of(1);
    let pod = hub.operator.rows()[0]["pod"].as_str().unwrap().to_owned();
    let mut raw = hub.operator.world.program("kubectl");
    raw.args(["exec", &format!("pod/{pod}"), "--", "tmux", "capture-pane", "-p", "-e", "-S", "-50", "-t", "=qa:"]);
    let pair = in_turn(SLOW_ROUNDS, hub.command(&["peek", "worker-0/qa"]), raw);
    Row::time("`peek` by the hub", pair, "`kubectl exec … tmux capture-pane`", Bound::Time(OVERHEAD + ROUND_TRIP))
}

fn list(workers: usize) -> Row {
    list_of(&Hub::of(workers), workers)
}

fn list_of(hub: &Hub, workers: usize) -> Row {
    let nothing = hub.command(&["--version"]);
    let pair = in_turn(ROUNDS, hub.command(&["list"]), nothing);
    Row::time(&format!("`list` by the hub, {workers} pods"), pair, "`factory-worker --version`", Bound::Over(OVERHEAD))
}

fn idle(hub: &Hub) -> [Row; 2] {
    let processes = hub.processes();
    let cost = || processes.iter().map(|pid| processor(*pid)).sum::<Duration>();
    let before = cost();
    thread::sleep(IDLE);
    let took = cost() - before;
    let memory = processes.iter().map(|pid| memory(*pid)).sum();
    let pair = Pair { ours: took, raw: IDLE, ratio: took.as_secs_f64() / IDLE.as_secs_f64() };
    [
        Row::size(&format!("hub and gateway, {MANY} pods, idle: memory"), memory, IDLE_TAKES),
        Row::time("the same: processor time", pair, "the time it was idle", Bound::Time(IDLE_COSTS)),
    ]
}

/// Resident memory that is its own, in bytes.
fn memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or("0 kB");
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}

fn processor(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let ticks: u64 = [11, 12].iter().filter_map(|field| fields.get(*field)?.parse::<u64>().ok()).sum();
    // USER_HZ is 100 on Linux.
    Duration::from_millis(ticks * 10)
}

/// From when the network is there again until all workers are, beside one exec for each, eight at a time.
fn outage(hub: &Hub) -> Row {
    let execs = Execs::of(&hub.operator, &["list", "--fresh"], MANY);
    let cluster = &hub.operator.cluster;
    cluster.refuse_connections();
    cluster.drop_connections();
    while hub.there() > 0 {
        thread::sleep(Duration::from_millis(50));
    }
    thread::sleep(OUTAGE);
    cluster.accept_connections();
    let began = Instant::now();
    while hub.there() < MANY {
        thread::sleep(Duration::from_millis(50));
    }
    let ours = began.elapsed();
    let raw = time(&mut execs.run(&hub.operator, 8));
    let pair = Pair { ours, raw, ratio: ours.as_secs_f64() / raw.as_secs_f64() };
    let what = format!("{MANY} pods after an outage of {} s: all are there", OUTAGE.as_secs());
    Row::time(&what, pair, "an exec for each by `xargs -P8`", Bound::Over(JITTER))
}
