//! What the preview says of a row that is no session: what is the matter, and what to do about it.

use crate::failure::{Failure, Kind};
use crate::registry::names::WorkerName;
use crate::terminal::{neutralise, wrap};

/// A worker that answered, without sessions.
pub fn no_sessions(worker: &WorkerName, width: usize) -> String {
    paragraphs(&[&format!("{worker} is running and has no session."), "Alt-g dispatches an issue to it."], width)
}

/// The same, where another container of its pod has some.
pub fn elsewhere(worker: &WorkerName, said: &str, width: usize) -> String {
    paragraphs(&[&format!("{worker} is running and has no session."), said, "Ctrl-r asks it again."], width)
}

/// A worker, or a look at a session, that failed: what failed, why, and the remedy.
pub fn failed(worker: &WorkerName, failure: &Failure, width: usize) -> String {
    let what = format!("{worker} {}", failure.predicate());
    // The file is read when the picker is opened.
    let again = if failure.kind == Kind::Invalid { "" } else { "Ctrl-r asks it again." };
    paragraphs(&[&what, &failure.reason, &failure.remedy(), again], width)
}

/// Each text as a paragraph of lines of at most `width` columns; empty ones are left out.
fn paragraphs(texts: &[&str], width: usize) -> String {
    let texts = texts.iter().filter(|text| !text.is_empty());
    texts.map(|text| wrap::lines(&neutralise::line(text), width).join("\n")).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_the_room_there_is() {
        let failure = Failure::new(Kind::Unreachable, "connection\nrefused by the server").with_remedy("start it");
        let text = failed(&"dead".parse().unwrap(), &failure, 20);
        assert_eq!(text, "dead is unreachable\n\nconnection refused\nby the server\n\nstart it\n\nCtrl-r asks it\nagain.");
    }

    #[test]
    fn what_a_worker_has_not_is_no_state_that_it_is_in() {
        let failure = Failure::new(Kind::NoTmux, "there is no tmux in it");
        assert!(failed(&"w".parse().unwrap(), &failure, 60).starts_with("w has no tmux\n"));
    }
}
