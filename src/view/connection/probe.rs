//! Whether the API server, or the proxy on the way to it, can be reached: while views are down, one of them connects to it
//! every two seconds for all views of this machine (some six times a second at first: most outages are short), and the others hear of
//! it. No kubectl runs for that, and nothing is sent. Where the API server is, the kubeconfig says: it is read in the first outage
//! that lasts a second, and in later ones when they last ten, as it may have changed.
//!
//! Views whose connection nobody can see (where the kernel has no counter for it, or kubectl hides in a sandbox) look while
//! they are connected, too: it says less than the age of the last byte, and more than nothing for the minute that kubectl
//! takes.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::remote::Remote;
use crate::state::network::Reachability;

/// How often somebody looks, and how long a look may take.
const EVERY: Duration = Duration::from_secs(2);
/// How often for as long as an outage may be a short one, and how long a look may take then: whoever asks again in a network
/// that is just back is answered sooner than who waits for TCP to ask again after a second.
const EAGERLY: Duration = Duration::from_millis(150);
const EAGER_PATIENCE: Duration = Duration::from_millis(400);
const EAGER_FOR: Duration = Duration::from_secs(60);
/// How soon the others know.
const HEAR_EVERY: Duration = Duration::from_millis(50);
/// How long a view looks for nothing before it reads where the API server is, as most breaks are over by then; and before
/// it reads it again.
const ASK_AFTER: Duration = Duration::from_secs(1);
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// Where the API server was when the kubeconfig was read last (`HOST:PORT`).
pub type Place = Arc<Mutex<Option<String>>>;

/// What is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Nobody is there any more.
    Away,
    /// Somebody is there.
    There,
    /// Somebody is there again.
    Back,
}

/// Looks for as long as it lives.
#[derive(Debug)]
pub struct Probe(Arc<AtomicBool>);

impl Probe {
    /// Begin to look for the way to `remote`, and tell what changes. At first somebody is there.
    pub fn start(remote: Arc<Remote>, place: Place, tell: impl Fn(Sight) + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        thread::spawn(move || look_on(&remote, &place, &seen, &tell));
        Self(over)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn look_on(remote: &Remote, place: &Mutex<Option<String>>, over: &AtomicBool, tell: &impl Fn(Sight)) {
    let place = || place.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut way = place().clone().and_then(Way::to);
    let mut ask_at = Some(Instant::now() + if way.is_some() { ASK_AGAIN_AFTER } else { ASK_AFTER });
    while !over.load(Ordering::Relaxed) {
        if ask_at.is_some_and(|at| Instant::now() >= at) {
            ask_at = None;
            let found = remote.exec.endpoint();
            place().clone_from(&found);
            if found.as_ref() != way.as_ref().map(|way| &way.place) {
                way = found.and_then(Way::to);
            }
            // A kubeconfig that says nothing: then the back-off alone has to do.
            if way.is_none() {
                return;
            }
        }
        if let Some(way) = &mut way {
            way.look(tell);
        }
        thread::sleep(HEAR_EVERY);
    }
}

/// The way to one place, as one view sees it.
struct Way {
    place: String,
    road: Reachability,
    look_at: Instant,
    away_since: Option<Instant>,
    /// What was told last.
    away: bool,
}

impl Way {
    fn to(place: String) -> Option<Self> {
        let road = Reachability::to(&place).ok()?;
        Some(Self { place, road, look_at: Instant::now(), away_since: None, away: false })
    }

    /// Look if it is time and nobody else does; tell what is new.
    fn look(&mut self, tell: &impl Fn(Sight)) {
        let now = Instant::now();
        if now >= self.look_at && self.road.is_ours_to_look() {
            let is_eager = self.away_since.is_some_and(|since| now - since < EAGER_FOR);
            let (every, patience) = if is_eager { (EAGERLY, EAGER_PATIENCE) } else { (EVERY, EVERY) };
            let found = is_there(&self.place, patience);
            self.away_since = if found { None } else { self.away_since.or(Some(now)) };
            self.look_at = now + every;
            self.road.note(found);
        }
        let news = self.road.news();
        if news.returned {
            tell(Sight::Back);
        }
        if news.away != self.away {
            self.away = news.away;
            tell(if news.away { Sight::Away } else { Sight::There });
        }
    }
}

fn is_there(place: &str, patience: Duration) -> bool {
    let addresses = place.to_socket_addrs().into_iter().flatten();
    // A name has few addresses; the first that answers will do.
    addresses.take(4).any(|address| TcpStream::connect_timeout(&address, patience).is_ok())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn somebody_who_listens_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = listener.local_addr().unwrap().to_string();
        assert!(is_there(&place, EVERY));
        // Not the listener's port once it is gone: another test may have got it by then.
        assert!(!is_there("127.0.0.1:1", EVERY));
        assert!(!is_there("no such place", EVERY));
    }
}
