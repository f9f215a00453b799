//! Running one of our fixed sh scripts on a worker, and taking its answer apart.
//!
//! A script gets everything as positional parameters. Nothing of it stands in argv, which is a part of a URL: it travels on
//! standard input ([`stdin`]), or packed where that is the operator's terminal ([`argv`]). Its answer is parts that each begin with a line `NONCE NAME`; the
//! last part is `end`, so an answer that was cut anywhere is never taken for a whole one.

pub mod argv;
mod shorten;
mod stdin;

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Instant;

use super::exec::Exec;
use super::{Remote, elsewhere, tmux_words};
use crate::failure::{Failure, Kind};
use crate::process::{Output, Request};
use crate::registry::identity::SessionIdentity;
use crate::registry::names::SessionName;
use crate::state::ledger::{self, Shown, Spot};
use crate::terminal::neutralise;
use argv::Form;
pub use shorten::shortened;

/// How a script gets its words and runs the worker's tmux, and how it finds a session.
const WORDS: &str = concat!(include_str!("words.sh"), include_str!("find_session.sh"));
const PRELUDE: &str = concat!(include_str!("words.sh"), include_str!("answer.sh"), include_str!("find_session.sh"));
/// A script that reads nothing sees the end of its standard input at once, whatever the connection does.
const NO_INPUT: &str = "exec </dev/null\n";
const LEFT: &str =
    concat!(include_str!("about.sh"), include_str!("reap.sh"), include_str!("gone.sh"), include_str!("leftovers.sh"));
const SESSIONS: &str = concat!(include_str!("bounded.sh"), include_str!("sessions.sh"));

/// So many views that died are tidied up after by the way of one question.
const LEFT_AT_ONCE: usize = 64;

/// One script with its arguments.
pub struct Script<'a> {
    pub text: &'a str,
    /// The worker's tmux command line.
    pub tmux: &'a [String],
    pub arguments: &'a [String],
    pub stdin: &'a [u8],
}

/// A script on its way: for [`Exec::run`].
#[derive(Debug)]
pub struct Sent {
    pub argv: Vec<String>,
    pub stdin: Vec<u8>,
}

impl Script<'_> {
    /// What runs it.
    ///
    /// # Errors
    /// A word has a NUL byte, which no program can get.
    pub fn sent(&self, nonce: &str) -> Result<Sent, Failure> {
        self.sent_after("", &[], nonce)
    }

    /// The same, for a worker that windows of this machine have to do with: clients that were left there are ended first, and
    /// if sessions of it are shown, it says what they are called.
    fn sent_among(&self, left: &[String], follows: bool, nonce: &str) -> Result<Sent, Failure> {
        let names = if follows { SESSIONS } else { "" };
        if left.is_empty() {
            return self.sent_after(names, &[], nonce);
        }
        self.sent_after(&format!("{LEFT}\n{names}"), &[&[left.len().to_string()], left].concat(), nonce)
    }

    fn sent_after(&self, first: &str, arguments: &[String], nonce: &str) -> Result<Sent, Failure> {
        let end_of_input = if self.stdin.is_empty() { NO_INPUT } else { "" };
        let mut sent = self.head(&format!("{end_of_input}{PRELUDE}\n{first}"), arguments, nonce)?;
        sent.stdin.extend_from_slice(self.stdin);
        Ok(sent)
    }

    /// What runs it when somebody streams in what it reads: that comes behind this.
    ///
    /// # Errors
    /// As [`Self::sent`].
    pub fn sent_ahead(&self, nonce: &str) -> Result<Sent, Failure> {
        self.head(PRELUDE, &[], nonce)
    }

    /// The argv that runs it on a terminal, where nobody takes an answer apart (so it has a `finish` of its own); its processes
    /// carry the tag.
    ///
    /// # Errors
    /// As [`Self::sent`].
    pub fn on_terminal(&self, form: Form, tag: &str) -> Result<Vec<String>, Failure> {
        let text = stripped(&format!("{WORDS}\n{}", self.text));
        let text = if form == Form::Packed { shortened(&text) } else { text };
        let words = self.words(&[])?;
        Ok(argv::argv(&text, [""].into_iter().chain(words.iter().map(String::as_str)), form, tag))
    }

    fn head(&self, first: &str, arguments: &[String], nonce: &str) -> Result<Sent, Failure> {
        let words = self.words(arguments)?;
        let text = stripped(&format!("{first}\n{}", self.text));
        Ok(Sent { argv: stdin::argv(nonce), stdin: stdin::framed(&text, words.iter().map(String::as_str), nonce) })
    }

    /// Its words behind the nonce, as `words.sh` takes them; `more` come before its own arguments.
    fn words(&self, more: &[String]) -> Result<Vec<String>, Failure> {
        let program = self.tmux.first().cloned().unwrap_or_default();
        let words = [&[quoted_line(self.tmux), program], more, self.arguments].concat();
        match words.iter().any(|word| word.contains('\0')) {
            true => Err(Failure::new(Kind::Failed, "a word has a NUL byte, which no program can get").before_start()),
            false => Ok(words),
        }
    }
}

