//! The streams of an exec that has begun, over one connection: what each end says, and that the other one is still there.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::channels::{Channels, Ended, Heard, PIECE, end_of_input, input};
use super::frames::{self, Frame, Frames, Nonsense};
use super::handshake::Protocol;
use super::opening::Opening;
use crate::cluster::{kubectl, kubectl_error};
use crate::failure::{Failure, Kind};
use crate::process::{self, Output, Said};

/// How often the server is asked whether it is there, and how often it may leave that unanswered.
const PING_EVERY: Duration = Duration::from_secs(5);
const MISSED: u32 = 2;
/// What is kept of the status; in bytes.
const STATUS_CAP: usize = 64 * 1024;
/// So much may wait to be written: pings of a server that does not read are not answered for ever.
const OUTGOING_CAP: usize = 256 * 1024;

/// The server's end of them, as far as it has come.
pub struct Streams {
    stream: UnixStream,
    protocol: Protocol,
    frames: Frames,
    channels: Channels,
    /// Bytes on their way to the server, and how many of them are there.
    outgoing: Vec<u8>,
    written: usize,
    /// The command reads no more: what else it is given is left out.
    reads_no_more: bool,
    status: Vec<u8>,
    ended: Option<Ended>,
    next_ping: Instant,
    missed: u32,
    /// Dropped with the first that is heard of the command.
    opening: Option<Opening>,
}

/// How the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connection {
    Open,
    /// With the code of a close frame, if there was one.
    Closed(Option<u16>),
}

