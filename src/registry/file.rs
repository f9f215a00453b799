//! Where `workers.yaml` is, and whether it may be believed: it names commands that we run.

use std::env;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf, absolute};

use anyhow::{Context, Result};

use crate::exit::{Code, Problem};

/// More than this is no registry, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// The file's path, absolute: `given`, else `$FACTORY_WORKERS`, else `~/.factory/workers.yaml`.
///
/// # Errors
/// None of the three can be had.
pub fn locate(given: Option<&Path>) -> Result<PathBuf> {
    let path = match (given, from_environment(), home()) {
        (Some(path), _, _) => path.to_owned(),
        (None, Some(path), _) => path,
        (None, None, Some(home)) => home.join(".factory/workers.yaml"),
        (None, None, None) => {
            let what = "cannot find the registry: HOME is not set to an absolute path";
            return Err(Problem::new(Code::Failed, what, "set HOME, or name the file with --workers FILE").into());
        }
    };
    absolute(&path).with_context(|| format!("cannot make {} an absolute path", path.display()))
}

/// `$FACTORY_WORKERS`, when it is set to something.
fn from_environment() -> Option<PathBuf> {
    env::var_os("FACTORY_WORKERS").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// `$HOME`, when it is an absolute path.
pub fn home() -> Option<PathBuf> {
    env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute())
}

/// The file's bytes; `None` when there is no such file.
///
/// # Errors
/// It cannot be read, or may not be believed (see [`distrust`]).
pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let shown = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
    };
    // Asked of the open file, so that it cannot be exchanged between the question and the reading.
    let about = file.metadata().with_context(|| format!("cannot read {shown}"))?;
    if about.is_dir() {
        return Err(Problem::new(Code::Failed, format!("{shown} is a directory, not a registry file"), "").into());
    }
    if let Some((why, remedy)) = distrust(&about, nix::unistd::geteuid().as_raw()) {
        let mine = path.with_added_extension("mine");
        let what = format!("{shown} is refused, since it names commands that would run: {why}");
        return Err(
            Problem::new(Code::Failed, what, remedy.replace("FILE.mine", &quoted(&mine)).replace("FILE", &quoted(path))).into()
        );
    }
    let mut text = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut text).with_context(|| format!("cannot read {shown}"))?;
    if text.len() as u64 > SIZE_LIMIT {
        return Err(Problem::new(Code::Failed, format!("{shown} is larger than 1 MiB; that is no registry"), "").into());
    }
    Ok(Some(text))
}

/// Why the file could have been written by somebody else than its reader `me` (or root), and what to do about it.
fn distrust(about: &Metadata, me: u32) -> Option<(String, &'static str)> {
    const WORLD_WRITABLE: u32 = 0o002;
    if about.uid() != me && about.uid() != 0 {
        Some((
            format!("it belongs to user {}, not to you", about.uid()),
            "read it, then put a copy of yours in its place: cp FILE FILE.mine && mv FILE.mine FILE",
        ))
    } else if about.mode() & WORLD_WRITABLE != 0 {
        Some(("everybody on this machine may write to it".to_owned(), "chmod o-w FILE"))
    } else {
        None
    }
}

fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}
