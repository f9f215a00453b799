//! Workers as they are, and each change as it comes: by the hub, where one can be had, and else by links of our own.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::Context;
use crate::cluster::Cluster;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::{self, Manner};
use crate::failure::Failure;
use crate::hub::client::Hub;
use crate::hub::fleet::Fleet;
use crate::registry::Registry;
use crate::registry::names::WorkerName;
use crate::registry::worker::Worker;
use crate::remote::session::Answer;

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
    let hub = context.started_hub(registry);
    // Whom the hub may not ask by itself, as that could begin a login, is asked on behalf of whoever asks here.
    let is_served = |worker: &Worker| hub.is_some() && Cluster::of_worker(worker).is_none_or(|at| login::is_free_of_plugins(&at));
    let (theirs, ours): (Vec<_>, Vec<_>) = workers.into_iter().partition(is_served);
    let timeout = context.timeout();
    let own = move |workers: &[Worker], sender: &Sender<Seen>| {
        let fleet = Fleet::new(Arc::<Gateways>::default(), timeout, Manner::Asked);
        fleet.follow(workers);
        for seen in fleet.board.read() {
            if sender.send(Seen { worker: seen.worker, pod: seen.pod, answer: seen.answer }).is_err() {
                return;
            }
        }
    };
    if !ours.is_empty() {
        let sender = sender.clone();
        thread::spawn(move || own(&ours, &sender));
    }
    if let Some(hub) = hub.filter(|_| !theirs.is_empty()) {
        let registry = registry.clone();
        thread::spawn(move || {
            let mut hub = hub;
            // One that ends is followed by another one, and that by ourselves.
            while forward(&hub, &theirs, &sender) {
                match Hub::started(&registry) {
                    Some(next) => hub = Arc::new(next),
                    None => return own(&theirs, &sender),
                }
            }
        });
    }
    receiver
}

/// Pass on what the hub tells of these, as long as it does; false when nobody takes it.
fn forward(hub: &Hub, workers: &[Worker], sender: &Sender<Seen>) -> bool {
    let Ok(rows) = hub.watch() else { return true };
    let mut wanted = rows.filter(|row| workers.iter().any(|worker| worker.name == row.worker));
    wanted.all(|row| sender.send(Seen { worker: row.worker, pod: row.pod, answer: row.answer }).is_ok())
}
