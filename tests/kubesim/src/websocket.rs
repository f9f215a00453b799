//! The server's side of a websocket (RFC 6455), down to single frames: faults need to withhold some and send others.

use std::io::{self, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

const CONTINUATION: u8 = 0;
/// The longest message taken from a client.
const MESSAGE_CAP: u64 = 64 << 20;

/// The answer to a client's `Sec-WebSocket-Key`.
pub fn accept_key(key: &str) -> String {
    let digest = Sha1::new_with_prefix(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    STANDARD.encode(digest)
}

/// A frame as a server sends it: whole, and not masked.
pub fn encode(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode as u8];
    match payload.len() {
        length @ 0..=125 => frame.push(length as u8),
        length @ 126..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// Reads a client's messages; the parts of a fragmented one are put together.
#[derive(Debug)]
pub struct Messages<R> {
    reader: R,
    /// The beginning of a message whose end has not come yet.
    begun: Option<(Opcode, Vec<u8>)>,
}

impl<R: Read> Messages<R> {
    pub fn new(reader: R) -> Self {
        Self { reader, begun: None }
    }

    /// The next message.
    ///
    /// # Errors
    /// The connection ended or broke, or the client does not keep to the protocol.
    pub fn next(&mut self) -> io::Result<(Opcode, Vec<u8>)> {
        loop {
            let (last, code, payload) = self.frame()?;
            let opcode = match code {
                CONTINUATION => {
                    let (opcode, mut begun) = self.begun.take().ok_or_else(|| broken("a continuation of nothing"))?;
                    begun.extend_from_slice(&payload);
                    if last {
                        return Ok((opcode, begun));
                    }
                    self.begun = Some((opcode, begun));
                    continue;
                }
                1 => Opcode::Text,
                2 => Opcode::Binary,
                8 => Opcode::Close,
                9 => Opcode::Ping,
                10 => Opcode::Pong,
                _ => return Err(broken("an unknown kind of frame")),
            };
            if last {
                return Ok((opcode, payload));
            }
            self.begun = Some((opcode, payload));
        }
    }

    fn frame(&mut self) -> io::Result<(bool, u8, Vec<u8>)> {
        let [first, second] = self.bytes()?;
        let length = match second & 0x7f {
            126 => u64::from(u16::from_be_bytes(self.bytes()?)),
            127 => u64::from_be_bytes(self.bytes()?),
            length => u64::from(length),
        };
        if second & 0x80 == 0 {
            return Err(broken("a client's frame that is not masked"));
        }
        if length > MESSAGE_CAP {
            return Err(broken("a frame that is too large"));
        }
        let mask: [u8; 4] = self.bytes()?;
        let mut payload = vec![0; length as usize];
        self.reader.read_exact(&mut payload)?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        Ok((first & 0x80 != 0, first & 0x0f, payload))
    }

    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.reader.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard() {
        assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn frames_have_three_sizes_of_length() {
        assert_eq!(encode(Opcode::Binary, b"ab"), b"\x82\x02ab");
        assert_eq!(encode(Opcode::Binary, &[0; 300])[..4], [0x82, 126, 1, 44]);
        assert_eq!(encode(Opcode::Binary, &[0; 70_000])[..10], [0x82, 127, 0, 0, 0, 0, 0, 1, 0x11, 0x70]);
    }

    #[test]
    fn fragments_become_one_message_with_a_ping_between_them() {
        let masked = |head: u8, text: &[u8]| {
            let mut frame = vec![head, 0x80 | text.len() as u8, 1, 2, 3, 4];
            frame.extend(text.iter().zip([1, 2, 3, 4].iter().cycle()).map(|(byte, mask)| byte ^ mask));
            frame
        };
        let bytes = [masked(0x02, b"hel"), masked(0x89, b"?"), masked(0x80, b"lo")].concat();
        let mut messages = Messages::new(&bytes[..]);
        assert_eq!(messages.next().unwrap(), (Opcode::Ping, b"?".to_vec()));
        assert_eq!(messages.next().unwrap(), (Opcode::Binary, b"hello".to_vec()));
        assert!(messages.next().is_err());
    }
}
