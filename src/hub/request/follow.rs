//! `follow`: the workers of a registry are to be known when somebody asks.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::hub::serve::Hub;
use crate::hub::wire::{self, Taken};

pub fn answer(hub: &Hub, registry: &Path, client: &UnixStream) -> io::Result<()> {
    hub.registry(registry);
    wire::write(client, &Taken::Yes)
}
