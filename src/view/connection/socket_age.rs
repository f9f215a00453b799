//! Whether a connection is alive, seen from the kernel's counters of kubectl's own socket: no byte of it passes through us.
//!
//! kubectl pings an exec's connection every 5 s, and the API server answers, so a byte comes at least that often while the
//! network is there; `tcpi_last_data_recv` (INET_DIAG, Linux) says how long ago the last one came. One look is a netlink
//! message of a few microseconds. Where there is no such counter, the way to the API server is looked at instead
//! ([`super::probe`]): kubectl takes a minute to notice a dead network by itself.

use std::fs;
use std::time::{Duration, Instant};

use super::inet_diag::{Connection, Counters, Diag};

use super::liveness::Traffic;

/// How much `enter.sh` writes before anything else: so many bytes come only when it has found the session.
const ARRIVAL: u64 = 8192;
/// It writes the same once more when it has thrown away what was typed while the view was down.
const ENTRY: u64 = 2 * ARRIVAL;
/// Where a tty drops what it was given right before a client starts, these many bytes of the first screen have to do, or
/// anything beside an answer's head when it comes this long after the request.
const FIRST_SCREEN: u64 = 1024;
const ANYTHING: u64 = 400;
const ANYTHING_AFTER: Duration = Duration::from_secs(3);
/// A child without any socket for this long has none that we could see: a kubectl in a sandbox, a relay that we know
/// nothing of. It is then taken for connected, once it has made the terminal raw: before that a login plugin may be
/// waiting for its operator.
const BLIND_AFTER: Duration = Duration::from_secs(5);

/// What is seen of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// How long ago the last byte came; `None` when nobody can say.
    pub silence: Option<Duration>,
    /// What has gone to and fro.
    pub traffic: Option<Traffic>,
    /// The request for the exec is out.
    pub asked: bool,
    /// The worker has let us in.
    pub arrived: bool,
    /// What was typed before is thrown away: keys are the session's from now on. A first attach has nothing to throw away.
    pub entered: bool,
}

/// Looks at the connection of one child.
#[derive(Debug)]
pub struct SocketAge {
    child: i32,
    /// Bytes that the request for the exec has at least.
    request: u64,
    began: Instant,
    diag: Option<Diag>,
    /// The exec's own connection, once it is known.
    stream: Option<Connection>,
    seen_socket: bool,
    /// When the request was seen to be out, and how many bytes had come by then: a TLS handshake has some.
    asked: Option<(Instant, u64)>,
    silence: Duration,
}

impl SocketAge {
    /// Of a child that was just started with this command line.
    pub fn of(child: i32, argv: &[String]) -> Self {
        let request = argv.iter().map(|word| word.len() as u64).sum();
        Self {
            child,
            request,
            began: Instant::now(),
            diag: Diag::open(),
            stream: None,
            seen_socket: false,
            asked: None,
            silence: Duration::ZERO,
        }
    }

    /// What the last look said of the last byte; none when there was none.
    pub fn last_silence(&self) -> Duration {
        self.silence
    }

    /// Whether nobody can say how the connection is.
    pub fn is_blind(&self) -> bool {
        self.diag.is_none() || !self.seen_socket
    }

    /// Look once; `is_raw` says whether the terminal is.
    pub fn look(&mut self, is_raw: impl Fn() -> bool) -> Reading {
        let Some(counters) = self.counters() else {
            let blind = self.is_blind() && self.began.elapsed() >= BLIND_AFTER && is_raw();
            return Reading { silence: None, traffic: None, asked: blind, arrived: blind, entered: blind };
        };
        self.silence = counters.silence;
        let traffic = Traffic { came: counters.came, went: counters.went, bytes: counters.received };
        let silence = Some(counters.silence);
        let reading = Reading { silence, traffic: Some(traffic), asked: false, arrived: false, entered: false };
        if counters.acked < self.request {
            return reading;
        }
        let (since, before) = *self.asked.get_or_insert((Instant::now(), counters.received));
        let news = counters.received.saturating_sub(before);
        let arrived =
            counters.received >= ARRIVAL || news >= FIRST_SCREEN || (news >= ANYTHING && since.elapsed() >= ANYTHING_AFTER);
        Reading { asked: true, arrived, entered: counters.received >= ENTRY, ..reading }
    }

