//! A command in a container, run over a websocket: `GET …/pods/POD/exec` through the gateway.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::held::HeldExec;
use super::http::{self, Answer, Method, broken, learn, wait_at_most};
use super::opening::Opening;
use super::session::Session;
use super::streams::Streams;
use super::{Gateway, handshake, place, refusal};
use crate::cluster::login;
use crate::cluster::pod::listing::PodObject;
use crate::cluster::pod::state;
use crate::failure::{Failure, Kind};
use crate::process::{self, ANSWER_CAP, End, Exchanged, Greeting, Held, Limits, Output, Request, Said};
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;
use handshake::{Head, Protocol};

/// The largest refusal that is read, in bytes.
const REFUSAL: usize = 64 * 1024;

/// Where a command is to run.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub namespace: &'a ObjectName,
    pub pod: &'a ObjectName,
    /// `None` for the pod's default one.
    pub container: Option<&'a ObjectName>,
}

/// Why a command has no answer.
#[derive(Debug)]
pub enum NoAnswer {
    Failed(Failure),
    /// It has not run, and cannot in this way; another one may do. The reason is for a person.
    NoWay {
        why: String,
        /// It is so for every exec of this cluster, until somebody does something about it.
        lasting: bool,
    },
}

impl NoAnswer {
    fn just_now(why: String) -> Self {
        Self::NoWay { why, lasting: false }
    }
}

impl From<Failure> for NoAnswer {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A command that has begun, on its connection.
struct Begun {
    protocol: Protocol,
    stream: UnixStream,
    /// What came behind the answer that began it.
    rest: Vec<u8>,
}

/// What a request for a websocket has come to.
enum Answered {
    Upgraded(Begun),
    Refused(Answer),
}

impl Gateway {
    /// Run a command in a container to its end. `opening` is dropped with the first that is heard of it.
    ///
    /// # Errors
    /// It did not run, or nobody knows how it ended. What kubectl exec would say of it is said in the same words.
    pub fn exec(&self, target: Target<'_>, request: Request<'_>, opening: Opening) -> Result<Output, NoAnswer> {
        let run = || {
            let Begun { protocol, stream, rest } = self.begin(target, request)?;
            let session = Session::new(stream, protocol, &rest, request, opening).map_err(|error| broken(&error))?;
            Ok(session.run()?)
        };
        run().map_err(|no_answer| self.told(no_answer))
    }

    /// Start a command in a container that stays and is asked again and again, and greet it.
    ///
    /// # Errors
    /// As [`Self::exec`]; or it did not answer in time.
    pub fn hold(
        self: &Arc<Self>,
        target: Target<'_>,
        argv: &[String],
        greeting: Greeting<'_>,
        opening: Opening,
        deadline: Instant,
    ) -> Result<Held, NoAnswer> {
        let greet = || {
            let Greeting { request, is_whole } = greeting;
            let Begun { protocol, stream, rest } =
                self.begin(target, Request { argv, stdin: request, reads_to_end: false, deadline })?;
            let streams = Streams::new(stream, protocol, &rest, opening).map_err(|error| broken(&error))?;
            let mut held = Held::over(HeldExec::new(streams, Arc::clone(self)));
            let limits = Limits { deadline, cap: ANSWER_CAP };
            match held.exchange(request, &mut Said::default(), is_whole, limits, &mut |_| {}).map_err(|error| broken(&error))? {
                Exchanged::Answered => Ok(held),
                Exchanged::Over(over) => Err(over.failure(|done| Failure::new(Kind::Incomplete, done.end.to_string())).into()),
                Exchanged::Given(End::TooLarge) => Err(Failure::too_large(ANSWER_CAP).into()),
                Exchanged::Given(_) => Err(Failure::no_answer("").into()),
            }
        };
        greet().map_err(|no_answer| self.told(no_answer))
    }

    fn told(&self, no_answer: NoAnswer) -> NoAnswer {
        match no_answer {
            NoAnswer::Failed(failure) => NoAnswer::Failed(self.explained(failure)),
            no_way @ NoAnswer::NoWay { .. } => no_way,
        }
    }

