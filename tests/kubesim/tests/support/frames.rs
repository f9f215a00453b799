//! The client's side of an exec's websocket, made by hand.

#![allow(dead_code)] // every test binary uses its own part

use std::io::{ErrorKind, Read, Write};

use kubesim::Cluster;
use serde_json::Value;

use super::client::{Answer, Client};

/// The key and the answer to it that RFC 6455 has as its example.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPTED: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;

/// An exec over a websocket.
pub struct Socket {
    client: Client,
    pub protocol: String,
}

/// Everything that came until the close frame.
#[derive(Debug, Default)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
    /// The `v1.Status` on the error channel.
    pub status: Value,
    pub pongs: Vec<Vec<u8>>,
    /// The code of the close frame, when there was one.
    pub close: Option<u16>,
}

impl Socket {
    /// Ask for an exec in the pod `p` with this query, offering these protocols.
    ///
    /// # Errors
    /// The answer, when it is not the change of protocols.
    pub fn open(cluster: &Cluster, query: &str, protocols: &str) -> Result<Self, Box<Answer>> {
        let mut client = Client::of(cluster);
        let path = format!("/api/v1/namespaces/default/pods/p/exec?{query}");
        let headers = [
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
            ("Sec-WebSocket-Protocol", protocols),
        ];
        let answer = client.send("GET", &path, &headers, "").answer();
        if answer.status != 101 {
            return Err(Box::new(answer));
        }
        assert_eq!(answer.header("sec-websocket-accept"), ACCEPTED);
        let protocol = answer.header("sec-websocket-protocol").to_owned();
        Ok(Self { client, protocol })
    }

    /// Send a frame; a client's are masked.
    pub fn send(&mut self, opcode: u8, payload: &[u8]) {
        let mask = [0x12, 0x34, 0x56, 0x78];
        let mut frame = vec![0x80 | opcode];
        match u16::try_from(payload.len()).unwrap() {
            length @ 0..=125 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&length.to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        self.client.stream.get_mut().write_all(&frame).unwrap();
    }

    /// The next frame.
    ///
    /// # Errors
    /// How the connection ended instead.
    pub fn next(&mut self) -> Result<(u8, Vec<u8>), ErrorKind> {
        let [first, second] = self.bytes()?;
        assert!(first & 0x80 != 0 && second & 0x80 == 0, "a server's frame is whole and not masked: {first:x} {second:x}");
        let length = match second {
            126 => usize::from(u16::from_be_bytes(self.bytes()?)),
            127 => usize::try_from(u64::from_be_bytes(self.bytes()?)).unwrap(),
            length => usize::from(length),
        };
        let mut payload = vec![0; length];
        self.client.stream.read_exact(&mut payload).map_err(|error| error.kind())?;
        Ok((first & 0x0f, payload))
    }

    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], ErrorKind> {
        let mut bytes = [0; N];
        self.client.stream.read_exact(&mut bytes).map_err(|error| error.kind())?;
        Ok(bytes)
    }

    /// Listen until the server closes or the connection ends.
    pub fn listen(&mut self) -> Said {
        let mut said = Said::default();
        while let Ok((opcode, payload)) = self.next() {
            let text = || String::from_utf8_lossy(&payload[1..]).into_owned();
            match (opcode, payload.first()) {
                (BINARY, Some(1)) => said.stdout += &text(),
                (BINARY, Some(2)) => said.stderr += &text(),
                (BINARY, Some(3)) => said.status = serde_json::from_slice(&payload[1..]).unwrap(),
                (PONG, _) => said.pongs.push(payload),
                (CLOSE, _) => {
                    said.close = payload.try_into().ok().map(u16::from_be_bytes);
                    break;
                }
                other => panic!("{other:?} {payload:?}"),
            }
        }
        said
    }
}
