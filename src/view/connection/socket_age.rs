//! Whether a connection is alive, seen from the kernel's counters of kubectl's own socket: no byte of it passes through us.
//!
//! kubectl pings an exec's connection every 5 s, and the API server answers, so a byte comes at least that often while the
//! network is there; `tcpi_last_data_recv` (INET_DIAG, Linux) says how long ago the last one came. One look is a netlink
//! message of a few microseconds. Where there is no such counter, the way to the API server is looked at instead
//! ([`super::probe`]): kubectl takes a minute to notice a dead network by itself.
//!
//! Bytes that come are a sign of life of the network, not of kubectl. So the age of a connection is also how long bytes have
//! waited in its socket while none of them was read, how long kubectl has been stopped, and how long the socket has been gone
//! while kubectl goes on. The greatest of these counts, against the same limits. Only while the terminal takes no output is
//! nothing held against kubectl, which cannot read on then, nor could another one, but that it is stopped.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::family::Family;
use super::inet_diag::{Connection, Counters, Diag};

use super::liveness::Traffic;

/// How much `enter.sh` writes before anything else: so many bytes come only when it has found the session.
const ARRIVAL: u64 = 8192;
/// It writes the same once more when it has thrown away what was typed while the view was down.
const ENTRY: u64 = 2 * ARRIVAL;
/// Where a tty drops what it was given right before a client starts, these many bytes of the first screen have to do when
/// kubectl is still there this long after the request, as it is not after an error of that length; or anything beside an
/// answer's head after still longer.
const FIRST_SCREEN: u64 = 1024;
const FIRST_SCREEN_AFTER: Duration = Duration::from_millis(500);
const ANYTHING: u64 = 400;
const ANYTHING_AFTER: Duration = Duration::from_secs(3);

/// After so long the only connection that is seen is the exec's: the one before it is closed, or was never there.
const ALONE: Duration = Duration::from_secs(1);

/// What is known of the terminal.
#[derive(Debug, Clone, Copy)]
pub struct Tty {
    /// kubectl has it for itself.
    pub taken: bool,
    /// It takes no output.
    pub full: bool,
}

/// What is seen of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// How long there has been no sign of life; `None` when nobody can say.
    pub silence: Option<Duration>,
    /// What has gone to and fro.
    pub traffic: Option<Traffic>,
    /// kubectl has a connection.
    pub dialled: bool,
    /// The request for the exec is out.
    pub asked: bool,
    /// An answer to it has begun, whatever it says.
    pub answered: bool,
    /// The worker has let us in.
    pub arrived: bool,
    /// What was typed before is thrown away: keys are the session's from now on. A first attach has nothing to throw away.
    pub entered: bool,
}

/// Looks at the connection of one child.
#[derive(Debug)]
pub struct SocketAge {
    child: i32,
    family: Family,
    /// Bytes that the request for the exec has at least.
    request: u64,
    alone: Since,
    diag: Option<Diag>,
    /// The connections that were seen, by their inodes.
    seen: HashMap<u64, Seen>,
    looks: u32,
    /// The exec's own connection, or the best candidate for it.
    stream: Option<Connection>,
    /// It is the exec's: the worker has let us in over it.
    arrived: bool,
    /// Bytes that kubectl has read.
    read: u64,
    unread: Since,
    gone: Since,
    stopped: Since,
    silence: Duration,
}

/// A connection before it is known whether it is the exec's.
#[derive(Debug)]
struct Seen {
    /// In which look it was seen first.
    look: u32,
    /// The request for the exec may be out on it.
    is_asked: bool,
    /// How many bytes had come when so much was not sent yet as the request has: a TLS handshake has some.
    before_request: u64,
    /// When the request was seen to be out, and how many bytes had come by then.
    asked: Option<(Instant, u64)>,
}

/// Since when something has been so without a break.
#[derive(Debug, Default)]
struct Since(Option<Instant>);

impl Since {
    /// How long it has been so.
    fn note(&mut self, is_so: bool) -> Duration {
        match is_so {
            true => self.0.get_or_insert_with(Instant::now).elapsed(),
            false => {
                self.0 = None;
                Duration::ZERO
            }
        }
    }
}

impl SocketAge {
    /// Of a child that was just started with this command line.
    pub fn of(child: i32, argv: &[String]) -> Self {
        Self {
            child,
            family: Family { kubectl: vec![child], plugins: Vec::new() },
            request: argv.iter().map(|word| word.len() as u64).sum(),
            alone: Since::default(),
            diag: Diag::open(),
            seen: HashMap::new(),
            looks: 0,
            stream: None,
            arrived: false,
            read: 0,
            unread: Since::default(),
            gone: Since::default(),
            stopped: Since::default(),
            silence: Duration::ZERO,
        }
    }

