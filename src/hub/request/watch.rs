//! `watch`: what is known of the workers of a registry, and then each change.

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use nix::sys::socket::{MsgFlags, recv};

use super::list;
use crate::hub::serve::Hub;
use crate::hub::wire::{self, Row, Taken};

/// How soon it is noticed that nobody listens any more.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

pub fn answer(hub: &Hub, registry: &Path, client: &UnixStream) -> io::Result<()> {
    wire::write(client, &Taken::Yes)?;
    let served = hub.registry(registry);
    list::look_at_changed(&served, false);
    let news = served.fleet.board.read();
    loop {
        match news.recv_timeout(LOOKS_EVERY) {
            Ok(seen) => {
                let link = served.fleet.link(&seen.worker);
                wire::write(client, &Some(Row::of(seen, link.as_deref())))?;
            }
            Err(RecvTimeoutError::Timeout) if has_left(client) => return Ok(()),
            // Whoever listens hears that we are there.
            Err(RecvTimeoutError::Timeout) => wire::write(client, &None::<Row>)?,
            // It did not take what there was.
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Whether nobody is at the other end.
fn has_left(client: &UnixStream) -> bool {
    recv(client.as_raw_fd(), &mut [0], MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) == Ok(0)
}
