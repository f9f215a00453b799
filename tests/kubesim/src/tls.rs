//! TLS in front of the server, with a certificate authority that exists for one cluster only.
//!
//! A thread of its own turns an encrypted connection into a plain one, so that nothing else has to know the difference.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};

use crate::wire::Wire;

/// How much decrypted text may wait to be read.
const ROOM: usize = 64 * 1024;

/// A certificate authority, and a server that it vouches for.
#[derive(Debug)]
pub struct Authority {
    /// Its certificate, for kubeconfigs.
    pub pem: String,
    /// The server's certificate and its key, as PEM.
    pub certificate: String,
    pub key: String,
    config: Arc<ServerConfig>,
}

impl Authority {
    /// A new authority, and a certificate of it for 127.0.0.1.
    ///
    /// # Errors
    /// The cryptography library does not want to.
    pub fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names)?.signed_by(&key, &issuer)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        Ok(Self { pem: issuer.pem(), certificate, key, config: Arc::new(config) })
    }

    /// The plain side of an encrypted connection.
    ///
    /// # Errors
    /// There are no descriptors left.
    pub fn unwrap(&self, client: &Arc<TcpStream>) -> io::Result<Wire> {
        let tls = ServerConnection::new(Arc::clone(&self.config)).map_err(io::Error::other)?;
        let (ours, theirs) = UnixStream::pair()?;
        let outside = Arc::clone(client);
        thread::spawn(move || {
            let _ = Tunnel { tls, client: &outside, inside: ours, arrived: Vec::new() }.run();
        });
        // Nothing is asked of it that differs between the two kinds of sockets.
        Ok(Wire::inside(TcpStream::from(OwnedFd::from(theirs)), Arc::clone(client)))
    }
}

struct Tunnel<'a> {
    tls: ServerConnection,
    client: &'a TcpStream,
    inside: UnixStream,
    /// Decrypted, and not handed over yet.
    arrived: Vec<u8>,
}

impl Tunnel<'_> {
    /// Carry bytes both ways until one side has ended.
    fn run(mut self) -> io::Result<()> {
        self.client.set_nonblocking(true)?;
        self.inside.set_nonblocking(true)?;
        let result = self.carry();
        let abort = getsockopt(self.client, sockopt::Linger).is_ok_and(|linger| linger.l_onoff != 0);
        if !abort {
            self.tls.send_close_notify();
            let _ = self.tls.write_tls(&mut &*self.client);
            let _ = self.client.shutdown(std::net::Shutdown::Both);
        }
        result
    }

    fn carry(&mut self) -> io::Result<()> {
        loop {
            let (client, inside) = self.wait()?;
            if client.contains(PollFlags::POLLIN) && !self.decrypt()? {
                return Ok(());
            }
            if !self.arrived.is_empty() {
                // Nobody reads inside any more: what was said there before still has to get out.
                let everything = self.arrived.len();
                let written = ready((&self.inside).write(&self.arrived)).unwrap_or(Some(everything)).unwrap_or(0);
                self.arrived.drain(..written);
            }
            if inside.contains(PollFlags::POLLIN) && !self.encrypt()? {
                return Ok(());
            }
            while self.tls.wants_write() && ready(self.tls.write_tls(&mut &*self.client))?.is_some() {}
            // Both are left when an end hangs up without anything to read.
            if (client | inside).intersects(PollFlags::POLLERR | PollFlags::POLLNVAL) {
                return Ok(());
            }
        }
    }

    /// Wait until something can be done; gives what, on each side.
    fn wait(&self) -> io::Result<(PollFlags, PollFlags)> {
        let when = |condition: bool, flag| if condition { flag } else { PollFlags::empty() };
        let reads = when(self.arrived.len() < ROOM, PollFlags::POLLIN);
        let outside = reads | when(self.tls.wants_write(), PollFlags::POLLOUT);
        // Nothing more is taken from inside before the client has what was taken so far.
        let within = when(!self.tls.wants_write(), PollFlags::POLLIN) | when(!self.arrived.is_empty(), PollFlags::POLLOUT);
        let mut fds = [PollFd::new(self.client.as_fd(), outside), PollFd::new(self.inside.as_fd(), within)];
        poll(&mut fds, PollTimeout::NONE)?;
        let seen = |fd: &PollFd<'_>| {
            let flags = fd.revents().unwrap_or(PollFlags::POLLERR);
            // What is left to read comes before the end.
            if flags.contains(PollFlags::POLLHUP) { flags | PollFlags::POLLIN } else { flags }
        };
        Ok((seen(&fds[0]), seen(&fds[1])))
    }

    /// Take from the client; false when it has ended.
    fn decrypt(&mut self) -> io::Result<bool> {
        match ready(self.tls.read_tls(&mut &*self.client))? {
            Some(0) => return Ok(false),
            Some(_) => {}
            None => return Ok(true),
        }
        let state = self.tls.process_new_packets().map_err(io::Error::other)?;
        let start = self.arrived.len();
        self.arrived.resize(start + state.plaintext_bytes_to_read(), 0);
        self.tls.reader().read_exact(&mut self.arrived[start..])?;
        Ok(!state.peer_has_closed())
    }

    /// Take from inside; false when that has ended.
    fn encrypt(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        match ready((&self.inside).read(&mut buffer))? {
            Some(0) => Ok(false),
            Some(count) => self.tls.writer().write_all(&buffer[..count]).map(|()| true),
            None => Ok(true),
        }
    }
}

/// `None` when it could not be done just now.
fn ready(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}
