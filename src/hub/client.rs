//! The hub as commands see it: they ask it where one runs, and by themselves where not.

use std::env;
use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::exec::Hubbed;
use super::socket::Place;
use super::start;
use super::surroundings::Surroundings;
use super::wire::{self, Asked, Hello, Ran, Request, Row, Run, Standing, Taken, Version};
use crate::failure::Failure;
use crate::process::{self, Output};
use crate::registry::Registry;
use crate::registry::worker::Worker;
use crate::registry::names::WorkerName;
use crate::remote::Remote;
use crate::state::process_id::ProcessId;

/// How long the hub may take to take a request, and how long while it starts.
const TAKES_WITHIN: Duration = Duration::from_millis(50);
const STARTS_WITHIN: Duration = Duration::from_millis(500);
/// How long it may take to say what it knows.
const SAYS_WITHIN: Duration = Duration::from_secs(5);
/// Set to `off`, there is none.
const LIVE: &str = "FACTORY_WORKER_LIVE";

/// The hub, and the registry whose workers it is asked for.
#[derive(Debug)]
pub struct Hub {
    place: Place,
    registry: PathBuf,
    takes_within: Duration,
}

/// Why the hub does not answer.
#[derive(Debug, PartialEq, Eq)]
pub enum NoHub {
    /// There is none, or it stands still.
    None,
    /// It speaks otherwise.
    Other(Version),
    /// It leaves it to us, for this reason.
    Direct(String),
}

impl From<io::Error> for NoHub {
    fn from(_: io::Error) -> Self {
        Self::None
    }
}

/// Whether the operator wants one.
pub fn is_wanted(registry: &Registry) -> bool {
    registry.live && env::var_os(LIVE).is_none_or(|live| live != "off")
}

impl Hub {
    /// The hub that may run; nobody is asked yet.
    pub fn of(registry: &Registry) -> Option<Self> {
        let path = registry.path.canonicalize().unwrap_or_else(|_| registry.path.clone());
        let place = is_wanted(registry).then(Place::find)?.ok()?;
        Some(Self { place, registry: path, takes_within: TAKES_WITHIN })
    }

    /// The same, started when there is none.
    pub fn started(registry: &Registry) -> Option<Self> {
        let mut hub = Self::of(registry)?;
        match hub.follow() {
            Ok(()) => {}
            Err(NoHub::None) => {
                hub.takes_within = STARTS_WITHIN;
                start::start(&hub.place).then_some(())?;
                hub.follow().ok()?;
            }
            // An older one makes room.
            Err(NoHub::Other(theirs)) if theirs < Version::ours() => {
                let _ = hub.ask(Request::Stop, b"");
                hub.takes_within = STARTS_WITHIN;
                start::start(&hub.place).then_some(())?;
                hub.follow().ok()?;
            }
            Err(NoHub::Other(_) | NoHub::Direct(_)) => return None,
        }
        Some(hub)
    }

    /// Let it know of the registry's workers from now on.
    fn follow(&self) -> Result<(), NoHub> {
        self.ask(Request::Follow { registry: self.registry.clone() }, b"").map(drop)
    }

    /// What it knows of the workers.
    pub fn rows(&self, queues: bool) -> Result<Vec<Row>, NoHub> {
        let mut answer = self.ask(Request::List { registry: self.registry.clone(), queues }, b"")?;
        Ok(wire::read(&mut answer)?)
    }

    /// What it knows of them, and then each change, until it ends.
    pub fn watch(&self) -> Result<impl Iterator<Item = Row> + use<>, NoHub> {
        let mut answer = self.ask(Request::Watch { registry: self.registry.clone() }, b"")?;
        answer.get_ref().set_read_timeout(None)?;
        Ok(std::iter::from_fn(move || wire::read(&mut answer).ok()))
    }

    /// The way to a worker through the hub, and where that does not lead there, this one.
    pub fn through(self: &Arc<Self>, worker: &Worker, remote: Remote) -> Remote {
        Remote { exec: Box::new(Hubbed::new(self.clone(), worker, remote.exec)), ..remote }
    }

    /// Run a command on a worker, over its relay.
    ///
    /// # Errors
    /// The hub has not taken it: nothing has run.
    pub(super) fn run(
        &self,
        run: Run,
        stdin: &[u8],
        deadline: Instant,
    ) -> Result<Result<(Output, Option<String>), Failure>, NoHub> {
        let run = Run { registry: self.registry.clone(), stdin: stdin.len(), ..run };
        let answer = self.ask(Request::Run(run), &[stdin, &[wire::STILL_WANTED]].concat())?;
        Ok(ran(answer, deadline).unwrap_or_else(|error| Err(broke(&error))))
    }

