//! What is known of each worker while the picker is open: who was asked, what they said, and the rows that follow.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::row::{Row, Say};
use crate::failure::Failure;
use crate::hub::{self, wire};
use crate::registry::Registry;
use crate::registry::invalid::Invalid;
use crate::registry::names::{Target, WorkerName};
use crate::registry::source::Source;
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::remote::session::Session;
use crate::terminal::neutralise;

/// The workers in the registry's order, those that sources have found behind the others, and what each has said.
pub struct Workers {
    groups: Vec<Group>,
    /// Entries of the file that cannot be used, and why.
    invalid: Vec<(WorkerName, Failure)>,
    active_within: Duration,
}

/// The workers of the file, or those of a source.
struct Group {
    source: Option<Origin>,
    entries: Vec<Entry>,
}

/// A source of workers.
struct Origin {
    name: WorkerName,
    asking: bool,
    /// Why it did not say which workers it has.
    failure: Option<Failure>,
}

struct Entry {
    worker: Worker,
    asking: bool,
    /// The latest answer; it stays while the worker is asked again.
    answer: Option<Result<Vec<Session>, Failure>>,
    /// That another container of its pod has sessions when it has none.
    elsewhere: Option<String>,
}

impl Workers {
    pub fn new(registry: &Registry) -> Self {
        let file = Group { source: None, entries: registry.workers.iter().cloned().map(Entry::new).collect() };
        let found = |source: &Source| {
            let origin = Origin { name: source.name(), asking: false, failure: None };
            Group { source: Some(origin), entries: Vec::new() }
        };
        let groups = std::iter::once(file).chain(registry.sources.iter().map(found)).collect();
        // A row stands for a name, and one that another worker has is that worker's.
        let called = |invalid: &Invalid| match registry.find(&invalid.name) {
            Some(_) => invalid.list.nameless(invalid.number),
            None => invalid.name.clone(),
        };
        let invalid = registry.invalid.iter().map(|invalid| (called(invalid), registry.fault(invalid))).collect();
        Self { groups, invalid, active_within: registry.active_within }
    }

    /// Every worker of the file that is not being asked already is being asked from now on. Returns them.
    pub fn ask(&mut self) -> Vec<Worker> {
        let idle = self.groups[0].entries.iter_mut().filter(|entry| !entry.asking);
        idle.map(|entry| {
            entry.asking = true;
            entry.worker.clone()
        })
        .collect()
    }

    /// Every source, with all its workers, is being asked from now on; false, and nothing changes, when one is being asked already.
    pub fn ask_sources(&mut self) -> bool {
        let busy = |group: &Group| {
            group.source.as_ref().is_some_and(|source| source.asking || group.entries.iter().any(|entry| entry.asking))
        };
        if self.groups.iter().any(busy) {
            return false;
        }
        self.groups.iter_mut().filter_map(|group| group.source.as_mut()).for_each(|source| source.asking = true);
        true
    }

    /// The source in this place has these workers now, and each of them is being asked. Those that were there keep their rows.
    pub fn join(&mut self, source: usize, workers: Vec<Worker>) {
        let Some(group) = self.groups.get_mut(source + 1) else { return };
        let mut before = std::mem::take(&mut group.entries);
        group.entries.extend(workers.into_iter().map(|worker| {
            let known = before.iter().position(|entry| entry.worker.name == worker.name);
            let known = known.map(|place| before.swap_remove(place));
            let (answer, elsewhere) = known.map_or((None, None), |known| (known.answer, known.elsewhere));
            Entry { worker, asking: true, answer, elsewhere }
        }));
        if let Some(source) = &mut group.source {
            (source.asking, source.failure) = (false, None);
        }
    }

    /// The source in this place does not say which workers it has.
    pub fn silent(&mut self, source: usize, failure: Failure) {
        let Some(group) = self.groups.get_mut(source + 1) else { return };
        group.entries.clear();
        if let Some(source) = &mut group.source {
            (source.asking, source.failure) = (false, Some(failure));
        }
    }

    /// The worker of this name has answered, or has not.
    pub fn take(&mut self, name: &WorkerName, answer: Result<Vec<Session>, Failure>) {
        if let Some(entry) = self.groups.iter_mut().flat_map(|group| &mut group.entries).find(|entry| entry.worker.name == *name)
        {
            entry.asking = false;
            entry.answer = Some(answer);
        }
    }

    /// The hub tells of a worker by itself. That it may not ask it says nothing.
    pub fn hear(&mut self, row: wire::Row) {
        let says_nothing = row.is_forgotten || row.answer.as_ref().is_err_and(hub::says_nothing);
        let mut entries = self.groups.iter_mut().flat_map(|group| &mut group.entries);
        if let Some(entry) = entries.find(|entry| entry.worker.name == row.worker && !says_nothing) {
            entry.answer = Some(row.answer.map(|answer| answer.sessions));
        }
    }

    /// The worker of this name, which has answered, has no session, and another container of its pod has some; `None` when that is
    /// not so.
    pub fn take_elsewhere(&mut self, name: &WorkerName, said: Option<String>) {
        let entries = self.groups.iter_mut().flat_map(|group| &mut group.entries);
        entries.filter(|entry| entry.worker.name == *name).for_each(|entry| entry.elsewhere.clone_from(&said));
    }

