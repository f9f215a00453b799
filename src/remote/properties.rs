//! Properties of everything that takes a worker's answer apart, beside the listing: whatever a worker says, nothing panics,
//! nothing that a terminal obeys gets through, and what is cut is never taken for whole.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::exec::{Exec, Interactive};
use super::local::Local;
use super::nudge::Delivery;
use super::{Remote, command, examine, interrupt, nudge, peek, repositories};
use crate::failure::{Failure, Kind};
use crate::process::{ANSWER_CAP, Output, Request};
use crate::registry::names::SessionName;
use crate::terminal::neutralise;

/// A worker that says this, with its marks.
struct Says {
    parts: Vec<Part>,
    /// How many bytes of it arrive; the rest is lost.
    arrive: usize,
}

/// The words of a mark, and what stands behind it.
type Part = (String, Vec<u8>);

impl Exec for Says {
    fn run(&self, request: Request<'_>) -> Result<Output, Failure> {
        // sh -c LOADER NAME NONCE
        let nonce = &request.argv[4];
        let mut stdout = Vec::new();
        for (words, body) in &self.parts {
            stdout.extend(format!("\n{nonce} {words}\n").into_bytes());
            stdout.extend(body);
        }
        stdout.extend(format!("\n{nonce} end\n").into_bytes());
        stdout.truncate(self.arrive);
        Ok(Output { status: 0, stdout, stderr: b"\x1b[31mwords\x07".to_vec() })
    }

    fn interactive(&self, _: &[String], _: Instant) -> Result<Interactive, Failure> {
        Err(Failure::new(Kind::Failed, "nothing is interactive here"))
    }

    fn pod(&self) -> Option<String> {
        None
    }
}

fn remote(parts: &[Part], arrive: usize) -> Remote {
    Remote { exec: Box::new(Says { parts: parts.to_vec(), arrive }), tmux: vec!["tmux".to_owned()], log: None, meant: None }
}

fn whole(parts: &[Part]) -> Remote {
    remote(parts, usize::MAX)
}

/// So many bytes that the end is missing.
fn cut(parts: &[Part], at: prop::sample::Index) -> Remote {
    const MARK: usize = "\n0123456789abcdef ".len();
    let length: usize = parts.iter().map(|(words, body)| MARK + words.len() + 1 + body.len()).sum();
    remote(parts, at.index(length + MARK + "end\n".len()))
}

/// What any of the scripts marks, as often as not with what belongs behind it.
fn parts() -> impl Strategy<Value = Vec<Part>> {
    let name = prop::sample::select(vec![
        "output",
        "status",
        "tmux",
        "terminal",
        "charmap",
        "program",
        "echo",
        "before",
        "pasted",
        "after",
        "entered",
        "refused",
        "sent",
        "no-session",
        "no-tmux",
        "tmux-failed",
        "ambiguous",
        "other",
    ]);
    let detail = prop_oneof![
        Just(String::new()),
        "[0-9]{1,4}",
        "-?[0-9]{1,25}",
        "(mode|dead|input-off|on|off|raw)",
        "\\PC{0,8}",
        "[\u{9b}\u{202e}\u{7}\u{1b}a ]{1,4}"
    ];
    let body = prop_oneof![screen(), prop::collection::vec(any::<u8>(), 0..30), Just(b"tmux 3.4\n".to_vec())];
    let part = (name, detail, body).prop_map(|(name, detail, body)| (format!("{name} {detail}"), body));
    prop::collection::vec(part, 0..8)
}

/// A pane as `nudge.sh` shows it.
fn screen() -> impl Strategy<Value = Vec<u8>> {
    "% [0-9] [0-3] [01] 0 0 0 [0-9]{1,3}\n(> ?(hello)?|[a-z│ ]{0,6}|\n){0,6}".prop_map(String::into_bytes)
}

