//! What is known of the workers of one registry just now, and who wants to hear of changes.

use std::collections::BTreeMap;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use super::link::Told;
use super::lock::lock;
use super::moment::Moment;
use crate::failure::{Failure, Kind};
use crate::registry::names::WorkerName;
use crate::remote::session::Answer;

/// So many changes may wait for somebody who does not take them; then he is left alone.
const BACKLOG: usize = 4096;

/// What is known of a worker.
#[derive(Debug, Clone)]
pub struct Seen {
    pub worker: WorkerName,
    pub pod: Option<String>,
    pub answer: Result<Answer, Failure>,
    /// When it was so.
    pub as_of: Moment,
    /// It is none any more.
    pub is_forgotten: bool,
}

impl Seen {
    /// The same with its sessions as old as they are by now.
    pub fn aged(self) -> Self {
        let age = self.as_of.age();
        Self { answer: self.answer.map(|answer| aged(answer, age)), ..self }
    }
}

/// An answer with its sessions older by so much.
pub fn aged(mut answer: Answer, by: Duration) -> Answer {
    answer.sessions.iter_mut().for_each(|session| session.age = session.age.map(|before| before + by));
    answer
}

/// What is known of all.
#[derive(Default)]
pub struct Board {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many changes there were.
    seq: u64,
    seen: BTreeMap<WorkerName, Seen>,
    readers: Vec<SyncSender<Seen>>,
}

impl Board {
    /// Take in what is told of a worker, whose pod this is.
    pub fn tell(&self, worker: &WorkerName, pod: Option<String>, told: Told) {
        let mut state = self.lock();
        let as_of = Moment::now();
        let answer = match (told, state.seen.get_mut(worker)) {
            (Told::Same, known) => {
                if let Some(known) = known {
                    // The sessions' ages go on from when they were told.
                    *known = known.clone().aged();
                    known.as_of = as_of;
                }
                return;
            }
            (Told::Answer(answer), _) => Ok(answer),
            (Told::Failed(failure), _) => Err(failure),
        };
        state.say(Seen { worker: worker.clone(), pod, answer, as_of, is_forgotten: false });
    }

    /// The same, unless something is known of it.
    pub fn tell_first(&self, worker: &WorkerName, told: Told) {
        if !self.lock().seen.contains_key(worker) {
            self.tell(worker, None, told);
        }
    }

    /// There is no such worker any more.
    pub fn forget(&self, worker: &WorkerName) {
        let mut state = self.lock();
        if let Some(seen) = state.seen.get(worker) {
            let gone = Failure::new(Kind::Missing, "it is in the registry no more");
            let seen = Seen { answer: Err(gone), as_of: Moment::now(), is_forgotten: true, ..seen.clone() };
            state.say(seen);
            state.seen.remove(worker);
        }
    }

    /// There are no others than these any more.
    pub fn keep(&self, stays: impl Fn(&WorkerName) -> bool) {
        let gone: Vec<_> = self.lock().seen.keys().filter(|name| !stays(name)).cloned().collect();
        gone.iter().for_each(|name| self.forget(name));
    }

    /// How many changes there were so far.
    pub fn seq(&self) -> u64 {
        self.lock().seq
    }

    /// What is known just now.
    pub fn all(&self) -> Vec<Seen> {
        self.lock().seen.values().cloned().collect()
    }

    /// What is known just now, and then each change. Nothing more comes for one who takes too little of it.
    pub fn read(&self) -> Receiver<Seen> {
        let (sender, receiver) = mpsc::sync_channel(BACKLOG);
        let mut state = self.lock();
        for seen in state.seen.values() {
            let _ = sender.try_send(seen.clone());
        }
        state.readers.push(sender);
        receiver
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    fn say(&mut self, seen: Seen) {
        self.seq += 1;
        self.readers.retain(|reader| reader.try_send(seen.clone()).is_ok());
        self.seen.insert(seen.worker.clone(), seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::list;

    fn told(listing: &str) -> Told {
        Told::Answer(list::told(listing, "0", None).unwrap())
    }

    fn names(seen: &Seen) -> Vec<String> {
        let sessions = seen.answer.as_ref().map(|answer| answer.sessions.as_slice()).unwrap_or_default();
        sessions.iter().map(|session| session.name.to_string()).collect()
    }

    #[test]
    fn who_reads_has_what_is_known_and_each_change_once() {
        let (board, worker): (Board, WorkerName) = (Board::default(), "w".parse().unwrap());
        board.tell(&worker, None, told("S $0 1 0 10 qa\n"));
        let reader = board.read();
        assert_eq!(names(&reader.try_recv().unwrap()), ["qa"]);
        board.tell(&worker, None, Told::Same);
        assert!(reader.try_recv().is_err());
        board.tell(&worker, None, told("S $0 1 0 10 old\n"));
        assert_eq!(names(&reader.try_recv().unwrap()), ["old"]);
        board.forget(&worker);
        assert!(reader.try_recv().unwrap().is_forgotten);
        assert!(board.all().is_empty());
        assert_eq!(board.seq(), 3);
    }

    #[test]
    fn what_is_the_same_is_as_new_as_that_is_known() {
        let (board, worker): (Board, WorkerName) = (Board::default(), "w".parse().unwrap());
        board.tell(&worker, None, told("S $0 1 0 10 qa\n"));
        let before = board.all()[0].as_of;
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(board.all()[0].as_of, before);
        board.tell(&worker, None, Told::Same);
        assert!(board.all()[0].as_of > before);
    }

    #[test]
    fn one_who_takes_nothing_keeps_nothing_waiting() {
        let (board, worker): (Board, WorkerName) = (Board::default(), "w".parse().unwrap());
        let reader = board.read();
        (0..=BACKLOG + 1).for_each(|_| board.tell(&worker, None, told("")));
        assert_eq!(reader.try_iter().count(), BACKLOG);
        assert!(reader.recv().is_err());
    }
}
