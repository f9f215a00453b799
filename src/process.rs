//! One external process, supervised: its own session, capped output, a deadline that kills all of it.
//!
//! Commands are *built* in `cluster/kubectl.rs`, `remote/local.rs` and `local/tmux.rs` only; this file runs them.

// Said by its path: the fuzz targets have this file as a module of another crate.
#[path = "process/family.rs"]
pub mod family;
#[path = "process/held.rs"]
mod held;
#[path = "process/joined.rs"]
mod joined;
#[path = "process/pty.rs"]
mod pty;
#[path = "process/request.rs"]
mod request;
#[path = "process/stream.rs"]
mod stream;

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use process_wrap::std::{CommandWrap, CommandWrapper, ProcessSession};

use crate::terminal;

pub use held::{Exchanged, Greeting, Held, Line, Over, Said, Wire};
use joined::joined;
pub use pty::{Heard, OnPty, Sight, nothing_asked, run_on_pty};
pub use request::{ANSWER_CAP, Output, Request};
pub use stream::stream;

/// How long a process may run and how much it may say.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub deadline: Instant,
    /// Bytes of standard output; standard error is cut at 64 KiB without being an error.
    pub cap: usize,
}

/// Who looks at a process from outside while it runs; it gets the process's number.
pub type Watch<'a> = &'a mut dyn FnMut(i32);

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    Exited(i32),
    Signalled(i32),
    /// Killed by us: the deadline passed.
    Deadline,
    /// Killed by us: more output than the cap.
    TooLarge,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit {status}"),
            Self::Signalled(signal) => write!(f, "killed by signal {signal}"),
            Self::Deadline => f.write_str("no end within the deadline"),
            Self::TooLarge => f.write_str("it said too much"),
        }
    }
}

/// A process that is gone, and what it said.
#[derive(Debug)]
pub struct Finished {
    pub end: End,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
}

const STDERR_CAP: usize = 64 * 1024;
/// How often an exit is noticed while somebody else still holds the pipes open.
const EXIT_CHECK: Duration = Duration::from_millis(50);

/// Process groups that are running now, so that a signal to us can end them.
static GROUPS: Mutex<Vec<i32>> = Mutex::new(Vec::new());
/// Nothing is started any more.
static ENDING: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Print the argv of each process from now on (`-v`).
pub fn set_verbose(on: bool) {
    VERBOSE.store(on, Ordering::Relaxed);
}

/// Under `-v`, one line on standard error with the exact argv, quoted for a shell, from which it can be run again.
pub fn trace(command: &Command) {
    say(|| {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let argv: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        terminal::shell::line(&argv)
    });
}

/// Under `-v`, one line on standard error about something that is done.
pub fn say(what: impl FnOnce() -> String) {
    if VERBOSE.load(Ordering::Relaxed) {
        terminal::note(&format!("+ {}", what()));
    }
}

/// End every process that [`run`] has started and that is still running.
pub fn kill_all() {
    kill(&mut groups());
}

/// The same, and start none any more: we are about to end, and leave nothing behind. Who waits in [`run`] waits for that
/// end, so that nobody takes what was cut short for an answer.
pub fn end() {
    let mut groups = groups();
    ENDING.store(true, Ordering::Relaxed);
    kill(&mut groups);
    pty::take_back();
}

