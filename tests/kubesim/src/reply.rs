//! What a request can lead to.

use std::io::{self, BufReader};

use crate::http::{Chunks, Response};
use crate::status::Status;
use crate::wire::Wire;

/// Writes an answer that goes on for a while.
pub type Stream = Box<dyn FnOnce(&mut Chunks<'_>) -> io::Result<()> + Send>;

/// Takes over a connection that leaves HTTP.
pub type Takeover = Box<dyn FnOnce(BufReader<Wire>, Wire) + Send>;

pub enum Reply {
    Whole(Response),
    /// An answer in chunks, of this content type.
    Stream(&'static str, Stream),
    /// These bytes, and then another protocol.
    Upgrade(Vec<u8>, Takeover),
    HangUp,
    Reset,
    Silence,
}

impl From<Response> for Reply {
    fn from(response: Response) -> Self {
        Self::Whole(response)
    }
}

impl From<Status> for Reply {
    fn from(status: Status) -> Self {
        Self::Whole(status.into())
    }
}
