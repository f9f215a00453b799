//! Chance that can be had again: a seed is printed, and can be given.

use std::env;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The environment variable that gives the seed.
const SEED: &str = "SOAK_SEED";

/// Numbers by xorshift (Marsaglia 2003).
pub struct Chance(u64);

impl Chance {
    /// From the seed that is given, or from the clock; says which.
    pub fn start() -> Self {
        let given = env::var(SEED).ok().map(|text| text.parse().expect("SOAK_SEED is a number"));
        let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64 % 1_000_000);
        let seed = given.unwrap_or_else(now).max(1);
        println!("{SEED}={seed}");
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// Chance of its own for somebody who works at the same time.
    pub fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub fn time(&mut self, least: Duration, most: Duration) -> Duration {
        least + Duration::from_millis(self.below((most - least).as_millis() as u64 + 1))
    }
}
