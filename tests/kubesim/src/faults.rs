//! What can go wrong, switched on and off while everything runs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crate::record::Call;

/// A fault of the network, of the API server or of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Every request and every frame takes this long to go and come back, and up to `jitter` longer.
    Slow {
        round_trip: Duration,
        jitter: Duration,
    },
    /// The API server refuses with this HTTP status: 401, 403, 410, 429, 500 or 503.
    Status(u16),
    /// The connection ends without an answer: in the orderly way, or with a reset.
    HangUp,
    Reset,
    /// No answer ever comes.
    Silence,
    /// Something on the way takes a request for a websocket for a plain one. kubectl then tries its older protocol, which is
    /// not served here.
    NoWebsocket,
    /// The node has no such container (yet, or any more).
    ContainerNotFound,
    /// The connection ends in the middle of the answer, or of an exec.
    Cut {
        after: After,
        farewell: Farewell,
    },
    /// The connection stays, and nothing arrives any more; `pongs`: but the answers to pings of an exec, as when the node froze behind
    /// a living API server.
    Freeze {
        after: After,
        pongs: bool,
    },
}

/// When a connection breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    /// When this many bytes of the answer's body are sent, or of what an exec's command writes to standard output; the next is not sent.
    Bytes(usize),
    /// This long after the request came, or after an exec's command was started.
    Time(Duration),
}

/// What a client hears of the end of its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// A websocket close frame with this code. With 1000 and without the command's status, kubectl exits 0.
    /// Of an answer without frames: the end, as if all had been said.
    CloseFrame(u16),
    HangUp,
    Reset,
}

impl Fault {
    /// The round trip time of every request and every frame.
    pub fn slow(round_trip: Duration) -> Self {
        Self::Slow { round_trip, jitter: Duration::ZERO }
    }

    /// Cut the connection without a word, after `bytes` of the answer or of an exec's standard output.
    pub fn cut_after_bytes(bytes: usize) -> Self {
        Self::Cut { after: After::Bytes(bytes), farewell: Farewell::HangUp }
    }

    /// The same, some time after the request came or an exec's command was started.
    pub fn cut_after(time: Duration) -> Self {
        Self::Cut { after: After::Time(time), farewell: Farewell::HangUp }
    }

    /// The same cut, with a farewell.
    pub fn saying(self, farewell: Farewell) -> Self {
        match self {
            Self::Cut { after, .. } => Self::Cut { after, farewell },
            other => other,
        }
    }

    /// The same cut, such that kubectl takes it for a good end and exits 0.
    pub fn looking_like_success(self) -> Self {
        self.saying(Farewell::CloseFrame(1000))
    }

    /// Let nothing arrive after `bytes` of the answer or of an exec's standard output.
    pub fn freeze_after_bytes(bytes: usize) -> Self {
        Self::Freeze { after: After::Bytes(bytes), pongs: false }
    }

    /// Let nothing arrive some time after the request came or an exec's command was started.
    pub fn freeze_after(time: Duration) -> Self {
        Self::Freeze { after: After::Time(time), pongs: false }
    }

    /// The same frost of an exec, behind an API server that goes on answering pings.
    pub fn with_pongs(self) -> Self {
        match self {
            Self::Freeze { after, .. } => Self::Freeze { after, pongs: true },
            other => other,
        }
    }
}

/// Which requests a fault hits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requests {
    of: Option<String>,
    verb: Option<&'static str>,
    resource: Option<&'static str>,
    left: Option<u32>,
    passed: u32,
    also_about: bool,
}

/// Every request to the API, but those that ask what the API is.
pub fn requests() -> Requests {
    Requests::default()
}

/// Every request, also those that ask what the API is.
pub fn everything() -> Requests {
    Requests { also_about: true, ..Requests::default() }
}

/// Every exec.
pub fn execs() -> Requests {
    Requests { resource: Some("pods/exec"), ..Requests::default() }
}

/// Every list.
pub fn lists() -> Requests {
    Requests { verb: Some("list"), ..Requests::default() }
}

/// Every watch.
pub fn watches() -> Requests {
    Requests { verb: Some("watch"), ..Requests::default() }
}

/// Every request about this resource, with its subresource: `pods`, `pods/exec`, `deployments`.
pub fn requests_for(resource: &'static str) -> Requests {
    Requests { resource: Some(resource), ..Requests::default() }
}

impl Requests {
    /// Only those about this object, or about a pod of this Deployment or StatefulSet.
    pub fn of(mut self, name: &str) -> Self {
        self.of = Some(name.to_owned());
        self
    }

