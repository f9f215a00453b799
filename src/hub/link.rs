//! One worker, for as long as somebody wants to hear of it: over a relay that tells by itself, and over another one when that breaks.

use std::time::{Duration, Instant};

use super::pods::Bell;
use crate::backoff::Backoff;
use crate::cluster::login::{self, Manner};
use crate::failure::{Failure, Kind};
use crate::registry::names::WorkerName;
use crate::remote::relay::{News, Relay, Watch};
use crate::remote::session::Answer;
use crate::remote::{Remote, list};

/// How often a worker looks by itself when nothing hastens it.
const EVERY: Duration = Duration::from_secs(5);
/// Who has not even said by then that all is as it was stands still.
const SILENCE: Duration = Duration::from_secs(15);
/// The channel of the worker's tmux on which agents' hooks announce something.
const CHANNEL: &str = "factory-worker";

/// What is seen of a worker.
#[derive(Debug)]
pub struct Seen {
    pub worker: WorkerName,
    pub pod: Option<String>,
    pub answer: Result<Answer, Failure>,
}

/// Follow it until nobody wants to hear of it (`tell` says so). After a loss there is a pause, which the bell ends. The first time it is asked on behalf of whoever started this, and
/// later on nobody's, so that no login begins by itself.
pub fn follow(worker: &WorkerName, remote: &Remote, timeout: Duration, bell: &Bell, tell: impl Fn(Seen) -> bool) {
    let say = |answer| tell(Seen { worker: worker.clone(), pod: remote.exec.pod(), answer });
    let mut backoff = Backoff::new();
    let mut unasked = None;
    loop {
        let goes_on = match open(remote, timeout) {
            Ok(relay) => {
                let (failure, has_answered) = listen(relay, &say);
                if has_answered {
                    backoff.reset();
                }
                failure.is_none_or(|failure| say(Err(remote.exec.explained(failure))))
            }
            // It is asked for tmux alone, and again and again.
            Err(failure) if failure.kind == Kind::NoShell => {
                say(list::with_command(remote, &[], timeout).map(|(answer, _)| answer))
            }
            Err(failure) => say(Err(failure)),
        };
        if !goes_on {
            return;
        }
        bell.rest(backoff.next(None));
        unasked.get_or_insert_with(|| login::acting(Manner::Unasked));
    }
}

fn open(remote: &Remote, timeout: Duration) -> Result<Relay, Failure> {
    let turn = remote.exec.turn(Some(Instant::now() + timeout))?;
    let _held = turn.hold();
    let watch = Watch { tmux: &remote.tmux, every: EVERY, channel: CHANNEL };
    Relay::open(remote.exec.as_ref(), Some(watch), Instant::now() + timeout)
}

/// Say what it tells, until it breaks, and why; `None` when nobody wants to hear it. And whether it has told anything.
fn listen(mut relay: Relay, say: &impl Fn(Result<Answer, Failure>) -> bool) -> (Option<Failure>, bool) {
    let mut has_answered = false;
    // A tmux server that is about to end says strange things: the next look knows whether they are true.
    let mut doubtful = None;
    loop {
        let goes_on = match relay.next(Instant::now() + SILENCE, None) {
            Ok(Some(News::Sessions(answer))) => {
                (has_answered, doubtful) = (true, None);
                say(Ok(answer))
            }
            Ok(Some(News::NoListing(failure))) => {
                doubtful = Some(failure);
                true
            }
            Ok(Some(News::Same)) => doubtful.take().is_none_or(|failure| say(Err(failure))),
            Ok(Some(News::Announced)) => true,
            Ok(None) => return (Some(Failure::no_answer("")), has_answered),
            Err(failure) => return (Some(failure), has_answered),
        };
        if !goes_on {
            return (None, has_answered);
        }
    }
}
