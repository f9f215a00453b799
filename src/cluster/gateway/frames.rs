//! A client's frames of a websocket (RFC 6455): whole and masked on the way out, taken apart as they come on the way in.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// A longer frame is none that an API server or a container runtime sends: they copy 32 KiB at a time.
const LONGEST: u64 = 4 << 20;
/// What a control frame may carry.
const CONTROL: u64 = 125;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// A piece of a message.
    Data {
        /// The message begins with it.
        first: bool,
        /// It ends with it.
        last: bool,
        bytes: Vec<u8>,
    },
    Ping(Vec<u8>),
    Pong,
    /// The server ends the connection, with this code.
    Close(Option<u16>),
}

/// What breaks the rules; the connection is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Nonsense(pub &'static str);

/// Takes what the server sends apart.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// So much of it is done with.
    done: usize,
    in_message: bool,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.done);
        self.done = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole frame, when there is one.
    ///
    /// # Errors
    /// What comes is none.
    pub fn next(&mut self) -> Result<Option<Frame>, Nonsense> {
        let rest = &self.bytes[self.done..];
        let Some((&[head, second], behind)) = rest.split_first_chunk() else { return Ok(None) };
        let (last, code) = (head & 0x80 != 0, head & 0x0f);
        if head & 0x70 != 0 {
            return Err(Nonsense("a frame of an extension that nobody asked for"));
        }
        if second & 0x80 != 0 {
            return Err(Nonsense("a masked frame from a server"));
        }
        let (length, behind) = match second {
            126 => match behind.split_first_chunk() {
                Some((&bytes, behind)) => (u64::from(u16::from_be_bytes(bytes)), behind),
                None => return Ok(None),
            },
            127 => match behind.split_first_chunk() {
                Some((&bytes, behind)) => (u64::from_be_bytes(bytes), behind),
                None => return Ok(None),
            },
            length => (u64::from(length), behind),
        };
        let is_control = code >= CLOSE;
        if length > LONGEST || is_control && (length > CONTROL || !last) {
            return Err(Nonsense("a frame that is too long"));
        }
        let Some((payload, after)) = behind.split_at_checked(length as usize) else { return Ok(None) };
        let frame = match code {
            CONTINUATION | TEXT | BINARY if (code == CONTINUATION) != self.in_message => {
                return Err(Nonsense("a piece of no message"));
            }
            CONTINUATION | TEXT | BINARY => {
                self.in_message = !last;
                Frame::Data { first: code != CONTINUATION, last, bytes: payload.to_vec() }
            }
            CLOSE => Frame::Close(payload.first_chunk().map(|&code| u16::from_be_bytes(code))),
            PING => Frame::Ping(payload.to_vec()),
            PONG => Frame::Pong,
            _ => return Err(Nonsense("a frame of an unknown kind")),
        };
        self.done = self.bytes.len() - after.len();
        Ok(Some(frame))
    }
}

/// A binary message.
pub fn binary(payload: &[u8]) -> Vec<u8> {
    encoded(BINARY, payload)
}

pub fn ping() -> Vec<u8> {
    encoded(PING, b"")
}

pub fn pong(payload: &[u8]) -> Vec<u8> {
    encoded(PONG, payload)
}

fn encoded(code: u8, payload: &[u8]) -> Vec<u8> {
    // Nobody on the way may be able to tell what bytes there will be (RFC 6455, 10.3).
    let mask = (RandomState::new().build_hasher().finish() as u32).to_be_bytes();
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(0x80 | code);
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// A frame as a server sends it.
#[cfg(test)]
pub fn plain(head: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![head];
    match payload.len() {
        length @ 0..=125 => frame.push(length as u8),
        length @ 126..=0xffff => frame.extend([&[126][..], &(length as u16).to_be_bytes()].concat()),
        length => frame.extend([&[127][..], &(length as u64).to_be_bytes()].concat()),
    }
    [frame, payload.to_vec()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn all(pieces: impl IntoIterator<Item = Vec<u8>>) -> Result<Vec<Frame>, Nonsense> {
        let (mut frames, mut found) = (Frames::default(), Vec::new());
        for piece in pieces {
            frames.push(&piece);
            while let Some(frame) = frames.next()? {
                found.push(frame);
            }
        }
        Ok(found)
    }

    fn data(first: bool, last: bool, bytes: &[u8]) -> Frame {
        Frame::Data { first, last, bytes: bytes.to_vec() }
    }

    #[rstest]
    #[case(0)]
    #[case(125)]
    #[case(126)]
    #[case(65_535)]
    #[case(65_536)]
    fn a_message_of_any_length_arrives_however_it_is_cut(#[case] length: usize) {
        let payload: Vec<u8> = (0..=255).cycle().take(length).collect();
        let bytes = [plain(0x89, b"?"), plain(0x82, &payload), plain(0x8a, b""), plain(0x88, &[3, 232])].concat();
        let expected = [Frame::Ping(b"?".to_vec()), data(true, true, &payload), Frame::Pong, Frame::Close(Some(1000))];
        for size in [1, 2, 3, 7, 4096, bytes.len()] {
            if length < 1000 || size > 3 {
                assert_eq!(all(bytes.chunks(size).map(<[u8]>::to_vec)).unwrap(), expected, "{size}");
            }
        }
    }

    #[test]
    fn pieces_of_a_message_are_known_with_a_ping_between_them() {
        let bytes = [plain(0x02, b"a"), plain(0x89, b""), plain(0x00, b"b"), plain(0x80, b""), plain(0x81, b"c")].concat();
        let expected = [
            data(true, false, b"a"),
            Frame::Ping(vec![]),
            data(false, false, b"b"),
            data(false, true, b""),
            data(true, true, b"c"),
        ];
        assert_eq!(all([bytes]).unwrap(), expected);
    }

    #[rstest]
    #[case::extension(&[0xc2, 0])]
    #[case::masked(&[0x82, 0x80, 1, 2, 3, 4])]
    #[case::unknown(&[0x83, 0])]
    #[case::unknown_control(&[0x8b, 0])]
    #[case::endless(&[0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255])]
    #[case::five_mebibytes(&[0x82, 127, 0, 0, 0, 0, 0, 80, 0, 0])]
    #[case::long_control(&[0x89, 126, 0, 126])]
    #[case::control_in_pieces(&[0x09, 0])]
    #[case::piece_of_nothing(&[0x80, 0])]
    #[case::message_in_a_message(&[0x02, 0, 0x82, 0])]
    fn what_breaks_the_rules_is_nonsense(#[case] bytes: &[u8]) {
        assert!(all([bytes.to_vec()]).is_err());
    }

    #[test]
    fn what_goes_out_is_masked_and_comes_back_when_that_is_taken_off() {
        for length in [0, 1, 125, 126, 70_000] {
            let payload = vec![b'x'; length];
            let frame = binary(&payload);
            let head = frame.len() - length;
            assert!(frame[0] == 0x82 && frame[1] & 0x80 != 0);
            let mask = &frame[head - 4..head];
            assert!(frame[head..].iter().zip(mask.iter().cycle()).all(|(byte, mask)| byte ^ mask == b'x'), "{length}");
        }
    }

    proptest! {
        #[test]
        fn anything_is_frames_or_nonsense_and_takes_no_more_room_than_it_has(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            let mut taken = 0;
            while let Ok(Some(frame)) = frames.next() {
                taken += match frame { Frame::Data { bytes, .. } | Frame::Ping(bytes) => bytes.len() + 2, _ => 2 };
            }
            prop_assert!(taken <= bytes.len());
        }
    }
}