    /// Only the next `count` of them.
    pub fn next(mut self, count: u32) -> Self {
        self.left = Some(count);
        self
    }

    /// Only the next one.
    pub fn once(self) -> Self {
        self.next(1)
    }

    /// Let the next `count` of them pass first.
    pub fn passing(mut self, count: u32) -> Self {
        self.passed = count;
        self
    }

    pub(crate) fn describes(&self, call: &Call) -> bool {
        let owned = |owner: &str| call.name.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'));
        (self.also_about || !call.resource.is_empty())
            && self.of.as_deref().is_none_or(owned)
            && self.verb.is_none_or(|verb| call.verb == verb)
            && self.resource.is_none_or(|resource| call.resource == resource)
    }

    /// Count a request that is described; whether the fault hits it.
    fn hit(&mut self) -> bool {
        if self.passed > 0 {
            self.passed -= 1;
            return false;
        }
        match &mut self.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None => true,
        }
    }
}

#[derive(Debug)]
struct Rule {
    id: u64,
    requests: Requests,
    fault: Fault,
}

/// All faults that are on.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Mutex<Vec<Rule>>,
    /// What the last exec of each path met: kubectl repeats a refused one over its older protocol, and that is the same exec.
    execs: Mutex<HashMap<String, Vec<Fault>>>,
}

impl Faults {
    fn rules(&self) -> MutexGuard<'_, Vec<Rule>> {
        self.rules.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn add(&self, requests: Requests, fault: Fault) -> u64 {
        let id = number();
        self.rules().push(Rule { id, requests, fault });
        id
    }

    pub fn lift(&self, id: u64) {
        self.rules().retain(|rule| rule.id != id);
    }

    pub fn lift_all(&self) {
        self.rules().clear();
    }

    /// The faults that hit this request.
    pub fn meet(&self, call: &Call) -> Vec<Fault> {
        let mut execs = self.execs.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_exec = call.resource == "pods/exec";
        if let Some(met) = (is_exec && call.method == "POST").then(|| execs.remove(&call.path)).flatten() {
            return met;
        }
        let mut rules = self.rules();
        let described = rules.iter_mut().filter(|rule| rule.requests.describes(call));
        let met: Vec<Fault> = described.filter_map(|rule| rule.requests.hit().then(|| rule.fault.clone())).collect();
        if is_exec && call.method == "GET" {
            execs.insert(call.path.clone(), met.clone());
        }
        met
    }
}

/// How long a message takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Latency {
    pub round_trip: Duration,
    pub jitter: Duration,
}

impl Latency {
    pub fn of(faults: &[Fault]) -> Self {
        faults.iter().fold(Self::default(), |sum, fault| match fault {
            Fault::Slow { round_trip, jitter } => Self { round_trip: sum.round_trip + *round_trip, jitter: sum.jitter + *jitter },
            _ => sum,
        })
    }

    /// The time for going and coming back.
    pub fn both_ways(self) -> Duration {
        self.round_trip + self.some_jitter()
    }

    /// The time for one of the two.
    pub fn one_way(self) -> Duration {
        (self.round_trip + self.some_jitter()) / 2
    }

    fn some_jitter(self) -> Duration {
        self.jitter.mul_f64((number().wrapping_mul(2_654_435_761) % 1000) as f64 / 1000.0)
    }
}

fn number() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_spread_over_its_whole_width_and_never_leaves_it() {
        let milliseconds = Duration::from_millis;
        let slow = [Fault::Slow { round_trip: milliseconds(10), jitter: milliseconds(20) }];
        let latency = Latency::of(&slow);
        let times: Vec<Duration> = (0..1000).map(|_| latency.both_ways()).collect();
        assert!(times.iter().all(|time| (milliseconds(10)..=milliseconds(30)).contains(time)));
        assert!(times.iter().any(|time| *time < milliseconds(12)) && times.iter().any(|time| *time > milliseconds(28)));
        let one_way: Vec<Duration> = (0..1000).map(|_| latency.one_way()).collect();
        assert!(one_way.iter().all(|time| (milliseconds(5)..=milliseconds(15)).contains(time)));
        assert!(one_way.iter().any(|time| *time < milliseconds(6)) && one_way.iter().any(|time| *time > milliseconds(14)));
        assert_eq!(Latency::of(&[Fault::slow(milliseconds(10))]).both_ways(), milliseconds(10));
    }
}
