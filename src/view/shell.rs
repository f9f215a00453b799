//! Something that is not a session, on our terminal until it ends: a shell in a pod.

use std::io;
use std::process::Command;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use nix::sys::signal::Signal;

use super::child::{self, Child};
use super::client::features;
use super::events::ViewEvent;
use super::terminal::restore::{self, Last, Terminal};
use crate::failure::Failure;
use crate::remote::script;
use crate::signals;

/// There is no other child.
const ONLY: u32 = 1;
/// How long nothing may happen before the child is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; 128 + N for signal N, as shells say it.
    pub status: i32,
    /// The last line that it wrote on standard error, neutralised.
    pub said: Option<String>,
}

const SHELL: &str = include_str!("shell.sh");

/// A shell on a worker, beside what runs there. `interactive` gives the command that runs an argv there, on this terminal.
///
/// # Errors
/// There is no terminal or no kubectl, or it cannot be started.
pub fn shell(interactive: impl FnOnce(&[String]) -> Result<Command, Failure>) -> anyhow::Result<Ended> {
    // exec does not hand on the terminal's type, and ours may be unknown there.
    let types = features::types();
    let known_everywhere = types.split(' ').next_back().unwrap_or("xterm");
    let argv = ["sh", "-c", &script::stripped(SHELL), "factory-worker", known_everywhere].map(str::to_owned);
    Ok(run(interactive(&argv)?)?)
}

/// Run it, and put the terminal back. Meanwhile a signal ends it, and not us alone.
fn run(command: Command) -> io::Result<Ended> {
    let terminal = Terminal::remember()?;
    terminal.keep_title();
    let (sender, events) = mpsc::channel();
    let signals = sender.clone();
    let _listening = signals::listen(move |signal| drop(signals.send(ViewEvent::Signal(signal))));
    let child = Child::start(command, ONLY, &sender);
    let ended = child.map(|child| watch(child, &events));
    // kubectl says something when the connection broke.
    let tidy = ended.as_ref().is_ok_and(|ended| ended.said.is_none());
    terminal.restore(if tidy { Last::Tidy } else { Last::CutOff });
    ended
}

fn watch(mut child: Child, events: &Receiver<ViewEvent>) -> Ended {
    loop {
        let patience = child.insist().unwrap_or(LOOK_EVERY);
        match events.recv_timeout(patience) {
            Ok(ViewEvent::Said(_, text)) => {
                child.keep(&text);
                restore::write(&child::shown(&text));
            }
            Ok(ViewEvent::Signal(Signal::SIGINT)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(ViewEvent::Signal(_)) => child.end(),
            Ok(ViewEvent::Ended(_, status)) => return Ended { status: status.unwrap_or(1), said: child.last_line() },
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => return Ended { status: 1, said: child.last_line() },
        }
    }
}
