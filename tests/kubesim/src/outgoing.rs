//! What an exec sends to its client: frames, late when the network is slow, until the connection ends, breaks or freezes.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Instant;

use crate::faults::{Farewell, Fault, Latency};
use crate::line::Plan;
use crate::websocket::{Opcode, encode};
use crate::wire::Wire;

/// The channels of an exec.
pub const STDIN: u8 = 0;
pub const STDOUT: u8 = 1;
pub const STDERR: u8 = 2;
pub const ERROR: u8 = 3;
pub const RESIZE: u8 = 4;
/// v5 only: the channel named by the next byte ends.
pub const CLOSE: u8 = 255;

/// How many frames may wait for their way out.
const QUEUE: usize = 64;

#[derive(Debug)]
enum Message {
    Data(u8, Vec<u8>),
    Pong(Vec<u8>),
    /// The end: a close frame with this code.
    Close(u16),
    /// The connection breaks now, in this way.
    Break(Plan),
    /// The client is gone.
    Gone,
}

/// The way to the client. It works until the connection is gone, and says so then.
#[derive(Debug, Clone)]
pub struct Outgoing {
    queue: SyncSender<(Instant, Message)>,
    latency: Latency,
    frozen: Arc<AtomicBool>,
    /// Held by the thread that sends.
    open: Weak<()>,
}

impl Outgoing {
    /// Begin to send over `wire`, with the faults that this exec meets.
    pub fn start(wire: Wire, faults: &[Fault]) -> Self {
        let (queue, messages) = sync_channel(QUEUE);
        let frozen = Arc::new(AtomicBool::new(false));
        let plan = Plan::of(faults);
        let sender = Sender { wire, plan, sent: 0, frozen: Arc::clone(&frozen) };
        let held = Arc::new(());
        let open = Arc::downgrade(&held);
        thread::spawn(move || {
            sender.run(&messages);
            drop(held);
        });
        Self { queue, latency: Latency::of(faults), frozen, open }
    }

    /// Send what a command wrote; false when nobody is there any more.
    pub fn data(&self, channel: u8, bytes: Vec<u8>) -> bool {
        self.send(Message::Data(channel, bytes))
    }

    pub fn pong(&self, payload: Vec<u8>) -> bool {
        self.send(Message::Pong(payload))
    }

    pub fn close(&self, code: u16) -> bool {
        self.send(Message::Close(code))
    }

    /// Let the connection break as if this fault had been waiting for this moment.
    pub fn break_now(&self, fault: &Fault) {
        let _ = self.queue.send((Instant::now(), Message::Break(Plan::of(std::slice::from_ref(fault)))));
    }

    /// Whether the connection is still there.
    pub fn is_open(&self) -> bool {
        self.open.strong_count() > 0
    }

    /// The client is gone: nothing is sent any more, and nobody keeps the connection open.
    pub fn end(&self) {
        self.send(Message::Gone);
    }

    /// Whether what the client sends is lost.
    pub fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::SeqCst)
    }

    fn send(&self, message: Message) -> bool {
        self.queue.send((Instant::now() + self.latency.one_way(), message)).is_ok()
    }
}

struct Sender {
    wire: Wire,
    plan: Plan,
    /// Bytes of standard output sent so far.
    sent: usize,
    frozen: Arc<AtomicBool>,
}

impl Sender {
    fn run(mut self, messages: &Receiver<(Instant, Message)>) {
        let alarm = self.plan.time().map(|time| Instant::now() + time);
        loop {
            let left = alarm.filter(|_| !self.is_frozen()).map(|alarm| alarm.saturating_duration_since(Instant::now()));
            let next = match left {
                Some(left) if left.is_zero() => Err(RecvTimeoutError::Timeout), // also when there is a message
                Some(left) => messages.recv_timeout(left),
                None => messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let go_on = match next {
                Ok((due, message)) => {
                    thread::sleep(due.saturating_duration_since(Instant::now()));
                    self.send(message)
                }
                Err(RecvTimeoutError::Timeout) => self.break_down(),
                Err(RecvTimeoutError::Disconnected) => false,
            };
            if !go_on {
                return;
            }
        }
    }

    /// Send a message; false when it was the last.
    fn send(&mut self, message: Message) -> bool {
        match message {
            Message::Gone => false,
            Message::Break(plan) => {
                self.plan = plan;
                self.break_down()
            }
            Message::Pong(payload) => !self.pongs_pass() || self.write(Opcode::Pong, &payload),
            _ if self.is_frozen() => true,
            Message::Close(code) => {
                self.write(Opcode::Close, &code.to_be_bytes());
                self.wire.hang_up();
                false
            }
            Message::Data(channel, bytes) => self.send_data(channel, &bytes),
        }
    }

    fn send_data(&mut self, channel: u8, bytes: &[u8]) -> bool {
        let room = match self.plan.bytes() {
            Some(limit) if channel == STDOUT => limit - self.sent.min(limit),
            // The command's status must not slip through behind what was held back.
            Some(limit) if channel == ERROR && self.sent >= limit => 0,
            _ => usize::MAX,
        };
        let (now, never) = bytes.split_at(bytes.len().min(room));
        let mut payload = vec![channel];
        payload.extend_from_slice(now);
        if !now.is_empty() && !self.write(Opcode::Binary, &payload) {
            return false;
        }
        if channel == STDOUT {
            self.sent += now.len();
        }
        if never.is_empty() { true } else { self.break_down() }
    }

    /// Do what the plan says; false when the connection is gone.
    fn break_down(&mut self) -> bool {
        let Some((_, farewell)) = self.plan.cut else {
            self.frozen.store(true, Ordering::SeqCst);
            return true;
        };
        match farewell {
            Farewell::CloseFrame(code) => {
                self.write(Opcode::Close, &code.to_be_bytes());
                self.wire.hang_up();
            }
            Farewell::HangUp => self.wire.hang_up(),
            Farewell::Reset => self.wire.reset(),
        }
        false
    }

    fn write(&mut self, opcode: Opcode, payload: &[u8]) -> bool {
        self.wire.write_all(&encode(opcode, payload)).is_ok()
    }

    fn is_frozen(&self) -> bool {
        self.frozen.load(Ordering::SeqCst)
    }

    fn pongs_pass(&self) -> bool {
        !self.is_frozen() || self.plan.freeze.is_some_and(|(_, pongs)| pongs)
    }
}
