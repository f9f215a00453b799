//! All workers and all sources asked at the same time, and what they say as it comes: nobody waits for the slowest.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use super::{Claims, Finding, Joining, ask_in_turn, threads};
use crate::cluster::login::{self, Manner};
use crate::failure::Failure;
use crate::registry::Registry;
use crate::registry::origin::System;
use crate::registry::source::Source;
use crate::registry::worker::Worker;
use crate::remote::list::Question;
use crate::remote::list_all::{Asking, Guide, Report};

/// What is new.
#[derive(Debug)]
pub enum News {
    /// A source (its place in the registry) has answered: its workers, with the indices that their reports will have, and a
    /// line about each that has to stay out. Reports of them come after this.
    Joined { source: usize, workers: Vec<(usize, Worker)>, warnings: Vec<String> },
    /// A source has not.
    Silent { source: usize, failure: Failure },
    /// A worker was asked.
    Report(Report),
}

/// One who leads to workers, and knows what some sources have found without asking them.
pub trait Finder: Guide {
    /// What a source has found, when that is as good as an answer.
    fn found(&self, source: &Source) -> Option<Vec<Finding>>;
}

/// Ask these workers, whose reports have their places as indices, and every source of the registry with its workers.
/// Dropping the receiver stops new questions. `finder` leads to workers, and knows some without asking.
pub fn ask_all(registry: &Registry, workers: Vec<Worker>, question: Question, finder: Option<Arc<dyn Finder>>) -> Receiver<News> {
    let (sender, receiver) = mpsc::channel();
    let reports = sender.clone();
    let deliver = move |report| reports.send(News::Report(report)).is_ok();
    // Nobody waits for what nobody has asked for, and it starts no login: it goes as each question alone does.
    let is_asked_for = login::manner() == Manner::Asked;
    let guide = finder.clone().map(|finder| finder as Arc<dyn Guide>);
    let asking = Asking::led(guide, is_asked_for, question, deliver);
    let is_found = |source: &Source| finder.as_ref().and_then(|finder| finder.found(source));
    for source in registry.sources.iter().filter(|source| is_found(source).is_none()) {
        // Whoever finds pods has them asked; of most polecats their listing says all.
        let questions = if source.system == System::GasTown { 1 } else { 2 };
        asking.expect_at(&super::cluster(source), questions);
    }
    asking.expect(&workers);
    let next = workers.len();
    workers.into_iter().enumerate().for_each(|(index, worker)| asking.ask(index, worker));
    let sources = registry.sources.clone();
    let roll = Mutex::new(Roll { claims: Claims::of(registry), next, answered: vec![false; sources.len()] });
    let desk = Arc::new(Desk { sources, roll, answered: Condvar::new(), asking });
    threads::each(desk.sources.len(), question.parallel, move |place| {
        let source = &desk.sources[place];
        let answer = match finder.as_ref().and_then(|finder| finder.found(source)) {
            Some(found) => Ok(found),
            None => ask_in_turn(source, desk.asking.gateways(), question.timeout),
        };
        desk.take(place, answer, &sender);
    });
    receiver
}

struct Desk<Deliver> {
    sources: Vec<Source>,
    roll: Mutex<Roll>,
    answered: Condvar,
    asking: Asking<Deliver>,
}

struct Roll {
    claims: Claims,
    /// The index of the next worker.
    next: usize,
    answered: Vec<bool>,
}

impl<Deliver: Fn(Report) -> bool + Send + Sync + 'static> Desk<Deliver> {
    fn take(&self, place: usize, answer: Result<Vec<Finding>, Failure>, news: &Sender<News>) {
        let mut roll = self.my_turn(place);
        let source = &self.sources[place];
        let joined = match answer {
            Ok(found) => Ok(roll.claims.join(source, found)),
            Err(failure) => {
                // What it said last is not shown, but nobody else gets its names meanwhile.
                roll.claims.join_kept(source);
                Err(failure)
            }
        };
        roll.answered[place] = true;
        let first = roll.next;
        roll.next += joined.as_ref().map_or(0, |joined| joined.workers.len());
        self.answered.notify_all();
        drop(roll);
        match joined {
            Err(failure) => drop(news.send(News::Silent { source: place, failure })),
            Ok(joined) => {
                let workers =
                    joined.workers.iter().zip(first..).map(|(joining, index)| (index, joining.worker.clone())).collect();
                if news.send(News::Joined { source: place, workers, warnings: joined.warnings }).is_err() {
                    return;
                }
                self.asking.expect(
                    joined.workers.iter().filter(|joining| !matches!(joining.told, Some(Err(_)))).map(|joining| &joining.worker),
                );
                for (Joining { worker, told }, index) in joined.workers.into_iter().zip(first..) {
                    match told {
                        Some(Err(failure)) => self.asking.told(index, &worker, Err(failure)),
                        told => self.asking.ask_after(index, worker, told.and_then(Result::ok)),
                    }
                }
            }
        }
    }

    /// A name that two sources have is the earlier one's, whoever answers first: so wait for those before, if they could have one.
    fn my_turn(&self, place: usize) -> MutexGuard<'_, Roll> {
        let prefix = |place: usize| self.sources[place].prefix.as_str();
        let may_meet = |other: usize| prefix(other).starts_with(prefix(place)) || prefix(place).starts_with(prefix(other));
        let rivals: Vec<usize> = (0..place).filter(|&other| may_meet(other)).collect();
        let mut roll = self.roll.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        while rivals.iter().any(|&rival| !roll.answered[rival]) {
            roll = self.answered.wait(roll).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        roll
    }
}
