//! `list`: what is known of the workers of a registry. What somebody has just been told to do is seen.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;

use crate::hub::link::{Link, OutOfDate};
use crate::hub::serve::Hub;
use crate::hub::served::Served;
use crate::hub::wire::{self, Listed, Taken};

pub fn answer(hub: &Hub, registry: &Path, queues: bool, client: &UnixStream) -> io::Result<()> {
    wire::write(client, &Taken::Yes)?;
    let served = hub.registry(registry);
    thread::scope(|scope| {
        for link in served.fleet.workers() {
            let served = served.clone();
            match link.is_out_of_date(queues) {
                OutOfDate::No => {}
                OutOfDate::ALittle => drop(thread::spawn(move || look(&served, &link, queues))),
                OutOfDate::Yes => drop(scope.spawn(move || look(&served, &link, queues))),
            }
        }
    });
    wire::write(client, &Listed { rows: served.rows(), found: served.found() })
}

fn look(served: &Served, link: &Arc<Link>, queue: bool) {
    link.look(queue, |told| served.fleet.board.tell(&link.worker.name, link.pod(), told));
}
