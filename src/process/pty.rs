//! A process on a terminal of its own, for one that would not run without: a login plugin that wants to ask. What it asks is
//! handed to the operator's terminal, and what is answered handed back; it never has that terminal itself.
//!
//! What the process is to read comes after the login: whoever asks before would take it for an answer. It travels through the same
//! terminal, made transparent, and ends like what is typed: with a control-D on a line of its own.

use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use nix::sys::termios::{InputFlags, LocalFlags, SetArg, SpecialCharacterIndices, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{read, ttyname};

use super::{End, Finished, Group, STDERR_CAP, drain, nonblocking, trace};

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// A plugin that runs for longer than this may be asking without a word.
const SILENT: Duration = Duration::from_millis(500);
/// What ends a line that has nothing else on it (termios(3), VEOF).
const END_OF_INPUT: u8 = 4;
/// A control character that means nothing (_POSIX_VDISABLE).
const DISABLED: u8 = if cfg!(target_os = "macos") { 0xff } else { 0 };

/// The modes of the operator's terminal while it is lent.
static LENT: Mutex<Option<Termios>> = Mutex::new(None);

fn lent() -> MutexGuard<'static, Option<Termios>> {
    LENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Give the operator's terminal its own modes back, if it is lent.
pub fn take_back() {
    if let Some(modes) = lent().take() {
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &modes);
    }
}

/// The operator's terminal, from when there is something to answer: keys come one by one and unseen, as the other terminal
/// shows them where that is wanted; a Ctrl-C is still for us.
struct Lent;

impl Lent {
    fn begin() -> Self {
        if let Ok(modes) = tcgetattr(io::stdin()) {
            let mut silent = modes.clone();
            silent.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::IEXTEN);
            silent.input_flags.remove(InputFlags::ICRNL | InputFlags::IXON);
            lent().get_or_insert(modes);
            let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &silent);
        }
        Self
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        take_back();
    }
}

/// What is known of the process from outside, and until when it has to have ended.
#[derive(Debug, Clone, Copy)]
pub struct Sight {
    /// Nobody asks any more.
    pub is_over: bool,
    /// Somebody may be asking.
    pub may_ask: bool,
    /// A person who is asked has no deadline.
    pub deadline: Option<Instant>,
}

/// What came of it so far.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// What it has written on standard output.
    pub stdout: &'a [u8],
    /// How many lines it was answered.
    pub answers: usize,
    /// What is typed on its terminal shows.
    pub echoes: bool,
}

/// Takes what is to be shown to the operator, as it comes.
pub type Say<'a> = &'a mut dyn FnMut(&[u8]);

/// How it is run.
pub struct OnPty<'a> {
    pub stdin: &'a [u8],
    /// Bytes of standard output that are taken.
    pub cap: usize,
    /// Tells of the process with this number, of which this was heard.
    pub look: &'a mut dyn FnMut(i32, Heard<'_>) -> Sight,
    /// Where the operator reads what is said.
    pub say: Option<Say<'a>>,
    /// And answers, on our own terminal.
    pub answered: bool,
    /// How many bytes at the beginning of its standard output are a question to the operator, and no output.
    pub asked: fn(&[u8]) -> usize,
}

/// Nobody asks anything on standard output.
pub fn nothing_asked(_: &[u8]) -> usize {
    0
}

/// Run `command` on a terminal of its own.
///
/// # Errors
/// There is no terminal to be had, the process could not be started, or a pipe failed.
pub fn run_on_pty(command: &Command, run: OnPty<'_>) -> io::Result<Finished> {
    trace(command);
    let (pty, tty) = terminal()?;
    // Who opens a terminal first in a session of his own has it for its controlling one: a plugin may ask on /dev/tty.
    let mut on_tty = Command::new("sh");
    on_tty.args(["-c", "exec \"$@\" <\"$0\""]).arg(ttyname(&tty)?).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => on_tty.env(name, value),
            None => on_tty.env_remove(name),
        };
    }
    on_tty.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let group = Group::spawn(on_tty)?;
    let finished = Finished { end: End::Deadline, stdout: Vec::new(), stderr: Vec::new() };
    let began = Instant::now();
    let supervision =
        Supervision { group, pty, tty, run, finished, lent: None, began, input: Input::Waits, shown: 0, answers: 0 };
    supervision.run()
}

/// The two ends of a new terminal, with the modes of the operator's.
fn terminal() -> io::Result<(std::fs::File, OwnedFd)> {
    let modes = tcgetattr(io::stdin()).ok();
    let pair = openpty(None, modes.as_ref())?;
    for end in [&pair.master, &pair.slave] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    }
    let pty = std::fs::File::from(pair.master);
    nonblocking(&pty)?;
    Ok((pty, pair.slave))
}

/// How far what the process reads has come.
enum Input {
    /// Until nobody asks any more.
    Waits,
    /// This many bytes of it were written.
    Goes(usize),
    /// All but the last was written, and is being read.
    Written,
    Ended,
}

