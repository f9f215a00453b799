//! A relay: one `sh` on a worker that is asked again and again, over one held exec. Every question that there is runs over it
//! unchanged, its script, its marks and all, in a tenth of the time that an exec takes.
//!
//! It attaches no tmux client, sets no hook and no option. When its connection ends, however that is, it ends what it was asked to
//! run, and itself; a tmux server that was started over it lives on.

mod news;
mod request;
mod shell;

use std::env;
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::time::{Duration, Instant};

use super::exec::Exec;
use super::script;
use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};

pub use news::News;
pub use request::Framed;
pub use shell::{Relay, Watch};

/// What `FACTORY_WORKER_WAY` is for every question to go over a relay: so that whatever is tested of a question can be tested of it
/// over a relay, too. A command that asks once gains nothing.
const RELAY: &str = "relay";

/// Whether every question goes over a relay.
pub fn is_wanted() -> bool {
    env::var_os("FACTORY_WORKER_WAY").is_some_and(|way| way == RELAY)
}

/// A worker that is asked over a relay. What a relay cannot carry, and what is asked while it is at work, is asked as without one.
pub struct Relayed {
    exec: Box<dyn Exec>,
    /// `None` before the first question, and after a connection that broke.
    relay: Mutex<Option<Relay>>,
}

impl Relayed {
    /// Nothing is started yet.
    pub fn new(exec: Box<dyn Exec>) -> Self {
        Self { exec, relay: Mutex::new(None) }
    }

    /// The relay, unless somebody is asking over it just now: what can be read behind a request is the end of the connection, and
    /// nobody waits for what is slow.
    fn relay(&self) -> Option<MutexGuard<'_, Option<Relay>>> {
        match self.relay.try_lock() {
            Ok(relay) => Some(relay),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl Exec for Relayed {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        let Some((framed, mut held)) = Framed::of(request).zip(self.relay()) else {
            return self.exec.run(request);
        };
        // One that has ended meanwhile was asked nothing.
        let there = held.take().and_then(Relay::if_there);
        let mut relay = match there {
            Some(relay) => relay,
            None => match Relay::open(self.exec.as_ref(), None, request.deadline) {
                Ok(relay) => relay,
                // It is asked for tmux alone.
                Err(failure) if failure.kind == Kind::NoShell => return self.exec.run(request),
                Err(failure) => return Err(failure.before_start()),
            },
        };
        let output = relay.exchange(&framed).map_err(|failure| self.exec.explained(failure))?;
        *held = Some(relay);
        Ok(output)
    }

    fn beneath(&self) -> Option<&dyn Exec> {
        Some(self.exec.as_ref())
    }
}

/// What a relay that was tried has taken: to be there, and to answer.
#[derive(Debug, Clone, Copy)]
pub struct Tried {
    pub there: Duration,
    pub answers: [Duration; 2],
}

/// Open a relay on a worker, have it say a word twice, and end it.
///
/// # Errors
/// It does not come up, and was asked nothing ([`Failure::before_start`]); or it does not say the word.
pub fn try_out(exec: &dyn Exec, deadline: Instant) -> Result<Tried, Failure> {
    let began = Instant::now();
    let mut relay = Relay::open(exec, None, deadline).map_err(Failure::before_start)?;
    let there = began.elapsed();
    let mut answers = [Duration::ZERO; 2];
    for took in &mut answers {
        let (began, word) = (Instant::now(), script::nonce());
        let argv = ["echo".to_owned(), word.clone()];
        let Some(answer) = relay.ask(Request { argv: &argv, stdin: b"", reads_to_end: false, deadline }) else { break };
        let output = answer?;
        if output.stdout != format!("{word}\n").into_bytes() {
            return Err(Failure::new(Kind::Incomplete, "it was to say one thing, and says another"));
        }
        *took = began.elapsed();
    }
    Ok(Tried { there, answers })
}

#[cfg(test)]
mod tests;
