//! The clients that views of this machine have on workers: written down before they attach, crossed out when they are proven
//! to have ended. What is left of a view that died (it was killed, the machine was switched off) is ended by whoever has to
//! do with that worker next.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::Kept;
use super::process_id::ProcessId;

const FILE: &str = "views";
/// No connection, and hardly a pod, lives longer than this unseen.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);

/// Where a view has its client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// The worker, by what leads to it: two registries may call it different names.
    pub place: String,
    /// `None` where there is no pod, or none was known.
    pub pod: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct View {
    #[serde(flatten)]
    spot: Spot,
    #[serde(flatten)]
    owner: ProcessId,
    /// Seconds since the epoch.
    since: u64,
}

/// By the views' tags.
type Views = BTreeMap<String, View>;

/// Write down that this process is about to have a client of this tag there.
///
/// Nobody's window stays closed because a disk is full, so this cannot fail.
pub fn note(tag: &str, spot: Spot) {
    change(|views| {
        views.insert(tag.to_owned(), View { spot, owner: ProcessId::this(), since: now() });
    });
}

/// Cross out clients that are proven to have ended.
pub fn forget<'a>(tags: impl IntoIterator<Item = &'a str>) {
    let mut tags = tags.into_iter().peekable();
    if tags.peek().is_some() {
        change(|views| tags.for_each(|tag| drop(views.remove(tag))));
    }
}

/// The tags of the views that died with clients there, at most so many: they travel in a command line.
pub fn left(spot: impl FnOnce() -> Spot, most: usize) -> Vec<String> {
    let views = Kept::<Views>::open(FILE).map(|kept| kept.read()).unwrap_or_default();
    if views.is_empty() {
        return Vec::new();
    }
    let spot = spot();
    let there = views.into_iter().filter(|(_, view)| view.spot.may_be(&spot) && !view.owner.lives());
    there.map(|(tag, _)| tag).take(most).collect()
}

impl Spot {
    /// Whether the two can be the same: the worker is, and the pod as far as it is known.
    fn may_be(&self, other: &Self) -> bool {
        let same_pod = match (&self.pod, &other.pod) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        };
        self.place == other.place && same_pod
    }
}

fn change(edit: impl FnOnce(&mut Views)) {
    let oldest = now().saturating_sub(FORGET_AFTER.as_secs());
    let changed = Kept::<Views>::open(FILE).and_then(|kept| {
        kept.update(|views| {
            edit(views);
            views.retain(|_, view| view.since >= oldest || view.owner.lives());
        })
    });
    drop(changed);
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("w", Some("a"), true)]
    #[case("w", None, true)]
    #[case("w", Some("b"), false)]
    #[case("x", Some("a"), false)]
    fn a_client_is_looked_for_where_it_can_be(#[case] place: &str, #[case] pod: Option<&str>, #[case] here: bool) {
        let spot = |place: &str, pod: Option<&str>| Spot { place: place.to_owned(), pod: pod.map(str::to_owned) };
        assert_eq!(spot("w", Some("a")).may_be(&spot(place, pod)), here);
        assert_eq!(spot(place, pod).may_be(&spot("w", Some("a"))), here);
    }

    #[test]
    fn what_is_written_can_be_read() {
        let view = View { spot: Spot { place: "w".to_owned(), pod: None }, owner: ProcessId::this(), since: 1 };
        let text = serde_json::to_string(&view).unwrap();
        let read: View = serde_json::from_str(&text).unwrap();
        assert!(read.owner.lives() && read.spot == view.spot, "{text}");
    }
}
