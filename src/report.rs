//! What a worker said, as JSON. The keys are stable and documented in the README.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::registry::names::Address;
use crate::registry::worker::{Place, Worker};
use crate::remote::ask::Report;
use crate::remote::session::{Queue, Session};

/// One worker of `list --json`. What is not known is `null`: a worker that did not answer has no `sessions` list,
/// so that nobody takes it for one without sessions.
pub fn worker_json(worker: &Worker, report: &Report, active_within: Duration) -> Value {
    let (container, context, namespace) = match &worker.place {
        Place::Pod(pod) => (pod.container.as_ref(), pod.context.as_ref(), pod.namespace.as_ref()),
        Place::Local(_) => (None, None, None),
    };
    let (status, reason, sessions, queue) = match &report.answer {
        Ok(answer) => {
            let sessions: Vec<_> = answer.sessions.iter().map(|session| session_json(worker, session, active_within)).collect();
            let (queue, reason) = match &answer.queue {
                Queue::Items(items) => (json!(items), Value::Null),
                Queue::NotAsked => (Value::Null, Value::Null),
                Queue::Failed(reason) => (Value::Null, json!(reason)),
            };
            ("running", reason, json!(sessions), queue)
        }
        Err(failure) => (failure.status(), json!(failure.reason), Value::Null, Value::Null),
    };
    json!({
        "name": worker.name, "kind": worker.kind(), "pod": report.pod, "container": container, "context": context,
        "namespace": namespace, "status": status, "reason": reason, "sessions": sessions, "queue": queue,
    })
}

/// One session of `list --json` and `status --json`; times are RFC 3339, by the worker's clock.
pub fn session_json(worker: &Worker, session: &Session, active_within: Duration) -> Value {
    let address = Address { worker: worker.name.clone(), session: session.name.clone() };
    json!({
        "name": session.name, "address": address.to_string(), "id": session.id.as_str(), "windows": session.windows,
        "attached": session.attached, "created": time(session.created), "last_output": session.last_output.map(time),
        "state": session.state(active_within).word(),
    })
}

/// Seconds since the epoch as RFC 3339; `null` for a time no calendar has (it came from a worker).
fn time(seconds: u64) -> Option<String> {
    // humantime refuses years beyond 9999 with a panic-free error only from its formatter's bound.
    const YEAR_10000: u64 = 253_402_300_800;
    (seconds < YEAR_10000)
        .then(|| humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string())
}
