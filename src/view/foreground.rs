//! A child in the foreground of our terminal, watched until its end.
//!
//! It shares our process group, so that the terminal, job control and Ctrl-C treat both as one. Once it has made the
//! terminal raw, Ctrl-C is a byte for the session; before, it is a signal that ends the child, never us alone.

use std::io::{self, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::process;
use crate::signals::{self, Listening};
use crate::terminal::neutralise;

/// How long a child that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the last words on standard error of a child that is gone; a grandchild may hold it open.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// How much of standard error is kept for a message, in bytes.
const KEPT: usize = 4096;

/// How a child in the foreground ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; 128 + N for signal N, as shells say it.
    pub status: i32,
    /// The last of what it wrote on standard error that is not blank, one line, neutralised.
    pub said: Option<String>,
    /// The signal by which somebody ended us: the window was closed (SIGHUP), Ctrl-C before the first screen.
    pub signal: Option<Signal>,
}

enum Event {
    Signal(Signal),
    Said(Vec<u8>),
    Silent,
    Ended(io::Result<ExitStatus>),
}

/// Our process as the one in charge of the terminal. While this lives, a signal to us ends the child, and what is done
/// after it, but not us: somebody has to tidy up.
pub struct Foreground {
    events: Receiver<Event>,
    sender: Sender<Event>,
    _listening: Listening,
}

impl Foreground {
    pub fn take() -> Self {
        let (sender, events) = mpsc::channel();
        let signals = sender.clone();
        let listening = signals::listen(move |signal| {
            if signal == Signal::SIGINT {
                // Nobody has to wait for an answer that they do not want.
                process::kill_all();
            }
            let _ = signals.send(Event::Signal(signal));
        });
        Self { events, sender, _listening: listening }
    }

    /// Run `command` on our terminal until it ends.
    ///
    /// # Errors
    /// It could not be started.
    pub fn run(&self, mut command: Command) -> io::Result<Ended> {
        process::trace(&command);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let id = Pid::from_raw(child.id() as i32);
        if let Some(pipe) = child.stderr.take() {
            let sender = self.sender.clone();
            thread::spawn(move || listen_to(pipe, &sender));
        }
        let sender = self.sender.clone();
        thread::spawn(move || sender.send(Event::Ended(child.wait())));
        watch(id, &self.events)
    }

    /// Whether a signal came since the child has ended.
    pub fn interrupted(&self) -> bool {
        self.events.try_iter().any(|event| matches!(event, Event::Signal(_)))
    }
}

fn watch(id: Pid, events: &Receiver<Event>) -> io::Result<Ended> {
    let mut said = Vec::new();
    let mut signal = None;
    let mut patience = None;
    loop {
        match next(events, patience) {
            Ok(Event::Said(text)) => keep(&mut said, &text),
            Ok(Event::Silent) => {}
            // The terminal has sent it to the child too.
            Ok(Event::Signal(Signal::SIGINT)) => signal = signal.or(Some(Signal::SIGINT)),
            Ok(Event::Signal(other)) => {
                signal = Some(other);
                patience = Some(GRACE);
                let _ = kill(id, Signal::SIGTERM);
            }
            Err(RecvTimeoutError::Timeout) => {
                patience = None;
                let _ = kill(id, Signal::SIGKILL);
            }
            Ok(Event::Ended(status)) => {
                last_words(events, &mut said, &mut signal);
                return status.map(|status| Ended { status: number(status), said: last_line(&said), signal });
            }
            Err(RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

fn next(events: &Receiver<Event>, patience: Option<Duration>) -> Result<Event, RecvTimeoutError> {
    match patience {
        Some(patience) => events.recv_timeout(patience),
        None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}

fn last_words(events: &Receiver<Event>, said: &mut Vec<u8>, signal: &mut Option<Signal>) {
    while let Ok(event) = events.recv_timeout(LAST_WORDS) {
        match event {
            Event::Said(text) => keep(said, &text),
            Event::Silent => return,
            // When a window is closed, the child may see its end before we see the signal.
            Event::Signal(late) => *signal = signal.or(Some(late)),
            Event::Ended(_) => {}
        }
    }
}

fn keep(said: &mut Vec<u8>, text: &[u8]) {
    said.extend_from_slice(text);
    said.drain(..said.len().saturating_sub(KEPT));
}

/// A login plugin may tell the operator what to do, so what is said is shown at once, made harmless.
fn listen_to(mut pipe: ChildStderr, sender: &Sender<Event>) {
    let mut buffer = [0; KEPT];
    while let Ok(count @ 1..) = pipe.read(&mut buffer) {
        let text = neutralise::plain(&buffer[..count]);
        let news = text.split_inclusive('\n').filter(|line| !is_about_status(line));
        let text = news.collect::<String>().replace('\n', "\r\n");
        let _ = io::stderr().lock().write_all(text.as_bytes());
        if sender.send(Event::Said(buffer[..count].to_vec())).is_err() {
            return;
        }
    }
    let _ = sender.send(Event::Silent);
}

/// What kubectl says when the command's own exit status is not 0; ours means something else.
fn is_about_status(line: &str) -> bool {
    line.starts_with("command terminated with exit code ")
}

fn last_line(said: &[u8]) -> Option<String> {
    let text = neutralise::plain(said);
    text.lines().map(str::trim).rfind(|line| !line.is_empty() && !is_about_status(line)).map(neutralise::line)
}

fn number(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_that_says_something_is_the_reason() {
        assert_eq!(last_line(b"Defaulted container\nerror: \x1b[31mi/o timeout\n\n").as_deref(), Some("error: i/o timeout"));
        assert_eq!(last_line(b" \n"), None);
    }
}
