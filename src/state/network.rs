//! What this machine knows of the way to an API server while windows are without it: one process looks, all are told.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};

use anyhow::Result;
use nix::fcntl::Flock;
use serde::{Deserialize, Serialize};

use super::{Kept, lock_file_if_free, made};

/// What is on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Seen {
    /// Whether the last look found nobody there.
    away: bool,
    /// How often it was found there after it had been away.
    returns: u64,
}

/// What somebody found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct News {
    /// The last look found nobody there.
    pub away: bool,
    /// It has come back.
    pub returned: bool,
}

/// One process's part in watching the way to one place.
pub struct Reachability {
    name: String,
    kept: Kept<Seen>,
    /// Held by the one process that looks.
    looking: Option<Flock<File>>,
    returns: u64,
}

impl Reachability {
    /// The way to this place (`HOST:PORT`), from now on.
    ///
    /// # Errors
    /// There is no place for state.
    pub fn to(place: &str) -> Result<Self> {
        let mut hasher = DefaultHasher::new();
        place.hash(&mut hasher);
        let name = format!("network-{:016x}", hasher.finish());
        let kept = Kept::<Seen>::open(&name)?;
        let returns = kept.read().returns;
        Ok(Self { name, kept, looking: None, returns })
    }

    /// Whether it is this process that looks: the first one, until it ends.
    pub fn is_ours_to_look(&mut self) -> bool {
        if self.looking.is_none() {
            let file = made().ok().map(|directory| directory.join(&self.name).with_extension("looking"));
            self.looking = file.and_then(|file| lock_file_if_free(&file));
        }
        self.looking.is_some()
    }

    /// Tell everybody what was found. Nothing is written while nothing changes.
    pub fn note(&self, there: bool) {
        if self.kept.read().away == there {
            let _ = self.kept.update(|seen| {
                seen.returns += u64::from(there && seen.away);
                seen.away = !there;
            });
        }
    }

    /// What was found since this was asked last.
    pub fn news(&mut self) -> News {
        let Seen { away, returns } = self.kept.read();
        News { away, returned: std::mem::replace(&mut self.returns, returns) != returns }
    }
}