    /// Nobody is being asked any more: the questions were given up.
    pub fn give_up(&mut self) {
        for group in &mut self.groups {
            group.entries.iter_mut().for_each(|entry| entry.asking = false);
            group.source.iter_mut().for_each(|source| source.asking = false);
        }
    }

    /// The worker of this name.
    pub fn find(&self, name: &WorkerName) -> Option<&Worker> {
        self.entries().map(|entry| &entry.worker).find(|worker| worker.name == *name)
    }

    fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.groups.iter().flat_map(|group| &group.entries)
    }

    fn sources(&self) -> impl Iterator<Item = &Origin> {
        self.groups.iter().filter_map(|group| group.source.as_ref())
    }

    /// A row for each session in the registry's order, then the workers without any, then those that did not answer or cannot be
    /// asked.
    pub fn rows(&self) -> Vec<Row> {
        let of_group = |group: &Group| -> Vec<Row> {
            let lost = group.source.as_ref().and_then(Origin::row);
            lost.into_iter().chain(group.entries.iter().flat_map(|entry| entry.rows(self.active_within))).collect()
        };
        let unusable = self.invalid.iter().map(|(name, failure)| {
            let target = Target { worker: name.clone(), session: None };
            Row::new(target, Say::Failed(failure.clone()))
        });
        let mut rows: Vec<Row> = self.groups.iter().flat_map(of_group).chain(unusable).collect();
        rows.sort_by_key(|row| row.say.class());
        let column = rows.iter().map(|row| row.text.width()).max().unwrap_or(0);
        rows.iter_mut().for_each(|row| row.column = column);
        rows
    }

    /// One line: who is still being waited for, else what there is.
    pub fn headline(&self) -> String {
        let workers = self.entries().map(|entry| (&entry.worker.name, entry.asking));
        let all: Vec<_> = workers.chain(self.sources().map(|source| (&source.name, source.asking))).collect();
        let asking: Vec<&str> = all.iter().filter(|(_, asking)| *asking).map(|(name, _)| name.as_str()).collect();
        if asking.is_empty() {
            return self.summary();
        }
        format!("{} of {} answered, asking {}…", all.len() - asking.len(), all.len(), asking.join(", "))
    }

    fn summary(&self) -> String {
        let answers = || self.entries().filter_map(|entry| entry.answer.as_ref());
        let sessions: usize = answers().filter_map(|answer| answer.as_ref().ok()).map(Vec::len).sum();
        let silent = self.sources().filter(|source| source.failure.is_some()).count();
        let failed = answers().filter(|answer| answer.is_err()).count() + silent;
        // Those that have not answered are counted behind it.
        let answered = answers().filter(|answer| answer.is_ok()).count();
        let all = format!("{} on {}", count(sessions, "session"), count(answered, "worker"));
        let told = |number: usize, what: &str| if number == 0 { String::new() } else { format!(", {number} {what}") };
        format!("{all}{}{}", told(failed, "did not answer"), told(self.invalid.len(), "invalid"))
    }

    /// Why nothing can be done with this row, if so. `needs_session`: it takes a session, not only a worker.
    pub fn refusal(&self, target: &Target, needs_session: bool) -> Option<String> {
        let name = &target.worker;
        let failed = |failure: &Failure| Some(format!("{name} {}: {}", failure.predicate(), neutralise::line(&failure.reason)));
        if let Some(failure) = self.sources().find(|source| source.name == *name).and_then(|source| source.failure.as_ref()) {
            return failed(failure);
        }
        if let Some((_, failure)) = self.invalid.iter().find(|(invalid, _)| invalid == name) {
            return failed(failure);
        }
        match &self.entries().find(|entry| entry.worker.name == *name)?.answer {
            _ if target.session.is_some() => None,
            Some(Err(failure)) => failed(failure),
            _ if needs_session => Some(format!("{name} has no session")),
            _ => None,
        }
    }

    /// Why nobody can type into the sessions of this row, if so.
    pub fn untypable(&self, target: &Target) -> Option<String> {
        let failure = Remote::to(self.find(&target.worker)?).takes_keys().err()?;
        Some(neutralise::line(&failure.reason))
    }
}

impl Origin {
    fn row(&self) -> Option<Row> {
        let target = Target { worker: self.name.clone(), session: None };
        self.failure.clone().map(|failure| Row::new(target, Say::Failed(failure)))
    }
}

impl Entry {
    fn new(worker: Worker) -> Self {
        Self { worker, asking: false, answer: None, elsewhere: None }
    }

    fn rows(&self, active_within: Duration) -> Vec<Row> {
        let of_worker = |say| Row::new(Target { worker: self.worker.name.clone(), session: None }, say);
        match &self.answer {
            None => Vec::new(),
            Some(Err(failure)) => vec![of_worker(Say::Failed(failure.clone()))],
            Some(Ok(sessions)) if sessions.is_empty() => {
                vec![of_worker(self.elsewhere.clone().map_or(Say::NoSessions, Say::Elsewhere))]
            }
            Some(Ok(sessions)) => sessions.iter().map(|session| self.row(session, active_within)).collect(),
        }
    }

    fn row(&self, session: &Session, active_within: Duration) -> Row {
        let target = Target { worker: self.worker.name.clone(), session: Some(session.name.clone()) };
        Row::new(target, Say::Session { state: session.state(active_within), age: session.age })
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests;
