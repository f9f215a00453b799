//! What is known of each worker while the picker is open: who was asked, what they said, and the rows that follow.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::row::{Row, Say};
use crate::failure::Failure;
use crate::registry::Registry;
use crate::registry::names::{Target, WorkerName};
use crate::registry::source::Source;
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::remote::session::Session;
use crate::terminal::neutralise;

/// The workers in the registry's order, those that sources have found behind the others, and what each has said.
pub struct Workers {
    groups: Vec<Group>,
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
}

impl Workers {
    pub fn new(registry: &Registry) -> Self {
        let file = Group { source: None, entries: registry.workers.iter().cloned().map(Entry::new).collect() };
        let found = |source: &Source| {
            let origin = Origin { name: source.name(), asking: false, failure: None };
            Group { source: Some(origin), entries: Vec::new() }
        };
        let groups = std::iter::once(file).chain(registry.sources.iter().map(found)).collect();
        Self { groups, active_within: registry.active_within }
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
            let answer = known.and_then(|place| before.swap_remove(place).answer);
            Entry { worker, asking: true, answer }
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

    /// A row for each session in the registry's order, then the workers without any, then those that did not answer.
    pub fn rows(&self) -> Vec<Row> {
        let of_group = |group: &Group| -> Vec<Row> {
            let lost = group.source.as_ref().and_then(Origin::row);
            lost.into_iter().chain(group.entries.iter().flat_map(|entry| entry.rows(self.active_within))).collect()
        };
        let mut rows: Vec<Row> = self.groups.iter().flat_map(of_group).collect();
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
        let all = format!("{} on {}", count(sessions, "session"), count(self.entries().count(), "worker"));
        if failed == 0 { all } else { format!("{all}, {failed} did not answer") }
    }

    /// Why nothing can be done with this row, if so. `needs_session`: it takes a session, not only a worker.
    pub fn refusal(&self, target: &Target, needs_session: bool) -> Option<String> {
        let name = &target.worker;
        let failed = |failure: &Failure| Some(format!("{name} is {}: {}", failure.status(), neutralise::line(&failure.reason)));
        if let Some(failure) = self.sources().find(|source| source.name == *name).and_then(|source| source.failure.as_ref()) {
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
        Self { worker, asking: false, answer: None }
    }

    fn rows(&self, active_within: Duration) -> Vec<Row> {
        let of_worker = |say| Row::new(Target { worker: self.worker.name.clone(), session: None }, say);
        match &self.answer {
            None => Vec::new(),
            Some(Err(failure)) => vec![of_worker(Say::Failed(failure.clone()))],
            Some(Ok(sessions)) if sessions.is_empty() => vec![of_worker(Say::NoSessions)],
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
mod tests {
    use super::*;
    use crate::failure::Kind;
    use crate::registry::origin::{self, System};
    use crate::registry::worker::{Commands, Place, Preset, ViewMode};
    use crate::remote::session::SessionId;

    fn worker(name: &str) -> Worker {
        Worker {
            name: name.parse().unwrap(),
            place: Place::Local("/nowhere".into()),
            tmux: vec!["tmux".to_owned()],
            view: ViewMode::default(),
            commands: Commands { preset: Preset::Factory, status: None, queue: None, dispatch: None },
            origin: origin::Origin::File,
        }
    }

    fn registry(names: &[&str], sources: Vec<Source>) -> Registry {
        let workers = names.iter().map(|name| worker(name)).collect();
        Registry {
            path: "/workers.yaml".into(),
            exists: true,
            workers,
            sources,
            town: source(),
            active_within: Duration::from_secs(60),
            session_wait: Duration::from_secs(1),
        }
    }

    fn workers(names: &[&str]) -> Workers {
        Workers::new(&registry(names, Vec::new()))
    }

    fn source() -> Source {
        let Worker { tmux, view, commands, .. } = worker("w");
        Source {
            system: System::GasTown,
            number: None,
            selector: None,
            prefix: String::new(),
            namespace: None,
            context: None,
            kubeconfig: None,
            container: None,
            stuck_after: Duration::from_secs(1),
            tmux,
            view,
            commands,
        }
    }

    /// Let these answer, by their names.
    fn answer(workers: &mut Workers, name: &str, answer: Result<Vec<Session>, Failure>) {
        workers.take(&name.parse().unwrap(), answer);
    }

    #[test]
    fn what_a_source_finds_comes_behind_and_goes_when_it_is_gone() {
        let mut workers = Workers::new(&registry(&["a"], vec![source()]));
        workers.ask();
        assert!(workers.ask_sources() && !workers.ask_sources());
        assert_eq!(workers.headline(), "0 of 2 answered, asking a, discover:gastown…");
        answer(&mut workers, "a", Ok(vec![session("s")]));
        workers.join(0, vec![worker("p"), worker("q")]);
        answer(&mut workers, "p", Ok(vec![session("log")]));
        answer(&mut workers, "q", Ok(vec![session("log")]));
        assert_eq!(texts(&workers), ["a/s", "p/log", "q/log"]);
        assert!(workers.ask_sources());
        workers.join(0, vec![worker("q"), worker("r")]);
        assert_eq!(texts(&workers), ["a/s", "q/log"]);
        answer(&mut workers, "q", Ok(vec![]));
        answer(&mut workers, "r", Ok(vec![]));
        assert!(workers.ask_sources());
        workers.silent(0, refused());
        assert_eq!(texts(&workers), ["a/s", "discover:gastown"]);
        assert_eq!(workers.headline(), "1 session on 1 worker, 1 did not answer");
        let target = Target { worker: source().name(), session: None };
        assert_eq!(workers.refusal(&target, false).unwrap(), "discover:gastown is unreachable: connection refused");
    }

    fn session(name: &str) -> Session {
        Session {
            id: SessionId::parse("$1"),
            name: name.parse().unwrap(),
            windows: 1,
            attached: 0,
            created: None,
            last_output: None,
            age: Some(Duration::from_secs(5)),
            in_mode: false,
            told: None,
        }
    }

    fn texts(workers: &Workers) -> Vec<String> {
        workers.rows().into_iter().map(|row| row.text).collect()
    }

    fn refused() -> Failure {
        Failure::new(Kind::Unreachable, "connection refused")
    }

    #[test]
    fn rows_keep_the_registrys_order_and_those_without_a_session_come_last() {
        let mut workers = workers(&["a", "b", "c", "d"]);
        workers.ask();
        answer(&mut workers, "d", Ok(vec![session("x")]));
        answer(&mut workers, "a", Err(refused()));
        answer(&mut workers, "c", Ok(vec![]));
        answer(&mut workers, "b", Ok(vec![session("z"), session("y")]));
        assert_eq!(texts(&workers), ["b/z", "b/y", "d/x", "c", "a"]);
    }

    #[test]
    fn the_headline_names_who_is_waited_for() {
        let mut workers = workers(&["a", "b", "c"]);
        assert_eq!(workers.ask().len(), 3);
        answer(&mut workers, "b", Ok(vec![session("s")]));
        assert_eq!(workers.headline(), "1 of 3 answered, asking a, c…");
        answer(&mut workers, "a", Ok(vec![session("s"), session("t")]));
        answer(&mut workers, "c", Err(refused()));
        assert_eq!(workers.headline(), "3 sessions on 3 workers, 1 did not answer");
    }

    #[test]
    fn who_is_being_asked_is_not_asked_twice_and_keeps_its_rows() {
        let mut workers = workers(&["a", "b"]);
        workers.ask();
        answer(&mut workers, "a", Ok(vec![session("s")]));
        assert_eq!(workers.ask(), [worker("a")]);
        assert_eq!(texts(&workers), ["a/s"]);
    }

    #[test]
    fn only_a_row_with_a_session_takes_what_needs_one() {
        let mut workers = workers(&["a", "b"]);
        answer(&mut workers, "a", Ok(vec![]));
        answer(&mut workers, "b", Err(refused()));
        let worker = |name: &str| Target { worker: name.parse().unwrap(), session: None };
        assert_eq!(workers.refusal(&worker("a"), true).unwrap(), "a has no session");
        assert_eq!(workers.refusal(&worker("a"), false), None);
        assert_eq!(workers.refusal(&worker("b"), false).unwrap(), "b is unreachable: connection refused");
        assert_eq!(workers.refusal(&"a/s".parse().unwrap(), true), None);
    }
}
