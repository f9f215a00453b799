//! What a signal does to us: end what we started, leave the terminal usable, exit 130. Unless somebody listens.

use std::sync::{Mutex, MutexGuard};
use std::thread;

use nix::sys::signal::{SigSet, Signal};

use crate::exit::Code;
use crate::process;

type Tell = Box<dyn Fn(Signal) + Send>;

static LISTENER: Mutex<Option<Tell>> = Mutex::new(None);

fn listener() -> MutexGuard<'static, Option<Tell>> {
    LISTENER.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// From now on SIGINT, SIGTERM and SIGHUP end every process group we started, then us. Call before any thread starts.
///
/// kubectl runs in a process group of its own, so a Ctrl-C on the terminal would otherwise leave it behind.
pub fn end_children_when_interrupted() {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        set.add(signal);
    }
    if set.thread_block().is_err() {
        return;
    }
    thread::spawn(move || {
        while let Ok(signal) = set.wait() {
            match listener().as_ref() {
                Some(tell) => tell(signal),
                None => end(),
            }
        }
    });
}

/// End what we started, leave the terminal usable, and exit 130.
pub fn end() -> ! {
    process::end();
    crate::terminal::restore();
    std::process::exit(Code::Interrupted as i32);
}

/// While this lives, signals are told to somebody and end nothing; after it, to whom they were told before.
pub struct Listening(Option<Tell>);

/// Tell `tell` of each signal instead of ending.
pub fn listen(tell: impl Fn(Signal) + Send + 'static) -> Listening {
    Listening(listener().replace(Box::new(tell)))
}

/// Let Ctrl-C end nothing, and the other signals what they always end.
pub fn ignore_interrupts() -> Listening {
    listen(|signal| {
        if signal != Signal::SIGINT {
            end();
        }
    })
}

impl Drop for Listening {
    fn drop(&mut self) {
        *listener() = self.0.take();
    }
}
