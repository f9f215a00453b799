//! Where a gateway's socket is: a directory of its own, below one that is the operator's alone.
//!
//! Whoever can open the socket is logged in as the operator, so nobody else may; and its name is told to nobody.

use std::fmt::Write as _;
use std::fs::{DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::state::runtime;

/// So many random bytes are in the name.
const RANDOM: usize = 16;
const SOCKET: &str = "s";

/// Make the directory.
///
/// # Errors
/// There is no place for it, or it cannot be made.
pub fn make() -> Result<PathBuf, Failure> {
    let base = runtime::directory(2 * RANDOM + 1 + SOCKET.len())?;
    let make = || {
        let place = base.join(name()?);
        DirBuilder::new().mode(0o700).create(&place).map(|()| place)
    };
    make().map_err(|error: io::Error| {
        let what = format!("no place for a socket in {}: {error}", base.display());
        Failure::new(Kind::Failed, what).before_start().with_remedy("make room on that disk, or set XDG_RUNTIME_DIR")
    })
}

/// The socket in it.
pub fn socket(place: &Path) -> PathBuf {
    place.join(SOCKET)
}

fn name() -> io::Result<String> {
    let bytes: [u8; RANDOM] = random()?;
    Ok(bytes.iter().fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    }))
}

/// Bytes that nobody can guess.
///
/// # Errors
/// This machine has none.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes)
}
