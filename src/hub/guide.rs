//! What the hub knows of workers, for whoever is about to ask them; and the way to those that are asked all the same.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::client::Hub;
use super::says_nothing;
use super::wire::{Found, Listed, Row};
use crate::discovery::{self, Finder, Finding};
use crate::registry::names::WorkerName;
use crate::registry::source::Source;
use crate::registry::worker::{Place, Worker};
use crate::remote::Remote;
use crate::remote::list::Question;
use crate::remote::list_all::{self, Known};
use crate::remote::session::{Answer, Queue};
use crate::state::sessions;

/// What is older is asked for again: a worker that is there is heard of every few seconds.
const STALE: Duration = Duration::from_secs(10);
/// That somebody does not answer is believed for as long: he may be there again.
const FAILED: Duration = Duration::from_secs(3);

/// Sources are asked every few seconds, and may take some to answer.
const FOUND_IS_STALE: Duration = Duration::from_secs(20);

/// It knows what the hub knew when it was made.
pub struct Guide {
    hub: Arc<Hub>,
    rows: HashMap<WorkerName, Row>,
    found: Vec<Found>,
}

impl Guide {
    /// One that knows what the hub knows; with queues, if they are wanted.
    pub fn knowing(hub: &Arc<Hub>, queues: bool) -> Self {
        let Listed { rows, found } = hub.list(queues).unwrap_or_default();
        note_for_completion(&rows);
        Self { hub: hub.clone(), found, rows: rows.into_iter().map(|row| (row.worker.clone(), row)).collect() }
    }

    /// One that knows nothing, and only leads.
    pub fn leading(hub: &Arc<Hub>) -> Self {
        Self { hub: hub.clone(), rows: HashMap::new(), found: Vec::new() }
    }
}

impl list_all::Guide for Guide {
    fn known(&self, worker: &Worker, question: Question) -> Option<Known> {
        let row = self.rows.get(&worker.name)?;
        if row.is_forgotten || row.place != Remote::to(worker).exec.place() || !is_enough(row, worker) {
            return None;
        }
        let (queue, queue_as_of) = match worker.commands.queue.as_ref().filter(|_| question.queue) {
            None => (Queue::NotAsked, None),
            Some(_) if row.answer.is_err() => (Queue::NotAsked, None),
            Some(_) => row.queue.clone().map(|(queue, as_of)| (queue, Some(as_of)))?,
        };
        let answer = row.answer.clone().map(|answer| Answer { queue, ..answer });
        Some(Known { pod: row.pod.clone(), answer, as_of: row.as_of, queue_as_of })
    }

    fn lead(&self, worker: &Worker, remote: Remote) -> Remote {
        self.hub.through(worker, remote)
    }
}

impl Finder for Guide {
    fn found(&self, source: &Source) -> Option<Vec<Finding>> {
        let identity = discovery::identity(source);
        let found = self.found.iter().find(|found| found.source == identity)?;
        let age = SystemTime::now().duration_since(found.as_of).unwrap_or_default();
        (age < FOUND_IS_STALE).then(|| found.findings.clone())
    }
}

/// One file for all of them: it is written once.
fn note_for_completion(rows: &[Row]) {
    let names = |answer: &Answer| answer.sessions.iter().map(|session| session.name.to_string()).collect();
    let known = rows.iter().filter_map(|row| Some((row.worker.clone(), names(row.answer.as_ref().ok()?))));
    if !rows.is_empty() {
        sessions::note_all(known);
    }
}

/// Whether what is known is as good as an answer.
fn is_enough(row: &Row, worker: &Worker) -> bool {
    let age = SystemTime::now().duration_since(row.as_of).unwrap_or_default();
    match &row.answer {
        // Its sessions may be in another container, which nobody has looked for.
        Ok(answer) if answer.sessions.is_empty() && !names_its_container(worker) => false,
        Ok(_) => age < STALE,
        // That a connection broke says nothing of what the next one finds.
        Err(failure) => age < FAILED && failure.before_start && !says_nothing(failure),
    }
}

fn names_its_container(worker: &Worker) -> bool {
    match &worker.place {
        Place::Pod(place) => place.container.is_some(),
        Place::Local(_) => true,
    }
}
