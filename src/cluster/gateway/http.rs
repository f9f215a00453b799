//! Requests whose answers are bodies: HTTP/1.0, so that the end of an answer is that of its connection, and nothing of it has
//! to be counted or decoded.

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Gateway, WORDS};
use crate::cluster::kubectl_error;
use crate::cluster::login::{self, Turn};
use crate::failure::{Failure, Kind};

/// The largest answer taken, in bytes.
pub(super) const CAP: u64 = 64 << 20;
/// What kubectl makes of a 401.
const UNAUTHORIZED: &str = "error: You must be logged in to the server (Unauthorized)";

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it is a refusal because the pod has several containers, and none was named.
    pub(super) fn wants_container(&self) -> bool {
        self.status == 400 && String::from_utf8_lossy(&self.body).contains("a container name must be specified")
    }
}

/// What may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
    Put,
    /// A merge patch.
    Patch,
    Delete,
}

impl Method {
    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Gateway {
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

    /// Ask for something that is answered bit by bit: the HTTP status, and what follows it. A 401 is asked once more: kubectl
    /// has the login plugin renew what was refused for the request after it.
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
        // The proxy's kubectl runs the login plugin for the first request, and whenever what it got has expired.
        let turn = login::turn(&self.cluster, Some(deadline))?;
        let mut answer = self.open_once(method, path, body, deadline)?;
        if answer.0 == 401 {
            answer = self.open_once(method, path, body, deadline)?;
        }
        learn(&turn, answer.0);
        Ok(answer)
    }

    /// Whether it answers at all: there is a path that it refuses by itself.
    pub(super) fn answers(&self, deadline: Instant) -> bool {
        self.open_once(Method::Get, "/", None, deadline).is_ok()
    }

    /// The same, once.
    pub(super) fn open_once(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Instant,
    ) -> Result<(u16, BufReader<UnixStream>), Failure> {
        let stream = self.connect().map_err(|error| broken(&error))?;
        stream.set_write_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))?;
        (&stream).write_all(&request(method, path, body)).map_err(|error| broken(&error))?;
        let mut reader = BufReader::new(stream);
        let mut status = None;
        loop {
            wait_at_most(reader.get_ref(), deadline)?;
            let mut line = String::new();
            if reader.by_ref().take(WORDS as u64).read_line(&mut line).map_err(|error| broken(&error))? == 0 {
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

fn request(method: Method, path: &str, body: Option<&Value>) -> Vec<u8> {
    let mut head = format!("{} {path} HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n", method.word());
    let body = body.map(Value::to_string).unwrap_or_default();
    if !body.is_empty() {
        let kind = if method == Method::Patch { "merge-patch+json" } else { "json" };
        let _ = write!(head, "Content-Type: application/{kind}\r\nContent-Length: {}\r\n", body.len());
    }
    format!("{head}\r\n{body}").into_bytes()
}

/// What a status says about the login.
pub(super) fn learn(turn: &Turn, status: u16) {
    match status {
        401 => turn.refused(&kubectl_error::classify(UNAUTHORIZED.as_bytes(), b"")),
        500.. => turn.pass(),
        _ => turn.answered(),
    }
}

pub(super) fn left(deadline: Instant) -> Result<Duration, Failure> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(no_answer()) } else { Ok(left) }
}

/// Let a read last until the deadline.
pub(super) fn wait_at_most(stream: &UnixStream, deadline: Instant) -> Result<(), Failure> {
    stream.set_read_timeout(Some(left(deadline)?)).map_err(|error| broken(&error))
}

pub(super) fn no_answer() -> Failure {
    Failure::no_answer("")
}

pub(super) fn broken(error: &io::Error) -> Failure {
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
        ("Unauthorized", _) => UNAUTHORIZED.to_owned(),
        ("", "") => said(String::from_utf8_lossy(&answer.body).trim()),
        (reason, message) => format!("Error from server ({reason}): {message}"),
    };
    kubectl_error::classify(text.as_bytes(), b"")
}

/// What kubectl says where its proxy, which is no API server in front of a node, tells why there is no connection.
fn said(text: &str) -> String {
    let text = text.strip_prefix("error dialing backend: ").unwrap_or(text);
    match text.strip_prefix("dial tcp ").and_then(|rest| rest.strip_suffix(": connect: connection refused")) {
        Some(place) => format!("The connection to the server {place} was refused - did you specify the right host or port?"),
        None => format!("error: {text}"),
    }
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
    #[case(
        500,
        "error dialing backend: tls: failed to verify certificate: x509: certificate signed by unknown authority",
        Kind::Unreachable
    )]
    #[case(502, "getting credentials: exec: executable login failed with exit code 1", Kind::Unauthorized)]
    #[case(404, r#"{"reason":"NotFound","message":"namespaces \"gc\" not found"}"#, Kind::Missing)]
    fn refusals_are_understood(#[case] status: u16, #[case] body: &str, #[case] kind: Kind) {
        assert_eq!(answer(status, body).kind, kind);
    }

    #[test]
    fn why_there_is_no_connection_is_said_as_kubectl_says_it() {
        for said in [
            "error dialing backend: dial tcp [::1]:6443: connect: connection refused\n",
            "dial tcp [::1]:6443: connect: connection refused",
        ] {
            assert_eq!(answer(500, said).reason, "connection refused by [::1]:6443");
        }
        // It is the API server that cannot reach the node.
        let node = r#"{"reason":"InternalError","message":"error dialing backend: dial tcp 10.0.0.1:10250: connect: connection refused"}"#;
        assert!(answer(500, node).reason.starts_with(kubectl_error::NO_NODE));
    }

    #[test]
    fn a_refusal_is_told_without_control_characters() {
        let failure = answer(500, "{\"reason\":\"InternalError\",\"message\":\"\\u001b]0;pwned\\u0007\"}");
        assert!(!failure.reason.chars().any(char::is_control), "{failure:?}");
    }
}
