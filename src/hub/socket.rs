//! The hub's socket: one for each operator and boot of a machine, in a directory that nobody else gets into; and at both ends it is
//! looked who is at the other.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;

use crate::failure::Failure;
use crate::state::process_id::ProcessId;
use crate::state::runtime;

/// The longest name of the socket.
const ROOM: usize = 20;

/// The place of the socket.
#[derive(Debug, Clone)]
pub struct Place(PathBuf);

/// The socket of the one hub; nobody else has it as long as this lives.
#[derive(Debug)]
pub struct Bound {
    pub listener: UnixListener,
    place: Place,
    /// The socket's file.
    file: u64,
    _lock: Flock<fs::File>,
}

impl Place {
    /// # Errors
    /// There is no directory of ours for it.
    pub fn find() -> Result<Self, Failure> {
        runtime::directory(ROOM).map(Self)
    }

    /// The socket. What a machine leaves on a disk when it ends is not taken for what runs on it now.
    pub fn socket(&self) -> PathBuf {
        self.0.join(format!("hub-{}", ProcessId::this().boot_of()))
    }

    /// Become the hub; `None` when there is one.
    ///
    /// # Errors
    /// There can be no such socket.
    pub fn bind(self) -> io::Result<Option<Bound>> {
        // The directory is locked, so that no file of that is left; whoever clears up temporary files leaves one that is locked alone.
        let lock = match Flock::lock(fs::File::open(&self.0)?, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => lock,
            Err((_, Errno::EWOULDBLOCK)) => return Ok(None),
            Err((_, error)) => return Err(error.into()),
        };
        // Whoever had the lock before may have been killed.
        match fs::remove_file(self.socket()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let before = umask(Mode::from_bits_truncate(0o177));
        let listener = UnixListener::bind(self.socket());
        umask(before);
        let (listener, file) = (listener?, fs::symlink_metadata(self.socket())?.ino());
        Ok(Some(Bound { listener, place: self, file, _lock: lock }))
    }

    /// A connection to the hub; `None` when there is none, or it is nobody of ours. Nobody waits for one that stands still.
    pub fn connect(&self) -> Option<UnixStream> {
        let end = socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK, None).ok()?;
        connect(end.as_raw_fd(), &UnixAddr::new(&self.socket()).ok()?).ok()?;
        let stream = UnixStream::from(end);
        stream.set_nonblocking(false).ok()?;
        is_ours(&stream).then_some(stream)
    }
}

impl Bound {
    /// Whether whoever connects there reaches us: nobody has taken the socket away, or put another one in its place.
    pub fn is_reached(&self) -> bool {
        fs::symlink_metadata(self.place.socket()).is_ok_and(|is| is.ino() == self.file)
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        // The lock is still ours.
        if self.is_reached() {
            let _ = fs::remove_file(self.place.socket());
        }
    }
}

/// Whether the process at the other end is one of this user's.
pub fn is_ours(stream: &UnixStream) -> bool {
    peer(stream).is_ok_and(|uid| uid == geteuid().as_raw())
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer(stream: &impl AsFd) -> nix::Result<u32> {
    nix::sys::socket::getsockopt(stream, nix::sys::socket::sockopt::PeerCredentials).map(|peer| peer.uid())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn peer(stream: &impl AsFd) -> nix::Result<u32> {
    nix::sys::socket::getsockopt(stream, nix::sys::socket::sockopt::LocalPeerCred).map(|peer| peer.uid())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    fn place() -> (tempfile::TempDir, Place) {
        let world = tempfile::tempdir().unwrap();
        let place = Place(world.path().to_owned());
        (world, place)
    }

    #[test]
    fn one_has_it_and_the_next_when_that_is_gone() {
        let (_world, place) = place();
        let bound = place.clone().bind().unwrap().expect("nobody has it");
        assert!(place.clone().bind().unwrap().is_none());
        let mut client = place.connect().expect("a connection");
        let (mut served, _) = bound.listener.accept().unwrap();
        assert!(is_ours(&served));
        client.write_all(b"x").unwrap();
        served.read_exact(&mut [0]).unwrap();
        drop((bound, served));
        assert!(place.connect().is_none());
        // One who was killed leaves his socket.
        fs::write(place.socket(), "").unwrap();
        assert!(place.connect().is_none());
        assert!(place.clone().bind().unwrap().is_some());
    }

    #[test]
    fn nobody_waits_for_one_that_takes_no_connection() {
        let (_world, place) = place();
        let _bound = place.clone().bind().unwrap().unwrap();
        let taken: Vec<_> = (0..5000).map_while(|_| place.connect()).collect();
        assert!(!taken.is_empty() && taken.len() < 5000);
    }

    #[test]
    fn nobody_else_can_open_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_world, place) = place();
        let _bound = place.clone().bind().unwrap().unwrap();
        assert_eq!(fs::metadata(place.socket()).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
