//! When something was so, however the machine's clock is set and however long the machine sleeps afterwards.

use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};

/// Goes on while the machine sleeps; [`std::time::Instant`] does not, on Linux.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::CLOCK_BOOTTIME;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::CLOCK_MONOTONIC;

/// A moment since the machine was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Duration);

impl Moment {
    pub fn now() -> Self {
        Self(clock_gettime(CLOCK).map(Duration::from).unwrap_or_default())
    }

    /// How long ago it is.
    pub fn age(self) -> Duration {
        Self::now().0.saturating_sub(self.0)
    }

    /// The same by the clock as it is set now.
    pub fn by_the_clock(self) -> SystemTime {
        SystemTime::now().checked_sub(self.age()).unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ages() {
        let moment = Moment::now();
        std::thread::sleep(Duration::from_millis(2));
        assert!(moment.age() >= Duration::from_millis(2) && moment < Moment::now());
        let clock = SystemTime::now().duration_since(moment.by_the_clock()).unwrap();
        assert!(clock >= Duration::from_millis(2) && clock < Duration::from_secs(60), "{clock:?}");
    }
}
