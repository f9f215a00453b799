//! Waiting for a condition instead of for a time.

use std::time::{Duration, Instant};

/// How long a condition may take to come true. Generous: a loaded machine must not fail a test.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often to look, at first and later: each look is a process, and what many who wait for long take, everybody lacks.
const LOOK_EVERY: Duration = Duration::from_millis(15);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(60);

/// Wait for a condition outside the screen.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut looks = Looks::begin();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(looks.again(), "waited in vain for {what}");
    }
}

/// Looks at something that is waited for, ever more seldom.
pub(super) struct Looks {
    end: Instant,
    pause: Duration,
}

impl Looks {
    pub(super) fn begin() -> Self {
        Self { end: Instant::now() + PATIENCE, pause: LOOK_EVERY }
    }

    /// Wait for the next look; `false` when it has taken too long.
    pub(super) fn again(&mut self) -> bool {
        std::thread::sleep(self.pause);
        self.pause = (self.pause * 5 / 4).min(LOOK_AT_LEAST_EVERY);
        Instant::now() < self.end
    }
}
