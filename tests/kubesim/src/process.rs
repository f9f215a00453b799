//! A process that an exec starts in a container: with pipes, or on a terminal of its own.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};

use nix::fcntl::OFlag;
use nix::libc;
use nix::pty::{PtyMaster, grantpt, posix_openpt, ptsname_r, unlockpt};

/// A running process, with our ends of its streams.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub stdin: Option<File>,
    pub stdout: Option<File>,
    pub stderr: Option<File>,
    /// On a terminal, its master side; holding it is what keeps the terminal there.
    terminal: Option<File>,
}

nix::ioctl_write_ptr_bad!(set_window_size, libc::TIOCSWINSZ, libc::winsize);

impl Process {
    /// Start `command` with pipes.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn with_pipes(mut command: Command, stdin: bool) -> io::Result<Self> {
        command.stdin(if stdin { Stdio::piped() } else { Stdio::null() }).stdout(Stdio::piped()).stderr(Stdio::piped());
        in_session_of_its_own(&mut command, false);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take().map(|pipe| OwnedFd::from(pipe).into());
        let stdout = child.stdout.take().map(|pipe| OwnedFd::from(pipe).into());
        let stderr = child.stderr.take().map(|pipe| OwnedFd::from(pipe).into());
        Ok(Self { child, stdin, stdout, stderr, terminal: None })
    }

    /// Start `command` on a new terminal, with `TERM=xterm` as a container runtime sets it, and of unknown size, as it makes it,
    /// unless `size` says how many columns and rows it has.
    ///
    /// # Errors
    /// It cannot be started, or there is no terminal left.
    pub fn on_terminal(mut command: Command, size: Option<(u16, u16)>) -> io::Result<Self> {
        // Close-on-exec from the first moment: what another thread starts meanwhile must not inherit it.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let slave =
            OpenOptions::new().read(true).write(true).custom_flags(libc::O_NOCTTY | libc::O_CLOEXEC).open(ptsname_r(&master)?)?;
        command.env("TERM", "xterm").stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
        in_session_of_its_own(&mut command, true);
        let terminal = into_file(master);
        if let Some((columns, rows)) = size {
            Resizer(terminal.try_clone()?).resize(columns, rows);
        }
        let child = command.spawn()?;
        drop(command); // it holds our copies of the terminal's other side
        let (stdin, stdout) = (terminal.try_clone()?, terminal.try_clone()?);
        Ok(Self { child, stdin: Some(stdin), stdout: Some(stdout), stderr: None, terminal: Some(terminal) })
    }

    /// Its number; that of its session and process group too.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A handle that resizes the terminal; `None` without one.
    pub fn resizer(&self) -> Option<Resizer> {
        Some(Resizer(self.terminal.as_ref()?.try_clone().ok()?))
    }

    /// Wait for its end; gives its exit status, 128 + N when signal N ended it.
    pub fn wait(&mut self) -> i32 {
        match self.child.wait() {
            Ok(status) => status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)),
            Err(_) => 255,
        }
    }
}

/// Changes the size of a terminal.
#[derive(Debug)]
pub struct Resizer(File);

impl Resizer {
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: the descriptor is open and `size` lives through the call. Failure leaves the old size, which is all we could do.
        let _ = unsafe { set_window_size(self.0.as_raw_fd(), &size) };
    }
}

fn into_file(master: PtyMaster) -> File {
    // SAFETY: `into_raw_fd` gives up the only owner of the descriptor, and the file becomes the next.
    unsafe { File::from_raw_fd(master.into_raw_fd()) }
}

/// As container runtimes do: a new session, with the terminal on standard input as its own if there is one.
pub fn in_session_of_its_own(command: &mut Command, terminal: bool) {
    let become_leader = move || {
        nix::unistd::setsid()?;
        // SAFETY: standard input is open; only system calls happen between fork and exec.
        if terminal && unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(become_leader) };
}

/// Hand on everything `source` gives, in pieces, until it ends; `take` says whether it still wants more.
///
/// When it does not, the rest is thrown away rather than left in the pipe: the process goes on as if somebody read it.
pub fn pump(mut source: impl Read, mut take: impl FnMut(Vec<u8>) -> bool) {
    let mut buffer = vec![0; 32 * 1024];
    let mut wanted = true;
    // A terminal whose last user is gone reports an error instead of an end.
    while let Ok(count @ 1..) = source.read(&mut buffer) {
        wanted = wanted && take(buffer[..count].to_vec());
    }
}

/// Write all of `bytes`, or nothing more when nobody reads them.
pub fn feed(stdin: &mut Option<File>, bytes: &[u8]) {
    if let Some(pipe) = stdin
        && pipe.write_all(bytes).is_err()
    {
        *stdin = None;
    }
}
