//! A gateway: `kubectl proxy` on a socket that nobody else can open, one kubectl process for as many requests as are needed.
//!
//! Login, TLS and every proxy on the way are kubectl's; who speaks to the socket needs nothing of a kubeconfig.

mod access;
pub mod arriving;
mod body;
mod channels;
mod exec;
mod frames;
pub mod handshake;
mod held;
mod http;
mod log;
mod objects;
mod opening;
mod place;
mod said;
pub mod session;
mod sha1;
mod shared;
mod streams;
pub mod unfit;
pub mod watch;

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

use super::Cluster;
use super::kubectl_error;
use super::login::{self, Progress};
use crate::failure::{Failure, Kind};
use crate::process;
use crate::terminal::neutralise;

pub use access::{Access, Polecats};
pub use exec::{NoAnswer, Target, escaped};
pub use http::{Answer, Method, refusal};
pub use objects::Lists;
pub use opening::Openings;
pub use said::Wanted;
pub use shared::{Gateways, is_not_held, not_held};

const GUARD: &str = include_str!("guard.sh");
/// What kubectl says when it listens.
const READY: &str = "Starting to serve";
/// The most that kubectl may say before it serves.
const WORDS: usize = 64 * 1024;
/// How long kubectl may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(2);
/// Where kubectl logs that a request failed.
const OWN: [&str; 2] = ["proxy_server.go:", "upgradeaware.go:"];
/// All of kubectl's own requests share a connection. Go notices only after 45 s that nothing comes through it any more; with
/// these (k8s.io/apimachinery, util/net: `readIdleTimeoutSeconds`, `pingTimeoutSeconds`) after eight.
const PINGS: [(&str, &str); 2] = [("HTTP2_READ_IDLE_TIMEOUT_SECONDS", "4"), ("HTTP2_PING_TIMEOUT_SECONDS", "4")];

/// The API of a cluster, through a kubectl that ends with this value, and with this process however that ends.
pub struct Gateway {
    cluster: Cluster,
    guard: Child,
    place: PathBuf,
    /// What kubectl, and a login plugin that it runs, says on standard error.
    words: Arc<Words>,
}

impl Gateway {
    /// Start kubectl, with access to these things and to no others.
    ///
    /// # Errors
    /// kubectl does not start, or says nothing until the deadline.
    pub fn start(cluster: &Cluster, access: &Access, deadline: Instant) -> Result<Self, Failure> {
        let mut kubectl = cluster.command()?;
        let place = place::make()?;
        // Rancher's servers have a path, which kubectl leaves out of what it passes on unless it is told.
        let mut flag = std::ffi::OsString::from("--unix-socket=");
        flag.push(place::socket(&place));
        kubectl.args(["proxy", "--append-server-path"]).arg(flag).args(access.flags());
        process::trace(&kubectl);
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "sh"]).arg(&place).arg(kubectl.get_program()).args(kubectl.get_args()).envs(PINGS);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let guard = process::detach(&mut command).and_then(|()| command.spawn()).map_err(|error| {
            let _ = std::fs::remove_dir(&place);
            Failure::new(Kind::Failed, format!("cannot run sh: {error}")).with_remedy("is /bin missing on PATH?")
        })?;
        let mut gateway = Self { cluster: cluster.clone(), guard, place, words: Arc::default() };
        gateway.wait_until_it_serves(deadline).map_err(|failure| cluster.named(failure))?;
        Ok(gateway)
    }

    fn wait_until_it_serves(&mut self, deadline: Instant) -> Result<(), Failure> {
        let (Some(output), Some(error)) = (self.guard.stdout.take(), self.guard.stderr.take()) else {
            return Err(Failure::new(Kind::Failed, "kubectl proxy has no output"));
        };
        self.words = Words::of(error);
        let ready = line_in_a_thread(output);
        match ready.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.starts_with(READY) => Ok(()),
            Ok(_) => Err(kubectl_error::classify(&self.words.whole(deadline), b"").before_start()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(Failure::no_answer("").before_start()),
        }
    }

    /// A failure of something that went through it, with what the login plugin has said when that is why.
    fn explained(&self, mut failure: Failure) -> Failure {
        if failure.late && self.is_logging_in() {
            let last = kubectl_error::last_words(&self.words.so_far());
            let said = last.map(|last| format!(" (it says: {last})")).unwrap_or_default();
            return login::not_finished(&said);
        }
        if failure.kind != Kind::Unauthorized {
            return failure;
        }
        let words = neutralise::plain(&self.words.so_far());
        // kubectl itself says what we know already.
        let own = |line: &&str| !line.trim().is_empty() && !OWN.iter().any(|file| line.contains(file));
        if let Some(said) = words.lines().rfind(own) {
            failure.reason = format!("{} ({})", failure.reason, kubectl_error::cut(said.trim()));
        }
        failure
    }

    /// Whether its login plugin is at work.
    fn is_logging_in(&self) -> bool {
        let mut progress = Progress::begin();
        progress.look(self.guard.id() as i32);
        progress.is_logging_in()
    }

    /// A connection to it.
    fn connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(place::socket(&self.place))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // The end of its standard input is the guard's sign.
        drop(self.guard.stdin.take());
        let end = Instant::now() + ENDS_WITHIN;
        while matches!(self.guard.try_wait(), Ok(None)) {
            if Instant::now() >= end {
                let _ = killpg(Pid::from_raw(self.guard.id() as i32), Signal::SIGKILL);
                let _ = self.guard.wait();
                let _ = std::fs::remove_dir_all(&self.place);
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The first line of a stream, empty when there is none; the rest is thrown away.
fn line_in_a_thread(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        let _ = reader.by_ref().take(WORDS as u64).read_until(b'\n', &mut line);
        let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
        let _ = io::copy(&mut reader, &mut io::sink());
    });
    told
}

/// What a stream says, as far as anybody wants to know it.
#[derive(Debug, Default)]
struct Words {
    said: Mutex<(Vec<u8>, bool)>,
    changed: Condvar,
}

impl Words {
    fn of(mut stream: impl Read + Send + 'static) -> Arc<Self> {
        let words = Arc::new(Self::default());
        let heard = Arc::clone(&words);
        thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                let count = stream.read(&mut piece).unwrap_or(0);
                let mut said = heard.lock();
                let room = WORDS.saturating_sub(said.0.len());
                said.0.extend_from_slice(&piece[..count.min(room)]);
                said.1 = count == 0;
                heard.changed.notify_all();
                if said.1 {
                    return;
                }
            }
        });
        words
    }

    fn lock(&self) -> MutexGuard<'_, (Vec<u8>, bool)> {
        self.said.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn so_far(&self) -> Vec<u8> {
        self.lock().0.clone()
    }

    /// All of it, or what there is at the deadline.
    fn whole(&self, deadline: Instant) -> Vec<u8> {
        let left = deadline.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), left, |said| !said.1);
        waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0.0.clone()
    }
}
