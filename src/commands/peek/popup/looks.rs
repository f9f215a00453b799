//! Looks at a session, one after the other, from a thread of their own: a slow worker never delays a key.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::registry::names::SessionName;
use crate::remote::list_all::Via;
use crate::remote::{Remote, peek};

/// How long after a look the next one is taken. The hub asks over what it holds open; without it each look is a command of its own.
const AGAIN: Duration = Duration::from_secs(1);
const AGAIN_BY_THE_HUB: Duration = Duration::from_millis(250);
/// Lines that the first look asks for, to be scrolled through; those after it only have to reach back to the one before.
const FIRST_LINES: u32 = 2000;
const LINES: u32 = 500;

pub type Look = Result<Vec<u8>, Failure>;

/// While this lives, looks are taken.
pub struct Looks {
    taken: Receiver<Look>,
    /// Nothing is ever sent: that it is gone tells the thread.
    _wanted: Sender<()>,
}

impl Looks {
    pub fn start(remote: Remote, session: SessionName, timeout: Duration) -> Self {
        let (sender, taken) = mpsc::sync_channel(1);
        let (wanted, unwanted) = mpsc::channel();
        thread::spawn(move || look_again_and_again(&remote, &session, timeout, &sender, &unwanted));
        Self { taken, _wanted: wanted }
    }

    /// The next look, if it was taken.
    pub fn next(&self) -> Option<Look> {
        self.taken.try_recv().ok()
    }
}

fn look_again_and_again(
    remote: &Remote,
    session: &SessionName,
    timeout: Duration,
    sender: &SyncSender<Look>,
    unwanted: &Receiver<()>,
) {
    let mut lines = FIRST_LINES;
    loop {
        let look = peek::capture(remote, session, lines, Instant::now() + timeout);
        let (is_seen, by_hub) = (look.is_ok(), remote.exec.via() == Via::Hub);
        if is_seen {
            lines = LINES;
        }
        if sender.send(look).is_err() {
            return;
        }
        let pause = if is_seen && by_hub { AGAIN_BY_THE_HUB } else { AGAIN };
        if unwanted.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
            return;
        }
    }
}
