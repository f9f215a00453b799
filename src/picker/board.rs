//! What is known of each worker while the picker is open: who was asked, what they said, and the rows that follow.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::row::{Row, Say};
use crate::registry::names::{Target, WorkerName};
use crate::remote::failure::Failure;
use crate::remote::session::Session;
use crate::terminal::neutralise;

/// The workers in the registry's order, and what each has said.
pub struct Board {
    entries: Vec<Entry>,
    active_within: Duration,
}

struct Entry {
    worker: WorkerName,
    asking: bool,
    /// The latest answer; it stays while the worker is asked again.
    answer: Option<Result<Vec<Session>, Failure>>,
}

impl Board {
    pub fn new(workers: impl IntoIterator<Item = WorkerName>, active_within: Duration) -> Self {
        let entries = workers.into_iter().map(|worker| Entry { worker, asking: false, answer: None }).collect();
        Self { entries, active_within }
    }

    /// Every worker that is not being asked already is being asked from now on. Returns their places.
    pub fn ask(&mut self) -> Vec<usize> {
        let idle = self.entries.iter_mut().enumerate().filter(|(_, entry)| !entry.asking);
        idle.map(|(place, entry)| {
            entry.asking = true;
            place
        })
        .collect()
    }

    /// The worker in this place has answered, or has not.
    pub fn take(&mut self, place: usize, answer: Result<Vec<Session>, Failure>) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.asking = false;
            entry.answer = Some(answer);
        }
    }

    /// Nobody is being asked any more: the questions were given up.
    pub fn give_up(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.asking = false);
    }

    /// A row for each session in the registry's order, then the workers without any, then those that did not answer.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.entries.iter().flat_map(|entry| entry.rows(self.active_within)).collect();
        rows.sort_by_key(|row| row.say.class());
        let column = rows.iter().map(|row| row.text.width()).max().unwrap_or(0);
        rows.iter_mut().for_each(|row| row.column = column);
        rows
    }

    /// One line: who is still being waited for, else what there is.
    pub fn headline(&self) -> String {
        let asking: Vec<&str> = self.entries.iter().filter(|entry| entry.asking).map(|entry| entry.worker.as_str()).collect();
        if asking.is_empty() {
            return self.summary();
        }
        let answered = self.entries.len() - asking.len();
        format!("{answered} of {} answered, asking {}…", self.entries.len(), asking.join(", "))
    }

    fn summary(&self) -> String {
        let answers = || self.entries.iter().filter_map(|entry| entry.answer.as_ref());
        let sessions: usize = answers().filter_map(|answer| answer.as_ref().ok()).map(Vec::len).sum();
        let failed = answers().filter(|answer| answer.is_err()).count();
        let all = format!("{} on {}", count(sessions, "session"), count(self.entries.len(), "worker"));
        if failed == 0 { all } else { format!("{all}, {failed} did not answer") }
    }

    /// Why nothing can be done with this row, if so. `needs_session`: it takes a session, not only a worker.
    pub fn refusal(&self, target: &Target, needs_session: bool) -> Option<String> {
        let entry = self.entries.iter().find(|entry| entry.worker == target.worker)?;
        match &entry.answer {
            _ if target.session.is_some() => None,
            Some(Err(failure)) => {
                Some(format!("{} is {}: {}", entry.worker, failure.status(), neutralise::line(&failure.reason)))
            }
            _ if needs_session => Some(format!("{} has no session", entry.worker)),
            _ => None,
        }
    }
}

impl Entry {
    fn rows(&self, active_within: Duration) -> Vec<Row> {
        let of_worker = |say| Row::new(Target { worker: self.worker.clone(), session: None }, say);
        match &self.answer {
            None => Vec::new(),
            Some(Err(failure)) => vec![of_worker(Say::Failed(failure.clone()))],
            Some(Ok(sessions)) if sessions.is_empty() => vec![of_worker(Say::NoSessions)],
            Some(Ok(sessions)) => sessions.iter().map(|session| self.row(session, active_within)).collect(),
        }
    }

    fn row(&self, session: &Session, active_within: Duration) -> Row {
        let target = Target { worker: self.worker.clone(), session: Some(session.name.clone()) };
        Row::new(target, Say::Session { state: session.state(active_within), age: session.age })
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::failure::Kind;
    use crate::remote::session::SessionId;

    fn board(names: &[&str]) -> Board {
        Board::new(names.iter().map(|name| name.parse().unwrap()), Duration::from_secs(60))
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

    fn texts(board: &Board) -> Vec<String> {
        board.rows().into_iter().map(|row| row.text).collect()
    }

    fn refused() -> Failure {
        Failure::new(Kind::Unreachable, "connection refused")
    }

    #[test]
    fn rows_keep_the_registrys_order_and_those_without_a_session_come_last() {
        let mut board = board(&["a", "b", "c", "d"]);
        board.ask();
        board.take(3, Ok(vec![session("x")]));
        board.take(0, Err(refused()));
        board.take(2, Ok(vec![]));
        board.take(1, Ok(vec![session("z"), session("y")]));
        assert_eq!(texts(&board), ["b/z", "b/y", "d/x", "c", "a"]);
    }

    #[test]
    fn the_headline_names_who_is_waited_for() {
        let mut board = board(&["a", "b", "c"]);
        assert_eq!(board.ask(), [0, 1, 2]);
        board.take(1, Ok(vec![session("s")]));
        assert_eq!(board.headline(), "1 of 3 answered, asking a, c…");
        board.take(0, Ok(vec![session("s"), session("t")]));
        board.take(2, Err(refused()));
        assert_eq!(board.headline(), "3 sessions on 3 workers, 1 did not answer");
    }

    #[test]
    fn who_is_being_asked_is_not_asked_twice_and_keeps_its_rows() {
        let mut board = board(&["a", "b"]);
        board.ask();
        board.take(0, Ok(vec![session("s")]));
        assert_eq!(board.ask(), [0]);
        assert_eq!(texts(&board), ["a/s"]);
    }

    #[test]
    fn only_a_row_with_a_session_takes_what_needs_one() {
        let mut board = board(&["a", "b"]);
        board.take(0, Ok(vec![]));
        board.take(1, Err(refused()));
        let worker = |name: &str| Target { worker: name.parse().unwrap(), session: None };
        assert_eq!(board.refusal(&worker("a"), true).unwrap(), "a has no session");
        assert_eq!(board.refusal(&worker("a"), false), None);
        assert_eq!(board.refusal(&worker("b"), false).unwrap(), "b is unreachable: connection refused");
        assert_eq!(board.refusal(&"a/s".parse().unwrap(), true), None);
    }
}
