//! Something that is not a session, on our terminal until it ends: a shell in a pod.

use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::child::{self, Child};
use super::client::features;
use super::events::ViewEvent;
use super::terminal::restore::{self, Last, Terminal};
use crate::cluster::login::{self, Manner, Progress, Turn};
use crate::cluster::{kubectl_error, learn_from};
use crate::failure::Failure;
use crate::process;
use crate::remote::exec::Exec;
use crate::remote::script;
use crate::signals::{self, Listening};

/// There is no other child.
const ONLY: u32 = 1;
/// How long nothing may happen before the child is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while it may be logging in.
const LOOK_FOR_LOGIN_EVERY: Duration = Duration::from_millis(50);
/// What a person takes for "at once" needs no word.
const PATIENCE: Duration = Duration::from_millis(300);
const WAITS: &str = "waiting for a login that is under way (Ctrl-C leaves)…";

/// How it ended.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; 128 + N for signal N, as shells say it.
    pub status: i32,
    /// The last line that it wrote on standard error, neutralised.
    pub said: Option<String>,
}

const SHELL: &str = include_str!("shell.sh");

/// A shell on a worker, beside what runs there; `None` when the operator did not wait until it could begin. `timeout` bounds what
/// has to be asked before, once it is our turn to log in.
///
/// # Errors
/// There is no terminal or no kubectl, nobody gets in, or it cannot be started.
pub fn shell(exec: Arc<dyn Exec>, timeout: Duration) -> anyhow::Result<Option<Ended>> {
    // exec does not hand on the terminal's type, and ours may be unknown there.
    let types = features::types();
    let known_everywhere = types.split(' ').next_back().unwrap_or("xterm");
    let argv = ["sh", "-c", &script::stripped(SHELL), "factory-worker", known_everywhere].map(str::to_owned);
    let (sender, events) = mpsc::channel();
    let asks = Arc::new(AtomicBool::new(false));
    let listening = listen(&sender, &asks);
    // The command will have this terminal, so whatever has to be known before may be asked on it, too.
    let _asking = login::acting(Manner::OnTerminal);
    let turn = match wait_for_turn(Arc::clone(&exec), &sender, &events)? {
        Ok(turn) => turn,
        Err(signal) => return Ok(stop(listening, signal)),
    };
    let held = turn.hold();
    asks.store(true, Ordering::Relaxed);
    let interactive = exec.interactive(&argv, Instant::now() + timeout);
    asks.store(false, Ordering::Relaxed);
    drop(held);
    let signal = |event| if let ViewEvent::Signal(signal) = event { Some(signal) } else { None };
    if let Some(signal) = events.try_iter().find_map(signal) {
        return Ok(stop(listening, signal));
    }
    Ok(Some(run(interactive?.command, turn, &sender, &events)?))
}

/// Ctrl-C leaves what has not begun, and nothing else; another signal means us.
fn stop(listening: Listening, signal: Signal) -> Option<Ended> {
    drop(listening);
    if signal != Signal::SIGINT {
        let _ = kill(Pid::this(), signal);
    }
    None
}

/// Until this is dropped, a signal is told to us. What is asked for us ends by it.
fn listen(sender: &Sender<ViewEvent>, asks: &Arc<AtomicBool>) -> Listening {
    let (sender, asks) = (sender.clone(), Arc::clone(asks));
    signals::listen(move |signal| {
        let _ = sender.send(ViewEvent::Signal(signal));
        if asks.load(Ordering::Relaxed) {
            process::kill_all();
        }
    })
}

/// Wait until it is our turn to log in, or a signal comes first.
fn wait_for_turn(
    exec: Arc<dyn Exec>,
    sender: &Sender<ViewEvent>,
    events: &Receiver<ViewEvent>,
) -> Result<Result<Turn, Signal>, Failure> {
    let sender = sender.clone();
    thread::spawn(move || {
        let _asking = login::acting(Manner::OnTerminal);
        // When nobody wants it any more it is given back.
        let _ = sender.send(ViewEvent::Turn(ONLY, exec.turn(None)));
    });
    let mut patience = PATIENCE;
    let mut says = false;
    let given = loop {
        match events.recv_timeout(patience) {
            Ok(ViewEvent::Turn(_, turn)) => break turn.map(Ok),
            Ok(ViewEvent::Signal(signal)) => break Ok(Err(signal)),
            Ok(_) => {}
            // Never cut off: we hold a sender ourselves.
            Err(_) => {
                restore::write(WAITS);
                says = true;
                patience = Duration::MAX;
            }
        }
    };
    if says {
        restore::write("\r\x1b[K");
    }
    given
}

/// Run it, and put the terminal back. Meanwhile a signal ends it, and not us alone.
fn run(command: Command, turn: Turn, sender: &Sender<ViewEvent>, events: &Receiver<ViewEvent>) -> io::Result<Ended> {
    let terminal = Terminal::remember()?;
    terminal.keep_title();
    let child = Child::start(command, ONLY, sender);
    let ended = child.map(|child| watch(child, turn, events));
    // kubectl says something when the connection broke.
    let tidy = ended.as_ref().is_ok_and(|ended| ended.said.is_none());
    terminal.restore(if tidy { Last::Tidy } else { Last::CutOff });
    ended
}

fn watch(mut child: Child, turn: Turn, events: &Receiver<ViewEvent>) -> Ended {
    let mut login = Some(Progress::begin());
    loop {
        if login.as_mut().is_some_and(|login| login.look(child.id)) {
            // Others need not wait for the end of a shell.
            turn.pass();
            login = None;
        }
        let look_every = if login.is_some() { LOOK_FOR_LOGIN_EVERY } else { LOOK_EVERY };
        let patience = child.insist().unwrap_or(look_every).min(look_every);
        match events.recv_timeout(patience) {
            Ok(ViewEvent::Said(_, text)) => {
                child.keep(&text);
                restore::write(&child::shown(&text));
            }
            Ok(ViewEvent::Signal(Signal::SIGINT)) | Err(RecvTimeoutError::Timeout) => {}
            Ok(ViewEvent::Signal(_)) => child.end(),
            Ok(ViewEvent::Ended(_, status)) => {
                let status = status.unwrap_or(1);
                learn(&turn, &child, status);
                return Ended { status, said: child.last_line() };
            }
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => return Ended { status: 1, said: child.last_line() },
        }
    }
}

/// What its end says about the login. That somebody has ended it says nothing.
fn learn(turn: &Turn, child: &Child, status: i32) {
    match status {
        _ if child.said().is_empty() && status < 128 => turn.answered(),
        1 => learn_from(turn, &kubectl_error::classify(&child.said(), b"")),
        _ => {}
    }
}