struct Supervision<'a> {
    group: Group,
    /// Our end.
    pty: std::fs::File,
    /// The process's.
    tty: OwnedFd,
    run: OnPty<'a>,
    finished: Finished,
    lent: Option<Lent>,
    began: Instant,
    input: Input,
    /// How much of what it has asked on standard output was said.
    shown: usize,
    answers: usize,
}

impl Supervision<'_> {
    fn run(mut self) -> io::Result<Finished> {
        self.finished.end = self.supervise()?;
        let asked = (self.run.asked)(&self.finished.stdout);
        self.finished.stdout.drain(..asked);
        Ok(self.finished)
    }

    fn supervise(&mut self) -> io::Result<End> {
        let (mut output, mut error) = (self.group.child.stdout.take(), self.group.child.stderr.take());
        output.as_ref().map(nonblocking).transpose()?;
        error.as_ref().map(nonblocking).transpose()?;
        let mut gone_since: Option<Instant> = None;
        while output.is_some() || error.is_some() {
            let now = Instant::now();
            let echoes = tcgetattr(&self.tty).is_ok_and(|modes| modes.local_flags.contains(LocalFlags::ECHO));
            let heard = Heard { stdout: &self.finished.stdout, answers: self.answers, echoes };
            let sight = (self.run.look)(self.group.id, heard);
            if sight.deadline.is_some_and(|deadline| now >= deadline) {
                self.group.kill();
                return Ok(End::Deadline);
            }
            if gone_since.is_none() && self.group.child.try_wait()?.is_some() {
                gone_since = Some(now);
            }
            if gone_since.is_some_and(|since| now - since > super::EXIT_CHECK * 2) {
                break;
            }
            self.wait(&output, &error)?;
            let said = self.finished.stderr.len();
            self.hear(sight.is_over)?;
            if let Some(pipe) = &mut error
                && drain(pipe, &mut self.finished.stderr, STDERR_CAP)?
            {
                error = None;
            }
            if let Some(pipe) = &mut output
                && drain(pipe, &mut self.finished.stdout, self.run.cap + 1)?
            {
                output = None;
            }
            if self.finished.stdout.len() > self.run.cap {
                self.finished.stdout.truncate(self.run.cap);
                self.group.kill();
                return Ok(End::TooLarge);
            }
            match sight.is_over {
                false => self.ask(said, sight.may_ask)?,
                true => self.feed()?,
            }
        }
        self.group.wait(Instant::now() + super::EXIT_CHECK * 100)
    }

    fn wait(&self, output: &Option<impl AsFd>, error: &Option<impl AsFd>) -> io::Result<()> {
        let keys = io::stdin();
        let feeds = matches!(self.input, Input::Goes(_));
        let events = if feeds { PollFlags::POLLIN | PollFlags::POLLOUT } else { PollFlags::POLLIN };
        let mut fds = vec![PollFd::new(self.pty.as_fd(), events)];
        fds.extend(output.iter().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
        fds.extend(error.iter().map(|pipe| PollFd::new(pipe.as_fd(), PollFlags::POLLIN)));
        if self.lent.is_some() {
            fds.push(PollFd::new(keys.as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, PollTimeout::from(LOOK_EVERY.as_millis() as u16)) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// What was written on its terminal: words of somebody who asks, or the echo of what is answered.
    fn hear(&mut self, is_over: bool) -> io::Result<()> {
        let mut written = Vec::new();
        match drain(&mut self.pty, &mut written, STDERR_CAP) {
            Ok(_) => {}
            // Nobody has it open just now.
            Err(error) if error.raw_os_error() == Some(nix::errno::Errno::EIO as i32) => {}
            Err(error) => return Err(error),
        }
        if !is_over {
            let room = STDERR_CAP.saturating_sub(self.finished.stderr.len());
            self.finished.stderr.extend_from_slice(&written[..written.len().min(room)]);
        }
        Ok(())
    }

    /// Hand on what is asked, and what is answered; `said` is how much was said before.
    fn ask(&mut self, said: usize, may_ask: bool) -> io::Result<()> {
        let Some(say) = &mut self.run.say else { return Ok(()) };
        let asked = (self.run.asked)(&self.finished.stdout);
        let news = [&self.finished.stderr[said..], &self.finished.stdout[self.shown..asked]].concat();
        self.shown = asked;
        if !news.is_empty() {
            say(&news);
        }
        if self.run.answered && self.lent.is_none() && (!news.is_empty() || (may_ask && self.began.elapsed() >= SILENT)) {
            self.lent = Some(Lent::begin());
        }
        let keys = io::stdin();
        let mut typed = [PollFd::new(keys.as_fd(), PollFlags::POLLIN)];
        if self.lent.is_some() && poll(&mut typed, PollTimeout::ZERO).is_ok_and(|ready| ready > 0) {
            let mut buffer = [0; 1024];
            let count = read(&keys, &mut buffer).unwrap_or(0);
            // More than it takes is more than anybody types before he sees it.
            let _ = self.pty.write(&buffer[..count]);
            self.answers += buffer[..count].iter().filter(|byte| matches!(byte, b'\r' | b'\n')).count();
        }
        Ok(())
    }

    /// Hand on what it is to read, as it takes it, and the end of that.
    fn feed(&mut self) -> io::Result<()> {
        self.lent = None;
        let Some((&last, rest)) = self.run.stdin.split_last() else { return self.end_of_nothing() };
        match self.input {
            Input::Waits => {
                let mut modes = tcgetattr(&self.tty)?;
                cfmakeraw(&mut modes);
                tcsetattr(&self.tty, SetArg::TCSANOW, &modes)?;
                self.input = Input::Goes(0);
            }
            Input::Goes(count) if count == rest.len() => self.input = Input::Written,
            Input::Goes(count) => match self.pty.write(&rest[count..]) {
                Ok(more) => self.input = Input::Goes(count + more),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                Err(error) => return Err(error),
            },
            // The end is a character to a terminal that reads lines, and would be one among others before. Who has begun to
            // read before that needs one byte more to notice (n_tty_read of Linux).
            Input::Written if !self.has_unread()? => {
                let end = if last == END_OF_INPUT { END_OF_INPUT + 1 } else { END_OF_INPUT };
                let mut modes = tcgetattr(&self.tty)?;
                modes.local_flags.insert(LocalFlags::ICANON);
                modes.control_chars.fill(DISABLED);
                modes.control_chars[SpecialCharacterIndices::VEOF as usize] = end;
                tcsetattr(&self.tty, SetArg::TCSANOW, &modes)?;
                let _ = self.pty.write(&[last, end, end]);
                self.input = Input::Ended;
            }
            Input::Written | Input::Ended => {}
        }
        Ok(())
    }

    /// It reads lines, as a terminal does before anybody has changed it.
    fn end_of_nothing(&mut self) -> io::Result<()> {
        if !matches!(self.input, Input::Ended) {
            let mut modes = tcgetattr(&self.tty)?;
            modes.local_flags.insert(LocalFlags::ICANON);
            modes.control_chars[SpecialCharacterIndices::VEOF as usize] = END_OF_INPUT;
            tcsetattr(&self.tty, SetArg::TCSANOW, &modes)?;
            let _ = self.pty.write(&[END_OF_INPUT]);
            self.input = Input::Ended;
        }
        Ok(())
    }

    fn has_unread(&self) -> io::Result<bool> {
        let mut tty = [PollFd::new(self.tty.as_fd(), PollFlags::POLLIN)];
        Ok(poll(&mut tty, PollTimeout::ZERO)? > 0)
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

    fn over(_: i32, _: Heard<'_>) -> Sight {
        Sight { is_over: true, may_ask: false, deadline: Some(Instant::now() + Duration::from_secs(60)) }
    }

    #[test]
    fn what_it_reads_comes_through_byte_for_byte_and_ends() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for stdin in [&bytes[..], b"\x04\x04\n", b"\n\x04", b"no line end", b"x", b"\0", b""] {
            let run = OnPty { stdin, cap: 1 << 20, look: &mut over, say: None, answered: false, asked: nothing_asked };
            let done = run_on_pty(&sh("test -t 0 && cat"), run).unwrap();
            assert_eq!((done.end, done.stdout.len()), (End::Exited(0), stdin.len()));
            assert!(done.stdout == stdin);
        }
    }

    #[test]
    fn nothing_is_read_before_the_login_is_over() {
        // What asks first would take it for an answer.
        let directory = tempfile::tempdir().unwrap();
        let asked = directory.path().join("asked");
        let end = Instant::now() + Duration::from_secs(60);
        let mut look = |_: i32, _: Heard<'_>| Sight { is_over: asked.exists(), may_ask: true, deadline: Some(end) };
        let script = format!(
            "printf 'Name: ' >/dev/tty; stty -icanon min 0 time 3; head -c 4; echo /; stty icanon min 1 time 0; : >{}; cat",
            asked.display()
        );
        let done = run_on_pty(
            &sh(&script),
            OnPty { stdin: b"text", cap: 100, look: &mut look, say: None, answered: false, asked: nothing_asked },
        )
        .unwrap();
        assert_eq!((done.end, String::from_utf8_lossy(&done.stdout).as_ref()), (End::Exited(0), "/\ntext"));
        assert_eq!(String::from_utf8_lossy(&done.stderr), "Name: ");
    }

    #[test]
    fn one_that_nobody_answers_has_a_deadline() {
        let end = Instant::now() + Duration::from_millis(500);
        let mut look = |_: i32, _: Heard<'_>| Sight { is_over: false, may_ask: true, deadline: Some(end) };
        let done = run_on_pty(
            &sh("read -r name; echo $name"),
            OnPty { stdin: b"", cap: 100, look: &mut look, say: None, answered: false, asked: nothing_asked },
        )
        .unwrap();
        assert_eq!((done.end, done.stdout.as_slice()), (End::Deadline, &b""[..]));
    }

    #[test]
    fn more_than_anybody_wants_is_cut() {
        let done = run_on_pty(
            &sh("yes"),
            OnPty { stdin: b"", cap: 100, look: &mut over, say: None, answered: false, asked: nothing_asked },
        )
        .unwrap();
        assert_eq!((done.end, done.stdout.len()), (End::TooLarge, 100));
    }
}