fn groups() -> MutexGuard<'static, Vec<i32>> {
    GROUPS.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn kill(groups: &mut Vec<i32>) {
    for group in groups.drain(..) {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
}

/// Run `command` to its end: `stdin` is written to it and closed, output is collected, and the limits are kept.
///
/// # Errors
/// The process could not be started, or a pipe failed.
pub fn run(command: Command, stdin: &[u8], limits: Limits) -> io::Result<Finished> {
    run_watched(command, stdin, limits, &mut |_| {})
}

/// The same, and `watch` is told the process's number every now and then while it runs.
///
/// # Errors
/// As [`run`].
pub fn run_watched(mut command: Command, stdin: &[u8], limits: Limits, watch: Watch<'_>) -> io::Result<Finished> {
    command.stdin(if stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
    traced(command, stdin, limits, watch)
}

/// The same for a command that reads `head`, and behind it what `rest` has.
///
/// # Errors
/// As [`run`]; or `rest` cannot be read.
pub fn run_from(
    mut command: Command,
    head: Vec<u8>,
    rest: impl Read + Send + 'static,
    limits: Limits,
    watch: Watch<'_>,
) -> io::Result<Finished> {
    let (source, carried) = joined(head, rest)?;
    command.stdin(source);
    let finished = traced(command, b"", limits, watch)?;
    carried.try_recv().unwrap_or(Ok(())).map(|()| finished)
}

/// Run two commands, of which the second reads `head` and then what the first writes; gives how the first ended, and the
/// second. What the first has to say goes to our standard error.
///
/// # Errors
/// As [`run`].
pub fn pipe(mut first: Command, head: Vec<u8>, second: Command, limits: Limits, watch: Watch<'_>) -> io::Result<(End, Finished)> {
    trace(&first);
    first.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut group = Group::spawn(first)?;
    let Some(source) = group.child.stdout.take() else { return Err(io::ErrorKind::BrokenPipe.into()) };
    let finished = run_from(second, head, source, limits, watch)?;
    Ok((group.wait(limits.deadline)?, finished))
}

fn traced(command: Command, stdin: &[u8], limits: Limits, watch: Watch<'_>) -> io::Result<Finished> {
    trace(&command);
    let finished = supervise(command, stdin, limits, watch);
    go_no_further_when_ending();
    finished
}

/// What has ended because we are ending ended for no reason that anybody wants to be told.
fn go_no_further_when_ending() {
    while ENDING.load(Ordering::Relaxed) {
        thread::park();
    }
}

fn supervise(mut command: Command, stdin: &[u8], limits: Limits, watch: Watch<'_>) -> io::Result<Finished> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut group = Group::spawn(command)?;
    let mut finished = Finished { end: End::Deadline, stdout: Vec::new(), stderr: Vec::new() };
    let ended = group.pump(stdin, limits, watch, &mut finished)?;
    finished.end = match ended {
        Some(end) => {
            group.kill();
            end
        }
        None => group.wait(limits.deadline)?,
    };
    Ok(finished)
}

/// Let a command run in a session of its own, whose process group has its number: it has no controlling terminal. A login
/// plugin that asks on `/dev/tty` would paint over whatever the operator is looking at, and change the modes under it.
///
/// # Errors
/// None on a Unix.
pub fn detach(command: &mut Command) -> io::Result<()> {
    ProcessSession.pre_spawn(command, &CommandWrap::with_new("", |_| ()))
}

/// A child in a session of its own; its whole process group is gone when this value is.
struct Group {
    child: Child,
    id: i32,
}

impl Group {
    fn spawn(mut command: Command) -> io::Result<Self> {
        let mut groups = groups();
        if ENDING.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        detach(&mut command)?;
        let child = command.spawn()?;
        let id = child.id() as i32;
        groups.push(id);
        Ok(Self { child, id })
    }

    fn kill(&mut self) {
        let _ = killpg(Pid::from_raw(self.id), Signal::SIGKILL);
        let _ = self.child.wait();
    }

    fn wait(&mut self, deadline: Instant) -> io::Result<End> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(match status.code() {
                    Some(code) => End::Exited(code),
                    None => End::Signalled(status.signal().unwrap_or(0)),
                });
            }
            if Instant::now() >= deadline {
                self.kill();
                return Ok(End::Deadline);
            }
            // Its pipes are closed, so it is about to exit: this loop turns a few times at most.
            thread::sleep(Duration::from_micros(200));
        }
    }

    /// Move bytes until both output pipes are closed. `Some` means we have to kill it, and why.
    fn pump(&mut self, mut stdin: &[u8], limits: Limits, watch: Watch<'_>, finished: &mut Finished) -> io::Result<Option<End>> {
        let mut input = self.child.stdin.take();
        let mut output = self.child.stdout.take();
        let mut error = self.child.stderr.take();
        if let Some(pipe) = &input {
            nonblocking(pipe)?;
        }
        if let Some(pipe) = &output {
            nonblocking(pipe)?;
        }
        if let Some(pipe) = &error {
            nonblocking(pipe)?;
        }
        let mut gone_since: Option<Instant> = None;
        while output.is_some() || error.is_some() {
            let now = Instant::now();
            watch(self.id);
            if now >= limits.deadline {
                return Ok(Some(End::Deadline));
            }
            // A grandchild that keeps the pipes open does not keep us.
            if gone_since.is_none() && self.child.try_wait()?.is_some() {
                gone_since = Some(now);
            }
            if gone_since.is_some_and(|since| now - since > EXIT_CHECK * 2) {
                return Ok(None);
            }
            wait_ready(fd(&input), [fd(&output), fd(&error)].into_iter().flatten(), limits.deadline.min(now + EXIT_CHECK))?;
            if let Some(pipe) = &mut input
                && feed(pipe, &mut stdin)
            {
                input = None;
            }
            if let Some(pipe) = &mut output
                && drain(pipe, &mut finished.stdout, limits.cap + 1)?
            {
                output = None;
            }
            if finished.stdout.len() > limits.cap {
                finished.stdout.truncate(limits.cap);
                return Ok(Some(End::TooLarge));
            }
            if let Some(pipe) = &mut error
                && drain(pipe, &mut finished.stderr, STDERR_CAP)?
            {
                error = None;
            }
        }
        Ok(None)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        groups().retain(|&id| id != self.id);
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
        }
    }
}

