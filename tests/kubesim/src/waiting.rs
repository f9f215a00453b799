//! Waiting for a condition instead of for a time.

use std::thread;
use std::time::{Duration, Instant};

/// How long a condition may take to come true. Generous: a loaded machine must not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often to look, at first and later: each look may be a process, and what many who wait for long take, everybody lacks.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_millis(150);

/// Wait until `look` finds something.
///
/// # Panics
/// It has found nothing for as long as a condition may take.
#[track_caller]
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    eventually_or_show(what, || look().ok_or_else(String::new))
}

/// The same for a look that says what there is instead, for whoever has to find out why a test waited in vain.
///
/// # Panics
/// It has found nothing for as long as a condition may take; the message ends with what there was last.
#[track_caller]
pub fn eventually_or_show<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let end = Instant::now() + PATIENCE;
    let mut pause = LOOK_EVERY;
    loop {
        match look() {
            Ok(found) => return found,
            Err(seen) => assert!(Instant::now() < end, "waited in vain for {what}\n{seen}"),
        }
        thread::sleep(pause);
        pause = (pause * 4 / 3).min(LOOK_AT_LEAST_EVERY);
    }
}
