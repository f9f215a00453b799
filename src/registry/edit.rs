//! Changing `workers.yaml` where a person has written it: only the lines of one worker come or go, comments and order stay.
//!
//! The text is changed in the plainest way that may be right, and then read again as everybody reads it: the change is made only when
//! the result says what the text said before, but for this entry. Entries that cannot be used are entries too, and stay as they are.

mod text;
mod tree;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use nix::fcntl::{Flock, FlockArg};

use super::invalid::Invalid;
use super::names::{ObjectName, WorkerName};
use super::worker::Worker;
use super::{document, file};
use crate::exit::{Code, Problem};

/// A pod worker to be written into the file.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: WorkerName,
    pub pod: ObjectName,
    /// What is `None` is left to the file's defaults.
    pub namespace: Option<ObjectName>,
    pub context: Option<String>,
    pub kubeconfig: Option<PathBuf>,
}

impl Entry {
    /// The lines of the entry, each `key: value`.
    fn lines(&self) -> Vec<String> {
        self.keys().iter().map(|(key, value)| format!("{key}: {}", text::scalar(value))).collect()
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        let mut keys = vec![("name", self.name.to_string()), ("pod", self.pod.to_string())];
        keys.extend(self.namespace.as_ref().map(|namespace| ("namespace", namespace.to_string())));
        keys.extend(self.context.clone().map(|context| ("context", context)));
        keys.extend(self.kubeconfig.as_ref().map(|path| ("kubeconfig", path.to_string_lossy().into_owned())));
        keys
    }
}

/// The worker that an entry would be in the file at `path`, with the file's defaults. Nothing is written.
///
/// # Errors
/// The file is malformed, or such that the entry cannot be put into it.
pub fn planned(path: &Path, entry: &Entry) -> Result<Worker> {
    let bytes = file::read(path)?.unwrap_or_default();
    let (_, worker) = with(path, &bytes, entry)?;
    Ok(worker)
}

/// Write an entry behind the others. Makes the file when there is none.
///
/// # Errors
/// As [`planned`]; or the file cannot be written.
pub fn add(path: &Path, entry: &Entry) -> Result<()> {
    change(path, |bytes| Ok(Some(with(path, bytes, entry)?.0)))
}

/// Take a worker's entry out, whether or not it can be used; the comments before it stay. False when there was none. Of two with
/// this name it is the first.
///
/// # Errors
/// The file is no YAML, or written such that we dare not change it; or it cannot be written.
pub fn remove(path: &Path, name: &WorkerName) -> Result<bool> {
    let mut found = false;
    change(path, |bytes| {
        let changed = without(path, bytes, name)?;
        found = changed.is_some();
        Ok(changed)
    })?;
    Ok(found)
}

fn with(path: &Path, bytes: &[u8], entry: &Entry) -> Result<(String, Worker)> {
    let before = document::read(path, bytes)?;
    if let Some(invalid) = before.invalid.iter().find(|invalid| invalid.name == entry.name) {
        return Err(in_the_way(path, invalid).into());
    }
    let expected = Some(tree::with(document::written(path, bytes)?, &entry.keys()));
    let old = String::from_utf8_lossy(bytes);
    for candidate in text::additions(&old, &entry.lines()) {
        if !document::written(path, candidate.as_bytes()).is_ok_and(|after| after == expected) {
            continue;
        }
        let Ok(mut after) = document::read(path, candidate.as_bytes()) else { continue };
        if let Some(added) = after.workers.pop().filter(|worker| worker.name == entry.name) {
            return Ok((candidate, added));
        }
    }
    let lines = entry.lines().join("\n      ");
    let what = format!("{} is written such that a worker cannot be added to it by itself", path.display());
    Err(Problem::new(Code::Failed, what, format!("put this under workers: by hand:\n    - {lines}")).into())
}

fn in_the_way(path: &Path, invalid: &Invalid) -> Problem {
    let (name, path) = (&invalid.name, path.display());
    let what = format!("{path} has a worker {name} already, which is invalid: {path}:{invalid}");
    Problem::new(Code::Usage, what, format!("correct it, or take it out with `factory-worker worker remove {name}`"))
}

fn without(path: &Path, bytes: &[u8], name: &WorkerName) -> Result<Option<String>> {
    let before = document::written(path, bytes)?;
    let Some((place, expected)) = tree::without(before, name) else { return Ok(None) };
    let expected = tree::normal(Some(expected));
    let old = String::from_utf8_lossy(bytes);
    let right =
        |candidate: &String| document::written(path, candidate.as_bytes()).is_ok_and(|after| tree::normal(after) == expected);
    match text::removal(&old, place).filter(right) {
        Some(text) => Ok(Some(text)),
        None => {
            let what = format!("{} is written such that {name} cannot be taken out of it by itself", path.display());
            Err(Problem::new(Code::Failed, what, "take its entry out by hand").into())
        }
    }
}

/// Read, change and replace the file under a lock, so that two processes lose nothing of each other's.
fn change(path: &Path, change: impl FnOnce(&[u8]) -> Result<Option<String>>) -> Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = path.parent().unwrap_or(Path::new("/"));
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .with_context(|| format!("cannot make the directory {}", directory.display()))?;
    let _lock = lock(directory).with_context(|| format!("cannot lock {}", directory.display()))?;
    let bytes = file::read(&path)?.unwrap_or_default();
    match change(&bytes)? {
        Some(text) => replace(&path, text.as_bytes()).with_context(|| format!("cannot write {}", path.display())),
        None => Ok(()),
    }
}

fn lock(directory: &Path) -> io::Result<Flock<File>> {
    Flock::lock(File::open(directory)?, FlockArg::LockExclusive).map_err(|(_, error)| error.into())
}

/// Written beside it and renamed over it, with the same permissions.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mode = fs::metadata(path).map_or(0o600, |about| about.mode() & 0o777);
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let write = || {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| drop(fs::remove_file(&new)))
}

#[cfg(test)]
mod tests;
