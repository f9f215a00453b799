//! Running kubectl for an answer, in its turn: what its end says about the login.

use std::env;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use super::kubectl::{Cluster, missing, not_ended_well, switch_collector_off};
use super::kubectl_error;
use super::login::{self, Progress, Terminal, Turn, Way};
use crate::failure::{Failure, Kind};
use crate::process::{self, ANSWER_CAP, End, Finished, Limits, OnPty, Sight};
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
                call.learn(&sink)?;
                return Ok((source, sink));
            }
        };
        let done = started.map_err(|error| cannot_run(&program, &error))?;
        call.learn(&done)?;
        Ok((End::Exited(0), done))
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
        call.learn(&done)?;
        Ok(done)
    }
}

fn cannot_run(program: &OsStr, error: &io::Error) -> Failure {
    missing(format!("cannot run {}: {error}", program.display()))
}

/// One kubectl on its way.
struct Call {
    way: Way,
}

impl Call {
    /// Whether its login is over; those who wait for it may go then.
    fn is_over(&mut self, kubectl: i32) -> bool {
        let Some(progress) = &mut self.way.progress else { return true };
        let over = progress.look(kubectl);
        if over {
            self.way.turn.pass();
        }
        over
    }

    fn look(&mut self, kubectl: i32) {
        let _ = self.is_over(kubectl);
    }

    /// On a terminal of its own. When the operator is asked, its time runs from when that is over, and what it takes counts
    /// against nobody else either.
    fn run_on_pty(&mut self, command: &Command, stdin: &[u8], limits: Limits) -> io::Result<Finished> {
        let began = Instant::now();
        let is_lent = self.way.terminal == Terminal::Lent;
        let patience = (limits.deadline + login::answering()).saturating_duration_since(began);
        let mut deadline = (!is_lent).then_some(limits.deadline);
        let mut look = |kubectl| {
            let is_over = self.is_over(kubectl);
            if is_over && deadline.is_none() {
                let now = Instant::now();
                login::note_answering(now - began);
                deadline = Some(now + patience);
            }
            let may_ask = self.way.progress.as_ref().is_some_and(Progress::is_logging_in);
            Sight { is_over, may_ask, deadline }
        };
        let mut say = |text: &[u8]| {
            let mut out = io::stderr().lock();
            let _ = out.write_all(neutralise::plain(text).as_bytes()).and_then(|()| out.flush());
        };
        if is_lent {
            let run = OnPty { stdin, cap: limits.cap, look: &mut look, say: Some(&mut say) };
            terminal::undisturbed(|| process::run_on_pty(command, run))
        } else {
            process::run_on_pty(command, OnPty { stdin, cap: limits.cap, look: &mut look, say: None })
        }
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
    let said = last.map(|last| format!(" (it says: {last})")).unwrap_or_default();
    Failure::new(Kind::Unauthorized, format!("the login plugin had not finished within the deadline{said}"))
        .before_start()
        .with_remedy("log in to the cluster (`kubectl get pods` does), or give it longer with --timeout")
}
