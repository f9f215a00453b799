//! Time that goes on while the machine sleeps.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use crate::view::plan::Moment;

/// A look that comes later than it should by more than this means that we were stopped, or that the machine slept.
const LATE: Duration = Duration::from_secs(5);

/// Tells moments since it was made, and notices when some were missed.
#[derive(Debug)]
pub struct Clock {
    began: Duration,
    /// The same moment by the clock that stops in sleep.
    began_awake: Duration,
    /// How long the machine slept until the last look.
    slept: Duration,
    /// When somebody meant to look next.
    expected: Option<Moment>,
}

/// What a look at the clock says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    pub now: Moment,
    /// We were stopped, or the machine slept.
    pub resumed: bool,
    /// For how long the machine slept since the last look: the kernel's counters stood still meanwhile.
    pub slept: Duration,
}

impl Clock {
    pub fn start() -> Self {
        Self { began: with_sleep(), began_awake: awake(), slept: Duration::ZERO, expected: None }
    }

    /// The moment that it is.
    pub fn now(&self) -> Moment {
        with_sleep().saturating_sub(self.began)
    }

    /// Somebody will look again after this time at the latest.
    pub fn expect(&mut self, pause: Duration) {
        self.expected = Some(self.now() + pause);
    }

    /// Look, after [`Self::expect`].
    pub fn look(&mut self) -> Look {
        let now = self.now();
        let slept = now.saturating_sub(awake().saturating_sub(self.began_awake));
        let look = Look { now, resumed: is_late(self.expected.take(), now), slept: slept.saturating_sub(self.slept) };
        self.slept = slept;
        look
    }
}

fn is_late(expected: Option<Moment>, now: Moment) -> bool {
    expected.is_some_and(|expected| now.saturating_sub(expected) > LATE)
}

fn with_sleep() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::CLOCK_BOOTTIME;
    // Elsewhere (macOS) this one goes on in sleep.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::CLOCK_MONOTONIC;
    read(clock)
}

fn awake() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = ClockId::CLOCK_MONOTONIC;
    // Nothing here counts in time awake elsewhere.
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::CLOCK_MONOTONIC;
    read(clock)
}

fn read(clock: ClockId) -> Duration {
    // These clocks are always there.
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_looks_in_time_was_not_away() {
        let mut clock = Clock::start();
        clock.expect(Duration::ZERO);
        let look = clock.look();
        assert!(!look.resumed && look.slept < Duration::from_millis(100), "{look:?}");
    }

    #[test]
    fn five_seconds_late_is_away() {
        let at = Duration::from_secs;
        assert!(!is_late(Some(at(1)), at(6)));
        assert!(is_late(Some(at(1)), at(7)));
        assert!(!is_late(None, at(7)), "nobody meant to look");
    }
}
