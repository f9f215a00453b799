//! The sessions that each worker had when it was last asked: what completion offers without asking.

use std::collections::BTreeMap;
use std::fs::File;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use nix::fcntl::Flock;
use serde::{Deserialize, Serialize};

use super::{Kept, directory, lock_file_if_free};
use crate::registry::names::WorkerName;

/// What is older than this is offered once more, and renewed meanwhile.
pub const FRESH_FOR: Duration = Duration::from_secs(10);
/// A worker that was not asked for this long is no worker of ours any more.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// The workers that were asked, by name.
pub type Sessions = BTreeMap<String, Known>;

/// The answer of one worker.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Known {
    /// When it was asked, milliseconds since the epoch.
    asked: u64,
    /// The names of its sessions, in tmux's order.
    pub sessions: Vec<String>,
}

impl Known {
    /// Whether the worker need not be asked again yet. A time in the future (the clock was set back) is not fresh.
    pub fn is_fresh(&self) -> bool {
        now().checked_sub(self.asked).is_some_and(|age| Duration::from_millis(age) < FRESH_FOR)
    }
}

/// What is known of all workers; nothing when it cannot be read.
pub fn read() -> Sessions {
    Kept::open("sessions").map(|kept| kept.read()).unwrap_or_default()
}

/// Remember the sessions that `worker` has just said it has.
///
/// A cache that cannot be written is no reason for a command to fail, so this cannot.
pub fn note<Name: AsRef<str>>(worker: &WorkerName, sessions: &[Name]) {
    let sessions = sessions.iter().map(|name| name.as_ref().to_owned()).collect();
    change(worker, |known| known.sessions = sessions);
}

/// The same of many at once.
pub fn note_all(workers: impl IntoIterator<Item = (WorkerName, Vec<String>)>) {
    let now = now();
    let changed = Kept::<Sessions>::open("sessions").and_then(|kept| {
        kept.update(|all| {
            all.extend(workers.into_iter().map(|(worker, sessions)| (worker.to_string(), Known { asked: now, sessions })));
        })
    });
    drop(changed);
}

/// Remember that `worker` was asked and did not answer: its old sessions stay, and it is left alone for a while.
pub fn note_silence(worker: &WorkerName) {
    change(worker, |_| {});
}

fn change(worker: &WorkerName, edit: impl FnOnce(&mut Known)) {
    let now = now();
    let oldest = now.saturating_sub(FORGET_AFTER.as_millis() as u64);
    let changed = Kept::<Sessions>::open("sessions").and_then(|kept| {
        kept.update(|all| {
            all.retain(|_, known| known.asked >= oldest);
            let known = all.entry(worker.to_string()).or_default();
            known.asked = now;
            edit(known);
        })
    });
    drop(changed);
}

/// Held by the one process that renews this cache.
pub struct Renewal {
    _lock: Flock<File>,
}

/// Become the one who renews this cache; `None` while another process does.
pub fn renew() -> Option<Renewal> {
    lock_file_if_free(&directory().ok()?.join("sessions.renewal")).map(|lock| Renewal { _lock: lock })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// A file that somebody else wrote, or half of one.
        #[test]
        fn any_file_is_sessions_or_nothing(bytes in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "\\{\"w\":\\{\"asked\":[0-9]{1,20},\"sessions\":\\[(\"x\")?\\]\\}?\\}".prop_map(String::into_bytes),
        ]) {
            for known in crate::state::understand::<Sessions>(&bytes).values() {
                prop_assert!(!known.is_fresh() || known.asked <= now());
            }
        }
    }

    fn asked(age: i64) -> Known {
        Known { asked: now().saturating_add_signed(-age), sessions: Vec::new() }
    }

    #[test]
    fn an_answer_is_fresh_for_ten_seconds() {
        assert!(asked(0).is_fresh());
        assert!(asked(9_000).is_fresh());
        assert!(!asked(10_001).is_fresh());
    }

    #[test]
    fn an_answer_from_the_future_is_not_fresh() {
        assert!(!asked(-60_000).is_fresh());
    }
}
