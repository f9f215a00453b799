//! The workers of one registry, each followed by a thread of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::board::Board;
use super::link::{Link, Told};
use super::lock::lock;
use super::lookout;
use super::pods::Pods;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::Manner;
use crate::failure::{Failure, Kind};
use crate::registry::names::WorkerName;
use crate::registry::origin::Reads;
use crate::registry::worker::Worker;
use crate::remote::session::{Answer, Session};

/// Those who are followed, by name.
#[derive(Default)]
pub struct Links(Mutex<BTreeMap<WorkerName, Arc<Link>>>);

impl Links {
    pub fn all(&self) -> Vec<Arc<Link>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WorkerName, Arc<Link>>> {
        lock(&self.0)
    }
}

/// They are followed as long as this lives.
pub struct Fleet {
    pub board: Arc<Board>,
    gateways: Arc<Gateways>,
    pub pods: Pods,
    links: Arc<Links>,
    timeout: Duration,
    first: Manner,
}

impl Fleet {
    /// Nobody yet. Each is asked for the first time in this manner, and given so long to answer.
    pub fn new(gateways: Arc<Gateways>, timeout: Duration, first: Manner) -> Self {
        let links = Arc::default();
        lookout::start(Arc::downgrade(&links));
        Self { board: Arc::default(), gateways, pods: Pods::default(), links, timeout, first }
    }

    /// Follow these from now on, and nobody else. Of who has a log only, that is all there is to tell.
    pub fn follow(&self, workers: &[Worker]) {
        let tells = |worker: &&Worker| worker.polecat().is_none_or(|polecat| polecat.reads != Reads::Log);
        let wanted: BTreeMap<_, _> = workers.iter().filter(tells).map(|worker| (&worker.name, worker)).collect();
        for worker in workers.iter().filter(|worker| !tells(worker)) {
            let log = Session::log(None, None).into_iter().collect();
            self.board.tell_first(&worker.name, Told::Answer(Answer::of(log)));
        }
        self.board.keep(|name| workers.iter().any(|worker| worker.name == *name));
        let mut links = self.links.lock();
        links.retain(|name, link| {
            let stays = wanted.get(name).is_some_and(|worker| **worker == link.worker);
            if !stays {
                link.end();
                self.board.forget(name);
            }
            stays
        });
        let new: Vec<_> = wanted.into_values().filter(|worker| !links.contains_key(&worker.name)).collect();
        let clusters: Vec<_> = new.iter().filter_map(|worker| Cluster::of_worker(worker)).collect();
        self.gateways.expect(&clusters);
        self.gateways.start(Instant::now() + self.timeout);
        for worker in new {
            match Link::new(worker, &self.gateways, self.timeout) {
                Ok(link) => {
                    let link = Arc::new(link);
                    self.begin(&link);
                    links.insert(worker.name.clone(), link);
                }
                Err(error) => {
                    let failure = Failure::new(Kind::Failed, format!("it cannot be followed: {error}"));
                    self.board.tell(&worker.name, None, Told::Failed(failure));
                }
            }
        }
    }

    /// The link to one of them.
    pub fn link(&self, worker: &WorkerName) -> Option<Arc<Link>> {
        self.links.lock().get(worker).cloned()
    }

    /// Who is followed.
    pub fn workers(&self) -> Vec<Arc<Link>> {
        self.links.all()
    }

    fn begin(&self, link: &Arc<Link>) {
        self.pods.tell(link, &self.gateways);
        let (link, board, first) = (link.clone(), self.board.clone(), self.first);
        thread::spawn(move || {
            link.follow(first, |told| {
                let goes_on = !link.has_ended();
                if goes_on {
                    board.tell(&link.worker.name, link.pod(), told);
                }
                goes_on
            });
        });
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.links.lock().values().for_each(|link| link.end());
    }
}
