//! A command that is asked again and again over its standard streams, whatever leads to it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use super::{
    End, Finished, Group, Limits, STDERR_CAP, Watch, drain, feed, go_no_further_when_ending, nonblocking, trace, wait_ready,
};
use crate::failure::Failure;

/// How often whoever watches it is called while nothing comes.
const WATCH_EVERY: Duration = Duration::from_millis(50);
/// Who waits for something that ends never.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// What leads to it. It ends, with all that it was started for, when this value does.
pub trait Wire: Send {
    /// Write of `request` what can be written now, and cut that off; add what has come to `said`, at most until its standard
    /// output is longer than `cap`.
    ///
    /// # Errors
    /// It is of no use any more.
    fn go_on(&mut self, request: &mut &[u8], said: &mut Said, cap: usize) -> io::Result<Line>;

    /// Wait until it can go on or somebody rings the bell, until then at most.
    ///
    /// # Errors
    /// It is of no use any more.
    fn wait(&self, writes: bool, until: Instant, bell: Option<BorrowedFd<'_>>) -> io::Result<()>;

    /// How it ended, once it has.
    ///
    /// # Errors
    /// Nobody knows.
    fn end(&mut self, said: &mut Said, deadline: Instant) -> io::Result<Over>;

    /// The process here that it is.
    fn process(&self) -> Option<i32>;
}

/// How a wire is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    Open,
    /// Nothing comes any more.
    Over,
}

/// How it ended.
#[derive(Debug)]
pub enum Over {
    /// A process here.
    Process(Finished),
    /// A connection, which is told best by itself.
    Connection(Failure),
}

impl Over {
    /// What that means, for whoever knows what the end of such a process does.
    pub fn failure(self, of_process: impl FnOnce(Finished) -> Failure) -> Failure {
        match self {
            Self::Process(done) => of_process(done),
            Self::Connection(failure) => failure,
        }
    }
}

/// The command; it is gone when this value is.
pub struct Held(Box<dyn Wire>);

/// What it has said since it was asked.
#[derive(Debug, Default)]
pub struct Said {
    pub stdout: Vec<u8>,
    /// At most 64 KiB of it: what was said first, and the last KiB.
    pub stderr: Vec<u8>,
}

/// How much of the end of standard error is kept in any case: whoever asks may look for a mark there.
const STDERR_TAIL: usize = 1024;

impl Said {
    pub fn leave_out_the_middle_of_errors(&mut self) {
        let length = self.stderr.len();
        if length > STDERR_CAP {
            self.stderr.drain(STDERR_CAP - STDERR_TAIL..length - STDERR_TAIL);
        }
    }
}

/// The first that a command is asked, and what counts as an answer.
pub struct Greeting<'a> {
    pub request: &'a [u8],
    pub is_whole: &'a mut dyn FnMut(&mut Said) -> bool,
}

/// How one exchange ended.
#[derive(Debug)]
pub enum Exchanged {
    /// The answer is whole; the command goes on.
    Answered,
    /// It ended, and this is how.
    Over(Over),
    /// The deadline passed, or more came than may; the command cannot be asked any more.
    Given(End),
}

impl Held {
    pub fn over(wire: impl Wire + 'static) -> Self {
        Self(Box::new(wire))
    }

    /// Start a command of this machine. Its streams are its own; it has no controlling terminal.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(command: Command) -> io::Result<Self> {
        Child::start(command).map(Self::over)
    }

    /// Add what it has said by itself to `said`, without waiting; how it is now.
    ///
    /// # Errors
    /// It is of no use any more.
    pub fn hear(&mut self, said: &mut Said, cap: usize) -> io::Result<Line> {
        let line = self.0.go_on(&mut &b""[..], said, cap)?;
        said.leave_out_the_middle_of_errors();
        Ok(line)
    }

    /// Wait until it says something by itself or somebody rings the bell, until then at most.
    ///
    /// # Errors
    /// It is of no use any more.
    pub fn wait(&self, until: Instant, bell: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.0.wait(false, until, bell)
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    /// Nobody knows.
    pub fn end(&mut self, said: &mut Said, deadline: Instant) -> io::Result<Over> {
        self.0.end(said, deadline)
    }

    /// Write all of `request`, and collect what it says until that is an answer. Whoever looks whether it is one may take out of
    /// it what is none.
    ///
    /// # Errors
    /// It is of no use any more.
    pub fn exchange(
        &mut self,
        mut request: &[u8],
        said: &mut Said,
        is_whole: &mut dyn FnMut(&mut Said) -> bool,
        limits: Limits,
        watch: Watch<'_>,
    ) -> io::Result<Exchanged> {
        let process = self.0.process();
        loop {
            if let Some(process) = process {
                watch(process);
            }
            let now = Instant::now();
            if now >= limits.deadline {
                return Ok(Exchanged::Given(End::Deadline));
            }
            // Whoever reads no more may still have said why.
            let line = self.0.go_on(&mut request, said, limits.cap)?;
            let is_answer = is_whole(said) && request.is_empty();
            said.leave_out_the_middle_of_errors();
            if is_answer {
                return Ok(Exchanged::Answered);
            }
            if said.stdout.len() > limits.cap {
                return Ok(Exchanged::Given(End::TooLarge));
            }
            if line == Line::Over {
                go_no_further_when_ending();
                return self.0.end(said, limits.deadline).map(Exchanged::Over);
            }
            let until = if process.is_some() { now + WATCH_EVERY } else { now + FOR_EVER };
            self.0.wait(!request.is_empty(), limits.deadline.min(until), None)?;
        }
    }
}

