//! `changed`: what the sources of a registry have found may not be so any more.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::hub::serve::Hub;
use crate::hub::wire::{self, Taken};

pub fn answer(hub: &Hub, registry: &Path, client: &UnixStream) -> io::Result<()> {
    hub.registry(registry).forget_found();
    wire::write(client, &Taken::Yes)
}
