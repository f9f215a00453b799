//! A worker that answers whatever it is told to.

use std::time::{Duration, Instant};

use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};
use crate::remote::Remote;
use crate::remote::exec::{Exec, Interactive};

/// Where an answer has this, the worker writes the nonce that it was asked with.
const NONCE: &[u8] = b"@N";

struct Replay {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    status: i32,
}

impl Exec for Replay {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        // sh -c LOADER NAME NONCE
        let nonce = request.argv.get(4).map_or(&b""[..], |nonce| nonce.as_bytes());
        Ok(Output { status: self.status, stdout: replace(&self.stdout, NONCE, nonce), stderr: self.stderr.clone() })
    }

    fn interactive(&self, _: &[String], _: Instant) -> Result<Interactive, Failure> {
        Err(Failure::new(Kind::Failed, "nothing is interactive here"))
    }

    fn pod(&self) -> Option<String> {
        None
    }
}

/// A worker that exits with the first byte of `data`, and says what follows: up to a NUL on standard output, the rest on
/// standard error.
pub fn remote(data: &[u8]) -> Remote {
    let (status, said) = data.split_first().map_or((0, data), |(first, rest)| (i32::from(*first), rest));
    let end = said.iter().position(|&byte| byte == 0).unwrap_or(said.len());
    let stderr = said.get(end + 1..).unwrap_or_default().to_vec();
    let exec = Replay { stdout: said[..end].to_vec(), stderr, status };
    Remote { exec: Box::new(exec), tmux: vec!["tmux".to_owned()], log: None, meant: None }
}

/// Long enough: nothing is waited for.
pub fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

/// What a person is told is one line that moves no cursor.
pub fn assert_sayable(text: &str) {
    assert!(text.chars().all(|c| !c.is_control()), "{text:?}");
}

fn replace(text: &[u8], what: &[u8], with: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.windows(what.len()).position(|window| window == what) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(with);
        rest = &rest[at + what.len()..];
    }
    out.extend_from_slice(rest);
    out
}
