//! An exec that stays: a command in a container that is asked again and again, over a connection of its own through the gateway.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Instant;

use super::Gateway;
use super::streams::{Connection, Streams};
use crate::failure::{Failure, Kind};
use crate::process::{Line, Over, Said, Wire};

/// Its connection. The command sees the end of its input when this value is gone: an API server ends nothing by itself.
pub struct HeldExec {
    streams: Streams,
    connection: Connection,
    /// Why nothing comes any more, when it is not that the connection has ended.
    failure: Option<Failure>,
    /// It ends with whoever needs it last.
    _gateway: Arc<Gateway>,
}

impl HeldExec {
    pub fn new(streams: Streams, gateway: Arc<Gateway>) -> Self {
        Self { streams, connection: Connection::Open, failure: None, _gateway: gateway }
    }

    fn try_to_go_on(&mut self, request: &mut &[u8], said: &mut Said, cap: usize) -> Result<Connection, Failure> {
        self.streams.ping()?;
        self.streams.write(request);
        // What came with the handshake, or behind what was read last, is there already.
        match self.streams.take_in(said, cap + 1)? {
            Connection::Open => self.streams.read(said, cap + 1),
            closed => Ok(closed),
        }
    }
}

impl Wire for HeldExec {
    fn go_on(&mut self, request: &mut &[u8], said: &mut Said, cap: usize) -> io::Result<Line> {
        if self.connection == Connection::Open && self.failure.is_none() {
            match self.try_to_go_on(request, said, cap) {
                Ok(connection) => self.connection = connection,
                Err(failure) => self.failure = Some(failure),
            }
        }
        let is_over = self.connection != Connection::Open || self.failure.is_some() || self.streams.has_ended();
        Ok(if is_over { Line::Over } else { Line::Open })
    }

    fn wait(&self, _writes: bool, until: Instant, bell: Option<BorrowedFd<'_>>) -> io::Result<()> {
        self.streams.wait(until, bell)
    }

    fn end(&mut self, said: &mut Said, _deadline: Instant) -> io::Result<Over> {
        let said = std::mem::take(said);
        let heard = said.stdout.len();
        let failure = self.failure.take().unwrap_or_else(|| match self.streams.conclusion(self.connection, said) {
            Ok(output) => Failure::new(
                Kind::Incomplete,
                format!("the shell on it ended (exit {}) after {heard} bytes of an answer", output.status),
            ),
            Err(failure) => failure,
        });
        Ok(Over::Connection(failure))
    }

    fn process(&self) -> Option<i32> {
        None
    }
}

impl Drop for HeldExec {
    fn drop(&mut self) {
        self.streams.end_input();
    }
}