/// Words as sh reads them back, whatever is in them and whichever sh that is: between single quotes nothing but the closing one
/// means anything. Each quote is a byte of a URL, so plain words have none.
pub fn quoted_line(words: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    words.into_iter().map(|word| quoted(word.as_ref())).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@".contains(&byte);
    match !word.is_empty() && word.bytes().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// A script without its comments and indentation. A line that begins with `#` is a comment in all of ours.
pub fn stripped(text: &str) -> String {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.fold(String::with_capacity(text.len()), |stripped, line| stripped + line + "\n")
}

/// One part of an answer: the words of its mark, and what was written behind it.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// The word behind the name, usually an exit status.
    pub detail: String,
    pub body: Vec<u8>,
}

impl Part {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A whole answer, and what the script wrote to standard error.
#[derive(Debug)]
pub struct Parts {
    parts: Vec<Part>,
    pub stderr: Vec<u8>,
}

impl Parts {
    /// The first part of this name.
    pub fn get(&self, name: &str) -> Option<&Part> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// All parts of this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts.iter().filter(move |part| part.name == name)
    }
}

/// Run `script` and take its answer apart. What views of this machine have left on the worker is ended by the way, and what
/// those that are there show gets the name that it has now.
///
/// # Errors
/// What [`Exec::run`] says, or `incomplete` when the answer has no end.
pub fn run(exec: &dyn Exec, script: &Script<'_>, deadline: Instant) -> Result<Parts, Failure> {
    let follows = ledger::follows(|| Some(Spot { place: exec.place()?, pod: exec.pod() }));
    run_following(follows, exec, script, deadline)
}

/// The same for a view's own script, which ends what older ones have left before it asks tmux anything: nobody's names.
///
/// # Errors
/// As [`run`].
pub fn run_for_view(exec: &dyn Exec, script: &Script<'_>, deadline: Instant) -> Result<Parts, Failure> {
    run_following(None, exec, script, deadline)
}

fn run_following(follows: Option<Spot>, exec: &dyn Exec, script: &Script<'_>, deadline: Instant) -> Result<Parts, Failure> {
    let nonce = nonce();
    let left = left(exec, LEFT_AT_ONCE);
    let sent = script.sent_among(&left, follows.is_some(), &nonce)?;
    let output = exec.run(Request { argv: &sent.argv, stdin: &sent.stdin, reads_to_end: !script.stdin.is_empty(), deadline })?;
    let parts = understand(&output, &nonce)?;
    // It can only speak of clients that it was asked about.
    let gone = |tag: &&String| parts.all("gone").any(|part| part.detail == **tag);
    ledger::forget(left.iter().chain(script.arguments).filter(gone).map(String::as_str));
    if let Some(spot) = follows {
        ledger::learn(&spot, &known_sessions(&parts));
    }
    Ok(parts)
}

/// What the sessions of the worker are called, if its tmux has said so wholly.
fn known_sessions(parts: &Parts) -> Vec<Shown> {
    let whole = parts.get("known-end").is_some_and(|end| end.detail == "0");
    sessions(&parts.get("known").filter(|_| whole).map(Part::text).unwrap_or_default())
}

/// A listing of sessions: what each is known by, and its name.
pub fn sessions(listing: &str) -> Vec<Shown> {
    let session = |line: &str| {
        let (identity, name) = SessionIdentity::before(line)?;
        Some(Shown { identity, name: name.parse().ok()? })
    };
    listing.lines().filter_map(session).collect()
}

/// Take apart what a script has answered.
///
/// # Errors
/// `incomplete` when the answer has no end.
pub fn understand(output: &Output, nonce: &str) -> Result<Parts, Failure> {
    match split(&output.stdout, nonce) {
        Some(parts) => Ok(Parts { parts, stderr: output.stderr.clone() }),
        None => Err(cut_short(output)),
    }
}

/// The tags of the views that have left clients on this worker, at most so many.
pub fn left(exec: &dyn Exec, most: usize) -> Vec<String> {
    exec.place().map_or_else(Vec::new, |place| ledger::left(|| Spot { place, pod: exec.pod() }, most))
}

/// The same for a script that begins with `find_session "$1" "$2"`: that it found none is a failure.
///
/// # Errors
/// Also `no session`, `no tmux`, and a name that several sessions have.
pub fn on_session(
    remote: &Remote,
    text: &'static str,
    session: &SessionName,
    more: Input<'_>,
    deadline: Instant,
) -> Result<Parts, Failure> {
    let meant = remote.meant.as_ref().map(ToString::to_string).unwrap_or_default();
    let mut arguments = vec![session.as_str().to_owned(), meant];
    arguments.extend(more.arguments.iter().map(|&word| word.to_owned()));
    let script = Script { text, tmux: &remote.tmux, arguments: &arguments, stdin: more.stdin };
    let parts = run(remote.exec.as_ref(), &script, deadline)?;
    match not_found(&parts, session) {
        Some(failure) => {
            let has_others = parts.get("no-session").or(parts.get("ambiguous")).is_some();
            Err(elsewhere::told(remote, failure.before_start(), has_others.then_some(session), deadline))
        }
        None => Ok(parts),
    }
}

