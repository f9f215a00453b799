//! Where sockets are: a directory that is the operator's alone, and goes when the machine ends.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::failure::{Failure, Kind};

/// The path of a socket has 108 bytes on Linux and 104 elsewhere, the NUL at its end included.
const LONGEST: usize = 100;

/// `$XDG_RUNTIME_DIR/factory-worker`, else `/tmp/factory-worker-UID`, made when it is missing. Below it a path of so many bytes is to
/// have room.
///
/// # Errors
/// The latter is somebody else's, or a link, or open to others; or it cannot be made.
pub fn directory(room: usize) -> Result<PathBuf, Failure> {
    let user = geteuid().as_raw();
    let usual = PathBuf::from(format!("/tmp/factory-worker-{user}"));
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    first_of(runtime.map(|runtime| runtime.join("factory-worker")), &usual, room, user).map_err(|error| {
        let what = format!("no place for a socket: {}: {error}", usual.display());
        Failure::new(Kind::Failed, what)
            .before_start()
            .with_remedy(format!("remove {}, or set XDG_RUNTIME_DIR to a directory of yours", usual.display()))
    })
}

fn first_of(first: Option<PathBuf>, usual: &Path, room: usize, user: u32) -> io::Result<PathBuf> {
    let fits = |base: &PathBuf| base.as_os_str().as_bytes().len() + 1 + room < LONGEST;
    // One that belongs to whoever became us (sudo keeps the variable) is no place for us.
    let made = first.filter(fits).and_then(|base| private(base, user).ok());
    made.map_or_else(|| private(usual.to_owned(), user), Ok)
}

fn private(base: PathBuf, user: u32) -> io::Result<PathBuf> {
    match DirBuilder::new().mode(0o700).create(&base) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        // Only the umask can have taken something away from the mode of one that we made.
        _ => check(&base, user).map(|()| base),
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    const ROOM: usize = 30;

    fn us() -> u32 {
        geteuid().as_raw()
    }

    #[test]
    fn it_is_the_first_of_the_two_that_is_ours_alone() {
        let world = tempfile::tempdir().unwrap();
        let [first, usual] = ["first", "usual"].map(|name| world.path().join(name));
        let found = |first: PathBuf| first_of(Some(first), &usual, ROOM, us()).unwrap();
        for _ in 0..2 {
            assert_eq!(found(first.clone()), first);
        }
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(!usual.exists());
        // Too long for a socket; and not there.
        for unusable in [world.path().join("x".repeat(80)), world.path().join("no/where")] {
            assert_eq!(found(unusable), usual);
        }
        fs::set_permissions(&first, fs::Permissions::from_mode(0o750)).unwrap();
        assert_eq!(found(first), usual);
    }

    #[test]
    fn one_that_somebody_else_could_get_into_is_refused() {
        let world = tempfile::tempdir().unwrap();
        let usual = world.path().join("usual");
        let refused = |user: u32| first_of(None, &usual, ROOM, user).unwrap_err().to_string();
        fs::create_dir(&usual).unwrap();
        fs::set_permissions(&usual, fs::Permissions::from_mode(0o701)).unwrap();
        assert_eq!(refused(us()), "is open to others");
        fs::set_permissions(&usual, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(refused(us() + 1), "belongs to somebody else");
        fs::remove_dir(&usual).unwrap();
        let elsewhere = private(world.path().join("elsewhere"), us()).unwrap();
        symlink(&elsewhere, &usual).unwrap();
        assert_eq!(refused(us()), "is no directory");
    }
}
