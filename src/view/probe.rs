//! Whether the API server, or the proxy on the way to it, can be reached: while views are down, one of them connects to it
//! every two seconds for all views of this machine (some six times a second at first: most outages are short), and the others hear of
//! it. No kubectl runs for that, and nothing is sent.
//!
//! Views whose connection nobody can see (where the kernel has no counter for it, or kubectl hides in a sandbox) look while
//! they are connected, too: it says less than the age of the last byte, and more than nothing for the minute that kubectl
//! takes.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::remote::Remote;
use crate::state::network::Road;

/// How often somebody looks, and how long a look may take.
const EVERY: Duration = Duration::from_secs(2);
/// How often for as long as an outage may be a short one, and how long a look may take then: whoever asks again in a network
/// that is just back is answered sooner than who waits for TCP to ask again after a second.
const EAGERLY: Duration = Duration::from_millis(150);
const EAGER_PATIENCE: Duration = Duration::from_millis(400);
const EAGER_FOR: Duration = Duration::from_secs(60);
/// How soon the others know.
const HEAR_EVERY: Duration = Duration::from_millis(50);
/// How long kubectl may take to say where the API server is.
const CONFIG: Duration = Duration::from_secs(15);

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
    pub fn start(remote: Arc<Remote>, tell: impl Fn(Sight) + Send + 'static) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        thread::spawn(move || {
            // A kubeconfig that says nothing: then the back-off alone has to do.
            let Some(place) = find(&remote, &seen) else { return };
            let Ok(road) = Road::to(&place) else { return };
            watch(&place, road, &seen, &tell);
        });
        Self(over)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn find(remote: &Remote, over: &AtomicBool) -> Option<String> {
    while !over.load(Ordering::Relaxed) {
        match remote.exec.endpoint(Instant::now() + CONFIG) {
            Ok(place) => return place,
            Err(_) => thread::sleep(EVERY),
        }
    }
    None
}

fn watch(place: &str, mut road: Road, over: &AtomicBool, tell: &impl Fn(Sight)) {
    let mut look_at = Instant::now();
    let mut away_since = None;
    let mut away = false;
    while !over.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now >= look_at && road.is_ours_to_look() {
            let is_eager = away_since.is_some_and(|since| now - since < EAGER_FOR);
            let (every, patience) = if is_eager { (EAGERLY, EAGER_PATIENCE) } else { (EVERY, EVERY) };
            let found = is_there(place, patience);
            away_since = if found { None } else { away_since.or(Some(now)) };
            look_at = now + every;
            road.note(found);
        }
        let news = road.news();
        if news.returned {
            tell(Sight::Back);
        }
        if news.away != away {
            away = news.away;
            tell(if away { Sight::Away } else { Sight::There });
        }
        thread::sleep(HEAR_EVERY);
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
        drop(listener);
        assert!(!is_there(&place, EVERY));
        assert!(!is_there("no such place", EVERY));
    }
}
