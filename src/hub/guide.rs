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
const FOUND_IS_STALE: Duration = Duration::from_secs(10);

/// It knows what the hub knew when it was made.
pub struct Guide {
    hub: Arc<Hub>,
    rows: HashMap<WorkerName, Row>,
    found: Vec<Found>,
    /// It only leads: whoever is asked for is asked.
    only_leads: bool,
}

impl Guide {
    /// One that knows what the hub knows; with queues, if they are wanted.
    pub fn knowing(hub: &Arc<Hub>, queues: bool) -> Self {
        Self::new(hub, queues, false)
    }

    /// One that says nothing of what it knows, and only leads.
    pub fn leading(hub: &Arc<Hub>) -> Self {
        Self::new(hub, false, true)
    }

    fn new(hub: &Arc<Hub>, queues: bool, only_leads: bool) -> Self {
        let Listed { rows, found } = hub.list(queues).unwrap_or_default();
        if !only_leads {
            note_for_completion(&rows);
        }
        Self { hub: hub.clone(), found, rows: rows.into_iter().map(|row| (row.worker.clone(), row)).collect(), only_leads }
    }

    /// What the hub knew of this worker, and of no other one of its name.
    fn row(&self, worker: &Worker) -> Option<&Row> {
        let row = self.rows.get(&worker.name)?;
        (!row.is_forgotten && row.place == Remote::to(worker).exec.place()).then_some(row)
    }
}

impl list_all::Guide for Guide {
    fn known(&self, worker: &Worker, question: Question) -> Option<Known> {
        let row = self.row(worker).filter(|row| !self.only_leads && is_enough(row, worker))?;
        let (queue, queue_as_of) = match worker.commands.queue.as_ref().filter(|_| question.queue) {
            None => (Queue::NotAsked, None),
            Some(_) if row.answer.is_err() => (Queue::NotAsked, None),
            Some(_) => row.queue.clone().map(|(queue, as_of)| (queue, Some(as_of)))?,
        };
        let answer = row.answer.clone().map(|answer| Answer { queue, ..answer });
        Some(Known { pod: row.pod.clone(), answer, as_of: row.as_of, queue_as_of })
    }

    fn leads(&self, worker: &Worker) -> bool {
        self.row(worker).is_some_and(|row| row.answer.is_ok())
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
        (!self.only_leads && age < FOUND_IS_STALE).then(|| found.findings.clone())
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

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::failure::{Failure, Kind};
    use crate::registry::worker::Worker;
    use crate::remote::list;

    const SECOND: Duration = Duration::from_secs(1);

    fn worker(entry: &str) -> Worker {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("workers.yaml");
        std::fs::write(&path, format!("workers:\n  - {{name: w, {entry}}}\n")).unwrap();
        crate::registry::Registry::load(Some(&path)).unwrap().workers.remove(0)
    }

    fn row(answer: Result<Answer, Failure>, age: Duration) -> Row {
        let as_of = SystemTime::now() - age;
        Row { worker: "w".parse().unwrap(), place: None, pod: None, answer, as_of, queue: None, is_forgotten: false }
    }

    fn there() -> Result<Answer, Failure> {
        Ok(list::told("S $0 1 0 10 qa\n", "0", None).unwrap())
    }

    #[rstest]
    #[case::new(there(), SECOND, true)]
    #[case::old(there(), 11 * SECOND, false)]
    #[case::just_not_there(Err(Failure::new(Kind::Unreachable, "no").before_start()), SECOND, true)]
    #[case::just_lost(Err(Failure::new(Kind::Unreachable, "no")), SECOND, false)]
    #[case::not_held(Err(crate::cluster::gateway::not_held()), SECOND, false)]
    #[case::not_there_for_a_while(Err(Failure::new(Kind::Unreachable, "no").before_start()), 4 * SECOND, false)]
    fn what_may_be_otherwise_by_now_is_no_answer(
        #[case] answer: Result<Answer, Failure>,
        #[case] age: Duration,
        #[case] expected: bool,
    ) {
        assert_eq!(is_enough(&row(answer, age), &worker("pod: p")), expected);
    }

    #[test]
    fn no_session_is_an_answer_only_where_there_is_one_container() {
        let none = || row(Ok(list::told("", "0", None).unwrap()), SECOND);
        assert!(!is_enough(&none(), &worker("pod: p")));
        assert!(is_enough(&none(), &worker("pod: p, container: c")));
    }
}