    /// What the last look said of the last sign of life; none when there was none.
    pub fn last_silence(&self) -> Duration {
        self.silence
    }

    /// Whether nobody can say how the connection is: a kubectl in a sandbox, a relay that we know nothing of, a kernel that
    /// does not tell.
    pub fn is_blind(&self) -> bool {
        self.diag.is_none() || self.seen.is_empty()
    }

    /// Look once.
    pub fn look(&mut self, tty: Tty) -> Reading {
        let counters = self.counters();
        let stopped = self.stopped.note(self.family.is_stopped());
        if self.is_blind() {
            // kubectl takes the terminal for itself when it has found its way and is about to ask. Whether it is let in,
            // nobody sees from here.
            let silence = Some(stopped).filter(|stopped| !stopped.is_zero());
            return Reading { silence, asked: tty.taken, ..Reading::default() };
        }
        let gone = self.gone.note(counters.is_none());
        let unread = counters.map_or(Duration::ZERO, |counters| self.unread_for(counters, tty));
        let silent = counters.map_or(gone, |counters| counters.silence).max(unread);
        self.silence = if tty.full { stopped } else { silent.max(stopped) };
        let dialled = Reading { silence: Some(self.silence), dialled: true, ..Reading::default() };
        let Some(counters) = counters else { return dialled };
        let traffic = Some(Traffic { came: counters.came, went: counters.went, bytes: counters.received });
        self.way_in(counters, Reading { traffic, ..dialled })
    }

    /// How far the exec has come.
    fn way_in(&mut self, counters: Counters, reading: Reading) -> Reading {
        let seen = self.stream.as_ref().and_then(|stream| self.seen.get_mut(&stream.inode));
        let Some(seen) = seen.filter(|seen| seen.is_asked) else { return reading };
        let (since, before) = *seen.asked.get_or_insert((Instant::now(), counters.received));
        let news = counters.received.saturating_sub(before);
        // What has come since the request went out, be it seen late.
        let answer = counters.received.saturating_sub(seen.before_request);
        self.arrived |= answer >= ARRIVAL
            || (news >= FIRST_SCREEN && since.elapsed() >= FIRST_SCREEN_AFTER)
            || (news >= ANYTHING && since.elapsed() >= ANYTHING_AFTER);
        Reading { asked: true, answered: news > 0 || self.arrived, arrived: self.arrived, entered: answer >= ENTRY, ..reading }
    }

    /// For how long nobody has read what came.
    fn unread_for(&mut self, counters: Counters, tty: Tty) -> Duration {
        let read = counters.received.saturating_sub(counters.unread);
        if read != self.read {
            self.read = read;
            self.unread = Since::default();
        }
        self.unread.note(counters.unread > 0 && !tty.full)
    }

    /// The counters of the exec's connection, or of the best candidate for it.
    ///
    /// kubectl has another connection for its other requests. The exec's is the one on which so much was sent as its request
    /// has, and that much more than on the other one: a long token is sent with every request. Where that is true of both
    /// (discovery has many requests), it is the younger one.
    fn counters(&mut self) -> Option<Counters> {
        let diag = self.diag.as_mut()?;
        if self.arrived {
            return diag.counters(self.stream.as_ref()?);
        }
        self.looks += 1;
        self.family = Family::of(self.child);
        let sockets = self.family.sockets();
        let mut found = diag.all();
        found.retain(|(connection, _)| sockets.contains(&connection.inode));
        let least = found.iter().map(|(_, counters)| counters.acked).min().unwrap_or_default();
        let is_late = self.alone.note(!found.is_empty()) >= ALONE;
        for (connection, counters) in &found {
            let new = Seen { look: self.looks, is_asked: false, before_request: 0, asked: None };
            let seen = self.seen.entry(connection.inode).or_insert(new);
            let is_out = counters.acked >= self.request;
            seen.is_asked = is_out && (is_late || counters.acked >= least + self.request / 2);
            if !is_out {
                seen.before_request = counters.received;
            }
        }
        let seen = &self.seen;
        let (stream, counters) = found.into_iter().max_by_key(|(connection, counters)| {
            let look = seen.get(&connection.inode).filter(|seen| seen.is_asked).map_or(0, |seen| seen.look);
            (look, counters.acked)
        })?;
        self.stream = Some(stream);
        Some(counters)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
