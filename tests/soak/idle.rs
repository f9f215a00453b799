//! What an idle view takes, beside what its kubectl takes.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::fleet::Fleet;

/// Of one view, the most of all.
#[derive(Debug)]
pub struct Idle {
    /// Of a core: 0.01 is one percent.
    pub processor: f64,
    /// Bytes.
    pub memory: u64,
}

/// Watch all windows of a fleet for so long.
pub fn run(time: Duration) -> Idle {
    let fleet = Fleet::start();
    let screen = fleet.operator.world.screen();
    let windows = fleet.open(&screen);
    let views: Vec<String> = windows.iter().map(|window| window.ask("#{pane_pid}")).collect();
    // What they ask when they have arrived is not what they do all day.
    thread::sleep(Duration::from_secs(3));
    let begin = Instant::now();
    let before: Vec<Duration> = views.iter().map(|view| processor(view)).collect();
    thread::sleep(time);
    let took = views.iter().zip(before).map(|(view, before)| processor(view) - before).max().unwrap_or_default();
    Idle {
        processor: took.as_secs_f64() / begin.elapsed().as_secs_f64(),
        memory: views.iter().map(|view| memory(view)).max().unwrap_or_default(),
    }
}

/// The processor time of all its threads.
fn processor(process: &str) -> Duration {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap().flatten();
    let times = threads.map(|thread| {
        let text = fs::read_to_string(thread.path().join("schedstat")).unwrap();
        text.split(' ').next().and_then(|time| time.parse::<u64>().ok()).unwrap()
    });
    Duration::from_nanos(times.sum())
}

/// What it has that no other process has too, and what it shares.
fn memory(process: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<u64>().unwrap() * 1024
}
