//! A registry that the hub serves: its file as it is now, what its sources said last, and its fleet.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::board::Seen;
use super::fleet::Fleet;
use super::lock::lock;
use super::moment::Moment;
use super::wire::{Found, Row};
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::Manner;
use crate::discovery::{self, Finding};
use crate::process;
use crate::registry::Registry;
use crate::registry::origin::System;

/// How often sources are asked.
const SOURCES_EVERY: Duration = Duration::from_secs(5);
/// How long a worker may take to be there.
const TIMEOUT: Duration = Duration::from_secs(10);

/// It is followed as long as this lives.
pub struct Served {
    pub path: PathBuf,
    pub fleet: Fleet,
    /// What its files were when they were read last.
    read: Mutex<Option<[Stamp; 2]>>,
    gateways: Arc<Gateways>,
    registry: Mutex<Option<Registry>>,
    /// What its sources have found, and when; by what tells them from others.
    found: Mutex<BTreeMap<String, Findings>>,
    /// Sources that are just being asked.
    asking: Mutex<BTreeSet<String>>,
}

/// What a source has found.
struct Findings {
    cluster: Cluster,
    found: Vec<Finding>,
    as_of: Moment,
}

/// What tells a file from what it was before.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Served {
    /// Nobody is followed yet.
    pub fn new(path: &Path, gateways: Arc<Gateways>) -> Self {
        Self {
            path: path.to_owned(),
            fleet: Fleet::new(gateways.clone(), TIMEOUT, Manner::Unasked),
            read: Mutex::default(),
            gateways,
            registry: Mutex::default(),
            found: Mutex::default(),
            asking: Mutex::default(),
        }
    }

    /// Follow those who are in it now, if that may be others than before. Whoever asks for one finds what is wrong with the file.
    pub fn renew(&self) {
        let mut read = lock(&self.read);
        let stamps = [stamp(&self.path), discovery::kept().and_then(|path| stamp(&path))];
        if *read == Some(stamps) {
            return;
        }
        *read = Some(stamps);
        // Whoever reads something else than a file may wait for ever.
        if fs::metadata(&self.path).is_ok_and(|is| !is.is_file()) {
            return;
        }
        match Registry::load(Some(&self.path)) {
            Ok(registry) => {
                *lock(&self.registry) = Some(registry.clone()).filter(|registry| registry.live);
                let mut all = registry;
                discovery::recall(&mut all);
                self.fleet.follow(if all.live { &all.workers } else { &[] });
            }
            Err(error) => process::say(|| format!("{}: {error:#}", self.path.display())),
        }
    }

    /// Ask those of its sources that were not asked for a while, in the background.
    pub fn renew_sources(self: &Arc<Self>) {
        let Some(registry) = lock(&self.registry).clone() else { return };
        // How it is with a polecat is in its listing: whoever wants to know that asks.
        for source in registry.sources.iter().filter(|source| source.system != System::GasTown) {
            let identity = discovery::identity(source);
            let is_new = lock(&self.found).get(&identity).is_some_and(|known| known.as_of.age() < SOURCES_EVERY);
            if is_new || !lock(&self.asking).insert(identity.clone()) {
                continue;
            }
            let (served, registry, source) = (self.clone(), registry.clone(), source.clone());
            thread::spawn(move || {
                let cluster = discovery::cluster(&source);
                served.gateways.expect([&cluster]);
                let as_of = Moment::now();
                match discovery::renew_one(&registry, &source, &served.gateways, TIMEOUT) {
                    Ok(found) => drop(lock(&served.found).insert(identity.clone(), Findings { cluster, found, as_of })),
                    Err(failure) => process::say(|| format!("{source}: {failure}")),
                }
                // Who does not answer is asked less often.
                thread::sleep(SOURCES_EVERY);
                lock(&served.asking).remove(&identity);
            });
        }
    }

    /// Somebody has made or removed something that a source may find.
    pub fn forget_found(&self) {
        lock(&self.found).clear();
    }

    /// What its sources have found, as far as no pod has come or gone since.
    pub fn found(&self) -> Vec<Found> {
        let is_so = |known: &Findings| self.fleet.pods.unchanged_since(&known.cluster).is_some_and(|since| since < known.as_of);
        let known = lock(&self.found);
        let one = |(source, known): (&String, &Findings)| Found {
            source: source.clone(),
            findings: known.found.clone(),
            as_of: known.as_of.by_the_clock(),
        };
        known.iter().filter(|(_, known)| is_so(known)).map(one).collect()
    }

    /// What is known of its workers: of each of which something is known, or will be soon.
    pub fn rows(&self) -> Vec<Row> {
        let row = |seen: Seen| {
            let link = self.fleet.link(&seen.worker);
            Row::of(seen, link.as_deref())
        };
        self.fleet.board.all().into_iter().map(row).collect()
    }
}

fn stamp(path: &Path) -> Stamp {
    let is = fs::metadata(path).ok()?;
    Some((is.ino(), is.len(), is.mtime(), is.mtime_nsec()))
}
