//! `make soak`: windows in a storm, the round trip of a key, and what an idle view takes. Prints a report, and fails when a
//! bound is missed. `SOAK_SEED` gives the storm of an earlier report once more.

#[path = "../tests/soak/chance.rs"]
mod chance;
#[path = "../tests/soak/fleet.rs"]
mod fleet;
#[path = "../tests/soak/idle.rs"]
mod idle;
#[path = "../tests/support/operator.rs"]
mod operator;
#[path = "../tests/support/pty.rs"]
mod pty;
#[path = "../tests/support/sleep.rs"]
mod sleep;
#[path = "../tests/soak/storm.rs"]
mod storm;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "../tests/support/traces.rs"]
mod traces;
#[path = "../tests/soak/typing.rs"]
mod typing;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use chance::Chance;
use storm::{Aftermath, Weather};

/// Five windows, of pods of Debian and of Alpine: 100 cuts, 100 freezes, 20 pods, 20 first connections that fail, 5 outages, a
/// minute of sleep.
const STORM: Weather = Weather {
    cuts: 20,
    freezes: 20,
    replacements: 4,
    openings: 4,
    outages: 5,
    outage: Duration::from_secs(10),
    sleeps: 1,
    sleep: Duration::from_secs(60),
};

fn main() -> ExitCode {
    let begin = Instant::now();
    let mut report = Report { holds: true };
    let typing = typing::run(1_200);
    let bound = typing.spread().max(1.02);
    println!("typing, {} keys each: {:.3?} through a window, {:.3?} raw", typing.keys, typing.ours, typing.raw);
    report.line(
        "a key through a window, against raw",
        format!("{:.3}", typing.ratio()),
        format!("≤ {bound:.3}"),
        typing.ratio() <= bound,
    );
    let idle = idle::run(Duration::from_secs(20));
    let percent = idle.processor * 100.0;
    report.line("processor of an idle view", format!("{percent:.3} %"), "≤ 0.1 %".to_owned(), percent <= 0.1);
    let megabytes = idle.memory as f64 / 1e6;
    report.line("memory of an idle view", format!("{megabytes:.1} MB"), "≤ 8 MB".to_owned(), megabytes <= 8.0);
    storm(&mut report);
    // Five windows come back at the same moment; what else the machine has to do then shows in their times.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("took {:.0?}; load average {}", begin.elapsed(), load.trim());
    if report.holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn storm(report: &mut Report) {
    let after = storm::run(STORM, &mut Chance::start());
    let (seen, while_down) = after.words();
    let Aftermath { cuts, freezes, replacements, openings, outages, sleeps, .. } = after;
    println!("storm: {cuts} cuts, {freezes} freezes, {replacements} pods replaced, {outages} outages, {sleeps} sleeps;");
    println!("       {openings} windows whose first connection failed;");
    println!("       {seen} words seen, {while_down} typed while down");
    report.line("connections broken", (cuts + freezes).to_string(), "≥ 200".to_owned(), cuts + freezes >= 200);
    for (what, count) in after.faults() {
        report.line(what, count.to_string(), "0".to_owned(), count == 0);
    }
    report.time("nothing passes → stalled, at most", most(&after.stalled), 6.5);
    report.time("nothing passes → given up, at most", most(&after.given_up), 12.5);
    for (what, times) in [("cut", &after.after_cut), ("freeze", &after.after_freeze), ("outage", &after.after_outage)] {
        let [median, late] = quantiles(times);
        println!("back after a {what} → usable: median {median:.2?}, 95th percentile {late:.2?}");
    }
    let [median, late] = quantiles(&[after.after_cut, after.after_freeze, after.after_outage].concat());
    report.time("network back → usable, median", median, 1.0);
    report.time("network back → usable, 95th percentile", late, 3.0);
    let [median, _] = quantiles(&after.resumed);
    println!("awake, network back → usable: median {median:.2?}");
    report.time("awake, network back → usable, at most", most(&after.resumed), 3.0);
    let [median, late] = quantiles(&after.opened);
    println!("API server back → usable for the first time: median {median:.2?}, 95th percentile {late:.2?}");
    let [median, late] = quantiles(&after.replaced);
    println!("new pod ready → usable: median {median:.2?}, 95th percentile {late:.2?}");
}

fn most(times: &[Duration]) -> Duration {
    times.iter().copied().max().unwrap_or_default()
}

/// The median and the 95th percentile.
fn quantiles(times: &[Duration]) -> [Duration; 2] {
    let mut times = times.to_vec();
    times.sort();
    [times.len() / 2, times.len() * 95 / 100].map(|at| times[at.min(times.len() - 1)])
}

struct Report {
    holds: bool,
}

impl Report {
    fn line(&mut self, what: &str, value: String, bound: String, holds: bool) {
        println!("| {what:<45} | {value:>10} | {bound:>9} | {} |", if holds { "ok" } else { "MISSED" });
        self.holds &= holds;
    }

    fn time(&mut self, what: &str, time: Duration, bound: f64) {
        let seconds = time.as_secs_f64();
        self.line(what, format!("{seconds:.2} s"), format!("≤ {bound} s"), seconds <= bound);
    }
}
