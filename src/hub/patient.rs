//! A connection at whose other end nobody is waited for beyond a moment, however little he says or takes at a time.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// It fails when that moment has come.
#[derive(Debug)]
pub struct Patient {
    stream: UnixStream,
    until: Instant,
}

impl Patient {
    pub fn new(stream: UnixStream, until: Instant) -> Self {
        Self { stream, until }
    }

    /// From now on it waits until then.
    pub fn wait_until(&mut self, until: Instant) {
        self.until = until;
    }

    fn left(&self) -> io::Result<Duration> {
        match self.until.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(ErrorKind::TimedOut.into()),
            left => Ok(left),
        }
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        self.stream.read(buffer)
    }
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::thread;

    use super::*;

    #[test]
    fn who_says_a_little_again_and_again_is_not_waited_for_any_longer() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let says = thread::spawn(move || while theirs.write_all(b"x").is_ok() {});
        let until = Instant::now() + Duration::from_millis(50);
        let mut from = BufReader::new(Patient::new(ours, until));
        assert!(from.read_until(b'\n', &mut Vec::new()).is_err());
        assert!(Instant::now() >= until);
        drop(from);
        says.join().unwrap();
    }

    #[test]
    fn who_takes_nothing_is_not_waited_for_any_longer() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        let mut to = Patient::new(ours, Instant::now() + Duration::from_millis(50));
        assert!(to.write_all(&vec![0; 4 << 20]).is_err());
    }
}
