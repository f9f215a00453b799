//! `stop`: the hub ends, and whatever it holds with it.

use std::io;
use std::os::unix::net::UnixStream;

use crate::hub::serve::Hub;
use crate::hub::wire::{self, Taken};

pub fn answer(hub: &Hub, client: &UnixStream) -> io::Result<()> {
    let taken = wire::write(client, &Taken::Yes);
    hub.end();
    taken
}
