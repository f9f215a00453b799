//! The listening socket, and one thread per connection.

use std::io::{self, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::api;
use crate::core::Core;
use crate::faults::{Fault, Latency};
use crate::http::{Chunks, Request};
use crate::line::Line;
use crate::record::Call;
use crate::reply::{Reply, Stream};
use crate::route::Route;
use crate::status::Status;
use crate::wire::Wire;

/// Accepts connections until it is closed, and can be opened again at the same address.
#[derive(Debug)]
pub struct Server {
    core: Arc<Core>,
    address: SocketAddr,
    listening: Mutex<Option<Listening>>,
    connections: Arc<Mutex<Vec<Weak<TcpStream>>>>,
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
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let server = Self { core, address, listening: Mutex::default(), connections: Arc::default() };
        *server.listening() = Some(server.listen(listener));
        Ok(server)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn listening(&self) -> MutexGuard<'_, Option<Listening>> {
        self.listening.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn listen(&self, listener: TcpListener) -> Listening {
        let stop = Arc::new(AtomicBool::new(false));
        let (core, connections, stopped) = (Arc::clone(&self.core), Arc::clone(&self.connections), Arc::clone(&stop));
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                let (core, stream) = (Arc::clone(&core), Arc::new(stream));
                let mut open = connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                open.retain(|there: &Weak<TcpStream>| there.strong_count() > 0);
                open.push(Arc::downgrade(&stream));
                drop(open);
                thread::spawn(move || talk(&core, Wire::plain(stream)));
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
    /// Somebody else took the port meanwhile.
    pub fn accept(&self) -> io::Result<()> {
        let mut listening = self.listening();
        if listening.is_none() {
            *listening = Some(self.listen(TcpListener::bind(self.address)?));
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

/// Answer the requests of one connection.
fn talk(core: &Arc<Core>, wire: Wire) {
    let mut reader = BufReader::new(wire.clone());
    let mut first = true;
    while let Ok(Some(request)) = Request::read(&mut reader) {
        let (reply, faults) = reply_to(core, &request);
        let latency = Latency::of(&faults);
        // A new connection costs one more round trip; the kernel has made it without asking us.
        let trips = if first { 2 } else { 1 };
        first = false;
        (0..trips).for_each(|_| pause(latency.both_ways()));
        let sent = match reply {
            Reply::Whole(response) => response.write(&mut wire.clone()),
            Reply::Stream(kind, write) => stream(&wire, &faults, kind, write),
            Reply::Upgrade(bytes, take_over) => {
                if wire.clone().write_all(&bytes).is_ok() {
                    take_over(reader, wire);
                }
                return;
            }
            Reply::HangUp => return wire.hang_up(),
            Reply::Reset => return wire.reset(),
            Reply::Silence => Ok(()),
        };
        if sent.is_err() {
            return;
        }
    }
}

fn stream(wire: &Wire, faults: &[Fault], kind: &'static str, write: Stream) -> io::Result<()> {
    Chunks::head(&mut wire.clone(), kind)?;
    let mut line = Line::over(wire.clone(), faults);
    let mut chunks = Chunks::over(&mut line);
    write(&mut chunks)?;
    chunks.end()
}

fn pause(time: Duration) {
    if !time.is_zero() {
        thread::sleep(time);
    }
}

/// Record a request, see what goes wrong with it, and answer it if nothing did.
fn reply_to(core: &Arc<Core>, request: &Request) -> (Reply, Vec<Fault>) {
    let route = match Route::of(&core.resources, request) {
        Ok(route) => route,
        Err(status) => return (status.into(), Vec::new()),
    };
    let call = route.call(request, "kubesim");
    core.record.note(call.clone());
    let faults = core.faults.meet(&call);
    let broken = faults.iter().find_map(|fault| match fault {
        Fault::Status(code) => Some(refusal(core, *code, &route, &call).into()),
        Fault::HangUp => Some(Reply::HangUp),
        Fault::Reset => Some(Reply::Reset),
        Fault::Silence => Some(Reply::Silence),
        _ => None,
    });
    let reply = broken.unwrap_or_else(|| api::answer(core, request, &route, &faults).unwrap_or_else(Reply::from));
    (reply, faults)
}

fn refusal(core: &Core, code: u16, route: &Route, call: &Call) -> Status {
    let kind = match route {
        Route::Objects(target) => &target.kind,
        Route::About(_) => &core.pods,
    };
    match code {
        401 => Status::unauthorized(),
        403 => Status::forbidden(kind, &call.name, &call.user, &call.verb, &call.resource, &call.namespace),
        429 => Status::too_many_requests(),
        503 => Status::unavailable(),
        _ => Status::internal("etcdserver: request timed out"),
    }
}