    /// Have the command begin.
    fn begin(&self, target: Target<'_>, request: Request<'_>) -> Result<Begun, NoAnswer> {
        let turn = login::turn(&self.cluster, Some(request.deadline)).map_err(Failure::before_start)?;
        let mut answered = self.ask_for(target, request)?;
        if let Answered::Refused(Answer { status: 401, .. }) = answered {
            // The plugin is run anew for the request after one that was refused, but not for one that leaves HTTP.
            self.open_once(Method::Get, &path_of(target), None, request.deadline)?;
            answered = self.ask_for(target, request)?;
        }
        if let Answered::Refused(refused) = &answered
            && refused.wants_container()
        {
            let container = self.default_container(target, request.deadline)?;
            answered = self.ask_for(Target { container: Some(&container), ..target }, request)?;
        }
        match answered {
            Answered::Upgraded(begun) => {
                learn(&turn, 101);
                Ok(begun)
            }
            Answered::Refused(refused) => {
                learn(&turn, refused.status);
                Err(meaning(&refused))
            }
        }
    }

    fn ask_for(&self, target: Target<'_>, request: Request<'_>) -> Result<Answered, NoAnswer> {
        let path = path(target, request);
        process::say(|| format!("GET {path}"));
        let key = place::random().map(handshake::key).map_err(|error| NoAnswer::just_now(format!("no random bytes: {error}")))?;
        // Who has no way to say that standard input has ended would leave the command waiting.
        let protocols = if request.reads_to_end { &[Protocol::V5][..] } else { &[Protocol::V5, Protocol::V4] };
        // What has not heard all of a request has not begun with it.
        let gone = |error: std::io::Error| NoAnswer::just_now(format!("kubectl proxy takes no request: {error}"));
        let mut stream = self.connect().map_err(gone)?;
        stream.set_write_timeout(Some(http::left(request.deadline)?)).map_err(gone)?;
        stream.write_all(&handshake::request(&path, protocols, &key)).map_err(gone)?;
        let mut bytes = Vec::new();
        let head = loop {
            match Head::of(&bytes) {
                Ok(Some(head)) => break head,
                Ok(None) => {}
                Err(_) => return Err(nonsense().into()),
            }
            if !more(&mut stream, &mut bytes, request.deadline)? {
                return Err(Failure::new(Kind::Unreachable, "the connection was cut before there was an answer").into());
            }
        };
        let rest = bytes.split_off(head.length);
        if head.status != 101 {
            let body = body(&head, rest, &mut stream, request.deadline)?;
            return Ok(Answered::Refused(Answer { status: head.status, body }));
        }
        // The command may have begun.
        let protocol = head.protocol(&key).filter(|protocol| protocols.contains(protocol)).ok_or_else(nonsense)?;
        Ok(Answered::Upgraded(Begun { protocol, stream, rest }))
    }

