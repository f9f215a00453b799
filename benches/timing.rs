//! Measuring two commands side by side: what is slow on the machine just now is slow for both.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Runs that count, for what takes milliseconds.
pub const ROUNDS: usize = 60;
/// The same for what takes a part of a second, and for what takes seconds.
pub const SLOW_ROUNDS: usize = 31;
pub const SLOWEST_ROUNDS: usize = 9;

/// Two commands that were run in turn.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    /// Medians.
    pub ours: Duration,
    pub raw: Duration,
    /// The median of the rounds' own ratios: a machine that becomes busy half-way does not move it.
    pub ratio: f64,
}

/// Run both commands `rounds` times, in turn.
pub fn in_turn(rounds: usize, mut ours: Command, mut raw: Command) -> Pair {
    measure(rounds, || time(&mut ours), || time(&mut raw))
}

/// The same for anything that takes time and says how much.
pub fn measure(rounds: usize, mut ours: impl FnMut() -> Duration, mut raw: impl FnMut() -> Duration) -> Pair {
    // The first ones warm the caches up.
    for _ in 0..(rounds / 8).max(1) {
        ours();
        raw();
    }
    let pairs: Vec<(Duration, Duration)> = (0..rounds)
        .map(|round| {
            // Neither is always the one that comes second.
            if round % 2 == 0 {
                (ours(), raw())
            } else {
                let raw = raw();
                (ours(), raw)
            }
        })
        .collect();
    Pair::of(&pairs)
}

impl Pair {
    /// Of rounds that somebody has measured: ours and the raw command's time.
    pub fn of(rounds: &[(Duration, Duration)]) -> Self {
        Self {
            ours: median(rounds.iter().map(|round| round.0).collect()),
            raw: median(rounds.iter().map(|round| round.1).collect()),
            ratio: median(rounds.iter().map(|(ours, raw)| ours.as_secs_f64() / raw.as_secs_f64()).collect()),
        }
    }
}

/// Run a command to its end, its output thrown away.
pub fn time(command: &mut Command) -> Duration {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let begin = Instant::now();
    let status = command.status().unwrap();
    let took = begin.elapsed();
    assert!(status.success(), "{command:?} failed: {status}");
    took
}

fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).unwrap());
    values[values.len() / 2]
}
