//! Requests to a relay, and their answers, as relay.sh reads and writes them.

use std::time::Instant;

use super::script::{self, quoted_line};
use crate::process::{Output, Request, Said};

/// The most that travels over a relay, in bytes: it is read there byte by byte. What is larger gets an exec of its own.
const LARGEST: usize = 64 << 10;
/// The most that the marks add to an answer, in bytes.
pub const MARK: usize = 64;

/// A request as a relay reads it.
pub struct Framed {
    pub bytes: Vec<u8>,
    /// What the end of its answer is known by.
    pub nonce: String,
    pub deadline: Instant,
}

impl Framed {
    /// `None` for what a relay cannot carry: too much, or a NUL byte, which no shell keeps.
    pub fn of(request: Request<'_>) -> Option<Self> {
        let nonce = script::nonce();
        Some(Self { bytes: framed(request, &nonce)?, nonce, deadline: request.deadline })
    }
}

fn framed(request: Request<'_>, nonce: &str) -> Option<Vec<u8>> {
    let input = std::str::from_utf8(request.stdin).ok()?;
    let words = quoted_line([input].into_iter().chain(request.argv.iter().map(String::as_str)));
    let words = format!("{words} #{nonce}");
    (words.len() <= LARGEST && !words.contains('\0')).then(|| format!("{nonce} {}\n{words}", words.len()).into_bytes())
}

/// The end of the answer on standard error.
fn end_of_errors(nonce: &str) -> String {
    format!("\n{nonce}\n")
}

/// Whether both streams have come to the end of the answer.
pub fn is_answered(said: &Said, nonce: &str) -> bool {
    status(said, nonce).is_some() && said.stderr.ends_with(end_of_errors(nonce).as_bytes())
}

/// Where the end of the answer begins, and the status that it tells.
fn status(said: &Said, nonce: &str) -> Option<(usize, i32)> {
    let tail = said.stdout.len().saturating_sub(MARK);
    let mark = format!("\n{nonce} ");
    let start = tail + said.stdout[tail..].windows(mark.len()).rposition(|window| window == mark.as_bytes())?;
    let status = said.stdout[start + mark.len()..].strip_suffix(b"\n")?;
    Some((start, std::str::from_utf8(status).ok()?.parse().ok().filter(|status| (0..=255).contains(status))?))
}

/// A whole answer without its marks; `None` when it is none.
pub fn answer(said: Said, nonce: &str) -> Option<Output> {
    let (end, status) = status(&said, nonce)?;
    let Said { mut stdout, mut stderr } = said;
    stdout.truncate(end);
    stderr.truncate(stderr.len().checked_sub(end_of_errors(nonce).len())?);
    Some(Output { status, stdout, stderr })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(stdout: &[u8], stderr: &[u8]) -> Said {
        Said { stdout: stdout.to_vec(), stderr: stderr.to_vec() }
    }

    #[test]
    fn an_answer_that_is_cut_at_any_byte_is_none() {
        let (stdout, stderr) = (b"text\n\nn 0\n\nn 17\n", b"error\n\nn\n");
        for length in 0..stdout.len() {
            // A program that writes the mark itself is told by what is behind it.
            let own = stdout[..length].ends_with(b"\nn 0\n") || stdout[..length].ends_with(b"\nn 1");
            assert!(own || !is_answered(&said(&stdout[..length], stderr), "n"), "{length}");
        }
        for length in 0..stderr.len() {
            assert!(!is_answered(&said(stdout, &stderr[..length]), "n"), "{length}");
        }
        let output = answer(said(stdout, stderr), "n").unwrap();
        assert_eq!((output.status, &output.stdout[..], &output.stderr[..]), (17, &b"text\n\nn 0\n"[..], &b"error\n"[..]));
    }

    #[test]
    fn what_a_shell_cannot_keep_or_reads_too_slowly_is_not_carried() {
        let argv = ["cat".to_owned()];
        let framed = |stdin: &[u8]| framed(Request { argv: &argv, stdin, deadline: Instant::now(), reads_to_end: false }, "n");
        assert!(framed(b"text").is_some());
        assert!(framed(b"a\0b").is_none() && framed(b"\xff").is_none() && framed(&vec![b'x'; LARGEST]).is_none());
    }

    proptest! {
        #[test]
        fn whatever_is_said_is_what_was_said(stdout: Vec<u8>, stderr: Vec<u8>, status in 0..=255) {
            let nonce = "0123456789abcdef";
            let whole = said(&[&stdout[..], format!("\n{nonce} {status}\n").as_bytes()].concat(),
                &[&stderr[..], format!("\n{nonce}\n").as_bytes()].concat());
            prop_assert!(is_answered(&whole, nonce));
            prop_assert_eq!(answer(whole, nonce), Some(Output { status, stdout, stderr }));
        }
    }
}
