//! The listening socket, and one thread per connection.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::access::{NOBODY_IN_PARTICULAR, is_allowed};
use crate::api;
use crate::core::Core;
use crate::faults::{Fault, Latency};
use crate::http::{Request, Response};
use crate::line::{Health, Line};
use crate::objects;
use crate::record::Call;
use crate::reply::Reply;
use crate::resources::Kind;
use crate::route::Route;
use crate::status::Status;
use crate::tls::Authority;
use crate::wire::Wire;

/// Below the ports that the system gives away by itself: nobody takes ours while we refuse connections.
const PORTS: Range<u16> = 12_000..32_000;
/// How long a port of ours may take to be free again, and how often that is looked at.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(10);

fn listen_somewhere() -> io::Result<TcpListener> {
    let mut taken = 0;
    loop {
        let number = RandomState::new().build_hasher().finish() % u64::from(PORTS.end - PORTS.start);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, PORTS.start + number as u16)) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && taken < 100 => taken += 1,
            result => return result,
        }
    }
}

/// Listen where we did before. A child of ours that has not come to its own program yet may still hold the old socket.
fn listen_again(address: SocketAddr) -> io::Result<TcpListener> {
    let end = Instant::now() + PATIENCE;
    loop {
        match TcpListener::bind(address) {
            Err(error) if error.kind() == ErrorKind::AddrInUse && Instant::now() < end => thread::sleep(LOOK_EVERY),
            result => return result,
        }
    }
}

/// Accepts connections until it is closed, and can be opened again at the same address.
#[derive(Debug)]
pub struct Server {
    core: Arc<Core>,
    address: SocketAddr,
    listening: Mutex<Option<Listening>>,
    connections: Arc<Mutex<Vec<Weak<TcpStream>>>>,
    authority: Arc<Authority>,
}

#[derive(Debug)]
struct Listening {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Server {
    /// # Errors
    /// There is no free port.
    pub fn start(core: Arc<Core>) -> io::Result<Self> {
        let listener = listen_somewhere()?;
        let address = listener.local_addr()?;
        let authority = Arc::new(Authority::new().map_err(|error| io::Error::other(error.to_string()))?);
        let server = Self { core, address, listening: Mutex::default(), connections: Arc::default(), authority };
        *server.listening() = Some(server.listen(listener));
        Ok(server)
    }

