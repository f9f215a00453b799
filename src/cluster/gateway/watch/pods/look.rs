//! The look beside a watch: which pods there are, in which version, and nothing more of them.

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::known::{Identity, Known};
use crate::cluster::gateway::arriving::{Arriving, Asked, Way};
use crate::cluster::gateway::refusal;
use crate::failure::{Failure, Kind};

/// How often; and how long an answer may take. Together they are less than the ten seconds within which a frozen link is seen.
const EVERY: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(5);
const _: () = assert!(EVERY.as_secs() + PATIENCE.as_secs() < 10);
/// When the next one comes after one that saw what the watch had not told of.
const SOON: Duration = Duration::from_secs(1);
/// So many are looked at, the first by their names: what it costs has an end.
const FIRST: usize = 500;
/// What every object has, of each; a server that knows no such answer gives the objects themselves.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

/// The look that comes next, or is under way.
pub struct Look {
    path: String,
    next: Instant,
    asked: Option<(Asked, Instant)>,
    /// What the last one saw and the watch had not told.
    untold: HashSet<Difference>,
}

/// A name, the version in which the look has it, and that in which it was told; empty when it is not there.
type Difference = (String, String, String);

/// What a look has seen.
pub enum Seen {
    /// It is not there yet.
    Nothing,
    /// What was told, and that it was so when it was asked for.
    Same(Instant),
    /// Something that the watch should have told long ago.
    Untold,
}

#[derive(Deserialize)]
struct List {
    metadata: Metadata,
    items: Option<Vec<Identity>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Metadata {
    #[serde(rename = "continue")]
    next: String,
}

impl Look {
    /// The first is at once: it says that the watch has begun where it should.
    pub fn soon(path: &str) -> Self {
        let path = format!("{path}?limit={FIRST}");
        Self { path, next: Instant::now(), asked: None, untold: HashSet::new() }
    }

    /// When there is something to do.
    pub fn due(&self) -> Instant {
        self.asked.as_ref().map_or(self.next, |(asked, _)| asked.until)
    }

    pub fn arriving(&self) -> Option<&Arriving> {
        self.asked.as_ref().map(|(asked, _)| asked.arriving())
    }

    /// Ask when it is time, and take the answer.
    ///
    /// # Errors
    /// There is none: nothing comes through. A server that refuses is there, and proves nothing else.
    pub fn step(&mut self, way: &impl Way, known: &Known) -> Result<Seen, Failure> {
        let now = Instant::now();
        let Some((asked, asked_at)) = &mut self.asked else {
            if now >= self.next {
                self.asked = Some((Asked::of(way, self.path.clone(), METADATA, now + PATIENCE)?, now));
            }
            return Ok(Seen::Nothing);
        };
        let asked_at = *asked_at;
        let Some(answer) = asked.whole(way)? else { return Ok(Seen::Nothing) };
        self.asked = None;
        self.next = now + EVERY;
        if answer.status == 401 {
            return Err(refusal(&answer));
        }
        if answer.status != 200 {
            return Ok(Seen::Nothing);
        }
        let nonsense = |_| Failure::new(Kind::Incomplete, "the API server's list of pods makes no sense");
        let List { metadata, items } = serde_json::from_slice(&answer.body).map_err(nonsense)?;
        let there: BTreeMap<String, String> =
            items.into_iter().flatten().map(|Identity { metadata }| (metadata.name, metadata.resource_version)).collect();
        let untold = differences(&there, !metadata.next.is_empty(), known);
        if untold.is_empty() {
            self.untold.clear();
            return Ok(Seen::Same(asked_at));
        }
        // What is on its way is told by the next time; what is still as it was is not.
        if !self.untold.is_disjoint(&untold) {
            return Ok(Seen::Untold);
        }
        self.untold = untold;
        self.next = now + SOON;
        Ok(Seen::Nothing)
    }
}

/// What differs, up to the last one that was looked at.
fn differences(there: &BTreeMap<String, String>, goes_on: bool, known: &Known) -> HashSet<Difference> {
    let last = there.keys().next_back().filter(|_| goes_on);
    let told: BTreeMap<&str, &str> =
        known.versions().filter(|(name, _)| last.is_none_or(|last| *name <= last.as_str())).collect();
    let version = |versions: Option<&&str>| versions.copied().unwrap_or_default().to_owned();
    let seen = there.iter().map(|(name, seen)| (name.clone(), seen.clone(), version(told.get(name.as_str()))));
    let lost = told.iter().filter(|(name, _)| !there.contains_key(**name));
    let lost = lost.map(|(name, told)| ((*name).to_owned(), String::new(), (*told).to_owned()));
    seen.filter(|(_, seen, told)| seen != told).chain(lost).collect()
}
