//! Workers as they are, and each change as it comes: by the hub, where one can be had, and else by links of our own.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Context;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::Manner;
use crate::failure::Failure;
use crate::hub::client::Hub;
use crate::hub::fleet::Fleet;
use crate::hub::{self, board};
use crate::registry::Registry;
use crate::registry::names::WorkerName;
use crate::registry::worker::Worker;
use crate::remote::session::Answer;

/// How long there is none before another hub is started.
const BEFORE_ANOTHER: Duration = Duration::from_secs(1);

/// What is seen of a worker.
#[derive(Debug)]
pub struct Seen {
    pub worker: WorkerName,
    pub pod: Option<String>,
    pub answer: Result<Answer, Failure>,
}

/// Follow these workers for as long as somebody takes what is told: first how each is, and then each change.
pub fn follow(context: &Context, registry: &Registry, workers: Vec<Worker>) -> Receiver<Seen> {
    let (sender, receiver) = mpsc::channel();
    let gateways = Arc::<Gateways>::default();
    let own = |manner| Own::new(&gateways, context.timeout(), manner, &sender);
    let following = Following {
        asked: own(Manner::Asked),
        unasked: own(Manner::Unasked),
        sender: sender.clone(),
        registry: registry.clone(),
        theirs: workers,
        heard: BTreeSet::new(),
    };
    let hub = context.started_hub(registry);
    thread::spawn(move || following.go_on(hub));
    receiver
}

/// Links of our own.
struct Own {
    fleet: Fleet,
    workers: Vec<Worker>,
    telling: JoinHandle<()>,
}

impl Own {
    fn new(gateways: &Arc<Gateways>, timeout: Duration, manner: Manner, sender: &Sender<Seen>) -> Self {
        let fleet = Fleet::new(gateways.clone(), timeout, manner);
        let (news, sender) = (fleet.board.read(), sender.clone());
        let telling = thread::spawn(move || {
            let seen = |seen: board::Seen| Seen { worker: seen.worker, pod: seen.pod, answer: seen.answer };
            news.into_iter().map(seen).all(|seen| sender.send(seen).is_ok());
        });
        Self { fleet, workers: Vec::new(), telling }
    }

    fn follow(&mut self, workers: Vec<Worker>) {
        self.workers.extend(workers);
        self.fleet.follow(&self.workers);
    }
}

struct Following {
    asked: Own,
    unasked: Own,
    sender: Sender<Seen>,
    registry: Registry,
    /// Whom the hub is asked for.
    theirs: Vec<Worker>,
    /// Who has answered: to ask him again is nobody's wish.
    heard: BTreeSet<WorkerName>,
}

impl Following {
    /// By the hub, and by another one when it ends; by ourselves where there is none.
    fn go_on(mut self, mut hub: Option<Arc<Hub>>) {
        while let Some(there) = hub.filter(|_| !self.theirs.is_empty()) {
            if !self.forward(&there) {
                return;
            }
            thread::sleep(BEFORE_ANOTHER);
            hub = Hub::started(&self.registry).map(Arc::new);
        }
        let theirs = std::mem::take(&mut self.theirs);
        self.follow_ourselves(theirs);
        // They are followed as long as this lives.
        let _ = self.asked.telling.join();
        let _ = self.unasked.telling.join();
    }

    /// Pass on what the hub tells, as long as it does; false when nobody takes it. Whom the hub does not hold, as that could begin a
    /// login or take a kubectl of its own, we follow for good.
    fn forward(&mut self, hub: &Hub) -> bool {
        let Ok(rows) = hub.watch() else { return true };
        for row in rows.flatten() {
            let Some(place) = self.theirs.iter().position(|worker| worker.name == row.worker) else { continue };
            if row.answer.as_ref().is_err_and(hub::says_nothing) {
                let worker = self.theirs.remove(place);
                self.follow_ourselves(vec![worker]);
                continue;
            }
            if row.answer.is_ok() {
                self.heard.insert(row.worker.clone());
            }
            if self.sender.send(Seen { worker: row.worker, pod: row.pod, answer: row.answer }).is_err() {
                return false;
            }
        }
        true
    }

    fn follow_ourselves(&mut self, workers: Vec<Worker>) {
        let (heard, others): (Vec<_>, Vec<_>) = workers.into_iter().partition(|worker| self.heard.contains(&worker.name));
        self.unasked.follow(heard);
        self.asked.follow(others);
    }
}