    /// The authority that vouches for this server.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.listening.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn listen(&self, listener: TcpListener) -> Listening {
        let stop = Arc::new(AtomicBool::new(false));
        let (core, authority) = (Arc::clone(&self.core), Arc::clone(&self.authority));
        let (connections, stopped) = (Arc::clone(&self.connections), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (core, authority, stream) = (Arc::clone(&core), Arc::clone(&authority), Arc::new(stream));
                let mut open = connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                open.retain(|there: &Weak<TcpStream>| there.strong_count() > 0);
                open.push(Arc::downgrade(&stream));
                drop(open);
                thread::spawn(move || {
                    if let Ok((wire, encrypted)) = open_line(&authority, stream) {
                        talk(&core, wire, encrypted);
                    }
                });
            }
        });
        Listening { stop, thread }
    }

    /// Refuse connections from now on; those that are open stay.
    pub fn refuse(&self) {
        if let Some(Listening { stop, thread }) = self.listening().take() {
            stop.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(self.address); // wakes the thread up
            let _ = thread.join();
        }
    }

    /// Accept connections again.
    ///
    /// # Errors
    /// Somebody else took the port meanwhile, and keeps it.
    pub fn accept(&self) -> io::Result<()> {
        let mut listening = self.listening();
        if listening.is_none() {
            *listening = Some(self.listen(listen_again(self.address)?));
        }
        Ok(())
    }

    /// Reset every connection that is open.
    pub fn drop_connections(&self) {
        let open = std::mem::take(&mut *self.connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
        for stream in open.iter().filter_map(Weak::upgrade) {
            Wire::plain(stream).reset();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.refuse();
        self.drop_connections();
    }
}

/// The bytes of a connection, and whether it is encrypted: one port serves both, the first byte tells.
fn open_line(authority: &Authority, stream: Arc<TcpStream>) -> io::Result<(Wire, bool)> {
    const HANDSHAKE: u8 = 0x16;
    let mut first = [0];
    stream.peek(&mut first)?;
    match first[0] {
        HANDSHAKE => Ok((authority.unwrap(&stream)?, true)),
        _ => Ok((Wire::plain(stream), false)),
    }
}

/// Answer the requests of one connection.
fn talk(core: &Arc<Core>, wire: Wire, encrypted: bool) {
    let mut reader = BufReader::new(wire.clone());
    let mut line = Line::over(wire.clone());
    // A new connection costs one more round trip; the kernel has made it without asking us.
    let mut trips = 2;
    while let Ok(Some(mut request)) = Request::read(&mut reader) {
        if line.health() == Health::Frozen {
            break; // it did not arrive
        }
        let (longest, path) = {
            let settings = core.settings();
            (settings.longest_line, settings.path.clone())
        };
        if request.line > longest {
            // Whatever stands in front of the API says this: the API never hears of it.
            let _ = line.answer(&too_long());
            return wire.hang_up();
        }
        if !request.is_below(&path) {
            let _ = line.answer(&Response::text(404, "404 page not found\n"));
            continue;
        }
        let (reply, faults) = reply_to(core, &request, encrypted);
        let latency = Latency::of(&faults);
        if !matches!(reply, Reply::Upgrade(..)) {
            line.meet(&faults); // what leaves HTTP breaks in its own way
        }
        (0..trips).for_each(|_| line.pause(latency.both_ways()));
        trips = 1;
        let sent = match reply {
            Reply::Whole(response) => line.answer(&response),
            Reply::Stream(kind, write) => line.stream(kind, write),
            Reply::Upgrade(bytes, take_over) => {
                drop(line);
                if wire.clone().write_all(&bytes).is_ok() {
                    take_over(reader, wire);
                }
                return;
            }
            Reply::HangUp => return wire.hang_up(),
            Reply::Reset => return wire.reset(),
            Reply::Silence => Ok(()),
        };
        if sent.is_err() || line.health() != Health::Well {
            break;
        }
    }
    if line.health() == Health::Frozen {
        let _ = io::copy(&mut reader, &mut io::sink()); // until the client gives up
    }
}

/// Record a request, see what goes wrong with it, and answer it if nothing did.
fn reply_to(core: &Arc<Core>, request: &Request, encrypted: bool) -> (Reply, Vec<Fault>) {
    let user = if encrypted { user_of(core, request) } else { Some(NOBODY_IN_PARTICULAR.to_owned()) };
    let name = user.as_deref().unwrap_or_default();
    let route = Route::of(&core.resources, request);
    let call = route.call(request, name);
    core.record.note(call.clone());
    let faults = core.faults.meet(&call);
    let broken = faults.iter().find_map(|fault| match fault {
        Fault::Status(code) => Some(refusal(core, *code, &route, &call).into()),
        Fault::NoWebsocket => Some(Status::bad_request("Upgrade request required").into()),
        Fault::HangUp => Some(Reply::HangUp),
        Fault::Reset => Some(Reply::Reset),
        Fault::Silence => Some(Reply::Silence),
        _ => None,
    });
    let refused = || match &route {
        _ if user.is_none() => Some(refusal(core, 401, &route, &call).into()),
        Route::Objects(target) if !is_allowed(core, &call, &target.kind.group) => Some(refusal(core, 403, &route, &call).into()),
        Route::Objects(target) if objects::would_create(core, request, target) => {
            let call = Call { verb: "create".to_owned(), ..call.clone() };
            (!is_allowed(core, &call, &target.kind.group)).then(|| refusal(core, 403, &route, &call).into())
        }
        _ => None,
    };
    let reply =
        broken.or_else(refused).unwrap_or_else(|| api::answer(core, request, &route, name, &faults).unwrap_or_else(Reply::from));
    (reply, faults)
}

/// What nginx 1.22 says to a request line that is longer than its buffer.
fn too_long() -> Response {
    let body = "<html>\r\n<head><title>414 Request-URI Too Large</title></head>\r\n<body>\r\n<center><h1>414 Request-URI Too Large\
        </h1></center>\r\n<hr><center>nginx/1.22.1</center>\r\n</body>\r\n</html>\r\n";
    Response::text(414, body).header("Content-Type", "text/html").header("Connection", "close")
}

/// Who is behind an encrypted connection.
fn user_of(core: &Core, request: &Request) -> Option<String> {
    let credentials = request.header("authorization")?;
    core.access.user(credentials.strip_prefix("Bearer ").or_else(|| credentials.strip_prefix("Basic "))?)
}

fn refusal(core: &Core, code: u16, route: &Route, call: &Call) -> Status {
    let forbidden = |kind: &Kind| Status::forbidden(kind, &call.name, &call.user, &call.verb, &call.resource, &call.namespace);
    match code {
        401 => Status::unauthorized(),
        403 => match route {
            Route::Objects(target) => forbidden(&target.kind),
            Route::Review(review) => forbidden(&review.kind()),
            Route::About(path) => Status::forbidden_path(&call.user, "get", &format!("/{}", path.join("/"))),
            Route::Nowhere => Status::forbidden_path(&call.user, "get", &call.path),
        },
        410 => Status::gone(1, core.store.revision()),
        429 => Status::too_many_requests(),
        503 => Status::unavailable(),
        _ => Status::internal("etcdserver: request timed out"),
    }
}
