//! The clusters that are not reached through a gateway, and why: each command would find that out once more.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Kept;

const FILE: &str = "gateways";
/// Somebody may have done something about it.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Serialize, Deserialize)]
struct Found {
    /// Seconds since the epoch.
    since: u64,
    why: String,
}

/// Remember this one, or that there is nothing against it any more. It is asked all the same without this file, so it cannot fail.
pub fn note(cluster: &str, why: Option<&str>) {
    if why.is_none() && why_not(cluster).is_none() {
        return;
    }
    let now = now();
    let _ = Kept::<BTreeMap<String, Found>>::open(FILE).and_then(|kept| {
        kept.update(|found| {
            found.retain(|_, found| is_recent(found.since, now));
            match why {
                Some(why) => found.insert(cluster.to_owned(), Found { since: now, why: why.to_owned() }),
                None => found.remove(cluster),
            };
        })
    });
}

/// Why it is one, when that is known.
pub fn why_not(cluster: &str) -> Option<String> {
    let mut found = Kept::<BTreeMap<String, Found>>::open(FILE).ok()?.read();
    found.remove(cluster).filter(|found| is_recent(found.since, now())).map(|found| found.why)
}

/// A time in the future (the clock was set back) is none.
fn is_recent(since: u64, now: u64) -> bool {
    now.checked_sub(since).is_some_and(|age| age < FORGET_AFTER.as_secs())
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
