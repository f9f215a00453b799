//! `list`: what is known of the workers of a registry. What somebody has just been told to do is seen.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;

use crate::hub::link::OutOfDate;
use crate::hub::serve::Hub;
use crate::hub::wire::{self, Listed, Row, Taken};

pub fn answer(hub: &Hub, registry: &Path, queues: bool, client: &UnixStream) -> io::Result<()> {
    wire::write(client, &Taken::Yes)?;
    let served = hub.registry(registry);
    let mut looks = Vec::new();
    for link in served.fleet.workers() {
        match link.is_out_of_date(queues) {
            OutOfDate::No => {}
            OutOfDate::ALittle => drop(thread::spawn(move || link.look(queues))),
            OutOfDate::Yes => looks.push(thread::spawn(move || link.look(queues).map(|seen| Row::of(seen, Some(&link))))),
        }
    }
    let looked: Vec<Row> = looks.into_iter().filter_map(|look| look.join().ok().flatten()).collect();
    let mut rows = served.rows();
    for row in &mut rows {
        // What was heard of it meanwhile may be newer.
        if let Some(look) = looked.iter().find(|look| look.worker == row.worker && look.as_of > row.as_of) {
            *row = look.clone();
        } else if let Some(look) = looked.iter().find(|look| look.worker == row.worker) {
            row.queue.clone_from(&look.queue);
        }
    }
    wire::write(client, &Listed { rows, found: served.found() })
}
