//! The hub itself: a socket, a thread for each client, and the registries that clients have named.

use std::collections::BTreeMap;
use std::io::{self, BufReader, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::bell::Bell;
use super::lock::lock;
use super::moment::Moment;
use super::patient::Patient;
use super::request;
use super::served::Served;
use super::socket::{self, Bound, Place};
use super::start;
use super::surroundings::Surroundings;
use super::wire::{self, Asked, Hello, Taken, Version};
use crate::cluster::gateway::Gateways;
use crate::cluster::login;
use crate::exit::Code;
use crate::state::process_id::ProcessId;
use crate::{process, signals};

/// How long a client may take to say what it wants.
const SAYS_WITHIN: Duration = Duration::from_secs(2);
/// How long a client may take to read what it wanted.
const READS_WITHIN: Duration = Duration::from_secs(5);
/// Used from no tmux server that could end, it ends when nobody has wanted anything for so long.
const IDLE: Duration = Duration::from_secs(600);
/// How soon it tries again to let somebody in.
const RETRIES_AFTER: Duration = Duration::from_millis(100);
/// How often it looks whether it is to end, and whether a registry has changed.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// What all its threads share.
pub struct Hub {
    surroundings: Surroundings,
    gateways: Arc<Gateways>,
    served: Mutex<BTreeMap<PathBuf, Arc<Served>>>,
    /// The tmux servers that clients ran in.
    tmuxes: Mutex<Vec<ProcessId>>,
    /// Why somebody went direct, and how often.
    pub direct: Mutex<BTreeMap<String, u64>>,
    pub began: Moment,
    wanted: Mutex<Moment>,
    /// How many are being served just now.
    clients: AtomicUsize,
    is_to_end: AtomicBool,
    /// Rings when it is to end.
    bell: Bell,
}

/// Be the hub, until nobody wants it any more.
///
/// # Errors
/// There is no place for its socket.
pub fn run(in_background: bool) -> Result<Code> {
    if in_background {
        start::close_inherited_files();
    }
    start::allow_many_files();
    login::nobody_asks();
    let place = Place::find()?;
    let socket = place.socket();
    let Some(bound) = place.bind().with_context(|| format!("cannot listen on {}", socket.display()))? else {
        process::say(|| "there is a hub already".to_owned());
        return Ok(Code::Done);
    };
    let hub = Arc::new(Hub::new()?);
    let (told, is_interrupted) = (hub.clone(), Arc::new(AtomicBool::new(false)));
    let interrupted = is_interrupted.clone();
    let _listening = signals::listen(move |_| {
        interrupted.store(true, Ordering::Relaxed);
        told.end();
    });
    process::say(|| format!("listening on {}", socket.display()));
    let looking = hub.clone();
    thread::spawn(move || looking.look_after_registries());
    hub.accept(&bound)?;
    Ok(if is_interrupted.load(Ordering::Relaxed) { Code::Interrupted } else { Code::Done })
}

impl Hub {
    fn new() -> io::Result<Self> {
        Ok(Self {
            surroundings: Surroundings::here(),
            gateways: Arc::new(Gateways::lasting()),
            served: Mutex::default(),
            tmuxes: Mutex::default(),
            direct: Mutex::default(),
            began: Moment::now(),
            wanted: Mutex::new(Moment::now()),
            clients: AtomicUsize::new(0),
            is_to_end: AtomicBool::new(false),
            bell: Bell::new()?,
        })
    }

    fn accept(self: &Arc<Self>, bound: &Bound) -> io::Result<()> {
        bound.listener.set_nonblocking(true)?;
        while !self.is_over() && bound.is_reached() {
            process::wait_ready(None, [bound.listener.as_fd(), self.bell.as_fd()], Instant::now() + LOOKS_EVERY)?;
            while let Some(client) = self.next_client(bound) {
                let hub = self.clone();
                hub.clients.fetch_add(1, Ordering::Relaxed);
                thread::spawn(move || {
                    if let Err(error) = hub.serve(&client) {
                        process::say(|| format!("a client has gone: {error}"));
                    }
                    hub.clients.fetch_sub(1, Ordering::Relaxed);
                });
            }
        }
        Ok(())
    }

    /// Who has connected; `None` when there is nobody more.
    fn next_client(&self, bound: &Bound) -> Option<UnixStream> {
        loop {
            match bound.listener.accept() {
                Ok((client, _)) if socket::is_ours(&client) => return Some(client),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return None,
                Err(error) => {
                    process::say(|| format!("nobody is let in: {error}"));
                    // Too many files are open: some are closed when others have been served.
                    self.bell.rest(Instant::now() + RETRIES_AFTER);
                    return None;
                }
            }
        }
    }

    fn serve(&self, client: &UnixStream) -> io::Result<()> {
        client.set_nonblocking(false)?;
        client.set_write_timeout(Some(READS_WITHIN))?;
        let mut from = BufReader::new(Patient::new(client.try_clone()?, Instant::now() + SAYS_WITHIN));
        let Hello { version, request } = wire::read(&mut from)?;
        if version != Version::ours() {
            return self.meet(&version, &request, client);
        }
        let asked: Asked = serde_json::from_value(request)?;
        // What follows is sent when it was taken.
        from.get_mut().wait_until(Instant::now() + SAYS_WITHIN);
        *lock(&self.wanted) = Moment::now();
        if let Some(difference) = self.surroundings.difference(&asked.surroundings).filter(|_| asked.request.needs_workers()) {
            *lock(&self.direct).entry(difference.clone()).or_default() += 1;
            return wire::write(client, &Taken::Stranger(difference));
        }
        if let Some(tmux) = asked.tmux.filter(ProcessId::lives) {
            let mut tmuxes = lock(&self.tmuxes);
            if !tmuxes.contains(&tmux) {
                tmuxes.push(tmux);
            }
        }
        request::answer(self, asked.request, &mut from, client)
    }

    /// One who speaks otherwise: who is newer may end us.
    fn meet(&self, other: &Version, request: &serde_json::Value, client: &UnixStream) -> io::Result<()> {
        wire::write(client, &Taken::Other(Version::ours()))?;
        if *other > Version::ours() && request.get("request").is_some_and(|request| request == "stop") {
            self.end();
        }
        Ok(())
    }

    /// A registry, which is followed from now on.
    pub fn registry(&self, path: &Path) -> Arc<Served> {
        let mut all = lock(&self.served);
        let served = all.entry(path.to_owned()).or_insert_with(|| Arc::new(Served::new(path, self.gateways.clone())));
        let served = served.clone();
        drop(all);
        served.renew();
        served
    }

    /// All registries that are followed.
    pub fn registries(&self) -> Vec<Arc<Served>> {
        lock(&self.served).values().cloned().collect()
    }

    fn look_after_registries(&self) {
        while !self.is_to_end.load(Ordering::Relaxed) {
            thread::sleep(LOOKS_EVERY);
            for served in self.registries() {
                served.renew();
                served.renew_sources();
            }
        }
    }

    pub fn end(&self) {
        self.is_to_end.store(true, Ordering::Relaxed);
        self.bell.ring();
    }

    fn is_over(&self) -> bool {
        if self.is_to_end.load(Ordering::Relaxed) {
            return true;
        }
        if self.clients.load(Ordering::Relaxed) > 0 {
            return false;
        }
        let mut tmuxes = lock(&self.tmuxes);
        let had_some = !tmuxes.is_empty();
        tmuxes.retain(ProcessId::lives);
        if had_some { tmuxes.is_empty() } else { lock(&self.wanted).age() >= IDLE }
    }
}
