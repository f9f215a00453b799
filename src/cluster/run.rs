//! Running kubectl for an answer, in its turn: what its end says about the login.

use std::cell::Cell;
use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::process::Command;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::kubectl::{Cluster, missing, not_ended_well, switch_collector_off, understand};
use super::kubectl_error;
use super::kubectl_questions;
use super::login::{self, Progress, Terminal, Turn, Way, lender};
use crate::failure::{Failure, Kind};
use crate::process::{self, ANSWER_CAP, End, Exchanged, Finished, Greeting, Heard, Held, Limits, OnPty, Over, Said, Sight};
use crate::terminal::{self, neutralise};

/// What a kubectl reads.
pub enum Input<'a> {
    Bytes(&'a [u8]),
    /// These bytes, and then a file.
    File(Vec<u8>, File),
    /// These bytes, and then what another command writes.
    Command(Vec<u8>, Command),
}

impl Cluster {
    /// Run a kubectl of this cluster that answers one question.
    ///
    /// # Errors
    /// It cannot be run, or its login was not our turn, or not done in time.
    pub fn run(&self, command: Command, stdin: &[u8], cap: usize, deadline: Instant) -> Result<Finished, Failure> {
        self.run_reading(command, Input::Bytes(stdin), cap, deadline).map(|(_, done)| done)
    }

    /// The same for one that need not ask the cluster. Some builds of kubectl ask it for its version all the same, before they do
    /// anything, and log in for that; that they have ended proves nothing.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_locally(&self, mut command: Command, deadline: Instant) -> Result<Finished, Failure> {
        switch_collector_off(&mut command, |name| env::var_os(name).is_some());
        let program = command.get_program().to_owned();
        let mut call = Call { way: login::way(self, Some(deadline))? };
        let limits = Limits { deadline, cap: ANSWER_CAP };
        let started = process::run_watched(command, b"", limits, &mut |id| call.look(id));
        started.map_err(|error| cannot_run(&program, &error))
    }

    /// The same for one that reads from anywhere; gives how the end of a command was that wrote what it read, too.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_reading(
        &self,
        mut command: Command,
        input: Input<'_>,
        cap: usize,
        deadline: Instant,
    ) -> Result<(End, Finished), Failure> {
        switch_collector_off(&mut command, |name| env::var_os(name).is_some());
        let program = command.get_program().to_owned();
        let mut call = Call { way: login::way(self, Some(deadline))? };
        let limits = Limits { deadline, cap };
        let started = match input {
            Input::Bytes(bytes) if call.way.terminal != Terminal::None => call.run_on_pty(&command, bytes, limits),
            Input::Bytes(bytes) => process::run_watched(command, bytes, limits, &mut |id| call.look(id)),
            Input::File(head, file) => process::run_from(command, head, file, limits, &mut |id| call.look(id)),
            Input::Command(head, source) => {
                let piped = process::pipe(source, head, command, limits, &mut |id| call.look(id));
                let (source, sink) = piped.map_err(|error| cannot_run(&program, &error))?;
                call.learn(&sink).map_err(|failure| self.named(failure))?;
                return Ok((source, sink));
            }
        };
        let done = started.map_err(|error| cannot_run(&program, &error))?;
        call.learn(&done).map_err(|failure| self.named(failure))?;
        Ok((End::Exited(0), done))
    }

    /// Start a kubectl of this cluster that stays and is asked again and again, and greet it.
    ///
    /// # Errors
    /// As [`Self::run`]; or it ended, or did not answer in time.
    pub fn hold(&self, command: Command, greeting: Greeting<'_>, deadline: Instant) -> Result<Held, Failure> {
        let Greeting { request, is_whole } = greeting;
        let program = command.get_program().to_owned();
        let mut call = Call { way: login::way(self, Some(deadline))? };
        let failed = |error: io::Error| cannot_run(&program, &error);
        let mut held = Held::start(command).map_err(failed)?;
        let limits = Limits { deadline, cap: ANSWER_CAP };
        let mut said = Said::default();
        let done = match held.exchange(request, &mut said, is_whole, limits, &mut |id| call.look(id)).map_err(failed)? {
            Exchanged::Answered => {
                call.way.turn.answered();
                return Ok(held);
            }
            Exchanged::Over(Over::Process(done)) => done,
            Exchanged::Over(Over::Connection(failure)) => return Err(failure),
            Exchanged::Given(end) => Finished { end, stdout: said.stdout, stderr: said.stderr },
        };
        call.learn(&done).map_err(|failure| self.named(failure))?;
        let failure = match understand(done) {
            Ok(output) => Failure::new(Kind::Incomplete, format!("the shell on it ended (exit {})", output.status)),
            Err(failure) => failure,
        };
        Err(self.named(failure))
    }

    /// Run a kubectl of this cluster and hand on what it prints, line by line, as it comes; see [`process::stream`].
    ///
    /// # Errors
    /// It could not be run, its login was not our turn, or `take` failed.
    pub fn stream(
        &self,
        command: Command,
        patience: Option<Duration>,
        turn_until: Instant,
        take: impl FnMut(&[u8]) -> io::Result<()>,
    ) -> anyhow::Result<Finished> {
        let mut call = Call { way: login::way(self, Some(turn_until))? };
        let done = process::stream(command, patience, &mut |id| call.look(id), take)?;
        call.learn(&done).map_err(|failure| self.named(failure))?;
        Ok(done)
    }
}

