//! Where a gateway's socket is: a directory of its own, below one that is the operator's alone.
//!
//! Whoever can open the socket is logged in as the operator, so nobody else may; and its name is told to nobody.

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::{env, fmt::Write as _};

use nix::unistd::geteuid;

use crate::failure::{Failure, Kind};

/// The path of a socket has 108 bytes on Linux and 104 elsewhere, the NUL at its end included.
const LONGEST: usize = 100;
/// So many random bytes are in the name.
const RANDOM: usize = 16;
const SOCKET: &str = "s";

/// Make the directory: in `$XDG_RUNTIME_DIR/factory-worker`, else in `/tmp/factory-worker-UID`.
///
/// # Errors
/// The latter is somebody else's, or a link, or open to others; or it cannot be made.
pub fn make() -> Result<PathBuf, Failure> {
    let user = geteuid().as_raw();
    let usual = PathBuf::from(format!("/tmp/factory-worker-{user}"));
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    below(runtime.map(|runtime| runtime.join("factory-worker")), &usual, user).map_err(|error| {
        let what = format!("no place for a socket: {}: {error}", usual.display());
        Failure::new(Kind::Failed, what)
            .before_start()
            .with_remedy(format!("remove {}, or set XDG_RUNTIME_DIR to a directory of yours", usual.display()))
    })
}

/// The socket in it.
pub fn socket(place: &Path) -> PathBuf {
    place.join(SOCKET)
}

fn below(first: Option<PathBuf>, usual: &Path, user: u32) -> io::Result<PathBuf> {
    let name = name()?;
    let fits = |base: &PathBuf| socket(&base.join(&name)).as_os_str().as_bytes().len() < LONGEST;
    // One that belongs to whoever became us (sudo keeps the variable) is no place for us.
    let made = first.filter(fits).and_then(|base| in_private(&base, &name, user).ok());
    made.map_or_else(|| in_private(usual, &name, user), Ok)
}

fn in_private(base: &Path, name: &str, user: u32) -> io::Result<PathBuf> {
    let mut directory = DirBuilder::new();
    directory.mode(0o700);
    match directory.create(base) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        // Only the umask can have taken something away from the mode of one that we made.
        _ => check(base, user)?,
    }
    let place = base.join(name);
    directory.create(&place)?;
    Ok(place)
}

/// Whether nobody but us gets into it, or can have it lead elsewhere.
fn check(base: &Path, user: u32) -> io::Result<()> {
    let is = fs::symlink_metadata(base)?;
    let wrong = match () {
        () if !is.is_dir() => "is no directory",
        () if is.uid() != user => "belongs to somebody else",
        () if is.mode() & 0o077 != 0 => "is open to others",
        () => return Ok(()),
    };
    Err(io::Error::new(ErrorKind::PermissionDenied, wrong))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn us() -> u32 {
        geteuid().as_raw()
    }

    #[test]
    fn it_is_below_the_first_of_the_two_that_is_ours_alone() {
        let world = tempfile::tempdir().unwrap();
        let [first, usual] = ["first", "usual"].map(|name| world.path().join(name));
        let place = below(Some(first.clone()), &usual, us()).unwrap();
        assert!(place.starts_with(&first) && place.file_name().unwrap().len() == 2 * RANDOM, "{}", place.display());
        assert_eq!(fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
        assert_ne!(below(Some(first.clone()), &usual, us()).unwrap(), place);
        assert!(!usual.exists());
        // Too long for a socket; and not there.
        for unusable in [world.path().join("x".repeat(80)), world.path().join("no/where")] {
            assert!(below(Some(unusable), &usual, us()).unwrap().starts_with(&usual));
        }
        fs::set_permissions(&first, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(below(Some(first), &usual, us()).unwrap().starts_with(&usual));
    }

    #[test]
    fn one_that_somebody_else_could_get_into_is_refused() {
        let world = tempfile::tempdir().unwrap();
        let usual = world.path().join("usual");
        let refused = |user: u32| below(None, &usual, user).unwrap_err().to_string();
        fs::create_dir(&usual).unwrap();
        fs::set_permissions(&usual, fs::Permissions::from_mode(0o701)).unwrap();
        assert_eq!(refused(us()), "is open to others");
        fs::set_permissions(&usual, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(refused(us() + 1), "belongs to somebody else");
        fs::remove_dir(&usual).unwrap();
        let elsewhere = world.path().join("elsewhere");
        in_private(&elsewhere, "x", us()).unwrap();
        symlink(&elsewhere, &usual).unwrap();
        assert_eq!(refused(us()), "is no directory");
    }
}
