//! What a worker said, as JSON. The keys are stable and documented in the README.

use std::time::{Duration, SystemTime};

use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::registry::names::{Address, SessionName};
use crate::registry::origin::Origin;
use crate::registry::source::Source;
use crate::registry::worker::{Place, Worker};
use crate::remote::list_all::Report;
use crate::remote::session::{Queue, Session, SessionId, Standing};

/// One worker of `list --json`. What is not known is `null`: a worker that did not answer has no `sessions` list,
/// so that nobody takes it for one without sessions.
#[derive(Debug, serde::Serialize)]
pub struct WorkerJson<'a> {
    name: &'a str,
    kind: Option<&'static str>,
    pod: Option<&'a str>,
    container: Option<&'a str>,
    context: Option<&'a str>,
    namespace: Option<&'a str>,
    status: &'static str,
    facts: Option<Facts<'a>>,
    reason: Option<&'a str>,
    sessions: Option<Sessions<'a>>,
    queue: Option<&'a RawValue>,
    /// When it was so, and when its queue was; RFC 3339, by the clock here.
    as_of: Option<String>,
    queue_as_of: Option<String>,
    /// By whom that is known: `hub` or `direct`.
    via: Option<&'static str>,
}

impl<'a> WorkerJson<'a> {
    /// A source of workers that did not say which there are.
    pub fn of_source(source: &'a Source, name: &'a str, failure: &'a Failure) -> Self {
        Self {
            kind: Some(source.system.word()),
            context: source.context.as_deref(),
            namespace: source.namespace.as_ref().map(|name| name.as_str()),
            ..Self::of_invalid(name, failure)
        }
    }

    /// An entry of the file that cannot be used.
    pub fn of_invalid(name: &'a str, failure: &'a Failure) -> Self {
        Self {
            name,
            kind: None,
            pod: None,
            container: None,
            context: None,
            namespace: None,
            status: failure.status(),
            facts: None,
            reason: Some(&failure.reason),
            sessions: None,
            queue: None,
            as_of: None,
            queue_as_of: None,
            via: None,
        }
    }

    pub fn of(worker: &'a Worker, report: &'a Report, active_within: Duration) -> Self {
        let pod = match &worker.place {
            Place::Pod(pod) => Some(pod),
            Place::Local(_) => None,
        };
        let row = Self {
            name: worker.name.as_str(),
            kind: Some(worker.kind()),
            pod: report.pod.as_deref(),
            container: pod.and_then(|pod| pod.container.as_ref()).map(|name| name.as_str()),
            context: pod.and_then(|pod| pod.context.as_deref()),
            namespace: pod.and_then(|pod| pod.namespace.as_ref()).map(|name| name.as_str()),
            status: "running",
            facts: Facts::of(worker, report.answer.as_ref().ok().and_then(|answer| answer.standing.as_ref())),
            reason: None,
            sessions: None,
            queue: None,
            as_of: Some(humantime::format_rfc3339_millis(report.as_of).to_string()),
            queue_as_of: None,
            via: Some(report.via.word()),
        };
        let answer = match &report.answer {
            Ok(answer) => answer,
            Err(failure) => return Self { status: failure.status(), reason: Some(&failure.reason), ..row },
        };
        let sessions = Some(Sessions { worker, sessions: &answer.sessions, active_within });
        let elsewhere = answer.elsewhere.as_ref().map(|elsewhere| elsewhere.said.as_str());
        let row = Self { status: answer.status(), reason: elsewhere, ..row };
        let queue_as_of = || report.queue_as_of.map(|as_of| humantime::format_rfc3339_millis(as_of).to_string());
        match &answer.queue {
            Queue::Items(items) => Self { sessions, queue: items.json(), queue_as_of: queue_as_of(), ..row },
            Queue::NotAsked => Self { sessions, ..row },
            Queue::Failed(reason) => Self { sessions, reason: Some(reason), queue_as_of: queue_as_of(), ..row },
        }
    }
}

/// What the system says in which a worker was found.
#[derive(Debug, serde::Serialize)]
#[serde(untagged)]
enum Facts<'a> {
    GasCity {
        session: &'a str,
        agent: Option<&'a str>,
        city: Option<&'a str>,
    },
    GasTown {
        polecat: &'a str,
        rig: &'a str,
        bead: Option<&'a str>,
        /// Its operator's word; `status` is the truth.
        phase: Option<&'a str>,
        branch: &'a str,
        deadline: Option<&'a str>,
        /// More about the status, e.g. `exit 3, 5m ago`.
        detail: Option<&'a str>,
    },
}

impl<'a> Facts<'a> {
    fn of(worker: &'a Worker, standing: Option<&'a Standing>) -> Option<Self> {
        match &worker.origin {
            Origin::File | Origin::Pods => None,
            Origin::GasCity(agent) => {
                Some(Self::GasCity { session: &agent.session, agent: agent.agent.as_deref(), city: agent.city.as_deref() })
            }
            Origin::GasTown(polecat) => Some(Self::GasTown {
                polecat: polecat.name.as_str(),
                rig: &polecat.rig,
                bead: polecat.bead.as_deref(),
                phase: polecat.phase.as_deref(),
                branch: &polecat.branch,
                deadline: polecat.deadline.as_deref(),
                detail: standing.map(|standing| standing.detail.as_str()).filter(|detail| !detail.is_empty()),
            }),
        }
    }
}

/// The sessions of a worker, made into JSON one after the other: there may be thousands.
#[derive(Debug)]
struct Sessions<'a> {
    worker: &'a Worker,
    sessions: &'a [Session],
    active_within: Duration,
}

impl Serialize for Sessions<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.sessions.iter().map(|session| SessionJson::of(self.worker, session, self.active_within)))
    }
}

/// One session; times are RFC 3339, by the worker's clock.
#[derive(serde::Serialize)]
struct SessionJson<'a> {
    name: &'a SessionName,
    address: String,
    id: Option<&'a str>,
    windows: u32,
    attached: u32,
    created: Option<String>,
    last_output: Option<String>,
    state: &'static str,
}

impl<'a> SessionJson<'a> {
    fn of(worker: &Worker, session: &'a Session, active_within: Duration) -> Self {
        let address = Address { worker: worker.name.clone(), session: session.name.clone() };
        Self {
            name: &session.name,
            address: address.to_string(),
            id: session.id.as_ref().map(SessionId::as_str),
            windows: session.windows,
            attached: session.attached,
            created: session.created.and_then(time),
            last_output: session.last_output.and_then(time),
            state: session.state(active_within).word(),
        }
    }
}

/// Seconds since the epoch as RFC 3339; `null` for a time no calendar has (it came from a worker).
fn time(seconds: u64) -> Option<String> {
    // humantime refuses years beyond 9999 with a panic-free error only from its formatter's bound.
    const YEAR_10000: u64 = 253_402_300_800;
    (seconds < YEAR_10000)
        .then(|| humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string())
}