/// Whoever has our terminal.
static LENT: Mutex<()> = Mutex::new(());

fn cannot_run(program: &OsStr, error: &io::Error) -> Failure {
    missing(format!("cannot run {}: {error}", program.display()))
}

/// The terminal of whoever else uses it, for one kubectl.
struct Borrowed(Cell<bool>);

impl Borrowed {
    fn begin() -> io::Result<Self> {
        let is_wanted = lender::with(|lender| lender.lend()).unwrap_or(true);
        if is_wanted { Ok(Self(Cell::new(true))) } else { Err(io::ErrorKind::Interrupted.into()) }
    }

    /// Nobody asks on it any more, and it is as it was when it was lent.
    fn give_back(&self) {
        if self.0.take() {
            lender::with(|lender| lender.take_back());
        }
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        self.give_back();
    }
}

/// One kubectl on its way.
struct Call {
    way: Way,
}

impl Call {
    /// Whether its login is over; those who wait for it may go then.
    fn is_over(&mut self, kubectl: i32, heard: Option<Heard<'_>>) -> bool {
        let Some(progress) = &mut self.way.progress else { return true };
        let over = progress.look_at(kubectl, heard);
        if over {
            self.way.turn.pass();
        }
        over
    }

    fn look(&mut self, kubectl: i32) {
        let _ = self.is_over(kubectl, None);
    }

    /// On a terminal of its own. When the operator is asked, its time runs from when that is over, and what it takes counts
    /// against nobody else either.
    fn run_on_pty(&mut self, command: &Command, stdin: &[u8], limits: Limits) -> io::Result<Finished> {
        let answered = self.way.terminal == Terminal::Lent;
        let shown = answered || self.way.terminal == Terminal::Shown;
        // There is one terminal: of two that ask on it at the same time nobody could answer either.
        let _mine = answered.then(|| LENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        let borrowed = answered.then(Borrowed::begin).transpose()?;
        let began = Instant::now();
        let patience = (limits.deadline + login::answering()).saturating_duration_since(began);
        let mut deadline = (!shown).then_some(limits.deadline);
        let mut look = |kubectl: i32, heard: Heard<'_>| {
            if let (Some(borrowed), true) = (&borrowed, deadline.is_some()) {
                borrowed.give_back();
            }
            let is_over = self.is_over(kubectl, Some(heard));
            if is_over && deadline.is_none() {
                let now = Instant::now();
                login::note_answering(now - began);
                deadline = Some(now + patience);
            }
            let may_ask = self.way.progress.as_ref().is_some_and(Progress::is_logging_in);
            Sight { is_over, may_ask, deadline }
        };
        let mut say = |text: &[u8]| {
            if lender::with(|lender| lender.say(text)).is_none() {
                let mut out = io::stderr().lock();
                let _ = out.write_all(neutralise::plain(text).as_bytes()).and_then(|()| out.flush());
            }
        };
        let run = OnPty {
            stdin,
            cap: limits.cap,
            look: &mut look,
            say: if shown { Some(&mut say) } else { None },
            answered,
            asked: if answered { |stdout| kubectl_questions::questions(stdout).bytes } else { process::nothing_asked },
        };
        if answered { terminal::undisturbed(|| process::run_on_pty(command, run)) } else { process::run_on_pty(command, run) }
    }

    /// What its end says about the login.
    fn learn(&mut self, done: &Finished) -> Result<(), Failure> {
        let Way { turn, progress, .. } = &self.way;
        if progress.is_none() {
            return Ok(());
        }
        match done.end {
            End::Exited(0) | End::TooLarge => turn.answered(),
            End::Exited(status) if done.stderr.ends_with(format!("exit code {status}\n").as_bytes()) => turn.answered(),
            End::Exited(_) => learn_from(turn, &not_ended_well(done)),
            End::Signalled(_) => {}
            End::Deadline if progress.as_ref().is_some_and(Progress::is_logging_in) => {
                let failure = not_logged_in(done);
                turn.refused(&failure);
                return Err(failure);
            }
            End::Deadline => {}
        }
        Ok(())
    }
}

/// What a failure says about the login: it was refused; it is over; or the cluster has answered.
pub fn learn_from(turn: &Turn, failure: &Failure) {
    match failure.kind {
        Kind::Unauthorized => turn.refused(failure),
        Kind::Unreachable | Kind::Incomplete => turn.pass(),
        _ => turn.answered(),
    }
}

fn not_logged_in(done: &Finished) -> Failure {
    let last = kubectl_error::last_words(&done.stderr);
    login::not_finished(&last.map(|last| format!(" (it says: {last})")).unwrap_or_default())
}