    /// The counters of the exec's connection, or of the best candidate for it.
    ///
    /// kubectl has another connection for its other requests. The exec's is the one on which the most was sent: its request
    /// holds the whole script.
    fn counters(&mut self) -> Option<Counters> {
        let diag = self.diag.as_mut()?;
        if let Some(stream) = &self.stream {
            if let Some(counters) = diag.counters(stream) {
                return Some(counters);
            }
            self.stream = None;
        }
        let inodes = sockets_of_family(self.child);
        self.seen_socket |= !inodes.is_empty();
        let (connection, counters) = diag
            .all()
            .into_iter()
            .filter(|(there, _)| inodes.contains(&there.inode))
            .max_by_key(|(_, counters)| counters.acked)?;
        if counters.acked >= self.request {
            self.stream = Some(connection);
        }
        Some(counters)
    }
}

/// The inodes of the sockets of a process and its children: kubectl may be behind a wrapper.
fn sockets_of_family(process: i32) -> Vec<u64> {
    let mut family = vec![process];
    let mut at = 0;
    // A wrapper's wrapper is plausible, a hundred of them are not.
    while at < family.len() && family.len() < 100 {
        family.extend(children_of(family[at]));
        at += 1;
    }
    family.into_iter().flat_map(sockets_of).collect()
}

fn children_of(process: i32) -> Vec<i32> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<_>>()).collect()
}

fn sockets_of(process: i32) -> Vec<u64> {
    let fds = fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten();
    let targets = fds.filter_map(|fd| fs::read_link(fd.path()).ok());
    targets.filter_map(|target| target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    /// Two connections of this very process: a large request on one, a small one on the other.
    fn connections() -> (TcpStream, TcpStream, TcpStream) {
        let input = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = input.local_addr().unwrap();
        let mut small = TcpStream::connect(address).unwrap();
        small.write_all(b"small").unwrap();
        let _other = input.accept().unwrap().0;
        let mut large = TcpStream::connect(address).unwrap();
        large.write_all(&[b'x'; 50_000]).unwrap();
        let mut server = input.accept().unwrap().0;
        server.read_exact(&mut [0; 50_000]).unwrap();
        (small, large, server)
    }

    fn eventually(mut good: impl FnMut() -> bool) {
        let end = Instant::now() + Duration::from_secs(30);
        while !good() {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_connection_of_the_large_request_is_watched() {
        let (_small, mut large, mut server) = connections();
        let own = std::process::id() as i32;
        let mut socket = SocketAge::of(own, &["x".repeat(50_000)]);
        eventually(|| socket.look(|| true).asked);
        assert!(!socket.look(|| true).arrived);
        server.write_all(&[0; ARRIVAL as usize]).unwrap();
        large.read_exact(&mut [0; ARRIVAL as usize]).unwrap();
        eventually(|| socket.look(|| true).arrived);
        assert!(!socket.look(|| true).entered);
        server.write_all(&[0; ARRIVAL as usize]).unwrap();
        large.read_exact(&mut [0; ARRIVAL as usize]).unwrap();
        eventually(|| socket.look(|| true).entered);
        // It grows while nothing comes, and begins anew with a byte.
        eventually(|| socket.look(|| true).silence.unwrap() >= Duration::from_millis(300));
        server.write_all(b"y").unwrap();
        eventually(|| socket.look(|| true).silence.unwrap() < Duration::from_millis(300));
    }

    #[test]
    fn before_the_request_is_out_nothing_is_claimed() {
        let (_small, _large, _server) = connections();
        let mut socket = SocketAge::of(std::process::id() as i32, &["x".repeat(500_000)]);
        let reading = socket.look(|| true);
        assert!(!reading.asked && !reading.arrived);
    }

    #[test]
    fn a_child_without_sockets_is_taken_for_connected_after_a_while_on_a_raw_terminal() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let mut socket = SocketAge::of(child.id() as i32, &[]);
        assert!(!socket.look(|| true).arrived);
        socket.began -= BLIND_AFTER;
        assert!(!socket.look(|| false).arrived, "a login plugin may be asking");
        assert_eq!(socket.look(|| true), Reading { silence: None, traffic: None, asked: true, arrived: true, entered: true });
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn sockets_of_children_count() {
        let (_small, large, _server) = connections();
        // The child inherits it as its standard input.
        let mut child = std::process::Command::new("sleep").arg("600").stdin(std::os::fd::OwnedFd::from(large)).spawn().unwrap();
        assert_eq!(sockets_of(child.id() as i32).len(), 1);
        assert!(children_of(std::process::id() as i32).contains(&(child.id() as i32)));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
