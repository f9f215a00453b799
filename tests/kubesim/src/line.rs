//! How a connection breaks: what the faults of a request do to the bytes of its answer.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crate::faults::{After, Farewell, Fault};
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
}

/// The way of an answer that goes on for a while.
#[derive(Debug)]
pub struct Line {
    wire: Wire,
    plan: Plan,
    sent: usize,
    frozen: Arc<AtomicBool>,
}

impl Line {
    /// Over `wire`, with the faults that the request meets.
    pub fn over(wire: Wire, faults: &[Fault]) -> Self {
        let line = Self { wire, plan: Plan::of(faults), sent: 0, frozen: Arc::default() };
        if let Some(time) = line.plan.time() {
            let (wire, plan, frozen) = (line.wire.clone(), line.plan, Arc::clone(&line.frozen));
            thread::spawn(move || {
                thread::sleep(time);
                break_down(wire, plan, &frozen);
            });
        }
        line
    }
}

/// Do what the plan says.
fn break_down(mut wire: Wire, plan: Plan, frozen: &AtomicBool) {
    frozen.store(true, Ordering::SeqCst);
    match plan.cut {
        None => {}
        Some((_, Farewell::Reset)) => wire.reset(),
        Some((_, Farewell::HangUp)) => wire.hang_up(),
        Some((_, Farewell::CloseFrame(_))) => {
            // The end of an answer in chunks, as if all had been said.
            let _ = wire.write_all(b"0\r\n\r\n");
            wire.hang_up();
        }
    }
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.frozen.load(Ordering::SeqCst) {
            return if self.plan.cut.is_some() { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) };
        }
        let room = self.plan.bytes().map_or(usize::MAX, |limit| limit.saturating_sub(self.sent));
        let now = &bytes[..bytes.len().min(room)];
        self.wire.write_all(now)?;
        self.sent += now.len();
        if now.len() < bytes.len() {
            break_down(self.wire.clone(), self.plan, &self.frozen);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
