//! The streams of an exec inside a websocket's messages: the first byte of each says whose the others are.

use serde::Deserialize;

use super::frames::{self, Nonsense};
use super::handshake::Protocol;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
/// How the command ended.
const ERROR: u8 = 3;
/// Of the channel that is named behind it (v5).
const CLOSE: u8 = 255;

/// So much of standard input goes in one message, as kubectl's does.
pub const PIECE: usize = 32 * 1024;

/// Something that the command, or whoever started it, says.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard<'a> {
    Stdout(&'a [u8]),
    Stderr(&'a [u8]),
    /// Of the JSON that says how it ended; true with the last piece.
    Status(&'a [u8], bool),
    Nothing,
}

/// Puts pieces of messages to their channels.
#[derive(Debug, Default)]
pub struct Channels {
    /// Whose message is under way.
    current: Option<u8>,
}

impl Channels {
    /// What a piece of a message is.
    ///
    /// # Errors
    /// It belongs to no channel that is ours to hear.
    pub fn hear<'a>(&mut self, first: bool, last: bool, mut bytes: &'a [u8]) -> Result<Heard<'a>, Nonsense> {
        if first {
            self.current = None;
        }
        if self.current.is_none()
            && let Some((&channel, rest)) = bytes.split_first()
        {
            (self.current, bytes) = (Some(channel), rest);
        }
        match self.current {
            Some(STDOUT) => Ok(Heard::Stdout(bytes)),
            Some(STDERR) => Ok(Heard::Stderr(bytes)),
            Some(ERROR) => Ok(Heard::Status(bytes, last)),
            // Servers that came before v5 open each channel with an empty message; v5 closes them.
            Some(STDIN | CLOSE) | None => Ok(Heard::Nothing),
            Some(_) => Err(Nonsense("a message of an unknown stream")),
        }
    }
}

/// A message for the command's standard input.
pub fn input(bytes: &[u8]) -> Vec<u8> {
    frames::binary(&[&[STDIN], bytes].concat())
}

/// The message that there is no more of it; v4 has none.
pub fn end_of_input(protocol: Protocol) -> Vec<u8> {
    match protocol {
        Protocol::V5 => frames::binary(&[CLOSE, STDIN]),
        Protocol::V4 => Vec::new(),
    }
}

/// How a command ended, by the `v1.Status` on its own channel.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ran, and exited so.
    Exited(i32),
    /// It did not, or nobody knows any more; the server's words.
    Failed(String),
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Status {
    status: String,
    reason: String,
    message: String,
    details: Details,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
}

impl Ended {
    /// `None` when the JSON is none, or says something else.
    pub fn of(json: &[u8]) -> Option<Self> {
        let Status { status, reason, message, details } = serde_json::from_slice(json).ok()?;
        match (status.as_str(), reason.as_str()) {
            ("Success", _) => Some(Self::Exited(0)),
            ("Failure", "NonZeroExitCode") => {
                let code = details.causes.iter().find(|cause| cause.reason == "ExitCode")?.message.parse().ok()?;
                Some(Self::Exited(code))
            }
            ("Failure", _) => Some(Self::Failed(message)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn pieces_belong_to_the_channel_of_their_message() {
        let mut channels = Channels::default();
        for (first, last, bytes, heard) in [
            (true, true, &b"\x01out"[..], Heard::Stdout(b"out")),
            (true, false, b"\x02e", Heard::Stderr(b"e")),
            (false, true, b"\x01rr", Heard::Stderr(b"\x01rr")),
            (true, false, b"", Heard::Nothing),
            (false, false, b"\x01late", Heard::Stdout(b"late")),
            (false, true, b"", Heard::Stdout(b"")),
            (true, false, b"\x03{", Heard::Status(b"{", false)),
            (false, true, b"}", Heard::Status(b"}", true)),
            (true, true, b"\x00", Heard::Nothing),
            (true, true, b"\xff\x01", Heard::Nothing),
        ] {
            assert_eq!(channels.hear(first, last, bytes).unwrap(), heard);
        }
        assert!(channels.hear(true, true, b"\x04{}").is_err());
    }

    #[rstest]
    #[case(r#"{"metadata":{},"status":"Success"}"#, Some(Ended::Exited(0)))]
    #[case(
        r#"{"status":"Failure","message":"command terminated with non-zero exit code: exit status 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#,
        Some(Ended::Exited(7))
    )]
    #[case(r#"{"status":"Failure","message":"no","reason":"InternalError","code":500}"#, Some(Ended::Failed("no".to_owned())))]
    #[case(
        r#"{"status":"Failure","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"many"}]}}"#,
        None
    )]
    #[case(r#"{"status":"Failure","reason":"NonZeroExitCode"}"#, None)]
    #[case(r#"{"status":"Fine"}"#, None)]
    #[case(r#"{"status":"Success""#, None)]
    #[case("[]", None)]
    fn a_status_says_how_the_command_ended(#[case] json: &str, #[case] ended: Option<Ended>) {
        assert_eq!(Ended::of(json.as_bytes()), ended);
    }
}