    /// A worker that it could not ask has answered us.
    pub(super) fn tell_answer(&self, worker: &WorkerName, place: Option<String>) {
        let request = Request::Answered { registry: self.registry.clone(), worker: worker.clone(), place };
        // It will try again by itself, too.
        let _ = self.ask(request, b"");
    }

    fn ask(&self, request: Request, bytes: &[u8]) -> Result<BufReader<Patient>, NoHub> {
        if self.let_be().is_some_and(|until| Instant::now() < until) {
            return Err(NoHub::Silent);
        }
        let answer = ask(&self.place, self.takes_within, request, bytes);
        if let Err(NoHub::Silent | NoHub::Other(_) | NoHub::Stranger(_)) = answer {
            *self.let_be() = Some(Instant::now() + LET_BE);
        }
        answer
    }

    fn let_be(&self) -> MutexGuard<'_, Option<Instant>> {
        self.let_be.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// How it is; `None` when none runs.
pub fn standing() -> Option<Standing> {
    let place = Place::find().ok()?;
    wire::read(&mut ask(&place, STARTS_WITHIN, Request::Status, b"").ok()?).ok()
}

/// End the one that runs. Whether there was one; and it is gone.
pub fn stop() -> bool {
    let Ok(place) = Place::find() else { return false };
    let mut was_there = false;
    while let Ok(_) | Err(NoHub::Other(_)) = ask(&place, STARTS_WITHIN, Request::Stop, b"") {
        was_there = true;
        std::thread::sleep(Duration::from_millis(10));
    }
    was_there
}

/// Ask the hub, and wait until it has taken that; the answer follows.
fn ask(place: &Place, takes_within: Duration, request: Request, bytes: &[u8]) -> Result<BufReader<UnixStream>, NoHub> {
    let mut hub = place.connect().ok_or(NoHub::None)?;
    hub.set_read_timeout(Some(takes_within))?;
    hub.set_write_timeout(Some(takes_within))?;
    let asked = Asked { surroundings: Surroundings::here(), tmux: own_tmux(), request };
    let hello = Hello { version: Version::ours(), request: serde_json::to_value(&asked).map_err(io::Error::from)? };
    wire::write(&hub, &hello)?;
    let mut answer = BufReader::new(hub.try_clone()?);
    match wire::read(&mut answer)? {
        Taken::Yes => {}
        Taken::Other(version) => return Err(NoHub::Other(version)),
        Taken::Direct(why) => {
            process::say(|| format!("not by the hub: {why}"));
            return Err(NoHub::Direct(why));
        }
    }
    hub.set_read_timeout(Some(SAYS_WITHIN))?;
    hub.set_write_timeout(Some(SAYS_WITHIN))?;
    // That the rest of it does not arrive is told by the answer that does not come.
    let _ = hub.write_all(bytes);
    Ok(answer)
}

fn ran(mut answer: BufReader<UnixStream>, deadline: Instant) -> io::Result<Result<(Output, Option<String>), Failure>> {
    // It keeps to the deadline itself; that it does not answer at all has to be noticed.
    let left = deadline.saturating_duration_since(Instant::now()) + SAYS_WITHIN;
    answer.get_ref().set_read_timeout(Some(left))?;
    let Ran { status, stdout, stderr, pod } = match wire::read::<Result<Ran, Failure>>(&mut answer)? {
        Ok(ran) => ran,
        Err(failure) => return Ok(Err(failure)),
    };
    let stdout = wire::read_bytes(&mut answer, stdout)?;
    let stderr = wire::read_bytes(&mut answer, stderr)?;
    Ok(Ok((Output { status, stdout, stderr }, pod)))
}

/// It has taken the request, and has not answered: whether that has run is not known.
fn broke(error: &io::Error) -> Failure {
    let what = format!("the hub has not answered: {error}");
    Failure::new(crate::failure::Kind::Unreachable, what)
        .with_remedy("try again; `factory-worker hub status` says whether one runs")
}

/// The tmux server that we are in: `$TMUX` is `SOCKET,PID,SESSION`.
fn own_tmux() -> Option<ProcessId> {
    let place = env::var("TMUX").ok()?;
    place.rsplit(',').nth(1)?.parse().ok().map(ProcessId::of)
}
