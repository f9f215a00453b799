//! The workers that cannot unpack a view's script: each window would find that out once more, at the cost of a connection.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Kept;
use super::ledger::Spot;

const FILE: &str = "plain-scripts";
/// Of pods with the same name, the next one may be able to.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);

/// When each was found to be one, in seconds since the epoch.
type Found = BTreeMap<String, u64>;

/// Remember this one. A window opens without this file, too, so it cannot fail.
pub fn note(spot: &Spot) {
    let (name, now) = (name(spot), now());
    let _ = Kept::<Found>::open(FILE).and_then(|kept| {
        kept.update(|found| {
            found.retain(|_, since| is_recent(*since, now));
            found.insert(name, now);
        })
    });
}

/// Whether it is known to be one.
pub fn holds(spot: &Spot) -> bool {
    let found = Kept::<Found>::open(FILE).map(|kept| kept.read()).unwrap_or_default();
    found.get(&name(spot)).is_some_and(|since| is_recent(*since, now()))
}

fn name(spot: &Spot) -> String {
    format!("{} {}", spot.place, spot.pod.as_deref().unwrap_or_default())
}

/// A time in the future (the clock was set back) is none.
fn is_recent(since: u64, now: u64) -> bool {
    now.checked_sub(since).is_some_and(|age| age < FORGET_AFTER.as_secs())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
