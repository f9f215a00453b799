//! One connection with a client, as bytes, and the three ways in which it can end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt};

/// A connection. Clones are the same connection.
#[derive(Debug, Clone)]
pub struct Wire {
    /// What the server reads and writes.
    stream: Arc<TcpStream>,
    /// The client's own socket: the same one on a plain connection, the one outside the encryption on a TLS connection.
    client: Arc<TcpStream>,
}

impl Wire {
    /// A connection without encryption.
    pub fn plain(stream: Arc<TcpStream>) -> Self {
        do_not_delay(&stream);
        Self { client: Arc::clone(&stream), stream }
    }

    /// The inner end of an encrypted connection, and the socket on which its client is.
    pub fn inside(stream: TcpStream, client: Arc<TcpStream>) -> Self {
        do_not_delay(&client);
        Self { stream: Arc::new(stream), client }
    }

    /// Tell the client in the orderly way that nothing more will come, and stop reading.
    pub fn hang_up(&self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// End the connection with a reset, as soon as the last clone is gone: what a crashed machine or a firewall does.
    pub fn reset(&self) {
        let abort = nix::libc::linger { l_onoff: 1, l_linger: 0 };
        let _ = setsockopt(&self.client, sockopt::Linger, &abort);
        // Only the reading side: a full shutdown would say goodbye first.
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// Small frames must not wait for each other; a real server sees to that as well.
fn do_not_delay(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.stream).read(buffer)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.stream).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
