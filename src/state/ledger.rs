//! The clients that views of this machine have on workers: written down before they attach, crossed out when they are proven
//! to have ended. What is left of a view that died (it was killed, the machine was switched off) is ended by whoever has to
//! do with that worker next.
//!
//! It also says which session each view shows, and what that is called: whoever asks a worker for its sessions corrects the
//! names here, and the views, which look at this file, follow.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::process_id::ProcessId;
use super::{Kept, directory};
use crate::registry::identity::SessionIdentity;
use crate::registry::names::SessionName;

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

/// The session that a view shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    pub identity: SessionIdentity,
    /// What it was called when somebody last asked.
    pub name: SessionName,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct View {
    #[serde(flatten)]
    spot: Spot,
    #[serde(flatten)]
    owner: ProcessId,
    /// Seconds since the epoch.
    since: u64,
    /// `None` as long as nobody knows.
    #[serde(default)]
    shown: Option<Shown>,
}

/// By the views' tags.
type Views = BTreeMap<String, View>;

/// Write down that this process is about to have a client of this tag there.
///
/// Nobody's window stays closed because a disk is full, so this cannot fail.
pub fn note(tag: &str, spot: Spot) {
    change(|views| {
        let shown = views.remove(tag).and_then(|view| view.shown);
        views.insert(tag.to_owned(), View { spot, owner: ProcessId::this(), since: now(), shown });
    });
}

/// Write down which session this view shows, and tell the others that show it what it is called.
pub fn note_session(tag: &str, shown: &Shown) {
    change(|views| {
        let Some(view) = views.get_mut(tag) else { return };
        view.shown = Some(shown.clone());
        let spot = view.spot.clone();
        rename(views, &spot, std::slice::from_ref(shown));
    });
}

/// Tell the views of this machine what the sessions that they show there are called now. Nothing is written while that is
/// what they are known as.
pub fn learn(spot: &Spot, sessions: &[Shown]) {
    if rename(&mut read(), spot, sessions) {
        change(|views| {
            rename(views, spot, sessions);
        });
    }
}

fn rename(views: &mut Views, spot: &Spot, sessions: &[Shown]) -> bool {
    let there = views.values_mut().filter(|view| view.spot.may_be(spot));
    let names: HashMap<_, _> = sessions.iter().map(|session| (&session.identity, &session.name)).collect();
    let mut changed = false;
    for shown in there.filter_map(|view| view.shown.as_mut()) {
        if let Some(&name) = names.get(&shown.identity).filter(|name| **name != &shown.name) {
            shown.name = name.clone();
            changed = true;
        }
    }
    changed
}

/// Where that is, when a view of this machine shows a session there, whose name is worth asking for.
pub fn follows(spot: impl FnOnce() -> Option<Spot>) -> Option<Spot> {
    let mut views = read();
    views.retain(|_, view| view.shown.is_some());
    if views.is_empty() {
        return None;
    }
    let spot = spot()?;
    let is_shown = views.values().any(|view| view.spot.may_be(&spot) && view.owner.lives());
    is_shown.then_some(spot)
}

/// What the session that this view shows is called.
pub fn name(tag: &str) -> Option<SessionName> {
    Some(read().remove(tag)?.shown?.name)
}

/// The sessions that views show, by the processes of those views.
pub fn shown() -> HashMap<i32, Shown> {
    let living = read().into_values().filter(|view| view.owner.lives());
    living.filter_map(|view| Some((view.owner.pid(), view.shown?))).collect()
}

/// Something that is another one whenever this file is; `None` when there is none.
pub fn version() -> Option<(u64, i64, i64)> {
    let about = directory().ok()?.join(FILE).with_extension("json").metadata().ok()?;
    Some((about.ino(), about.mtime(), about.mtime_nsec()))
}

fn read() -> Views {
    Kept::<Views>::open(FILE).map(|kept| kept.read()).unwrap_or_default()
}

/// Cross out clients that are proven to have ended.
pub fn forget<'a>(tags: impl IntoIterator<Item = &'a str>) {
    let mut tags = tags.into_iter().peekable();
    if tags.peek().is_some() {
        change(|views| tags.for_each(|tag| drop(views.remove(tag))));
    }
}

/// The tags of the views that died with clients there, at most so many, the latest first: they travel in a command line.
pub fn left(spot: impl FnOnce() -> Spot, most: usize) -> Vec<String> {
    let views = read();
    if views.is_empty() {
        return Vec::new();
    }
    let spot = spot();
    let there = views.into_iter().filter(|(_, view)| view.spot.may_be(&spot) && !view.owner.lives());
    let mut there: Vec<_> = there.map(|(tag, view)| (Reverse(view.since), tag)).collect();
    there.sort_unstable();
    there.into_iter().map(|(_, tag)| tag).take(most).collect()
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
        let text = serde_json::to_string(&view("a", Some(shown("$1", "qa")))).unwrap();
        let read: View = serde_json::from_str(&text).unwrap();
        assert!(read.owner.lives() && read.spot == spot("a") && read.shown == Some(shown("$1", "qa")), "{text}");
    }

    fn spot(pod: &str) -> Spot {
        Spot { place: "w".to_owned(), pod: Some(pod.to_owned()) }
    }

    fn shown(id: &str, name: &str) -> Shown {
        Shown { identity: format!("{id} 7 1700000000 1700000000").parse().unwrap(), name: name.parse().unwrap() }
    }

    fn view(pod: &str, shown: Option<Shown>) -> View {
        View { spot: spot(pod), owner: ProcessId::this(), since: 1, shown }
    }

    #[test]
    fn names_follow_the_sessions_of_that_pod_only() {
        let mut views = Views::from([
            ("a".to_owned(), view("a", Some(shown("$1", "left")))),
            ("b".to_owned(), view("a", Some(shown("$2", "right")))),
            ("c".to_owned(), view("other", Some(shown("$1", "left")))),
            ("d".to_owned(), view("a", None)),
        ]);
        let swapped = [shown("$1", "right"), shown("$2", "left"), shown("$3", "new")];
        assert!(rename(&mut views, &spot("a"), &swapped));
        let names: Vec<_> = views.values().filter_map(|view| Some(view.shown.as_ref()?.name.as_str())).collect();
        assert_eq!(names, ["right", "left", "left"]);
        assert!(!rename(&mut views, &spot("a"), &swapped), "there is nothing to write any more");
    }

    #[test]
    fn a_file_of_before_is_read() {
        let text = r#"{"place":"w","pod":null,"pid":1,"started":2,"boot":"x","since":3}"#;
        assert_eq!(serde_json::from_str::<View>(text).unwrap().shown, None);
    }
}
