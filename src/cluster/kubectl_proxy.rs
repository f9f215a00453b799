//! `kubectl proxy` on a socket that nobody else can open: one kubectl process for as many requests as are needed.
//!
//! Each request is HTTP/1.0, whose answer ends with its connection: nothing of it has to be counted or decoded.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, thread};

use nix::unistd::mkdtemp;
use serde_json::Value;

use super::Cluster;
use super::kubectl::missing;
use super::kubectl_error;
use crate::failure::{Failure, Kind};
use crate::process;

const GUARD: &str = include_str!("guard.sh");
/// What kubectl says when it listens.
const READY: &str = "Starting to serve";
/// The largest answer taken, in bytes.
const CAP: u64 = 64 << 20;
/// The most that kubectl may say before it serves.
const WORDS: u64 = 64 * 1024;

/// The API of a cluster, through a kubectl that ends with this value, and with this process however that ends.
pub struct Proxy {
    guard: Child,
    place: PathBuf,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    pub body: Vec<u8>,
}

/// What may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
}

impl Proxy {
    /// Start kubectl, with access to the API paths that match `paths` (a regular expression) and to no others.
    ///
    /// # Errors
    /// kubectl does not start, or says nothing until the deadline.
    pub fn start(cluster: &Cluster, paths: &str, deadline: Instant) -> Result<Self, Failure> {
        // Not below the state directory: the path of a socket has about a hundred bytes at most.
        let place = mkdtemp(&env::temp_dir().join("factory-worker-XXXXXX"))
            .map_err(|error| Failure::new(Kind::Failed, format!("cannot make a directory for a socket: {error}")))?;
        let mut kubectl = cluster.command()?;
        // Rancher's servers have a path, which kubectl leaves out of what it passes on unless it is told.
        kubectl.args(["proxy", "--append-server-path"]).arg(socket_flag(&place)).arg(format!("--accept-paths={paths}"));
        process::trace(&kubectl);
        let mut command = Command::new("sh");
        command.args(["-c", GUARD, "sh"]).arg(&place).arg(kubectl.get_program()).args(kubectl.get_args());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let guard = command.spawn().map_err(|error| missing(format!("cannot run sh: {error}")))?;
        let mut proxy = Self { guard, place };
        proxy.wait_until_it_serves(deadline)?;
        Ok(proxy)
    }

    fn wait_until_it_serves(&mut self, deadline: Instant) -> Result<(), Failure> {
        let (Some(output), Some(error)) = (self.guard.stdout.take(), self.guard.stderr.take()) else {
            return Err(Failure::new(Kind::Failed, "kubectl proxy has no output"));
        };
        let words = read_in_a_thread(error);
        let ready = line_in_a_thread(output);
        match ready.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) if line.starts_with(READY) => Ok(()),
            Ok(_) => {
                let said = words.recv_timeout(deadline.saturating_duration_since(Instant::now()));
                Err(kubectl_error::classify(&said.unwrap_or_default(), b""))
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(no_answer()),
        }
    }

    /// Ask for a path of the API (with its query), and take the whole answer.
    ///
    /// # Errors
    /// There was none. An answer that is a refusal is an [`Answer`]; [`refusal`] says what it means.
    pub fn ask(&self, method: Method, path: &str, body: Option<&Value>, deadline: Instant) -> Result<Answer, Failure> {
        let (status, mut reader) = self.open(method, path, body, deadline)?;
        let mut answer = Answer { status, body: Vec::new() };
        let mut piece = vec![0; 64 * 1024];
        loop {
            wait_at_most(reader.get_ref(), deadline)?;
            match reader.read(&mut piece) {
                Ok(0) => return Ok(answer),
                Ok(count) => answer.body.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(broken(&error)),
            }
            if answer.body.len() as u64 > CAP {
                return Err(Failure::new(Kind::Incomplete, format!("the answer is larger than {} MiB", CAP >> 20)));
            }
        }
    }

    /// Ask for something that is answered bit by bit: the HTTP status, and what follows it.
    ///
    /// # Errors
    /// No status came.
    pub fn open(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Instant,
    ) -> Result<(u16, BufReader<UnixStream>), Failure> {
        let stream = UnixStream::connect(self.place.join("s")).map_err(|error| broken(&error))?;
        stream.set_write_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))?;
        (&stream).write_all(&request(method, path, body)).map_err(|error| broken(&error))?;
        let mut reader = BufReader::new(stream);
        let mut status = None;
        loop {
            wait_at_most(reader.get_ref(), deadline)?;
            let mut line = String::new();
            if reader.by_ref().take(WORDS).read_line(&mut line).map_err(|error| broken(&error))? == 0 {
                return Err(Failure::new(Kind::Unreachable, "kubectl proxy ended the connection without an answer"));
            }
            match (status, line.trim_end()) {
                (None, first) => status = first.split(' ').nth(1).and_then(|code| code.parse().ok()).or(Some(0)),
                (Some(status), "") => return Ok((status, reader)),
                _ => {}
            }
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The end of its standard input is the guard's sign.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn socket_flag(place: &Path) -> std::ffi::OsString {
    let mut flag = OsStr::new("--unix-socket=").to_owned();
    flag.push(place.join("s"));
    flag
}

