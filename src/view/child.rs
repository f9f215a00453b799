//! The command that holds the terminal: started, listened to, and told to end.
//!
//! It shares our process group, so that the terminal, job control and Ctrl-C treat both as one. Once it has made the
//! terminal raw, Ctrl-C is a byte for the session; before, it is a signal that ends the child, never us alone.

use std::io::{self, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child as Process, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::connection::family::Family;
use super::events::ViewEvent;
use crate::process;
use crate::state::process_id::ProcessId;
use crate::terminal::neutralise;

/// How long a child that was told to end may take before it is killed: one that was stopped never hears it.
const GRACE: Duration = Duration::from_millis(500);
/// How long to wait for the last words on standard error of a child that is gone; a grandchild may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How much of standard error is kept for a message, in bytes.
const KEPT: usize = 4096;

/// A child in the foreground of our terminal.
#[derive(Debug)]
pub struct Child {
    pub id: i32,
    /// Which of the view's children it is: what is told of another one comes too late.
    pub number: u32,
    /// The last of what it wrote on standard error.
    said: Vec<u8>,
    /// When it is killed, and who is with it.
    patience: Option<(Instant, Vec<ProcessId>)>,
}

impl Child {
    /// Start `command`; what it says and how it ends is sent to `events`.
    ///
    /// # Errors
    /// It could not be started.
    pub fn start(mut command: Command, number: u32, events: &Sender<ViewEvent>) -> io::Result<Self> {
        process::trace(&command);
        let mut process = command.stderr(Stdio::piped()).spawn()?;
        let id = process.id() as i32;
        let (silent, silence) = mpsc::channel::<()>();
        if let Some(pipe) = process.stderr.take() {
            let events = events.clone();
            thread::spawn(move || {
                listen_to(pipe, number, &events);
                drop(silent);
            });
        }
        let events = events.clone();
        thread::spawn(move || {
            let status = wait(&mut process);
            let _ = silence.recv_timeout(LAST_WORDS);
            let _ = events.send(ViewEvent::Ended(number, status));
        });
        Ok(Self { id, number, said: Vec::new(), patience: None })
    }

    /// Keep what it said.
    pub fn keep(&mut self, text: &[u8]) {
        keep(&mut self.said, text);
    }

    /// What it said, without kubectl's words about an exit status, which mean nothing to anybody but us.
    pub fn said(&self) -> Vec<u8> {
        let lines = self.said.split_inclusive(|&byte| byte == b'\n');
        lines.filter(|line| !is_about_status(line)).flatten().copied().collect()
    }

    /// The last line that it said, neutralised.
    pub fn last_line(&self) -> Option<String> {
        last_line(&self.said())
    }

    /// Tell kubectl that the terminal has another size.
    pub fn resized(&self) {
        for process in Family::of(self.id).kubectl {
            ProcessId::of(process).signal(Signal::SIGWINCH);
        }
    }

    /// Tell it to end, and with it a kubectl that it stands before, which may be stopped and would stay for ever, and a login
    /// plugin, which would go on reading the terminal. They are killed when they do not, but for the plugin.
    pub fn end(&mut self) {
        if self.patience.is_some() {
            return;
        }
        let family = Family::of(self.id);
        let [kubectl, plugins] =
            [family.kubectl, family.plugins].map(|ids| ids.into_iter().map(ProcessId::of).collect::<Vec<_>>());
        for process in kubectl.iter().chain(&plugins) {
            process.signal(Signal::SIGTERM);
            process.signal(Signal::SIGCONT);
        }
        self.patience = Some((Instant::now() + GRACE, kubectl));
    }

    /// Kill it when its time is over; gives how long that still takes.
    pub fn insist(&mut self) -> Option<Duration> {
        let (until, family) = self.patience.as_mut()?;
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            family.iter().for_each(|process| process.signal(Signal::SIGKILL));
            *until = Instant::now() + GRACE;
        }
        Some(left.max(Duration::from_millis(1)))
    }
}

/// Keep the last of what is said.
pub fn keep(said: &mut Vec<u8>, text: &[u8]) {
    said.extend_from_slice(text);
    said.drain(..said.len().saturating_sub(KEPT));
}

/// The last line of a text that says something, neutralised.
pub fn last_line(text: &[u8]) -> Option<String> {
    neutralise::plain(text).lines().map(str::trim).rfind(|line| !line.is_empty()).map(neutralise::line)
}

fn wait(process: &mut Process) -> io::Result<i32> {
    let number = |status: ExitStatus| status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    process.wait().map(number)
}

fn listen_to(mut pipe: ChildStderr, number: u32, events: &Sender<ViewEvent>) {
    let mut buffer = [0; KEPT];
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        if events.send(ViewEvent::Said(number, buffer[..count].to_vec())).is_err() {
            return;
        }
    }
}

/// What kubectl says when the command's own exit status is not 0; ours means something else.
fn is_about_status(line: &[u8]) -> bool {
    line.starts_with(b"command terminated with exit code ")
}

/// What a child says, to be shown on a terminal that may be raw.
pub fn shown(text: &[u8]) -> String {
    let lines = text.split_inclusive(|&byte| byte == b'\n').filter(|line| !is_about_status(line));
    neutralise::plain(&lines.flatten().copied().collect::<Vec<u8>>()).replace('\n', "\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn that_said(text: &[u8]) -> Child {
        let mut child = Child { id: 0, number: 1, said: Vec::new(), patience: None };
        child.keep(text);
        child
    }

    #[test]
    fn the_last_line_that_says_something_is_the_reason() {
        let child = that_said(b"Defaulted container\nerror: \x1b[31mi/o timeout\n\ncommand terminated with exit code 1\n");
        assert_eq!(child.last_line().as_deref(), Some("error: i/o timeout"));
        assert_eq!(that_said(b" \n").last_line(), None);
    }

    #[test]
    fn only_the_last_of_much_is_kept() {
        let mut child = that_said(&[b'x'; 3 * KEPT]);
        child.keep(b"end");
        assert_eq!(child.said().len(), KEPT);
        assert!(child.said().ends_with(b"xend"));
    }

    #[test]
    fn what_is_shown_is_harmless_and_fits_a_raw_terminal() {
        assert_eq!(shown(b"log in at \x1b]52;c;x\x07here\ncommand terminated with exit code 84\n"), "log in at here\r\n");
    }
}