impl Streams {
    /// `rest` is what came behind the answer that began it.
    ///
    /// # Errors
    /// The connection is of no use.
    pub fn new(stream: UnixStream, protocol: Protocol, rest: &[u8], opening: Opening) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let mut frames = Frames::default();
        frames.push(rest);
        Ok(Self {
            stream,
            protocol,
            frames,
            channels: Channels::default(),
            outgoing: Vec::new(),
            written: 0,
            reads_no_more: false,
            status: Vec::new(),
            ended: None,
            next_ping: Instant::now() + PING_EVERY,
            missed: 0,
            opening: Some(opening),
        })
    }

    /// Whether it has been said how the command ended.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Ask whether the server is there, when it is time for that.
    ///
    /// # Errors
    /// It has not answered for too long.
    pub fn ping(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        if now < self.next_ping {
            return Ok(());
        }
        if self.missed >= MISSED {
            return Err(lost("it does not answer any more"));
        }
        self.missed += 1;
        self.next_ping = now + PING_EVERY;
        self.outgoing.extend(frames::ping());
        Ok(())
    }

    /// Have something to write, as long as there is something, and write what fits; that is cut off `bytes`.
    pub fn write(&mut self, bytes: &mut &[u8]) {
        loop {
            if self.written == self.outgoing.len() {
                self.outgoing.clear();
                self.written = 0;
                if self.reads_no_more {
                    *bytes = b"";
                }
                let (now, later) = bytes.split_at(bytes.len().min(PIECE));
                if !now.is_empty() {
                    self.outgoing.extend(input(now));
                }
                *bytes = later;
            }
            if !self.flush() || bytes.is_empty() {
                return;
            }
        }
    }

    /// The command has been given all that there is.
    pub fn end_input(&mut self) {
        self.outgoing.extend(end_of_input(self.protocol));
        self.flush();
    }

    /// Write what fits; whether that was all.
    fn flush(&mut self) -> bool {
        while self.written < self.outgoing.len() {
            match (&self.stream).write(&self.outgoing[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The command may have ended without reading it: what the server has to say comes the other way.
                Err(_) => {
                    self.reads_no_more = true;
                    self.written = self.outgoing.len();
                }
            }
        }
        true
    }

    /// Wait until something comes, or can be written if there is something to write, or somebody rings the bell; until then at
    /// most, or the next ping.
    ///
    /// # Errors
    /// The connection is of no use any more.
    pub fn wait(&self, until: Instant, bell: Option<BorrowedFd<'_>>) -> io::Result<()> {
        let stream = self.stream.as_fd();
        let writes = (self.written < self.outgoing.len()).then_some(stream);
        process::wait_ready(writes, [stream].into_iter().chain(bell), until.min(self.next_ping))
    }

    /// Take in what has come.
    ///
    /// # Errors
    /// It makes no sense, or its standard output is longer than `cap`.
    pub fn read(&mut self, said: &mut Said, cap: usize) -> Result<Connection, Failure> {
        let mut piece = [0; 64 * 1024];
        match (&self.stream).read(&mut piece) {
            Ok(0) => Ok(Connection::Closed(None)),
            Ok(count) => {
                self.frames.push(&piece[..count]);
                self.take_in(said, cap)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(Connection::Open),
            Err(_) => Ok(Connection::Closed(None)),
        }
    }

    /// Take in every frame that is whole.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn take_in(&mut self, said: &mut Said, cap: usize) -> Result<Connection, Failure> {
        while let Some(frame) = self.frames.next().map_err(|nonsense| broken_off(&nonsense))? {
            self.missed = 0;
            match frame {
                Frame::Data { first, last, bytes } => self.hear(first, last, &bytes, said, cap)?,
                Frame::Ping(payload) if self.outgoing.len() < OUTGOING_CAP => self.outgoing.extend(frames::pong(&payload)),
                Frame::Ping(_) | Frame::Pong => {}
                Frame::Close(code) => return Ok(Connection::Closed(code)),
            }
        }
        Ok(Connection::Open)
    }

    fn hear(&mut self, first: bool, last: bool, bytes: &[u8], said: &mut Said, cap: usize) -> Result<(), Failure> {
        match self.channels.hear(first, last, bytes).map_err(|nonsense| broken_off(&nonsense))? {
            // A server may say on an empty message that there is a connection; nothing has begun by that.
            Heard::Nothing | Heard::Stdout(b"") | Heard::Stderr(b"") => return Ok(()),
            Heard::Stdout(bytes) => {
                said.stdout.extend_from_slice(bytes);
                if said.stdout.len() > cap {
                    return Err(Failure::too_large(cap));
                }
            }
            Heard::Stderr(bytes) => said.stderr.extend_from_slice(bytes),
            Heard::Status(bytes, whole) => {
                self.status.extend_from_slice(bytes);
                if self.status.len() > STATUS_CAP {
                    return Err(broken_off(&Nonsense("a status without an end")));
                }
                if whole {
                    // Servers that open each channel with an empty message say nothing by it.
                    self.ended = Ended::of(&self.status);
                    if self.ended.is_none() && !self.status.is_empty() {
                        return Err(broken_off(&Nonsense("a status that says nothing")));
                    }
                }
            }
        }
        self.opening = None;
        Ok(())
    }

    /// What the end of the command means, or that of the connection.
    ///
    /// # Errors
    /// Nobody knows how it ended, or it did not run.
    pub fn conclusion(&mut self, connection: Connection, said: Said) -> Result<Output, Failure> {
        match (self.ended.take(), connection) {
            (Some(Ended::Exited(status)), _) => {
                let Said { stdout, stderr } = said;
                kubectl::ran(Output { status, stdout, stderr })
            }
            (Some(Ended::Failed(message)), _) => {
                Err(kubectl_error::classify(format!("error: {message}").as_bytes(), &said.stdout))
            }
            (None, Connection::Open) => {
                Err(Failure::no_answer("").with_remedy("check the network and the VPN, or give it longer with --timeout"))
            }
            // As if all had been said: kubectl ends well then, and its caller finds that the end is missing.
            (None, Connection::Closed(Some(1000))) => {
                Err(Failure::new(Kind::Incomplete, "the connection ended before the answer did"))
            }
            (None, Connection::Closed(Some(code))) => Err(lost(&format!("websocket: close {code}"))),
            (None, Connection::Closed(None)) => Err(lost("unexpected EOF")),
        }
    }
}

fn lost(why: &str) -> Failure {
    Failure::new(Kind::Unreachable, format!("the connection was lost: {why}"))
}

fn broken_off(Nonsense(what): &Nonsense) -> Failure {
    Failure::new(Kind::Incomplete, format!("the API server's answer makes no sense: {what}"))
}
