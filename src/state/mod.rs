//! What is kept between runs, in `$XDG_STATE_HOME/factory-worker`: small JSON files, 0600 in a 0700 directory.

pub mod alone;
pub mod drafts;
pub mod gateways;
pub mod ledger;
pub mod logins;
pub mod network;
pub mod plain_scripts;
pub mod process_id;
pub mod runtime;
pub mod sessions;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, process, thread};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How long to wait for somebody who changes a kept value.
const SOON: Duration = Duration::from_secs(5);

/// The directory: `$XDG_STATE_HOME/factory-worker`, else `~/.local/state/factory-worker` (XDG base directory specification).
///
/// # Errors
/// Neither `XDG_STATE_HOME` nor `HOME` is an absolute path.
pub fn directory() -> Result<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .map(|base| base.join("factory-worker"))
        .context("there is no place for state: neither HOME nor XDG_STATE_HOME is an absolute path")
}

/// The directory, made when it is missing.
fn made() -> Result<PathBuf> {
    let directory = directory()?;
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&directory)
        .with_context(|| format!("cannot make the state directory {}", directory.display()))?;
    Ok(directory)
}

/// Wait for the lock `NAME.lock`, and hold it until the value is dropped (or the process ends).
pub fn lock(name: &str) -> Result<Flock<File>> {
    let path = made()?.join(name).with_extension("lock");
    lock_file(&path).with_context(|| format!("cannot lock {}", path.display()))
}

/// The same, if nobody holds it.
pub fn lock_if_free(name: &str) -> Option<Flock<File>> {
    lock_file_if_free(&made().ok()?.join(name).with_extension("lock"))
}

fn lock_file_if_free(path: &Path) -> Option<Flock<File>> {
    Flock::lock(private(path).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

fn lock_file(path: &Path) -> io::Result<Flock<File>> {
    Flock::lock(private(path)?, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

/// The same for what takes no longer than to write a small file: who has it for longer was stopped, and may stay so.
fn lock_file_soon(path: &Path) -> io::Result<Flock<File>> {
    let end = Instant::now() + SOON;
    let mut file = private(path)?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, error)) if error != Errno::EWOULDBLOCK || Instant::now() >= end => return Err(error.into()),
            Err((back, _)) => file = back,
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// One kept value, a JSON file.
#[derive(Debug)]
pub struct Kept<T> {
    path: PathBuf,
    value: std::marker::PhantomData<T>,
}

impl<T: Serialize + DeserializeOwned + Default> Kept<T> {
    /// The file `NAME.json` in the state directory, which is made when it is missing.
    pub fn open(name: &str) -> Result<Self> {
        Ok(Self { path: made()?.join(format!("{name}.json")), value: std::marker::PhantomData })
    }

    /// What was kept; the default when there is nothing, or nothing that makes sense (an older version's file).
    pub fn read(&self) -> T {
        fs::read(&self.path).map_or_else(|_| T::default(), |bytes| understand(&bytes))
    }

    /// Change it under a lock, so that two processes lose nothing of each other's.
    pub fn update(&self, change: impl FnOnce(&mut T)) -> Result<()> {
        let path = self.path.with_extension("lock");
        let _lock = lock_file_soon(&path).with_context(|| format!("cannot lock {}", path.display()))?;
        let mut value = self.read();
        change(&mut value);
        self.replace(&serde_json::to_vec(&value)?).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Written beside it and renamed over it: a reader sees the old or the new one, never half.
    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let new = self.path.with_extension(format!("{}.new", process::id()));
        let written = private(&new).and_then(|mut file| file.write_all(bytes)).and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }
}

/// What a file holds; the default when that makes no sense.
fn understand<T: DeserializeOwned + Default>(bytes: &[u8]) -> T {
    serde_json::from_slice(bytes).unwrap_or_default()
}

fn private(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)
}
