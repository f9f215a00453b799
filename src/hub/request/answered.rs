//! `answered`: a worker that the hub could not ask has answered somebody, who went past it. What stood in the way may be gone, and its
//! cluster has just let the operator in.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::hub::serve::Hub;
use crate::hub::wire::{self, Taken};
use crate::registry::names::WorkerName;

pub fn answer(hub: &Hub, registry: &Path, worker: &WorkerName, place: Option<String>, client: &UnixStream) -> io::Result<()> {
    let link = hub.registry(registry).fleet.link(worker);
    if let Some(link) = link.filter(|link| !link.is_live() && link.place() == place) {
        link.may_be_there();
    }
    wire::write(client, &Taken::Yes)
}
