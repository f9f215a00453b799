//! How a connection breaks: what the faults of a request do to the bytes of its answer.

use std::io::{self, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use crate::faults::{After, Farewell, Fault};
use crate::http::{Chunks, Response};
use crate::wire::Wire;

/// The plan of a connection's end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Plan {
    pub cut: Option<(After, Farewell)>,
    pub freeze: Option<(After, bool)>,
}

impl Plan {
    pub fn of(faults: &[Fault]) -> Self {
        faults.iter().fold(Self::default(), |plan, fault| match *fault {
            Fault::Cut { after, farewell } => Self { cut: Some((after, farewell)), ..plan },
            Fault::Freeze { after, pongs } => Self { freeze: Some((after, pongs)), ..plan },
            _ => plan,
        })
    }

    fn after(&self) -> Option<After> {
        self.cut.map(|(after, _)| after).or(self.freeze.map(|(after, _)| after))
    }

    /// After how many bytes something happens.
    pub fn bytes(&self) -> Option<usize> {
        self.after().and_then(|after| if let After::Bytes(bytes) = after { Some(bytes) } else { None })
    }

    /// After what time something happens.
    pub fn time(&self) -> Option<Duration> {
        self.after().and_then(|after| if let After::Time(time) = after { Some(time) } else { None })
    }

    /// How long a body of this length is said to be: one that is cut and looks like success does not show what is missing.
    fn announced(&self, length: usize) -> usize {
        match self.cut {
            Some((After::Bytes(limit), Farewell::CloseFrame(_))) => length.min(limit),
            _ => length,
        }
    }
}

/// How a connection is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Health {
    #[default]
    Well,
    /// It stays, and nothing passes.
    Frozen,
    Cut,
}

#[derive(Debug, Default)]
struct Shared {
    health: Mutex<Health>,
    changed: Condvar,
    /// Whether an answer in chunks has begun and not ended; held while bytes are on their way, so that nothing comes between them.
    in_chunks: Mutex<bool>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

impl Shared {
    fn health(&self) -> Health {
        *locked(&self.health)
    }

    /// Do what the plan says.
    fn break_down(&self, plan: Plan, wire: &mut Wire, in_chunks: bool) {
        *locked(&self.health) = if plan.cut.is_some() { Health::Cut } else { Health::Frozen };
        self.changed.notify_all();
        match plan.cut {
            None => {}
            Some((_, Farewell::Reset)) => wire.reset(),
            Some((_, Farewell::HangUp)) => wire.hang_up(),
            Some((_, Farewell::CloseFrame(_))) => {
                // The end of an answer in chunks, as if all had been said.
                if in_chunks {
                    let _ = wire.write_all(b"0\r\n\r\n");
                }
                wire.hang_up();
            }
        }
    }
}

/// The way of the answers on one connection, but for those that leave HTTP.
#[derive(Debug)]
pub struct Line {
    wire: Wire,
    plan: Plan,
    /// Bytes of the answer's body sent so far.
    sent: usize,
    shared: Arc<Shared>,
    /// Those who wait for the time of a plan; they stop when this is dropped.
    alarms: Vec<Sender<()>>,
}

impl Line {
    pub fn over(wire: Wire) -> Self {
        Self { wire, plan: Plan::default(), sent: 0, shared: Arc::default(), alarms: Vec::new() }
    }

    /// A request came that meets these faults.
    pub fn meet(&mut self, faults: &[Fault]) {
        (self.plan, self.sent) = (Plan::of(faults), 0);
        let Some(time) = self.plan.time() else { return };
        if time.is_zero() {
            return self.shared.break_down(self.plan, &mut self.wire, false); // a thread might lose against the answer
        }
        let (mut wire, plan, shared) = (self.wire.clone(), self.plan, Arc::clone(&self.shared));
        let (alarm, ended) = channel::<()>();
        self.alarms.push(alarm);
        thread::spawn(move || {
            if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
                // Only a farewell has to wait for its turn; what is stuck must not keep a line from breaking.
                let in_chunks = matches!(plan.cut, Some((_, Farewell::CloseFrame(_)))) && *locked(&shared.in_chunks);
                shared.break_down(plan, &mut wire, in_chunks);
            }
        });
    }

    pub fn health(&self) -> Health {
        self.shared.health()
    }

    /// Let time pass, but no longer than the connection is well.
    pub fn pause(&self, time: Duration) {
        let health = locked(&self.shared.health);
        let _ = self.shared.changed.wait_timeout_while(health, time, |health| *health == Health::Well);
    }

    /// Send a whole answer.
    ///
    /// # Errors
    /// The client is gone.
    pub fn answer(&mut self, response: &Response) -> io::Result<()> {
        let head = response.head(self.plan.announced(response.body.len()));
        self.send_head(&head, false)?;
        self.write_all(&response.body)
    }

    /// Send an answer in chunks.
    ///
    /// # Errors
    /// The client is gone.
    pub fn stream(&mut self, kind: &str, write: impl FnOnce(&mut Chunks<'_>) -> io::Result<()>) -> io::Result<()> {
        self.send_head(&Chunks::head(kind), true)?;
        let mut chunks = Chunks::over(self);
        write(&mut chunks)?;
        chunks.end()?;
        *locked(&self.shared.in_chunks) = false;
        Ok(())
    }

    /// No fault counts the bytes of a head.
    fn send_head(&mut self, head: &[u8], begins_chunks: bool) -> io::Result<()> {
        let mut in_chunks = locked(&self.shared.in_chunks);
        if self.shared.health() == Health::Well {
            self.wire.write_all(head)?;
            *in_chunks = begins_chunks;
        }
        Ok(())
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let in_chunks = locked(&self.shared.in_chunks);
        match self.shared.health() {
            Health::Well => {}
            Health::Frozen => return Ok(bytes.len()),
            Health::Cut => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        let room = self.plan.bytes().map_or(usize::MAX, |limit| limit.saturating_sub(self.sent));
        let now = &bytes[..bytes.len().min(room)];
        self.wire.write_all(now)?;
        self.sent += now.len();
        if now.len() < bytes.len() {
            self.shared.break_down(self.plan, &mut self.wire, *in_chunks);
        }
        Ok(bytes.len())
    }

    /// Tells those who have nothing to write whether somebody would read it.
    fn flush(&mut self) -> io::Result<()> {
        match self.health() {
            Health::Cut => Err(io::ErrorKind::BrokenPipe.into()),
            Health::Well | Health::Frozen => Ok(()),
        }
    }
}
