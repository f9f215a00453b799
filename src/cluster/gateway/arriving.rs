//! Answers as they come, any number of them in one thread: a watch, a log, and a question beside them.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::body::Body;
use super::frames::Nonsense;
use super::handshake::Head;
use super::http::{CAP, broken, learn, left, no_answer};
use super::{Answer, Gateway};
use crate::cluster::kubectl_error;
use crate::cluster::login::{self, Turn};
use crate::failure::{Failure, Kind};
use crate::process;

/// What kind of answer is wanted: the objects themselves, or what is said when none is.
pub const JSON: &str = "application/json";
/// So much is read before it is looked at, in bytes.
const PIECE: usize = 64 * 1024;

/// What leads to an API.
pub trait Way {
    /// Ask for a path of the API (with its query). The answer is not waited for.
    ///
    /// # Errors
    /// It cannot be asked.
    fn begin(&self, path: &str, accept: &str, deadline: Instant) -> Result<Arriving, Failure>;

    /// A failure of something that was asked this way, with what else is known of it.
    fn explained(&self, failure: Failure) -> Failure;
}

impl Way for Gateway {
    fn begin(&self, path: &str, accept: &str, deadline: Instant) -> Result<Arriving, Failure> {
        // The proxy's kubectl runs the login plugin for the first request, and whenever what it got has expired.
        let turn = login::turn(&self.cluster, Some(deadline))?;
        let socket = self.connect().map_err(|error| broken(&error))?;
        socket.set_write_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))?;
        Arriving::of(socket, path, accept, Some(turn)).map_err(|error| broken(&error))
    }

    fn explained(&self, failure: Failure) -> Failure {
        Self::explained(self, failure)
    }
}

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// There is something, or nothing yet.
    Perhaps,
    /// All has been said.
    End,
    /// The connection ended in the middle of it.
    Cut,
}

/// One answer.
pub struct Arriving {
    socket: UnixStream,
    raw: Vec<u8>,
    answer: Option<(u16, Body)>,
    turn: Option<Turn>,
    ended: bool,
}

impl Arriving {
    /// Ask over this connection.
    ///
    /// # Errors
    /// The request does not go out.
    pub fn of(socket: UnixStream, path: &str, accept: &str, turn: Option<Turn>) -> io::Result<Self> {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: {accept}\r\nUser-Agent: factory-worker/{}\r\nConnection: close\r\n\r\n",
            env!("CARGO_PKG_VERSION")
        );
        (&socket).write_all(head.as_bytes())?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, raw: Vec::new(), answer: None, turn, ended: false })
    }

    /// The HTTP status, once it is there.
    ///
    /// # Errors
    /// There will be none.
    pub fn status(&mut self) -> Result<Option<u16>, Failure> {
        if self.answer.is_none() {
            self.read()?;
            match Head::of(&self.raw).map_err(nonsense)? {
                Some(head) => {
                    self.raw.drain(..head.length);
                    self.answer = Some((head.status, Body::of(&head).map_err(nonsense)?));
                    self.turn.take().inspect(|turn| learn(turn, head.status));
                }
                None if self.ended => {
                    return Err(Failure::new(Kind::Unreachable, "kubectl proxy ended the connection without an answer"));
                }
                None => {}
            }
        }
        Ok(self.answer.as_ref().map(|(status, _)| *status))
    }

    /// Add to `whole` what has come of the answer behind the status.
    ///
    /// # Errors
    /// What comes makes no sense.
    pub fn more(&mut self, whole: &mut Vec<u8>) -> Result<More, Failure> {
        if self.status()?.is_none() {
            return Ok(More::Perhaps);
        }
        self.read()?;
        let Some((_, body)) = &mut self.answer else { return Ok(More::Perhaps) };
        body.take(&mut self.raw, whole).map_err(nonsense)?;
        Ok(match () {
            () if body.is_over() => More::End,
            () if !self.ended => More::Perhaps,
            () if body.may_end() => More::End,
            () => More::Cut,
        })
    }

    fn read(&mut self) -> Result<(), Failure> {
        let mut piece = vec![0; PIECE];
        match self.socket.read(&mut piece) {
            Ok(count) => {
                self.raw.extend_from_slice(&piece[..count]);
                self.ended |= count == 0;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            // However it ended: nothing comes any more.
            Err(_) => self.ended = true,
        }
        Ok(())
    }
}

fn nonsense(Nonsense(what): Nonsense) -> Failure {
    Failure::new(Kind::Incomplete, format!("the API server's answer makes no sense: {what}"))
}

/// What a connection is that ended in the middle of an answer.
pub fn cut() -> Failure {
    kubectl_error::classify(b"error: unexpected EOF", b"")
}

/// Wait until something comes on one of these, or until then.
///
/// # Errors
/// This machine does not let us.
pub fn wait(all: &[&Arriving], until: Instant) -> Result<(), Failure> {
    // What has ended is there for ever.
    let open = all.iter().filter(|answer| !answer.ended).map(|answer| answer.socket.as_fd());
    process::wait_ready(None, open, until).map_err(|error| broken(&error))
}

/// A question, until it is answered. A 401 is asked once more: kubectl has the login plugin renew what was refused for the
/// request after it.
pub struct Asked {
    path: String,
    accept: &'static str,
    arriving: Arriving,
    again: bool,
    /// When the status has to be there, or all of the answer where it is wanted as a whole.
    pub until: Instant,
    whole: Vec<u8>,
}

impl Asked {
    /// # Errors
    /// As [`Way::begin`].
    pub fn of(way: &impl Way, path: String, accept: &'static str, until: Instant) -> Result<Self, Failure> {
        let arriving = way.begin(&path, accept, until)?;
        Ok(Self { path, accept, arriving, again: false, until, whole: Vec::new() })
    }

    /// The HTTP status, once it is there.
    ///
    /// # Errors
    /// There is none, and its time is over; or there will be none.
    pub fn status(&mut self, way: &impl Way) -> Result<Option<u16>, Failure> {
        match self.arriving.status()? {
            Some(401) if !self.again => {
                self.again = true;
                self.arriving = way.begin(&self.path, self.accept, self.until)?;
                Ok(None)
            }
            None => self.in_time().map(|()| None),
            status => Ok(status),
        }
    }

    /// The whole answer, once it is there.
    ///
    /// # Errors
    /// As [`Self::status`]; or it is cut, or too large.
    pub fn whole(&mut self, way: &impl Way) -> Result<Option<Answer>, Failure> {
        let Some(status) = self.status(way)? else { return Ok(None) };
        match self.arriving.more(&mut self.whole)? {
            More::End => return Ok(Some(Answer { status, body: std::mem::take(&mut self.whole) })),
            More::Cut => return Err(cut()),
            More::Perhaps => {}
        }
        if self.whole.len() as u64 > CAP {
            return Err(Failure::new(Kind::Incomplete, format!("the answer is larger than {} MiB", CAP >> 20)));
        }
        self.in_time().map(|()| None)
    }

    /// How much of the whole answer is there, in bytes.
    pub fn received(&self) -> usize {
        self.whole.len()
    }

    /// What comes behind the status.
    ///
    /// # Errors
    /// As [`Arriving::more`].
    pub fn more(&mut self, whole: &mut Vec<u8>) -> Result<More, Failure> {
        self.arriving.more(whole)
    }

    pub fn arriving(&self) -> &Arriving {
        &self.arriving
    }

    fn in_time(&self) -> Result<(), Failure> {
        if Instant::now() >= self.until { Err(no_answer()) } else { Ok(()) }
    }
}
