//! On whose behalf a thread asks a cluster. It is a property of the thread, because it holds for every kubectl that a question
//! comes to, however deep in the rooms between: a look-up, an exec, and once more when the pod was another one.

use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// On whose behalf, and what follows for a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A person has asked for it, and waits.
    Asked,
    /// The same, by opening a view that is on its way: its terminal is the login plugin's, if it wants to ask.
    OnTerminal,
    /// A view that is on its way or down has to know it, and has the terminal for its own.
    InView,
    /// Nobody has: it starts no login.
    Unasked,
}

thread_local! {
    static MANNER: Cell<Option<Manner>> = const { Cell::new(None) };
}

/// Nobody has asked for anything that this process does.
static UNASKED: AtomicBool = AtomicBool::new(false);
/// How long the operator was asked on our terminal so far, in milliseconds.
static ANSWERING: AtomicU64 = AtomicU64::new(0);
/// A login plugin that insists on it may have this process's terminal.
static TERMINAL: AtomicBool = AtomicBool::new(false);

/// How this thread asks.
pub fn manner() -> Manner {
    let usual = if UNASKED.load(Ordering::Relaxed) { Manner::Unasked } else { Manner::Asked };
    MANNER.get().unwrap_or(usual)
}

/// While this lives, its thread asks in another manner.
#[must_use = "it is over when it is dropped"]
pub struct Acting {
    before: Option<Manner>,
    // Of one thread.
    _here: std::marker::PhantomData<*const ()>,
}

impl Drop for Acting {
    fn drop(&mut self) {
        MANNER.set(self.before);
    }
}

/// From now on this thread asks so.
pub fn acting(manner: Manner) -> Acting {
    Acting { before: MANNER.replace(Some(manner)), _here: std::marker::PhantomData }
}

/// Nobody has asked for what this process does.
pub fn nobody_asks() {
    UNASKED.store(true, Ordering::Relaxed);
}

/// Whether a login plugin that insists on a terminal may have ours: it is one, and nobody draws on it.
pub fn lend_terminal(free: bool) {
    TERMINAL.store(free, Ordering::Relaxed);
}

pub fn lends_terminal() -> bool {
    TERMINAL.load(Ordering::Relaxed)
}

/// The operator took this long to answer.
pub fn note_answering(time: Duration) {
    ANSWERING.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
}

/// How long the operator was asked in this process altogether: time that no deadline knew of which was set before.
pub fn answering() -> Duration {
    Duration::from_millis(ANSWERING.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manner_is_of_one_thread_and_ends() {
        assert_eq!(manner(), Manner::Asked);
        let outer = acting(Manner::OnTerminal);
        {
            let _inner = acting(Manner::Unasked);
            assert_eq!(manner(), Manner::Unasked);
            assert_eq!(std::thread::spawn(manner).join().unwrap(), Manner::Asked);
        }
        assert_eq!(manner(), Manner::OnTerminal);
        drop(outer);
        assert_eq!(manner(), Manner::Asked);
    }
}