/// What a nudge is answered with, of which parts may be missing.
fn dialogue() -> impl Strategy<Value = Vec<Part>> {
    let part = |words: &'static str| (Just(words), screen()).prop_map(|(words, body)| (words.to_owned(), body));
    let all = ("(echo (on|off)|before 103)", part("before 103"), part("pasted "), part("after 100"), part("after 2000"));
    (all, prop::collection::vec(any::<bool>(), 6)).prop_map(|((first, before, pasted, after, later), kept)| {
        let entered = ("entered ".to_owned(), Vec::new());
        let parts = [(first, Vec::new()), before, pasted, entered, after, later];
        parts.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(part, _)| part).collect()
    })
}

fn is_sayable(text: &str) -> bool {
    !text.contains(neutralise::deceives)
}

fn sayable<T>(result: Result<T, Failure>) -> Result<Option<T>, TestCaseError> {
    match result {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) => {
            prop_assert!(is_sayable(&failure.reason), "{}", failure.reason);
            Ok(None)
        }
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

fn session() -> SessionName {
    "qa".parse().unwrap()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// The detail of the first part of this name.
fn detail<'a>(parts: &'a [Part], name: &str) -> Option<&'a str> {
    parts.iter().find_map(|(words, _)| words.strip_prefix(name)?.strip_prefix(' '))
}

proptest! {
    #[test]
    fn an_examination_finds_only_words(parts in parts()) {
        if let Some(found) = sayable(examine::examine(&whole(&parts), &["factory"], soon()))? {
            let words = found.tmux.iter().chain(&found.charmap).chain(&found.terminals);
            prop_assert!(words.clone().all(|word| is_sayable(word)), "{found:?}");
            prop_assert_eq!(found.terminals.len(), parts.iter().filter(|(words, _)| words.starts_with("terminal ")).count());
        }
    }

    #[test]
    fn a_command_ended_as_the_answer_says_or_nobody_knows(parts in parts()) {
        let asked = sayable(command::ask(&whole(&parts), &words(&["x"]), soon()))?;
        let status = detail(&parts, "status").and_then(|status| status.parse::<i32>().ok());
        match asked {
            Some(output) => prop_assert_eq!(Some(output.status), status),
            None => prop_assert!(status.is_none() || detail(&parts, "output").is_none(), "{parts:?}"),
        }
        let changed = command::run(&whole(&parts), &words(&["x"]), soon());
        prop_assert!(changed.is_ok() || changed.is_err_and(|failure| failure.kind == Kind::Unproven));
    }

    #[test]
    fn each_directory_has_an_answer_or_none_has(parts in parts(), count in 0_usize..4) {
        let directories = vec!["/d".to_owned(); count];
        let asked = command::ask_in(&whole(&parts), &directories, &words(&["x"]), Duration::from_secs(600));
        if let Some(outputs) = sayable(asked)? {
            prop_assert_eq!(outputs.len(), count);
        }
    }

    #[test]
    fn a_nudge_is_confirmed_only_by_screens_and_enter(parts in prop_oneof![parts(), dialogue()]) {
        let delivery = sayable(nudge::nudge(&whole(&parts), &session(), "hello", soon()))?;
        let there = |name: &str| detail(&parts, name).is_some();
        if delivery == Some(Delivery::Confirmed) {
            prop_assert!(["entered", "before", "pasted", "after"].iter().all(|name| there(name)), "{parts:?}");
        }
        if let Some(delivery) = delivery {
            prop_assert!(!there("refused") && !there("no-session") && !there("no-tmux"), "{parts:?}");
            let untouched = Delivery::Typed { entered: false };
            prop_assert!(there("entered") || delivery == untouched);
        }
    }

    #[test]
    fn an_interrupt_was_sent_only_when_the_worker_says_so(parts in parts()) {
        let sent = sayable(interrupt::interrupt(&whole(&parts), &session(), soon()))?;
        let there = |name: &str| detail(&parts, name).is_some();
        let refused = ["refused", "no-session", "no-tmux", "ambiguous", "tmux-failed"].iter().any(|name| there(name));
        prop_assert_eq!(sent.is_some(), there("sent") && !refused);
    }

    /// And what changes something may then have changed it.
    #[test]
    fn a_cut_answer_is_none(parts in parts(), at in any::<prop::sample::Index>()) {
        let kind = |result: Result<(), Failure>| result.map_err(|failure| (failure.kind, failure.before_start));
        let cut = || cut(&parts, at);
        let unproven = Err((Kind::Unproven, false));
        prop_assert_eq!(kind(examine::examine(&cut(), &[], soon()).map(drop)), Err((Kind::Incomplete, false)));
        prop_assert_eq!(kind(command::ask(&cut(), &words(&["x"]), soon()).map(drop)), Err((Kind::Incomplete, false)));
        prop_assert_eq!(kind(command::run(&cut(), &words(&["x"]), soon()).map(drop)), unproven);
        prop_assert_eq!(kind(nudge::nudge(&cut(), &session(), "hello", soon()).map(drop)), unproven);
        prop_assert_eq!(kind(interrupt::interrupt(&cut(), &session(), soon())), unproven);
    }
}

