//! A log as it is written, for as long as its container runs.
//!
//! It may be silent for ever, and so may a connection that nothing comes through any more. So that a look beside it asks every
//! few seconds of silence whether the container has said anything in that time: no answer is a frozen link, and words that did
//! not come are a connection that is of no use.

use std::time::{Duration, Instant};

use super::path;
use super::read::begun;
use crate::cluster::gateway::Target;
use crate::cluster::gateway::arriving::{Asked, More, Way, cut, wait};
use crate::cluster::objects::{Log, Part};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;

/// After how much silence there is a look; and how long an answer may take. Together they are less than the ten seconds within
/// which a frozen link is seen.
const EVERY: Duration = Duration::from_secs(4);
const PATIENCE: Duration = Duration::from_secs(4);
const _: () = assert!(EVERY.as_secs() + PATIENCE.as_secs() + SOON.as_secs() < 10);
/// How long words that a look has seen may be on their way.
const SOON: Duration = Duration::from_secs(1);
/// So much older than the silence is what a look does not see for sure: the API counts in whole seconds.
const MARGIN: Duration = Duration::from_secs(1);
/// So much is handed on at a time at most, in bytes; whoever does not take it leaves it where it is.
const HANDFUL: usize = 1 << 20;

/// A log that is followed.
pub struct Followed<'a, W> {
    way: &'a W,
    namespace: ObjectName,
    pod: ObjectName,
    container: Option<ObjectName>,
    asked: Asked,
    heard: Instant,
    next: Instant,
    look: Option<(Asked, Vec<u8>)>,
    /// Since when words are missing that a look has seen.
    missing: Option<Instant>,
}

/// What a log says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Words(Vec<u8>),
    /// Nothing, up to then.
    Nothing,
    /// The container has ended, and this was all.
    End,
}

impl<'a, W: Way> Followed<'a, W> {
    /// Begin, with so much of what was said before. It has to begin by the deadline.
    ///
    /// # Errors
    /// As [`crate::cluster::gateway::Gateway::log`].
    pub fn begin(way: &'a W, target: Target<'_>, part: Part, previous: bool, deadline: Instant) -> Result<Self, Failure> {
        let log = Log { part, previous, follow: true };
        let asked = begun(way, target, log, None, deadline).map_err(|failure| way.explained(failure))?;
        let Target { namespace, pod, container } = target;
        let (namespace, pod, container) = (namespace.clone(), pod.clone(), container.cloned());
        let now = Instant::now();
        Ok(Self { way, namespace, pod, container, asked, heard: now, next: now + EVERY, look: None, missing: None })
    }

    /// What it says next, waited for until then.
    ///
    /// # Errors
    /// It is cut, or nothing comes through any more.
    pub fn next(&mut self, until: Instant) -> Result<Said, Failure> {
        loop {
            let mut words = Vec::new();
            let mut more = More::Perhaps;
            while words.len() < HANDFUL {
                let before = words.len();
                more = self.asked.more(&mut words)?;
                if more != More::Perhaps || words.len() == before {
                    break;
                }
            }
            let now = Instant::now();
            if !words.is_empty() {
                (self.heard, self.next, self.look, self.missing) = (now, now + EVERY, None, None);
                return Ok(Said::Words(words));
            }
            match more {
                More::End => return Ok(Said::End),
                More::Cut => return Err(cut()),
                More::Perhaps => {}
            }
            self.step(now)?;
            if now >= until {
                return Ok(Said::Nothing);
            }
            let mut waited_for = vec![self.asked.arriving()];
            waited_for.extend(self.look.as_ref().map(|(asked, _)| asked.arriving()));
            let due = self.look.as_ref().map_or(self.next, |(asked, _)| asked.until);
            wait(&waited_for, until.min(due))?;
        }
    }

    /// The look beside it.
    fn step(&mut self, now: Instant) -> Result<(), Failure> {
        let lost = || Failure::new(Kind::Unreachable, "the connection was lost: what the container says does not come any more");
        if self.missing.is_some_and(|since| now >= since + SOON) {
            return Err(lost());
        }
        if let Some((asked, said)) = &mut self.look {
            let status = asked.status(self.way).map_err(|failure| self.way.explained(failure))?;
            let more = asked.more(said)?;
            if more == More::Perhaps {
                return if now >= asked.until { Err(Failure::no_answer("")) } else { Ok(()) };
            }
            // Who refuses is there, and knows nothing of what was said.
            let has_said = status == Some(200) && !said.is_empty();
            self.look = None;
            self.next = now + if has_said { SOON } else { EVERY };
            self.missing = has_said.then_some(now);
        } else if now >= self.next {
            let target = Target { namespace: &self.namespace, pod: &self.pod, container: self.container.as_ref() };
            let log = Log { part: Part::Last(1), previous: false, follow: false };
            let path = path(target, log, Some((now - self.heard).saturating_sub(MARGIN)));
            self.look = Some((Asked::of(self.way, path, super::TEXT, now + PATIENCE)?, Vec::new()));
        }
        Ok(())
    }
}
