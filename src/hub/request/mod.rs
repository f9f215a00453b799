//! What the hub answers, a file for each request.

mod answered;
mod changed;
mod follow;
mod list;
mod run;
mod status;
mod stop;
mod watch;

use std::io::{self, BufRead};
use std::os::unix::net::UnixStream;

use super::serve::Hub;
use super::wire::Request;

/// Answer a client.
///
/// # Errors
/// It has gone.
pub fn answer(hub: &Hub, request: Request, from: &mut impl BufRead, client: &UnixStream) -> io::Result<()> {
    match request {
        Request::Status => status::answer(hub, client),
        Request::Stop => stop::answer(hub, client),
        Request::Follow { registry } => follow::answer(hub, &registry, client),
        Request::List { registry, queues } => list::answer(hub, &registry, queues, client),
        Request::Watch { registry } => watch::answer(hub, &registry, client),
        Request::Changed { registry } => changed::answer(hub, &registry, client),
        Request::Run(run) => run::answer(hub, run, from, client),
        Request::Answered { registry, worker, place } => answered::answer(hub, &registry, &worker, place, client),
    }
}

impl Request {
    /// Whether it is about workers: those of somebody who has the hub's surroundings.
    pub fn needs_workers(&self) -> bool {
        !matches!(self, Self::Status | Self::Stop)
    }
}
