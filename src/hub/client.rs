//! The hub as commands see it: they ask it where one runs, and by themselves where not.

use std::env;
use std::io::{self, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use super::exec::Hubbed;
use super::lock::lock;
use super::patient::Patient;
use super::socket::Place;
use super::start;
use super::surroundings::Surroundings;
use super::wire::{self, Asked, Hello, Listed, Ran, Request, Row, Run, Standing, Taken, Version};
use crate::failure::Failure;
use crate::process::{self, Output};
use crate::registry::Registry;
use crate::registry::names::WorkerName;
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::state::process_id::ProcessId;

/// How long the hub may take to take a request, and how long while it starts.
const TAKES_WITHIN: Duration = Duration::from_millis(50);
const STARTS_WITHIN: Duration = Duration::from_millis(500);
/// How long it may take to say what it knows.
const SAYS_WITHIN: Duration = Duration::from_secs(5);
/// How long it may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
const LOOKS_EVERY: Duration = Duration::from_millis(10);
/// One that has not taken a request, or takes none of ours, is not asked again for as long.
const LET_BE: Duration = Duration::from_secs(2);
/// Set to `off`, there is none.
const LIVE: &str = "FACTORY_WORKER_LIVE";
/// What `FACTORY_WORKER_WAY` is for every command to start the hub and to wait until it knows the workers: so that whatever is tested
/// of a command can be tested of it through the hub, too.
const HUB: &str = "hub";
/// How long is waited then, and how often it is looked.
const KNOWS_WITHIN: Duration = Duration::from_secs(5);

/// The hub, and the registry whose workers it is asked for.
#[derive(Debug)]
pub struct Hub {
    place: Place,
    registry: PathBuf,
    takes_within: Duration,
    /// It is not asked before then.
    let_be: Mutex<Option<Instant>>,
}

/// Why the hub does not answer.
#[derive(Debug, PartialEq, Eq)]
pub enum NoHub {
    /// There is none.
    None,
    /// It stands still, or it is somebody else who listens there.
    Silent,
    /// It speaks otherwise.
    Other(Version),
    /// It leaves it to us, for this reason.
    Direct(String),
    /// The same, whatever it is.
    Stranger(String),
}

impl NoHub {
    /// What that means, and what to do about it.
    pub fn told(&self) -> (String, &'static str) {
        match self {
            Self::Other(theirs) => (
                format!("the hub that runs is another version's, of factory-worker {}", theirs.release),
                "ask it with `factory-worker hub` of that version; commands of this one ask by themselves",
            ),
            Self::Stranger(why) | Self::Direct(why) => (format!("the hub does not answer: {why}"), ""),
            Self::None => ("no hub runs".to_owned(), ""),
            Self::Silent => (
                "the hub does not answer, or it is another program that listens in its place".to_owned(),
                "end that process; until then commands ask by themselves",
            ),
        }
    }
}

impl From<io::Error> for NoHub {
    fn from(_: io::Error) -> Self {
        Self::Silent
    }
}

/// Whether the operator wants one.
pub fn is_wanted(registry: &Registry) -> bool {
    registry.live && env::var_os(LIVE).is_none_or(|live| live != "off")
}

/// Whether there could be one.
///
/// # Errors
/// There is no place for its socket.
pub fn place() -> Result<(), Failure> {
    Place::find().map(drop)
}

impl Hub {
    /// The hub that may run; nobody is asked yet.
    pub fn of(registry: &Registry) -> Option<Self> {
        let path = registry.path.canonicalize().unwrap_or_else(|_| registry.path.clone());
        let place = is_wanted(registry).then(Place::find)?.ok()?;
        Some(Self { place, registry: path, takes_within: TAKES_WITHIN, let_be: Mutex::default() })
    }

    /// The same, for a command that only uses one.
    pub fn used(registry: &Registry) -> Option<Self> {
        if env::var_os("FACTORY_WORKER_WAY").is_none_or(|way| way != HUB) {
            return Self::of(registry);
        }
        let hub = Self::started(registry)?;
        let end = Instant::now() + KNOWS_WITHIN;
        let knows_all =
            |listed: Listed| registry.workers.iter().all(|worker| listed.rows.iter().any(|row| row.worker == worker.name));
        while !hub.list(false).is_ok_and(knows_all) && Instant::now() < end {
            std::thread::sleep(LOOKS_EVERY);
        }
        Some(hub)
    }

    /// The same, started when there is none.
    pub fn started(registry: &Registry) -> Option<Self> {
        let mut hub = Self::of(registry)?;
        match hub.follow() {
            Ok(()) => {}
            Err(NoHub::None) => hub.start()?,
            // An older one makes room.
            Err(NoHub::Other(theirs)) if theirs < Version::ours() => {
                end(&hub.place).ok()?;
                hub.start()?;
            }
            Err(_) => return None,
        }
        Some(hub)
    }

    fn start(&mut self) -> Option<()> {
        self.takes_within = STARTS_WITHIN;
        start::start(&self.place).then_some(())?;
        self.follow().ok()
    }

    /// Let it know of the registry's workers from now on.
    fn follow(&self) -> Result<(), NoHub> {
        let request = Request::Follow { registry: self.registry.clone() };
        ask(&self.place, self.takes_within, request, b"").map(drop)
    }

    /// What it knows of the workers, and what the registry's sources have found.
    pub fn list(&self, queues: bool) -> Result<Listed, NoHub> {
        let mut answer = self.ask(Request::List { registry: self.registry.clone(), queues }, b"")?;
        Ok(wire::read(&mut answer)?)
    }

    /// Somebody has made or removed something that the registry's sources may find. That there is no hub is no reason to fail.
    pub fn tell_changed(&self) {
        let _ = self.ask(Request::Changed { registry: self.registry.clone() }, b"");
    }

    /// What it knows of them, and then each change, until it ends or stands still; `None` every now and then, when there is nothing.
    pub fn watch(&self) -> Result<impl Iterator<Item = Option<Row>> + use<>, NoHub> {
        let mut answer = self.ask(Request::Watch { registry: self.registry.clone() }, b"")?;
        Ok(std::iter::from_fn(move || {
            answer.get_mut().wait_until(Instant::now() + SAYS_WITHIN);
            wire::read(&mut answer).ok()
        }))
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
        worker: &WorkerName,
        place: Option<String>,
        request: process::Request<'_>,
    ) -> Result<Result<(Output, Option<String>), Failure>, NoHub> {
        let process::Request { argv, stdin, reads_to_end, deadline } = request;
        let run = Run {
            registry: self.registry.clone(),
            worker: worker.clone(),
            place,
            argv: argv.to_vec(),
            reads_to_end,
            timeout: deadline.saturating_duration_since(Instant::now()).as_millis() as u64,
            stdin: stdin.len(),
        };
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
        lock(&self.let_be)
    }
}

/// How it is.
///
/// # Errors
/// None runs, or it does not say so.
pub fn standing() -> Result<Standing, NoHub> {
    let place = Place::find().map_err(|_| NoHub::None)?;
    Ok(wire::read(&mut ask(&place, STARTS_WITHIN, Request::Status, b"")?)?)
}

/// End the one that runs: it is gone.
///
/// # Errors
/// There was none; or it does not end for us.
pub fn stop() -> Result<(), NoHub> {
    end(&Place::find().map_err(|_| NoHub::None)?)
}

fn end(place: &Place) -> Result<(), NoHub> {
    let until = Instant::now() + ENDS_WITHIN;
    let mut was_there = false;
    while Instant::now() < until {
        match ask(place, STARTS_WITHIN, Request::Stop, b"") {
            Err(NoHub::Other(theirs)) if theirs > Version::ours() => return Err(NoHub::Other(theirs)),
            Ok(_) | Err(NoHub::Other(_)) => was_there = true,
            Err(NoHub::None) if was_there => return Ok(()),
            // It may end at this moment.
            Err(NoHub::Silent) if was_there || place.connect().is_none() => was_there = true,
            Err(other) => return Err(other),
        }
        thread::sleep(LOOKS_EVERY);
    }
    Err(NoHub::Silent)
}

/// Ask the hub, and wait until it has taken that; the answer follows.
fn ask(place: &Place, takes_within: Duration, request: Request, bytes: &[u8]) -> Result<BufReader<Patient>, NoHub> {
    let stream = place.connect().ok_or(NoHub::None)?;
    let mut hub = Patient::new(stream, Instant::now() + takes_within);
    let asked = Asked { surroundings: Surroundings::here(), tmux: own_tmux(), request };
    let hello = Hello { version: Version::ours(), request: serde_json::to_value(&asked).map_err(io::Error::from)? };
    wire::write(&mut hub, &hello)?;
    let mut answer = BufReader::new(hub);
    match wire::read(&mut answer)? {
        Taken::Yes => {}
        Taken::Other(version) => return Err(NoHub::Other(version)),
        Taken::Direct(why) => {
            process::say(|| format!("not by the hub: {why}"));
            return Err(NoHub::Direct(why));
        }
        Taken::Stranger(why) => {
            process::say(|| format!("not by the hub: {why}"));
            return Err(NoHub::Stranger(why));
        }
    }
    answer.get_mut().wait_until(Instant::now() + SAYS_WITHIN);
    // That the rest of it does not arrive is told by the answer that does not come.
    let _ = answer.get_mut().write_all(bytes);
    Ok(answer)
}

fn ran(mut answer: BufReader<Patient>, deadline: Instant) -> io::Result<Result<(Output, Option<String>), Failure>> {
    // It keeps to the deadline itself; that it does not answer at all has to be noticed.
    answer.get_mut().wait_until(deadline + SAYS_WITHIN);
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
    let mut failure = Failure::new(crate::failure::Kind::Unreachable, what);
    failure.late = matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock);
    failure.with_remedy("try again; `factory-worker hub status` says whether one runs")
}

/// The tmux server that we are in: `$TMUX` is `SOCKET,PID,SESSION`.
fn own_tmux() -> Option<ProcessId> {
    let place = env::var("TMUX").ok()?;
    place.rsplit(',').nth(1)?.parse().ok().map(ProcessId::of)
}
