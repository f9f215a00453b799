//! The operator's keys while the view is down, and changes of the terminal's size.

use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};

use nix::fcntl::{OFlag, open};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::{pipe2, read, ttyname};
use signal_hook::SigId;

/// What came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    /// Bytes, as they came together.
    Keys(Vec<u8>),
    Resized,
}

/// While this lives, it reads the terminal, and nobody else should.
pub struct Input {
    /// Closed to end the thread.
    stop: Option<OwnedFd>,
    thread: Option<JoinHandle<()>>,
    winch: SigId,
}

impl Input {
    /// Begin to listen.
    ///
    /// # Errors
    /// There are no file descriptors left.
    pub fn start(tell: impl Fn(InputEvent) + Send + 'static) -> io::Result<Self> {
        // A child that kept our end open would keep the thread alive.
        let (stopped, stop) = pipe2(OFlag::O_CLOEXEC)?;
        let (resized, signal) = UnixStream::pair()?;
        resized.set_nonblocking(true)?;
        let winch = signal_hook::low_level::pipe::register(Signal::SIGWINCH as i32, signal)?;
        let terminal = terminal()?;
        let thread = thread::spawn(move || listen(&stopped, &resized, &terminal, &tell));
        Ok(Self { stop: Some(stop), thread: Some(thread), winch })
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.winch);
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The terminal on a file of its own that never blocks. kubectl begins to read the same terminal at a moment that nobody
/// can see beforehand: who waited for a key that kubectl has read already would take the next one from it, be it the
/// terminal's answer to a question of the worker. Standard input itself is shared with kubectl, and so are its flags.
fn terminal() -> io::Result<OwnedFd> {
    let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let path = ttyname(io::stdin()).unwrap_or_else(|_| "/dev/tty".into());
    Ok(open(&path, flags, Mode::empty())?)
}

fn listen(stopped: &OwnedFd, mut resized: &UnixStream, terminal: &OwnedFd, tell: &impl Fn(InputEvent)) {
    let mut buffer = [0; 1024];
    loop {
        let mut fds = [stopped.as_fd(), resized.as_fd(), terminal.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) => {}
            Err(nix::errno::Errno::EINTR) => continue,
            Err(_) => return,
        }
        let [stop, size, keys] = fds.map(|fd| fd.revents().is_some_and(|events| !events.is_empty()));
        if stop {
            return;
        }
        if size {
            match resized.read(&mut buffer) {
                Ok(0) => return,
                _ => tell(InputEvent::Resized),
            }
        }
        if keys {
            match read(terminal.as_fd(), &mut buffer) {
                Ok(count @ 1..) => tell(InputEvent::Keys(buffer[..count].to_vec())),
                Err(nix::errno::Errno::EINTR | nix::errno::Errno::EAGAIN) => {}
                // The terminal is gone; a signal says so too.
                Ok(0) | Err(_) => return,
            }
        }
    }
}
