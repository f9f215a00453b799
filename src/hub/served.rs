//! A registry that the hub serves: its file as it is now, what its sources said last, and its fleet.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::board::Seen;
use super::fleet::Fleet;
use super::serve::lock;
use super::wire::Row;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::Manner;
use crate::discovery;
use crate::process;
use crate::registry::Registry;

/// How long a worker may take to be there.
const TIMEOUT: Duration = Duration::from_secs(10);

/// It is followed as long as this lives.
pub struct Served {
    pub path: PathBuf,
    pub fleet: Fleet,
    /// What its files were when they were read last.
    read: Mutex<Option<[Stamp; 2]>>,
}

/// What tells a file from what it was before.
type Stamp = Option<(u64, u64, i64, i64)>;

impl Served {
    /// Nobody is followed yet.
    pub fn new(path: &Path, gateways: Arc<Gateways>) -> Self {
        Self { path: path.to_owned(), fleet: Fleet::new(gateways, TIMEOUT, Manner::Unasked), read: Mutex::default() }
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
            Ok(mut registry) => {
                discovery::recall(&mut registry);
                let workers = if registry.live { registry.workers.as_slice() } else { &[] };
                self.fleet.follow(workers);
            }
            Err(error) => process::say(|| format!("{}: {error:#}", self.path.display())),
        }
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
