//! One watch, from a version of the objects until it ends, in the thread of whoever wants to know.

use std::time::{Duration, Instant};

use super::line::{self, Change, Over};
use crate::cluster::gateway::arriving::{self, Arriving, Asked, JSON, More, Way};
use crate::cluster::gateway::{escaped, refusal};
use crate::failure::{Failure, Kind};

/// How much later than asked for the server may end it.
const GRACE: Duration = Duration::from_secs(30);
/// The longest line, in bytes: etcd takes no object of more than 1.5 MiB, whose text may be a few times as long.
const LINE: usize = 8 << 20;

/// Which objects, and from when on.
#[derive(Debug, Clone, Copy)]
pub struct Which<'a> {
    /// The path of their list in the API.
    pub path: &'a str,
    /// Empty for all.
    pub selector: &'a str,
    /// The version of the list after which changes are told.
    pub version: &'a str,
    /// How long it lasts, in seconds.
    pub lasts: u64,
}

/// A watch that has been asked for.
pub struct Following {
    asked: Asked,
    lines: Vec<u8>,
    /// So much of it has no line end.
    scanned: usize,
    end: Option<More>,
    ends: Instant,
}

/// What a watch tells.
#[derive(Debug)]
pub enum Told {
    Change(Change),
    Over(Over),
    /// Not yet.
    Nothing,
}

impl Following {
    /// Ask for it. It has to be granted by the deadline.
    ///
    /// # Errors
    /// It cannot be asked for.
    pub fn begin(way: &impl Way, which: Which<'_>, deadline: Instant) -> Result<Self, Failure> {
        let Which { path, selector, version, lasts } = which;
        let selector = if selector.is_empty() { String::new() } else { format!("labelSelector={}&", escaped(selector)) };
        let version = escaped(version);
        let path =
            format!("{path}?{selector}watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={lasts}");
        let asked = Asked::of(way, path, JSON, deadline)?;
        let ends = Instant::now() + Duration::from_secs(lasts) + GRACE;
        Ok(Self { asked, lines: Vec::new(), scanned: 0, end: None, ends })
    }

    /// What it tells next, without waiting for it.
    ///
    /// # Errors
    /// It was not granted.
    pub fn step(&mut self, way: &impl Way) -> Result<Told, Failure> {
        match self.asked.status(way)? {
            None => return Ok(Told::Nothing),
            Some(200) => {}
            // Who is told that it is over has asked already, and asks for a list then.
            Some(410) => return Ok(Told::Over(Over::Expired)),
            Some(_) => {
                return match self.asked.whole(way)? {
                    Some(answer) => Err(refusal(&answer)),
                    None => Ok(Told::Nothing),
                };
            }
        }
        if let Some(told) = self.line() {
            return Ok(told);
        }
        if self.end.is_none() {
            match self.asked.more(&mut self.lines) {
                Ok(More::Perhaps) if Instant::now() >= self.ends => self.end = Some(More::End),
                Ok(More::Perhaps) => {}
                Ok(end) => self.end = Some(end),
                Err(failure) => return Ok(Told::Over(Over::Failed(failure))),
            }
        }
        if let Some(told) = self.line() {
            return Ok(told);
        }
        // What was begun is not whole, and will be in the next list.
        Ok(match self.end {
            Some(More::End) if self.lines.is_empty() => Told::Over(Over::Ended),
            Some(_) => Told::Over(Over::Cut),
            None if self.lines.len() > LINE => {
                let what = format!("an object of more than {} MiB in a watch", LINE >> 20);
                Told::Over(Over::Failed(Failure::new(Kind::Incomplete, what)))
            }
            None => Told::Nothing,
        })
    }

    /// The same, waited for until then.
    ///
    /// # Errors
    /// As [`Self::step`].
    pub fn next(&mut self, way: &impl Way, until: Instant) -> Result<Told, Failure> {
        loop {
            match self.step(way)? {
                Told::Nothing if Instant::now() < until => arriving::wait(&[self.arriving()], until)?,
                told => return Ok(told),
            }
        }
    }

    /// What it comes by.
    pub fn arriving(&self) -> &Arriving {
        self.asked.arriving()
    }

    /// A whole line, if there is one.
    fn line(&mut self) -> Option<Told> {
        let end = self.scanned
            + self.lines[self.scanned..].iter().position(|&byte| byte == b'\n').or_else(|| {
                self.scanned = self.lines.len();
                None
            })?;
        let line: Vec<u8> = self.lines.drain(..=end).collect();
        self.scanned = 0;
        Some(match line::understood(&line) {
            Ok(change) => Told::Change(change),
            Err(over) => Told::Over(over),
        })
    }
}
