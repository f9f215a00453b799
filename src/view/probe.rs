//! Whether the API server, or the proxy on the way to it, can be reached again: while views are down, one of them connects to
//! it every two seconds for all views of this machine (at first twice a second: most outages are short), and the others hear
//! of it. No kubectl runs for that, and nothing is sent.

use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::remote::Remote;
use crate::state::network::Road;

/// How often somebody looks, and how long a look may take.
const EVERY: Duration = Duration::from_secs(2);
/// The same for as long as an outage may be a short one.
const EAGERLY: Duration = Duration::from_millis(500);
const EAGER_FOR: Duration = Duration::from_secs(60);
/// How soon the others know.
const HEAR_EVERY: Duration = Duration::from_millis(250);
/// How long kubectl may take to say where the API server is.
const CONFIG: Duration = Duration::from_secs(15);

/// Looks for as long as it lives.
#[derive(Debug)]
pub struct Probe(Arc<AtomicBool>);

impl Probe {
    /// Begin to look for the way to `remote`, and tell each time that it is there again.
    pub fn start(remote: Arc<Remote>, tell: impl Fn() + Send + 'static) -> Self {
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

fn watch(place: &str, mut road: Road, over: &AtomicBool, tell: &impl Fn()) {
    let began = Instant::now();
    let mut look_at = began;
    while !over.load(Ordering::Relaxed) {
        if Instant::now() >= look_at && road.is_ours_to_look() {
            let every = if began.elapsed() < EAGER_FOR { EAGERLY } else { EVERY };
            look_at = Instant::now() + every;
            road.note(is_there(place, every));
        }
        if road.has_returned() {
            tell();
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