/// A worker whose answers are too large.
struct Floods;

impl Exec for Floods {
    fn run(&self, _: Request<'_>) -> Result<Output, Failure> {
        Err(Failure::too_large(ANSWER_CAP))
    }

    fn interactive(&self, _: &[String], _: Instant) -> Result<Interactive, Failure> {
        Err(Failure::new(Kind::Failed, "nothing is interactive here"))
    }

    fn pod(&self) -> Option<String> {
        None
    }
}

/// Whoever asked is told how large an answer may be; what changes something may have changed it.
#[test]
fn every_question_says_that_its_answer_is_larger_than_the_cap() {
    let floods = || Remote { exec: Box::new(Floods), tmux: words(&["tmux"]), log: None, meant: None };
    let x = words(&["x"]);
    let told = [
        (examine::examine(&floods(), &[], soon()).map(drop), Kind::Incomplete),
        (command::ask(&floods(), &x, soon()).map(drop), Kind::Incomplete),
        (command::ask_in(&floods(), &x, &x, Duration::from_secs(600)).map(drop), Kind::Incomplete),
        (repositories::list(&floods(), soon()).map(drop), Kind::Incomplete),
        (peek::capture(&floods(), &session(), 3, soon()).map(drop), Kind::Incomplete),
        (command::run(&floods(), &x, soon()).map(drop), Kind::Unproven),
        (nudge::nudge(&floods(), &session(), "hello", soon()).map(drop), Kind::Unproven),
        (interrupt::interrupt(&floods(), &session(), soon()), Kind::Unproven),
    ];
    for (number, (result, kind)) in told.into_iter().enumerate() {
        let failure = result.unwrap_err();
        assert_eq!(failure.kind, kind, "{number}");
        assert!(failure.reason.contains("the answer is larger than 4 MiB"), "{number}: {}", failure.reason);
    }
}

/// The cap itself, on a real process.
#[test]
fn an_answer_of_more_than_the_cap_is_not_taken() {
    let directory = tempfile::tempdir().unwrap();
    let remote = || Remote {
        exec: Box::new(Local { directory: directory.path().to_owned() }),
        tmux: words(&["tmux"]),
        log: None,
        meant: None,
    };
    let flood = |bytes: usize| words(&["sh", "-c", &format!("head -c {bytes} /dev/zero")]);
    // Some of it is our own marks.
    let most = ANSWER_CAP - 1000;
    assert_eq!(command::ask(&remote(), &flood(most), soon()).unwrap().stdout.len(), most);
    let failure = command::ask(&remote(), &flood(ANSWER_CAP + 1), soon()).unwrap_err();
    assert!(failure.kind == Kind::Incomplete && failure.reason.contains("larger than 4 MiB"), "{failure}");
    let failure = command::run(&remote(), &flood(100 << 20), soon()).unwrap_err();
    assert!(failure.kind == Kind::Unproven && failure.reason.contains("larger than 4 MiB"), "{failure}");
}
