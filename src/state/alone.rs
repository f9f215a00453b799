//! What one process of this machine does for all of them.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash, Hasher};

use nix::fcntl::Flock;

use super::{lock_file_if_free, made};

/// Held by the one process that does it, until it ends.
#[derive(Debug)]
pub struct Alone {
    _lock: Flock<File>,
}

impl Alone {
    /// Become the one who does `what` at this place; `None` while another process does.
    pub fn at(what: &str, place: &str) -> Option<Self> {
        let mut hasher = DefaultHasher::new();
        place.hash(&mut hasher);
        let path = made().ok()?.join(format!("{what}-{:016x}.lock", hasher.finish()));
        lock_file_if_free(&path).map(|lock| Self { _lock: lock })
    }
}
