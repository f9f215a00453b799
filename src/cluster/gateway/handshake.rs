//! How a connection leaves HTTP for a websocket (RFC 6455, 4.1), or what is answered instead.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::frames::Nonsense;
use super::sha1::sha1;

/// What is hashed behind the key (RFC 6455, 1.3).
const MAGIC: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The longest head of an answer.
pub const HEAD: usize = 64 * 1024;

/// How the streams of an exec are told apart (k8s.io/apimachinery, util/remotecommand). Both have the same channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// It can say that standard input has ended.
    V5,
    V4,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::V5 => "v5.channel.k8s.io",
            Self::V4 => "v4.channel.k8s.io",
        }
    }
}

/// The request for a path of the API; the protocols in the order in which we would like them.
pub fn request(path: &str, protocols: &[Protocol], key: &str) -> Vec<u8> {
    let mut head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n");
    let protocols: Vec<_> = protocols.iter().map(|protocol| protocol.name()).collect();
    let _ = write!(
        head,
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
         Sec-WebSocket-Protocol: {}\r\nUser-Agent: factory-worker/{}\r\n\r\n",
        protocols.join(", "),
        env!("CARGO_PKG_VERSION")
    );
    head.into_bytes()
}

/// A key of these bytes, which nobody has used before.
pub fn key(random: [u8; 16]) -> String {
    STANDARD.encode(random)
}

/// What the server answers to a key.
fn accepted(key: &str) -> String {
    STANDARD.encode(sha1(format!("{key}{MAGIC}").as_bytes()))
}

/// The head of an answer.
#[derive(Debug)]
pub struct Head {
    pub status: u16,
    headers: Vec<(String, String)>,
    /// Where what follows it begins.
    pub length: usize,
}

impl Head {
    /// What there is of it so far; `None` until it is whole.
    ///
    /// # Errors
    /// It is none.
    pub fn of(bytes: &[u8]) -> Result<Option<Self>, Nonsense> {
        const NONE: Nonsense = Nonsense("no answer of HTTP");
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return if bytes.len() > HEAD { Err(NONE) } else { Ok(None) };
        };
        let text = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = text.split("\r\n");
        let status = lines.next().filter(|first| first.starts_with("HTTP/1.")).and_then(|first| first.split(' ').nth(1));
        let status = status.and_then(|status| status.parse().ok()).ok_or(NONE)?;
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Ok(Some(Self { status, headers, length: end + 4 }))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(there, _)| there == name).map_or("", |(_, value)| value)
    }

    /// The protocol that is spoken from now on; `None` when it is none of ours, or this is no answer to the key.
    pub fn protocol(&self, key: &str) -> Option<Protocol> {
        let is_ours = self.status == 101
            && self.header("upgrade").eq_ignore_ascii_case("websocket")
            && self.header("sec-websocket-accept") == accepted(key)
            && self.header("sec-websocket-extensions").is_empty();
        let all = [Protocol::V5, Protocol::V4];
        all.into_iter().find(|protocol| is_ours && protocol.name() == self.header("sec-websocket-protocol"))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The example of the standard.
    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n";

    #[test]
    fn the_answer_to_the_key_is_that_of_the_standard() {
        let head = Head::of(GOOD.as_bytes()).unwrap().unwrap();
        assert_eq!((head.length, head.protocol(KEY)), (GOOD.len(), Some(Protocol::V5)));
        assert_eq!(key([0; 16]), "AAAAAAAAAAAAAAAAAAAAAA==");
        assert_eq!(head.protocol("another"), None);
    }

    #[rstest]
    #[case("v5.", "v4.", Some(Protocol::V4))]
    #[case("v5.", "", None)]
    #[case(" 101 ", " 200 ", None)]
    #[case("Upgrade: websocket", "Upgrade: SPDY/3.1", None)]
    #[case("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", None)]
    fn what_is_not_agreed_is_no_websocket(#[case] good: &str, #[case] instead: &str, #[case] protocol: Option<Protocol>) {
        let text = GOOD.replacen(good, instead, 1);
        assert_eq!(Head::of(text.as_bytes()).unwrap().unwrap().protocol(KEY), protocol);
    }

    #[test]
    fn a_head_is_whole_or_waited_for_or_none() {
        for end in 0..GOOD.len() - 1 {
            assert!(Head::of(&GOOD.as_bytes()[..end]).unwrap().is_none());
        }
        for nonsense in ["220 smtp\r\n\r\n", "HTTP/1.1 many\r\n\r\n", "\r\n\r\n", &"x".repeat(HEAD + 1)] {
            assert!(Head::of(nonsense.as_bytes()).is_err(), "{nonsense:.20}");
        }
    }

    #[test]
    fn a_request_offers_what_we_speak() {
        let text = String::from_utf8(request("/p?command=a", &[Protocol::V5, Protocol::V4], KEY)).unwrap();
        assert!(text.starts_with("GET /p?command=a HTTP/1.1\r\n") && text.ends_with("\r\n\r\n"), "{text}");
        assert!(text.contains("\r\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n"), "{text}");
    }
}
