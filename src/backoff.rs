//! How long to wait before the next try.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(200);
const LONGEST: Duration = Duration::from_secs(15);

/// Waits that double from 200 ms to 15 s, each shortened at random by up to a third: many who lost the same connection do
/// not come back in step.
#[derive(Debug)]
pub struct Backoff {
    next: Duration,
    /// The wait that follows the first one since what was lost was there again.
    relapse: Option<Duration>,
    /// Numbers from 0 up to 1.
    random: fn() -> f64,
}

impl Backoff {
    pub fn new() -> Self {
        Self::with(some_number)
    }

    /// The same with other random numbers.
    pub fn with(random: fn() -> f64) -> Self {
        Self { next: FIRST, relapse: None, random }
    }

    /// Begin with the shortest wait again.
    pub fn reset(&mut self) {
        self.next = FIRST;
        self.relapse = None;
    }

    /// What was lost is there again. How long that took says nothing about the next loss; that it is lost again and again does.
    pub fn settle(&mut self) {
        if let Some(relapse) = self.relapse.take() {
            self.next = self.next.min(relapse);
        }
    }

    /// The next wait. A pod that is being replaced is worth looking at more often: `waited` is how long that has been
    /// going on.
    pub fn next(&mut self, waited: Option<Duration>) -> Duration {
        let longest = match waited {
            Some(waited) if waited < Duration::from_secs(60) => Duration::from_secs(2),
            Some(waited) if waited < Duration::from_secs(600) => Duration::from_secs(5),
            _ => LONGEST,
        };
        let whole = self.next.min(longest);
        self.next = (self.next * 2).min(LONGEST);
        self.relapse.get_or_insert(self.next);
        // The first wait is as short as it can be already.
        if whole == FIRST { whole } else { whole.mul_f64(1.0 - (self.random)() / 3.0) }
    }
}

fn some_number() -> f64 {
    (RandomState::new().build_hasher().finish() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(random: fn() -> f64, waited: Option<Duration>) -> Vec<u128> {
        let mut backoff = Backoff::with(random);
        (0..9).map(|_| backoff.next(waited).as_millis()).collect()
    }

    #[test]
    fn it_doubles_up_to_fifteen_seconds() {
        assert_eq!(waits(|| 0.0, None), [200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
    }

    #[test]
    fn jitter_only_shortens_and_never_the_first() {
        assert_eq!(waits(|| 1.0, None), [200, 266, 533, 1066, 2133, 4266, 8533, 10_000, 10_000]);
    }

    #[test]
    fn a_pod_is_looked_for_more_often_at_first() {
        assert_eq!(waits(|| 0.0, Some(Duration::ZERO)), [200, 400, 800, 1600, 2000, 2000, 2000, 2000, 2000]);
        assert_eq!(waits(|| 0.0, Some(Duration::from_secs(60)))[8], 5000);
        assert_eq!(waits(|| 0.0, Some(Duration::from_secs(600)))[8], 15_000);
    }

    #[test]
    fn a_reset_begins_anew() {
        let mut backoff = Backoff::with(|| 0.0);
        let _ = (backoff.next(None), backoff.next(None));
        backoff.reset();
        assert_eq!(backoff.next(None), FIRST);
    }

    #[test]
    fn a_long_outage_counts_as_one_loss() {
        let mut backoff = Backoff::with(|| 0.0);
        let lose = |backoff: &mut Backoff, tries: usize| {
            let waits: Vec<_> = (0..tries).map(|_| backoff.next(None).as_millis()).collect();
            backoff.settle();
            waits
        };
        assert_eq!(lose(&mut backoff, 5), [200, 400, 800, 1600, 3200]);
        assert_eq!(lose(&mut backoff, 3), [400, 800, 1600]);
        assert_eq!(lose(&mut backoff, 1), [800]);
    }

    #[test]
    fn random_numbers_are_in_their_range_and_differ() {
        let numbers: Vec<f64> = (0..100).map(|_| some_number()).collect();
        assert!(numbers.iter().all(|number| (0.0..1.0).contains(number)));
        assert!(numbers.windows(2).any(|pair| pair[0] != pair[1]));
    }
}
