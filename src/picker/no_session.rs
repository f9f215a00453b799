//! What the preview says of a row that is no session: what is the matter, and what to do about it.

use unicode_width::UnicodeWidthStr;

use crate::failure::Failure;
use crate::registry::names::WorkerName;
use crate::terminal::neutralise;

/// A worker that answered, without sessions.
pub fn no_sessions(worker: &WorkerName, width: usize) -> String {
    paragraphs(&[&format!("{worker} is running and has no session."), "Alt-g dispatches an issue to it."], width)
}

/// A worker, or a look at a session, that failed: what failed, why, and the remedy.
pub fn failed(worker: &WorkerName, failure: &Failure, width: usize) -> String {
    let what = format!("{worker} is {}", failure.status());
    paragraphs(&[&what, &failure.reason, failure.remedy(), "Ctrl-r asks it again."], width)
}

/// Each text as a paragraph of lines of at most `width` columns; empty ones are left out.
fn paragraphs(texts: &[&str], width: usize) -> String {
    let texts = texts.iter().filter(|text| !text.is_empty());
    texts.map(|text| wrapped(&neutralise::line(text), width)).collect::<Vec<_>>().join("\n\n")
}

/// Broken between words; a word that is longer than a line stays whole.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn a_failure_is_told_in_the_room_there_is() {
        let failure = Failure::new(Kind::Unreachable, "connection\nrefused by the server").with_remedy("start it");
        let text = failed(&"dead".parse().unwrap(), &failure, 20);
        assert_eq!(text, "dead is unreachable\n\nconnection refused\nby the server\n\nstart it\n\nCtrl-r asks it\nagain.");
    }

    #[test]
    fn a_long_word_stays_whole() {
        assert_eq!(wrapped("a verylongword b", 5), "a\nverylongword\nb");
    }
}