fn request(method: Method, path: &str, body: Option<&Value>) -> Vec<u8> {
    let method = match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
    };
    let mut head = format!("{method} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n");
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        let _ = write!(head, "Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// The first line of a stream, empty when there is none; the rest is thrown away.
fn line_in_a_thread(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        let _ = reader.by_ref().take(WORDS).read_until(b'\n', &mut line);
        let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
        let _ = io::copy(&mut reader, &mut io::sink());
    });
    told
}

/// All of a stream, as far as anybody wants to know it.
fn read_in_a_thread(stream: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut reader = stream;
        let mut text = Vec::new();
        let _ = reader.by_ref().take(WORDS).read_to_end(&mut text);
        let _ = io::copy(&mut reader, &mut io::sink());
        let _ = tell.send(text);
    });
    told
}

fn left(deadline: Instant) -> Result<Duration, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(no_answer()) } else { Ok(left) }
}

/// Let a read last until the deadline.
fn wait_at_most(stream: &UnixStream, deadline: Instant) -> Result<(), Failure> {
    stream.set_read_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))
}

fn no_answer() -> Failure {
    Failure::new(Kind::Unreachable, "no answer within the deadline")
}

fn broken(error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => no_answer(),
        _ => Failure::new(Kind::Unreachable, format!("the connection to kubectl proxy broke: {error}")),
    }
}

/// What an answer means that is no success.
pub fn refusal(answer: &Answer) -> Failure {
    let status: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let word = |field: &str| status[field].as_str().unwrap_or_default();
    let text = match (word("reason"), word("message")) {
        // What kubectl makes of these, so that they are understood in one place.
        ("Unauthorized", _) => "error: You must be logged in to the server (Unauthorized)".to_owned(),
        ("", "") => format!("error: {}", String::from_utf8_lossy(&answer.body).trim()),
        (reason, message) => format!("Error from server ({reason}): {message}"),
    };
    kubectl_error::classify(text.as_bytes(), b"")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn answer(status: u16, body: &str) -> Failure {
        refusal(&Answer { status, body: body.as_bytes().to_vec() })
    }

    #[rstest]
    #[case(401, r#"{"kind":"Status","reason":"Unauthorized","message":"Unauthorized","code":401}"#, Kind::Unauthorized)]
    #[case(
        403,
        r#"{"reason":"Forbidden","message":"configmaps is forbidden: User \"x\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"gc\""}"#,
        Kind::Forbidden
    )]
    #[case(500, "dial tcp 127.0.0.1:1: connect: connection refused\n", Kind::Unreachable)]
    #[case(502, "getting credentials: exec: executable login failed with exit code 1", Kind::Unauthorized)]
    #[case(404, r#"{"reason":"NotFound","message":"namespaces \"gc\" not found"}"#, Kind::Missing)]
    fn refusals_are_understood(#[case] status: u16, #[case] body: &str, #[case] kind: Kind) {
        assert_eq!(answer(status, body).kind, kind);
    }

    #[test]
    fn a_refusal_is_told_without_control_characters() {
        let failure = answer(500, "{\"reason\":\"InternalError\",\"message\":\"\\u001b]0;pwned\\u0007\"}");
        assert!(!failure.reason.chars().any(char::is_control), "{failure:?}");
    }
}
