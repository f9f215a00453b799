//! The shell on the worker, over one held exec: asked again and again, and telling by itself what changes.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use super::super::exec::{Exec, Greeting};
use super::super::script::{self, Script};
use super::news::{News, Pieces};
use super::request::{self, Framed};
use crate::cluster::kubectl_error;
use crate::failure::{Failure, Kind};
use crate::process::{ANSWER_CAP, End, Exchanged, Finished, Held, Limits, Line, Output, Request, Said};

const ABOUT: &str = concat!(include_str!("../about.sh"), include_str!("../reap.sh"));
const WATCH: &str = concat!(include_str!("../listing.sh"), include_str!("watch.sh"));
const RELAY: &str = include_str!("relay.sh");

/// How a relay tells by itself which sessions there are.
#[derive(Debug, Clone, Copy)]
pub struct Watch<'a> {
    /// The worker's tmux.
    pub tmux: &'a [String],
    /// How long between two looks when nothing hastens one; whole seconds, and one at least.
    pub every: Duration,
    /// The channel of that tmux (`wait-for`) on which something is announced.
    pub channel: &'a str,
}

/// It ends with this value, and with it what it was asked to run.
pub struct Relay {
    held: Held,
    said: Said,
    pieces: Pieces,
}

impl Relay {
    /// # Errors
    /// The worker could not be reached, or its shell did not come up.
    pub fn open(exec: &dyn Exec, watch: Option<Watch<'_>>, deadline: Instant) -> Result<Self, Failure> {
        let (nonce, tag) = (script::nonce(), script::nonce());
        let mut arguments = vec![tag.clone()];
        if let Some(watch) = watch {
            arguments.extend([watch.every.as_secs().max(1).to_string(), watch.channel.to_owned()]);
        }
        let text = if watch.is_some() { [ABOUT, WATCH, RELAY].concat() } else { [ABOUT, RELAY].concat() };
        let tmux = watch.map_or(&[][..], |watch| watch.tmux);
        let sent = Script { text: &text, tmux, arguments: &arguments, stdin: b"" }.sent_ahead(&nonce)?;
        let ready = format!("\n{tag} ready\n");
        let (mut pieces, mut left) = (Pieces::new(&tag), Vec::new());
        let mut is_ready = |said: &mut Said| {
            pieces.take_out_of(&mut said.stderr);
            let is_ready = said.stdout.ends_with(ready.as_bytes());
            if is_ready {
                // A piece may have come in part.
                left.clone_from(&said.stderr);
            }
            is_ready
        };
        let held = exec.hold(&sent.argv, Greeting { request: &sent.stdin, is_whole: &mut is_ready }, deadline)?;
        Ok(Self { held, said: Said { stdout: Vec::new(), stderr: left }, pieces })
    }

    /// Itself, if it can still be asked: it runs, and says nothing but what it tells by itself.
    pub fn if_there(mut self) -> Option<Self> {
        let line = self.hear().ok()?;
        (line == Line::Open && self.said.stdout.is_empty()).then_some(self)
    }

    /// Run a command; `None` when it is one that a relay cannot carry, and has not run.
    ///
    /// # Errors
    /// As [`Self::exchange`].
    pub fn ask(&mut self, request: Request<'_>) -> Option<Result<Output, Failure>> {
        Framed::of(request).map(|framed| self.exchange(&framed))
    }

    /// Run a command.
    ///
    /// # Errors
    /// There is no whole answer, and the relay cannot be asked any more. When not even the whole request went out, nothing ran.
    pub fn exchange(&mut self, framed: &Framed) -> Result<Output, Failure> {
        let Self { held, said, pieces } = self;
        let Framed { bytes, nonce, deadline } = framed;
        // What somebody in the background has said belongs to no answer.
        pieces.forget_others(&mut said.stderr);
        let limits = Limits { deadline: *deadline, cap: ANSWER_CAP + request::MARK };
        let mut is_whole = |said: &mut Said| {
            pieces.take_out_of(&mut said.stderr);
            request::is_answered(said, nonce)
        };
        match held.exchange(bytes, said, &mut is_whole, limits, &mut |_| {}) {
            Ok(Exchanged::Answered) => request::answer(std::mem::take(said), nonce).ok_or_else(|| Failure::too_large(ANSWER_CAP)),
            // However the connection ended: the command may have run.
            Ok(Exchanged::Over(over)) => {
                let mut failure = over.failure(|done| lost(&done));
                failure.before_start = false;
                if failure.kind == Kind::NoShell {
                    failure.kind = Kind::Unreachable;
                }
                Err(failure)
            }
            Ok(Exchanged::Given(End::TooLarge)) => Err(Failure::too_large(ANSWER_CAP)),
            Ok(Exchanged::Given(_)) => Err(Failure::no_answer("")),
            Err(error) => Err(broke(&error)),
        }
    }

    /// What it tells by itself next; `None` when nothing has come until then, or somebody rings the bell.
    ///
    /// # Errors
    /// The relay is of no use any more: it has ended, or tells too much.
    pub fn next(&mut self, until: Instant, bell: Option<BorrowedFd<'_>>) -> Result<Option<News>, Failure> {
        let mut is_first = true;
        loop {
            let line = self.hear()?;
            if let Some(news) = self.pieces.next()? {
                return Ok(Some(news));
            }
            if line == Line::Over {
                let over = self.held.end(&mut self.said, until).map_err(|error| broke(&error))?;
                // Nothing was asked, so that no answer is cut.
                let failure = over.failure(|done| lost(&done));
                return Err(if failure.kind == Kind::Incomplete {
                    Failure::new(Kind::Unreachable, failure.reason)
                } else {
                    failure
                });
            }
            if Instant::now() >= until || (bell.is_some() && !is_first) {
                return Ok(None);
            }
            is_first = false;
            self.held.wait(until, bell).map_err(|error| broke(&error))?;
        }
    }

    /// Take in what has come by itself.
    fn hear(&mut self) -> Result<Line, Failure> {
        let line = self.held.hear(&mut self.said, request::MARK).map_err(|error| broke(&error))?;
        self.pieces.take_out_of(&mut self.said.stderr);
        self.pieces.forget_others(&mut self.said.stderr);
        Ok(line)
    }
}

fn broke(error: &std::io::Error) -> Failure {
    Failure::new(Kind::Unreachable, format!("the connection broke: {error}"))
}

/// The connection ended before the answer did. kubectl exits with 0 on some that broke.
fn lost(done: &Finished) -> Failure {
    let said = kubectl_error::last_words(&done.stderr).map(|said| format!(": {said}")).unwrap_or_default();
    match done.end {
        End::Exited(0) => {
            Failure::new(Kind::Incomplete, format!("the answer ended after {} bytes, before its end{said}", done.stdout.len()))
        }
        _ => Failure::new(Kind::Unreachable, format!("the connection was lost{said}")),
    }
}
