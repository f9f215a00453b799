//! `status`: who is there, and how it stands.

use std::io;
use std::os::unix::net::UnixStream;
use std::process;

use crate::hub::lock::lock;
use crate::hub::serve::Hub;
use crate::hub::wire::{self, Served, Standing, Taken};

pub fn answer(hub: &Hub, client: &UnixStream) -> io::Result<()> {
    wire::write(client, &Taken::Yes)?;
    let served = |served: &std::sync::Arc<crate::hub::served::Served>| Served {
        registry: served.path.clone(),
        seq: served.fleet.board.seq(),
        rows: served.rows(),
    };
    let standing = Standing {
        pid: process::id(),
        runs_for: hub.began.age().as_secs(),
        registries: hub.registries().iter().map(served).collect(),
        direct: lock(&hub.direct).clone(),
    };
    wire::write(client, &standing)
}