fn nonblocking(pipe: &impl AsFd) -> io::Result<()> {
    let flags = OFlag::from_bits_truncate(fcntl(pipe, FcntlArg::F_GETFL)?);
    fcntl(pipe, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
    Ok(())
}

/// Wait until one of them can be written, or something can be read, until then at most.
pub fn wait_ready<'a>(
    writes: Option<BorrowedFd<'a>>,
    reads: impl IntoIterator<Item = BorrowedFd<'a>>,
    until: Instant,
) -> io::Result<()> {
    let writes = writes.into_iter().map(|pipe| PollFd::new(pipe, PollFlags::POLLOUT));
    let mut fds: Vec<_> = writes.chain(reads.into_iter().map(|pipe| PollFd::new(pipe, PollFlags::POLLIN))).collect();
    let left = until.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
    match poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)) {
        Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn fd(pipe: &Option<impl AsFd>) -> Option<BorrowedFd<'_>> {
    pipe.as_ref().map(AsFd::as_fd)
}

/// Write what fits; true when the pipe is to be closed: all is written, or the reader has gone.
fn feed(pipe: &mut impl Write, left: &mut &[u8]) -> bool {
    while !left.is_empty() {
        match pipe.write(left) {
            Ok(count) => *left = &left[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return true,
        }
    }
    true
}

/// Read what is there, keeping at most `cap` bytes; true at the end of the stream.
fn drain(pipe: &mut impl Read, kept: &mut Vec<u8>, cap: usize) -> io::Result<bool> {
    let mut buffer = [0; 16 * 1024];
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(count) => {
                let room = cap.saturating_sub(kept.len());
                kept.extend_from_slice(&buffer[..count.min(room)]);
                if room < count {
                    return Ok(false);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    fn limits(ms: u64, cap: usize) -> Limits {
        Limits { deadline: Instant::now() + Duration::from_millis(ms), cap }
    }

    #[test]
    fn output_error_and_status_are_kept_apart() {
        let done = run(sh("cat; echo no >&2; exit 7"), b"text", limits(60_000, 100)).unwrap();
        assert_eq!((done.end, done.stdout.as_slice(), done.stderr.as_slice()), (End::Exited(7), &b"text"[..], &b"no\n"[..]));
    }

    #[test]
    fn input_larger_than_a_pipe_passes_through() {
        let text = vec![b'x'; 1 << 20];
        let done = run(sh("cat"), &text, limits(60_000, 2 << 20)).unwrap();
        assert_eq!(done.stdout, text);
    }

    #[test]
    fn the_deadline_ends_the_whole_group() {
        let done = run(sh("sleep 600 & echo $!; wait"), b"", limits(300, 100)).unwrap();
        assert_eq!(done.end, End::Deadline);
        let pid: i32 = String::from_utf8(done.stdout).unwrap().trim().parse().unwrap();
        let gone = Instant::now() + Duration::from_secs(20);
        // A zombie that init has not reaped yet still answers to kill(0): look at its state instead.
        while std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z")) {
            assert!(Instant::now() < gone, "process {pid} outlived its group");
            std::thread::yield_now();
        }
    }

    #[test]
    fn too_much_output_is_cut_and_said() {
        let done = run(sh("yes"), b"", limits(60_000, 1000)).unwrap();
        assert_eq!((done.end, done.stdout.len()), (End::TooLarge, 1000));
    }

    #[test]
    fn a_grandchild_that_keeps_the_pipes_open_does_not_keep_us() {
        let done = run(sh("setsid sleep 3 & echo started"), b"", limits(60_000, 100)).unwrap();
        assert_eq!((done.end, done.stdout.as_slice()), (End::Exited(0), &b"started\n"[..]));
    }

    #[test]
    fn one_command_reads_what_another_writes() {
        let zeros = sh("head -c 300000 /dev/zero; exit 3");
        let (first, second) = pipe(zeros, b"head".to_vec(), sh("wc -c"), limits(60_000, 100), &mut |_| {}).unwrap();
        assert_eq!((first, String::from_utf8(second.stdout).unwrap().trim()), (End::Exited(3), "300004"));
        let (first, second) = pipe(sh("yes"), b"no\n".to_vec(), sh("head -n 2"), limits(60_000, 100), &mut |_| {}).unwrap();
        assert!(!matches!(first, End::Deadline | End::Exited(0)), "{first:?}");
        assert_eq!(second.stdout, b"no\ny\n");
        // Nobody writes, and nobody reads.
        let (first, second) = pipe(sh("sleep 600"), vec![0; 1 << 20], sh("sleep 600"), limits(300, 100), &mut |_| {}).unwrap();
        assert_eq!((first, second.end), (End::Deadline, End::Deadline));
    }

    #[test]
    fn a_source_that_cannot_be_read_is_an_error() {
        let directory = std::fs::File::open("/").unwrap();
        assert!(run_from(sh("cat"), b"head".to_vec(), directory, limits(60_000, 100), &mut |_| {}).is_err());
    }

    #[test]
    fn a_reader_that_goes_away_is_no_error() {
        let done = run(sh("exec <&-; echo ok"), &vec![0; 1 << 20], limits(60_000, 100)).unwrap();
        assert_eq!(done.end, End::Exited(0));
    }
}
