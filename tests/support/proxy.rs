//! An HTTP proxy on the way to a cluster (CONNECT), which can be away for a time.

#![allow(dead_code)] // every test binary uses its own part

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// What its threads share.
#[derive(Default)]
struct Shared {
    away: AtomicBool,
    tunnels: AtomicUsize,
    open: Mutex<Vec<TcpStream>>,
}

/// It is there until this ends.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    listening: Option<JoinHandle<()>>,
}

impl Proxy {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut proxy = Self { address: listener.local_addr().unwrap(), shared: Arc::default(), listening: None };
        proxy.listen(listener);
        proxy
    }

    fn listen(&mut self, listener: TcpListener) {
        let shared = Arc::clone(&self.shared);
        shared.away.store(false, Ordering::SeqCst);
        self.listening = Some(thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.away.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&shared);
                thread::spawn(move || drop(tunnel(client, &shared)));
            }
        }));
    }

    /// How many connections went through it.
    pub fn tunnels(&self) -> usize {
        self.shared.tunnels.load(Ordering::SeqCst)
    }

    /// Refuse connections, and end those that there are.
    pub fn go_away(&mut self) {
        self.shared.away.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address); // wakes the thread up
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn come_back(&mut self) {
        self.listen(TcpListener::bind(self.address).unwrap());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.go_away();
    }
}

fn tunnel(mut client: TcpStream, shared: &Shared) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.extend(byte);
    }
    let head = String::from_utf8_lossy(&head);
    let place = head.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next()).ok_or(io::ErrorKind::InvalidData)?;
    // No name that ends so is anybody's (RFC 2606): it is this machine's here.
    let place = place.split_once(".invalid:").map_or(place.to_owned(), |(_, port)| format!("127.0.0.1:{port}"));
    let mut server = TcpStream::connect(place)?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    shared.tunnels.fetch_add(1, Ordering::SeqCst);
    shared.open.lock().unwrap().extend([client.try_clone()?, server.try_clone()?]);
    let (mut to_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    let _ = io::copy(&mut server, &mut to_client);
    to_client.shutdown(Shutdown::Both)
}
