//! An exec that has begun, until its end, in the thread of whoever wants the answer.

use std::io;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::handshake::Protocol;
use super::http::broken;
use super::opening::Opening;
use super::streams::{Connection, Streams};
use crate::failure::Failure;
use crate::process::{ANSWER_CAP, Output, Request, Said};

/// How long a server may take to end the connection once it has said how the command ended.
const FAREWELL: Duration = Duration::from_secs(1);

pub struct Session<'a> {
    streams: Streams,
    request: Request<'a>,
}

impl<'a> Session<'a> {
    /// `rest` is what came behind the answer that began it.
    ///
    /// # Errors
    /// The connection is of no use.
    pub fn new(stream: UnixStream, protocol: Protocol, rest: &[u8], request: Request<'a>, opening: Opening) -> io::Result<Self> {
        Ok(Self { streams: Streams::new(stream, protocol, rest, opening)?, request })
    }

    /// Wait for the end of the command.
    ///
    /// # Errors
    /// Nobody knows how it ended, or it did not run.
    pub fn run(self) -> Result<Output, Failure> {
        let Self { mut streams, request } = self;
        let (mut until, mut said) = (request.deadline, Said::default());
        // What the command has not been given yet; `None` when it has all, and its end.
        let mut input = (!request.stdin.is_empty()).then_some(request.stdin);
        // What came with the handshake is there already.
        let mut connection = streams.take_in(&mut said, ANSWER_CAP)?;
        while connection == Connection::Open {
            let now = Instant::now();
            if now >= until {
                break;
            }
            streams.ping()?;
            streams.write(input.as_mut().unwrap_or(&mut &b""[..]));
            if input.take_if(|left| left.is_empty()).is_some() {
                streams.end_input();
            }
            streams.wait(until, None).map_err(|error| broken(&error))?;
            connection = streams.read(&mut said, ANSWER_CAP)?;
            said.leave_out_the_middle_of_errors();
            if streams.has_ended() {
                until = until.min(now + FAREWELL);
            }
        }
        streams.conclusion(connection, said)
    }
}

#[cfg(test)]
mod tests;