/// A process of this machine; it is gone, with its group, when this value is.
struct Child {
    group: Group,
    input: ChildStdin,
    output: ChildStdout,
    error: ChildStderr,
}

impl Child {
    fn start(mut command: Command) -> io::Result<Self> {
        trace(&command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut group = Group::spawn(command)?;
        let child = &mut group.child;
        let (Some(input), Some(output), Some(error)) = (child.stdin.take(), child.stdout.take(), child.stderr.take()) else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        nonblocking(&input)?;
        nonblocking(&output)?;
        nonblocking(&error)?;
        Ok(Self { group, input, output, error })
    }
}

impl Wire for Child {
    fn go_on(&mut self, request: &mut &[u8], said: &mut Said, cap: usize) -> io::Result<Line> {
        if feed(&mut self.input, request) {
            // Who does not read the rest of it does not get it later.
            *request = b"";
        }
        let ended =
            drain(&mut self.output, &mut said.stdout, cap + 1)? & drain(&mut self.error, &mut said.stderr, 2 * STDERR_CAP)?;
        Ok(if ended { Line::Over } else { Line::Open })
    }

    fn wait(&self, writes: bool, until: Instant, bell: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let input = writes.then(|| self.input.as_fd());
        wait_ready(input, [self.output.as_fd(), self.error.as_fd()].into_iter().chain(bell), until)
    }

    fn end(&mut self, said: &mut Said, deadline: Instant) -> io::Result<Over> {
        let end = self.group.wait(deadline)?;
        let (stdout, stderr) = (std::mem::take(&mut said.stdout), std::mem::take(&mut said.stderr));
        Ok(Over::Process(Finished { end, stdout, stderr }))
    }

    fn process(&self) -> Option<i32> {
        Some(self.group.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(script: &str) -> Held {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Held::start(command).unwrap()
    }

    /// Whether it runs, and says nothing by itself.
    fn is_quiet(held: &mut Held) -> bool {
        let mut said = Said::default();
        held.hear(&mut said, 0).unwrap() == Line::Open && said.stdout.is_empty() && said.stderr.is_empty()
    }

    fn ask(held: &mut Held, text: &str, until: &[u8], ms: u64) -> (Exchanged, Said) {
        let limits = Limits { deadline: Instant::now() + Duration::from_millis(ms), cap: 1 << 20 };
        let mut said = Said::default();
        let mut is_whole = |said: &mut Said| said.stdout.ends_with(until);
        let exchanged = held.exchange(text.as_bytes(), &mut said, &mut is_whole, limits, &mut |_| {}).unwrap();
        (exchanged, said)
    }

    #[test]
    fn it_is_asked_again_and_again() {
        let mut held = held("while read -r word; do echo $word; echo error >&2; echo end; done");
        for word in ["one", "two"] {
            assert!(is_quiet(&mut held));
            let (exchanged, said) = ask(&mut held, &format!("{word}\n"), b"end\n", 60_000);
            assert!(matches!(exchanged, Exchanged::Answered), "{exchanged:?}");
            assert_eq!(said.stdout, format!("{word}\nend\n").into_bytes());
        }
    }

    #[test]
    fn its_end_is_told_with_what_it_said() {
        let mut held = held("read -r word; echo $word; echo why >&2; exit 3");
        let (exchanged, _) = ask(&mut held, "word\n", b"end\n", 60_000);
        let Exchanged::Over(Over::Process(Finished { end, stdout, stderr })) = exchanged else { panic!("{exchanged:?}") };
        assert_eq!((end, stdout.as_slice(), stderr.as_slice()), (End::Exited(3), &b"word\n"[..], &b"why\n"[..]));
        assert!(!is_quiet(&mut held));
    }

    #[test]
    fn the_deadline_and_the_cap_are_kept() {
        let (exchanged, _) = ask(&mut held("sleep 600"), "word\n", b"end\n", 100);
        assert!(matches!(exchanged, Exchanged::Given(End::Deadline)), "{exchanged:?}");
        let (exchanged, said) = ask(&mut held("yes"), "", b"end\n", 60_000);
        assert!(matches!(exchanged, Exchanged::Given(End::TooLarge)), "{exchanged:?}");
        assert_eq!(said.stdout.len(), (1 << 20) + 1);
    }

    #[test]
    fn the_beginning_and_the_end_of_many_errors_are_kept() {
        let mut held = held("read -r _; echo first >&2; head -c 1000000 /dev/zero >&2; echo last >&2; echo end; read -r _");
        let (exchanged, said) = ask(&mut held, "\n", b"end\n", 60_000);
        assert!(matches!(exchanged, Exchanged::Answered), "{exchanged:?}");
        assert!(said.stderr.starts_with(b"first\n") && said.stderr.len() <= STDERR_CAP, "{}", said.stderr.len());
    }

    #[test]
    fn whoever_speaks_unasked_is_not_quiet() {
        let mut held = held("echo ready; read -r _; echo more; sleep 600");
        let (exchanged, _) = ask(&mut held, "\n", b"more\n", 60_000);
        assert!(matches!(exchanged, Exchanged::Answered) && is_quiet(&mut held));
        let mut held = self::held("echo something; sleep 600");
        while is_quiet(&mut held) {
            std::thread::yield_now();
        }
    }
}
