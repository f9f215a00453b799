//! The files that are ours: whether they are there, whole, and nobody else's.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::unistd::{AccessFlags, access};

use super::Check;
use crate::registry::Registry;
use crate::registry::invalid::Invalid;
use crate::state;

/// workers.yaml: readable, right, and not writable for others.
pub fn registry(path: &Path, registry: &anyhow::Result<Registry>) -> Check {
    const NAME: &str = "workers.yaml";
    let shown = path.display();
    let registry = match registry {
        Ok(registry) => registry,
        Err(error) => return unreadable(NAME, error),
    };
    if !registry.exists {
        return Check::warn(NAME, format!("there is no {shown}"), "`factory-worker config init` writes one");
    }
    if registry.is_empty() {
        return Check::warn(NAME, format!("{shown} has no workers"), "add some, or see `factory-worker config show`");
    }
    match fs::metadata(path) {
        Ok(about) if about.mode() & 0o020 != 0 => {
            let found = format!("{shown} names commands, and its group may write to it");
            Check::warn(NAME, found, format!("chmod go-w {}", quoted(path)))
        }
        _ => Check::ok(
            NAME,
            format!(
                "{shown}, {}",
                match registry.workers.len() {
                    1 => "1 worker".to_owned(),
                    count => format!("{count} workers"),
                }
            ),
        ),
    }
}

/// Each entry of it that cannot be used.
pub fn invalid(registry: &Registry) -> Vec<Check> {
    let check = |invalid: &Invalid| Check::failed(format!("{} {}", invalid.list.noun(), invalid.name), &registry.fault(invalid));
    registry.invalid.iter().map(check).collect()
}

fn unreadable(name: &str, error: &anyhow::Error) -> Check {
    const REMEDY: &str = "correct it; `factory-worker config init` writes an example where there is none";
    Check::problem(name, error, REMEDY)
}

/// The state directory: nobody else's, and everything in it 0600.
pub fn state() -> Check {
    const NAME: &str = "state";
    let directory = match state::directory() {
        Ok(directory) => directory,
        Err(error) => return Check::fail(NAME, format!("{error:#}"), "set HOME or XDG_STATE_HOME to an absolute path"),
    };
    let shown = directory.display();
    let Ok(about) = fs::metadata(&directory) else {
        return match cannot_be_made(&directory) {
            Some(why) => Check::fail(NAME, format!("{shown} cannot be made: {why}"), "set XDG_STATE_HOME to where you may write"),
            None => Check::ok(NAME, format!("{shown} is not there yet; it is made when it is needed")),
        };
    };
    if about.uid() != nix::unistd::geteuid().as_raw() {
        return Check::fail(NAME, format!("{shown} belongs to user {}", about.uid()), "remove it, or set XDG_STATE_HOME");
    }
    let files = fs::read_dir(&directory).into_iter().flatten().flatten();
    let mut paths = files.map(|file| file.path()).filter(|path| !path.is_dir());
    if is_open(&directory) {
        let found = format!("{shown} is open to others");
        return Check::fail(NAME, found, format!("chmod go= {}", quoted(&directory)));
    }
    match paths.find(|path| is_open(path)) {
        Some(path) => {
            let found = format!("{} is open to others", path.display());
            Check::fail(NAME, found, format!("chmod go= {}", quoted(&path)))
        }
        None => Check::ok(NAME, format!("{shown}, for you alone")),
    }
}

/// Why a directory that is not there cannot be made; `None` when nothing speaks against it.
fn cannot_be_made(directory: &Path) -> Option<String> {
    let there = directory.ancestors().find(|path| fs::symlink_metadata(path).is_ok())?;
    let shown = there.display();
    match access(there, AccessFlags::W_OK | AccessFlags::X_OK) {
        _ if !there.is_dir() => Some(format!("{shown} is no directory")),
        Ok(()) => None,
        Err(error) => Some(format!("{shown}: {}", error.desc())),
    }
}

/// Whether anybody but the owner may do anything with it.
fn is_open(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|about| about.mode() & 0o077 != 0 && !about.is_symlink())
}

fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_directory_can_be_made_is_known_before_it_is_needed() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, "").unwrap();
        assert_eq!(cannot_be_made(&directory.path().join("a/b")), None);
        assert_eq!(cannot_be_made(&file.join("a/b")), Some(format!("{} is no directory", file.display())));
        let lost = directory.path().join("lost");
        std::os::unix::fs::symlink("nowhere", &lost).unwrap();
        assert_eq!(cannot_be_made(&lost.join("a")), Some(format!("{} is no directory", lost.display())));
    }
}
