//! What belongs to an answer of HTTP/1.1, and where it ends (RFC 9112, 6): only so is an end told from a cut.

use super::frames::Nonsense;
use super::handshake::Head;

/// The longest line between two chunks, in bytes.
const LINE: usize = 4096;
const NOT_CHUNKED: Nonsense = Nonsense("chunks that are none");

/// How an answer goes on.
#[derive(Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    /// Each piece behind its length.
    Chunks(Next),
    /// Until the connection ends: there is no telling whether that is all.
    Rest,
}

/// What comes next in an answer of chunks.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    Size,
    /// So many bytes of a chunk.
    Bytes(u64),
    /// The line end behind a chunk.
    Break,
    /// Lines behind the last one, up to an empty one.
    Trailer,
    Nothing,
}

impl Body {
    /// How the answer with this head goes on.
    ///
    /// # Errors
    /// Its length is none.
    pub fn of(head: &Head) -> Result<Self, Nonsense> {
        if head.header("transfer-encoding").eq_ignore_ascii_case("chunked") {
            return Ok(Self::Chunks(Next::Size));
        }
        match head.header("content-length") {
            "" => Ok(Self::Rest),
            length => length.parse().map(Self::Length).map_err(|_| Nonsense("a length that is none")),
        }
    }

    /// Take from `raw`, what came, as much as can be understood, and add what is meant by it to `whole`.
    ///
    /// # Errors
    /// It is no such answer.
    pub fn take(&mut self, raw: &mut Vec<u8>, whole: &mut Vec<u8>) -> Result<(), Nonsense> {
        let mut at = 0;
        while let Some(step) = self.step(&raw[at..], whole)? {
            at += step;
        }
        raw.drain(..at);
        Ok(())
    }

    /// Whether it has come to its end, as far as it has one.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Length(0) | Self::Chunks(Next::Nothing))
    }

    /// Whether the end of the connection is its own.
    pub fn may_end(&self) -> bool {
        self.is_over() || *self == Self::Rest
    }

    /// Take one thing; gives its length, `None` when it is not there yet.
    fn step(&mut self, raw: &[u8], whole: &mut Vec<u8>) -> Result<Option<usize>, Nonsense> {
        let mut hand_on = |left: u64| {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(raw.len());
            whole.extend_from_slice(&raw[..count]);
            count
        };
        match self {
            Self::Length(0) | Self::Chunks(Next::Nothing) => Ok(None),
            _ if raw.is_empty() => Ok(None),
            Self::Rest => Ok(Some(hand_on(u64::MAX))),
            Self::Length(left) => {
                let count = hand_on(*left);
                *left -= count as u64;
                Ok(Some(count))
            }
            Self::Chunks(next) => match next {
                Next::Bytes(left) => {
                    let count = hand_on(*left);
                    *left -= count as u64;
                    if *left == 0 {
                        *next = Next::Break;
                    }
                    Ok(Some(count))
                }
                _ => next.line(raw),
            },
        }
    }
}

impl Next {
    /// What a line between chunks says.
    fn line(&mut self, raw: &[u8]) -> Result<Option<usize>, Nonsense> {
        let Some(end) = raw.iter().position(|&byte| byte == b'\n') else {
            return if raw.len() > LINE { Err(NOT_CHUNKED) } else { Ok(None) };
        };
        let line = raw[..end].strip_suffix(b"\r").unwrap_or(&raw[..end]);
        *self = match self {
            Self::Size => match size(line).ok_or(NOT_CHUNKED)? {
                0 => Self::Trailer,
                size => Self::Bytes(size),
            },
            Self::Break if line.is_empty() => Self::Size,
            Self::Trailer if !line.is_empty() => Self::Trailer,
            Self::Trailer => Self::Nothing,
            _ => return Err(NOT_CHUNKED),
        };
        Ok(Some(end + 1))
    }
}

/// A chunk's size; what may stand behind it means nothing to us.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|&byte| byte == b';').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn body(head: &str) -> Result<Body, Nonsense> {
        Body::of(&Head::of(format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes()).unwrap().unwrap())
    }

    /// All of it in pieces of this length, and whether it has ended; `None` when it makes no sense.
    fn taken(mut body: Body, bytes: &[u8], piece: usize) -> Option<(Vec<u8>, bool)> {
        let (mut raw, mut whole) = (Vec::new(), Vec::new());
        for piece in bytes.chunks(piece) {
            raw.extend_from_slice(piece);
            body.take(&mut raw, &mut whole).ok()?;
        }
        Some((whole, body.is_over()))
    }

    #[rstest]
    #[case::length("Content-Length: 5\r\n", "hello!", Some(("hello", true)))]
    #[case::cut("Content-Length: 5\r\n", "hell", Some(("hell", false)))]
    #[case::empty("Content-Length: 0\r\n", "", Some(("", true)))]
    #[case::without_a_length("", "hello", Some(("hello", false)))]
    #[case::chunks("Transfer-Encoding: chunked\r\n", "3\r\nhel\r\n02;x=y\r\nlo\r\n0\r\nA: b\r\n\r\n!", Some(("hello", true)))]
    #[case::cut_before_the_last("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n", Some(("hello", false)))]
    #[case::cut_in_the_trailer("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n", Some(("hello", false)))]
    #[case::no_size("Transfer-Encoding: chunked\r\n", "hello\r\n", None)]
    #[case::signed("Transfer-Encoding: chunked\r\n", "+5\r\nhello\r\n", None)]
    #[case::no_number("Transfer-Encoding: chunked\r\n", "\r\nhello", None)]
    #[case::too_large("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\n", None)]
    #[case::longer_than_said("Transfer-Encoding: chunked\r\n", "3\r\nhello\r\n", None)]
    fn an_answer_has_an_end_or_is_cut(
        #[case] head: &str,
        #[case] bytes: &str,
        #[case] expected: Option<(&str, bool)>,
        #[values(1, 2, 1000)] piece: usize,
    ) {
        let expected = expected.map(|(whole, over)| (whole.as_bytes().to_vec(), over));
        assert_eq!(taken(body(head).unwrap(), bytes.as_bytes(), piece), expected);
    }

    #[test]
    fn a_length_that_is_none_is_refused_and_a_line_without_an_end_not_waited_for() {
        assert!(body("Content-Length: many\r\n").is_err());
        assert_eq!(taken(Body::Chunks(Next::Size), &[b'1'; LINE + 2], 100), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_understood_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), piece in 1..20usize) {
            if let Some((whole, _)) = taken(Body::Chunks(Next::Size), &bytes, piece) {
                prop_assert!(whole.len() <= bytes.len());
            }
        }
    }
}
