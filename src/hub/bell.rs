//! Wakes a thread that waits: for a connection, for a time, or for both.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use crate::process;

/// A bell that one thread hears and any thread rings.
#[derive(Debug)]
pub struct Bell {
    ringing: UnixStream,
    hearing: UnixStream,
}

impl Bell {
    /// # Errors
    /// There are too many open files.
    pub fn new() -> io::Result<Self> {
        let (ringing, hearing) = UnixStream::pair()?;
        ringing.set_nonblocking(true)?;
        hearing.set_nonblocking(true)?;
        Ok(Self { ringing, hearing })
    }

    /// Rings until it is silenced. One that rings already has no room for more, and needs none.
    pub fn ring(&self) {
        let _ = (&self.ringing).write(&[1]);
    }

    /// Wait until then, or until it rings; that it has rung since the last time ends this one. Whether it has.
    pub fn rest(&self, until: Instant) -> bool {
        let _ = process::wait_ready(None, [self.hearing.as_fd()], until);
        self.silence()
    }

    /// Ring no more; whether it has rung.
    pub fn silence(&self) -> bool {
        let mut rung = false;
        while (&self.hearing).read(&mut [0; 64]).is_ok_and(|count| count > 0) {
            rung = true;
        }
        rung
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.hearing.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn it_ends_a_pause_and_only_one() {
        let bell = Arc::new(Bell::new().unwrap());
        let long = || Instant::now() + Duration::from_secs(600);
        bell.ring();
        assert!(bell.rest(long()));
        let soon = Instant::now() + Duration::from_millis(50);
        assert!(!bell.rest(soon) && Instant::now() >= soon);
        let other = bell.clone();
        let rings = thread::spawn(move || other.ring());
        assert!(bell.rest(long()));
        rings.join().unwrap();
    }

    #[test]
    fn it_rings_as_often_as_anybody_likes() {
        let bell = Bell::new().unwrap();
        (0..1_000_000).for_each(|_| bell.ring());
        assert!(bell.silence() && !bell.silence());
    }
}
