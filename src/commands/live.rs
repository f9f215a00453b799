//! Workers as they are, and each change as it comes: by the hub, where one can be had, and else by links of our own.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;

use super::Context;
use crate::cluster::gateway::Gateways;
use crate::cluster::login::Manner;
use crate::failure::Failure;
use crate::hub::fleet::Fleet;
use crate::hub::{self, client::Hub};
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
    let registry = registry.clone();
    thread::spawn(move || {
        let (mut hub, mut theirs) = (hub, workers);
        // One that ends is followed by another one, and that by ourselves.
        while let Some(there) = hub.filter(|_| !theirs.is_empty()) {
            let goes_on = forward(&there, &mut theirs, &sender, &|worker| {
                let sender = sender.clone();
                thread::spawn(move || own(&[worker], &sender));
            });
            if !goes_on {
                return;
            }
            hub = Hub::started(&registry).map(Arc::new);
        }
        if !theirs.is_empty() {
            own(&theirs, &sender);
        }
    });
    receiver
}

/// Pass on what the hub tells of these, as long as it does; false when nobody takes it. Whom the hub does not hold, as that could
/// begin a login or take a kubectl of its own, is given to somebody else for good.
fn forward(hub: &Hub, workers: &mut Vec<Worker>, sender: &Sender<Seen>, give: &dyn Fn(Worker)) -> bool {
    let Ok(mut rows) = hub.watch() else { return true };
    rows.all(|row| {
        let Some(place) = workers.iter().position(|worker| worker.name == row.worker) else { return true };
        if row.answer.as_ref().is_err_and(hub::says_nothing) {
            give(workers.remove(place));
            return true;
        }
        sender.send(Seen { worker: row.worker, pod: row.pod, answer: row.answer }).is_ok()
    })
}