    /// The container that kubectl takes when none is named.
    fn default_container(&self, target: Target<'_>, deadline: Instant) -> Result<ObjectName, NoAnswer> {
        let answer = self.ask(Method::Get, &path_of(target), None, deadline)?;
        if answer.status != 200 {
            return Err(meaning(&answer));
        }
        let pod: Result<PodObject, _> = serde_json::from_slice(&answer.body);
        let name = pod.ok().and_then(|pod| state::default_container(&pod).parse().ok());
        name.ok_or_else(|| NoAnswer::just_now("the pod does not say which containers it has".to_owned()))
    }
}

/// What a refusal is: a failure, where kubectl exec could say no more.
fn meaning(refused: &Answer) -> NoAnswer {
    let failure = refusal(refused);
    let is_known = match refused.status {
        401 => true,
        400 | 404 => failure.kind != Kind::Unreachable,
        429 | 500.. => !failure.reason.contains("kubectl failed: ") && !failure.reason.contains("refused on the way to the pod"),
        // kubectl has another protocol, for which there is another right.
        _ => false,
    };
    if is_known {
        return NoAnswer::Failed(failure);
    }
    let said: Option<Value> = serde_json::from_slice(&refused.body).ok();
    let said = said.and_then(|said| Some(neutralise::line(said["message"].as_str()?))).unwrap_or_default();
    let why = format!("no websocket for an exec ({}) {said}", refused.status).trim_end().to_owned();
    // A request that is too long says nothing of others.
    NoAnswer::NoWay { why, lasting: refused.status < 500 && refused.status != 414 }
}

/// What is no answer to a request for a websocket.
fn nonsense() -> Failure {
    Failure::new(Kind::Incomplete, "the answer to an exec is no websocket")
}

fn path_of(Target { namespace, pod, .. }: Target<'_>) -> String {
    format!("/api/v1/namespaces/{namespace}/pods/{pod}")
}

fn path(target: Target<'_>, request: Request<'_>) -> String {
    let words: String = request.argv.iter().map(|word| format!("command={}&", escaped(word))).collect();
    let container = target.container.map(|container| format!("container={container}&")).unwrap_or_default();
    let stdin = if request.stdin.is_empty() { "" } else { "stdin=true&" };
    format!("{}/exec?{words}{container}{stdin}stdout=true&stderr=true", path_of(target))
}

/// A text as a value in a URL's query.
pub fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let escape = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// Read on; false at the end of the connection.
fn more(stream: &mut UnixStream, bytes: &mut Vec<u8>, deadline: Instant) -> Result<bool, Failure> {
    let mut piece = [0; 4096];
    loop {
        wait_at_most(stream, deadline)?;
        match stream.read(&mut piece) {
            Ok(count) => {
                bytes.extend_from_slice(&piece[..count]);
                return Ok(count > 0);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(broken(&error)),
        }
    }
}

/// The body of a refusal, as far as it is read.
fn body(head: &Head, mut bytes: Vec<u8>, stream: &mut UnixStream, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let length = head.header("content-length").parse::<usize>().map_or(REFUSAL, |length| length.min(REFUSAL));
    let chunked = head.header("transfer-encoding").eq_ignore_ascii_case("chunked");
    while bytes.len() < length && !(chunked && bytes.ends_with(b"0\r\n\r\n")) && more(stream, &mut bytes, deadline)? {}
    Ok(if chunked { unchunked(&bytes) } else { bytes })
}

/// What is in chunks, as far as they are whole.
fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = String::from_utf8_lossy(&rest[..end]);
        let size = usize::from_str_radix(size.split(';').next().unwrap_or_default().trim(), 16).unwrap_or(0);
        let Some((chunk, after)) = rest[end + 2..].split_at_checked(size).filter(|(chunk, _)| !chunk.is_empty()) else { break };
        whole.extend_from_slice(chunk);
        rest = after.strip_prefix(b"\r\n").unwrap_or(after);
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_query() {
        let (namespace, pod, container) = ("n".parse().unwrap(), "p".parse().unwrap(), "c".parse().unwrap());
        let argv = ["sh", "-c", "echo $1 & 'ü'\n"].map(str::to_owned);
        let request = Request { argv: &argv, stdin: b"x", reads_to_end: false, deadline: Instant::now() };
        let target = Target { namespace: &namespace, pod: &pod, container: Some(&container) };
        assert_eq!(
            path(target, request),
            "/api/v1/namespaces/n/pods/p/exec?command=sh&command=-c&command=echo+%241+%26+%27%C3%BC%27%0A&container=c&stdin=true&\
             stdout=true&stderr=true"
        );
        let plain = path(Target { container: None, ..target }, Request { argv: &argv[..1], stdin: b"", ..request });
        assert_eq!(plain, "/api/v1/namespaces/n/pods/p/exec?command=sh&stdout=true&stderr=true");
    }

    #[test]
    fn chunks_are_put_together_as_far_as_they_are_there() {
        assert_eq!(unchunked(b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n"), b"abcde");
        assert_eq!(unchunked(b"3\r\nabc\r\n9\r\nde"), b"abc");
        assert_eq!(unchunked(b"ffffffffffffffff\r\nde"), b"");
        assert_eq!(unchunked(b"many"), b"");
    }
}
