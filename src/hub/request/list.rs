//! `list`: what is known of the workers of a registry. What somebody has just been told to do is seen.

use std::collections::BTreeSet;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::hub::link::{Link, OutOfDate};
use crate::hub::serve::Hub;
use crate::hub::served::Served;
use crate::hub::wire::{self, Listed, Taken};
use crate::registry::names::WorkerName;

/// How long somebody waits for a look at others: whom it is not enough for is asked by himself.
const LOOKS_WITHIN: Duration = Duration::from_millis(300);

pub fn answer(hub: &Hub, registry: &Path, queues: bool, client: &UnixStream) -> io::Result<()> {
    wire::write(client, &Taken::Yes)?;
    let served = hub.registry(registry);
    let not_yet = look_at_changed(&served, queues);
    let mut rows = served.rows();
    rows.retain(|row| !not_yet.contains(&row.worker));
    wire::write(client, &Listed { rows, found: served.found() })
}

/// Look at those that may be otherwise than is known, all at the same time; gives those that have not answered soon.
pub fn look_at_changed(served: &Arc<Served>, queues: bool) -> BTreeSet<WorkerName> {
    let (done, is_done) = mpsc::channel();
    let mut waiting = BTreeSet::new();
    for link in served.fleet.workers() {
        let is_awaited = match link.is_out_of_date(queues) {
            OutOfDate::No => continue,
            OutOfDate::ALittle => false,
            OutOfDate::Yes => true,
        };
        if is_awaited {
            waiting.insert(link.worker.name.clone());
        }
        let (served, done) = (served.clone(), done.clone());
        thread::spawn(move || {
            if look(&served, &link, queues) {
                let _ = done.send(link.worker.name.clone());
            }
        });
    }
    drop(done);
    let until = Instant::now() + LOOKS_WITHIN;
    while !waiting.is_empty() {
        match is_done.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(worker) => drop(waiting.remove(&worker)),
            Err(_) => break,
        }
    }
    waiting
}

fn look(served: &Served, link: &Arc<Link>, queue: bool) -> bool {
    link.look(queue, |told| {
        if !link.has_ended() {
            served.fleet.board.tell(&link.worker.name, link.pod(), told);
        }
    })
}