/// What a script about a session gets beside the session's name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Input<'a> {
    pub arguments: &'a [&'a str],
    pub stdin: &'a [u8],
}

fn not_found(parts: &Parts, session: &SessionName) -> Option<Failure> {
    let name = neutralise::line(session.as_str());
    if parts.get("no-tmux").is_some() {
        return Some(Failure::new(Kind::NoTmux, "there is no tmux in it"));
    }
    if parts.get("no-session").is_some() {
        return Some(Failure::new(Kind::NoSession, format!("there is no session {name:?}")));
    }
    if parts.get("ended").or(parts.get("replaced")).is_some() {
        return Some(Failure::new(Kind::NoSession, format!("the session that was {name:?} has ended")));
    }
    if parts.get("ambiguous").is_some() {
        return Some(Failure::new(Kind::NoSession, format!("several sessions are named {name:?}, so none was touched")));
    }
    let said = parts.get("tmux-failed")?.text();
    Some(if tmux_words::no_server(&said) {
        Failure::new(Kind::NoSession, format!("there is no session {name:?}: no tmux server runs there"))
    } else {
        tmux_words::failed(&said)
    })
}

fn cut_short(output: &Output) -> Failure {
    let said = neutralise::plain(&output.stderr);
    let said = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no reason given").to_owned();
    Failure::new(
        Kind::Incomplete,
        format!("the answer ended after {} bytes, before its end (exit {}: {said})", output.stdout.len(), output.status),
    )
}

/// 64 random bits: what a worker could not have written before it was asked.
pub fn nonce() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The parts of an answer, or `None` when it has no end.
fn split(answer: &[u8], nonce: &str) -> Option<Vec<Part>> {
    let mark = format!("\n{nonce} ");
    let mut starts = find_all(answer, mark.as_bytes()).peekable();
    let mut parts = Vec::new();
    while let Some(start) = starts.next() {
        let head = start + mark.len();
        let line = head + answer[head..].iter().position(|&byte| byte == b'\n')?;
        let words = String::from_utf8_lossy(&answer[head..line]).into_owned();
        let (name, detail) = words.split_once(' ').unwrap_or((&words, ""));
        if name == "end" {
            return Some(parts);
        }
        let stop = starts.peek().copied().unwrap_or(answer.len());
        let body = answer.get(line + 1..stop).unwrap_or_default().to_vec();
        parts.push(Part { name: name.to_owned(), detail: detail.to_owned(), body });
    }
    None
}

fn find_all<'a>(haystack: &'a [u8], needle: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    haystack.windows(needle.len()).enumerate().filter(move |(_, window)| *window == needle).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ANSWER: &[u8] = b"\n00ff version\ntmux 3.3a\n\n00ff queue\n[]\n00ff queue-end 0\n\n00ff end\n";

    #[test]
    fn parts_keep_their_bytes() {
        let parts = split(ANSWER, "00ff").unwrap();
        let seen: Vec<_> = parts.iter().map(|part| (part.name.as_str(), part.detail.as_str(), part.text())).collect();
        let expected =
            [("version", "", "tmux 3.3a\n".to_owned()), ("queue", "", "[]".to_owned()), ("queue-end", "0", String::new())];
        assert_eq!(seen, expected);
    }

    #[test]
    fn every_cut_is_noticed() {
        for length in 0..ANSWER.len() - 1 {
            assert!(split(&ANSWER[..length], "00ff").is_none(), "cut after {length} bytes");
        }
    }

    /// Marks and their bodies; a body may hold anything but a mark of ours.
    fn parts() -> impl Strategy<Value = Vec<(String, String, Vec<u8>)>> {
        let body = prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'0'), Just(b'f'), Just(b' ')], 0..40);
        let part = ("[a-d][a-z-]{0,8}", "[0-9]{0,3}", body);
        prop::collection::vec(part, 0..6).prop_filter("a mark of ours", |parts| {
            // The line end of the mark before it makes one of a body that begins so.
            parts.iter().all(|(_, _, body)| !body.starts_with(b"00ff ") && !body.windows(6).any(|window| window == b"\n00ff "))
        })
    }

    proptest! {
        #[test]
        fn whatever_is_in_them_parts_come_back_and_a_cut_is_noticed(written in parts(), cut in any::<prop::sample::Index>()) {
            let mut answer = Vec::new();
            for (name, detail, body) in &written {
                answer.extend(format!("\n00ff {name} {detail}\n").into_bytes());
                answer.extend(body);
            }
            answer.extend(b"\n00ff end\n");
            let read = split(&answer, "00ff").unwrap();
            let read: Vec<_> = read.into_iter().map(|part| (part.name, part.detail, part.body)).collect();
            prop_assert_eq!(read, written);
            prop_assert!(split(&answer[..cut.index(answer.len() - 1)], "00ff").is_none());
        }

        #[test]
        fn any_answer_is_taken_apart_or_refused(answer in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'0'), Just(b' ')], 0..80)) {
            let _ = split(&answer, "0");
        }
    }

    #[test]
    fn another_nonce_is_only_text() {
        assert!(split(ANSWER, "00fe").is_none());
    }
}
