//! Looking at a session without attaching to it.

use std::time::Instant;

use super::Remote;
use super::list;
use super::script::{self, Input};
use super::session::Session;
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;
use crate::terminal::neutralise;

const SCRIPT: &str = include_str!("peek.sh");

/// The last `lines` lines of the session's active pane, as tmux gives them (or of a polecat's log): with SGR sequences, and hostile until neutralised.
/// Padding at the end (rows of the screen that nothing was written to) does not count as lines.
///
/// # Errors
/// The worker could not be asked, or has no such session.
pub fn capture(remote: &Remote, session: &SessionName, lines: u32, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let look = || remote.look(|| of_tmux(remote, session, lines, deadline));
    let Some(log) = &remote.log else { return look() };
    let said = if log.is_all() { None } else { Some(look()) };
    match said {
        Some(Err(failure)) if log.stands_in(session, &failure) => log.last(session, lines, deadline),
        Some(result) => result,
        None => log.last(session, lines, deadline),
    }
    .map(|text| last_lines(&text, lines as usize).to_vec())
}

fn of_tmux(remote: &Remote, session: &SessionName, lines: u32, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let wanted = lines.to_string();
    let input = Input { arguments: &[&wanted], stdin: b"" };
    let parts = match script::on_session(remote, SCRIPT, session, input, deadline) {
        Err(failure) if failure.kind == Kind::NoShell => {
            return without_sh(remote, session, &wanted, deadline).map(|pane| last_lines(&pane, lines as usize).to_vec());
        }
        result => result?,
    };
    let (Some(pane), Some(end)) = (parts.get("pane"), parts.get("pane-end")) else {
        return Err(Failure::new(Kind::Incomplete, "the answer has no pane in it"));
    };
    if end.detail != "0" {
        let said = neutralise::plain(&parts.stderr);
        return Err(Failure::new(Kind::Failed, format!("tmux cannot show the pane: {}", neutralise::line(said.trim()))));
    }
    Ok(last_lines(&pane.body, lines as usize).to_vec())
}

/// A container without sh: the session's id from tmux's own listing, then its pane, each closed by a sentinel.
fn without_sh(remote: &Remote, session: &SessionName, lines: &str, deadline: Instant) -> Result<Vec<u8>, Failure> {
    let answer = list::without_sh(remote, deadline)?;
    let mut named = answer.sessions.iter().filter(|there| there.name == *session);
    let (Some(Session { id: Some(id), .. }), None) = (named.next(), named.next()) else {
        let name = neutralise::line(session.as_str());
        return Err(Failure::new(Kind::NoSession, format!("there is no session {name:?}, or more than one")));
    };
    let (from, target) = (format!("-{lines}"), format!("{}:", id.as_str()));
    list::tmux_alone(remote, &["capture-pane", "-p", "-e", "-S", &from, "-t", &target], deadline)?
        .map_err(|said| Failure::new(Kind::Incomplete, format!("tmux cannot show the pane: {}", neutralise::line(said.trim()))))
}

/// The last lines that are not padding. `capture-pane -S -N` gives N lines of history *and* the whole screen.
fn last_lines(pane: &[u8], lines: usize) -> &[u8] {
    let mut ends: Vec<usize> = pane.iter().enumerate().filter(|&(_, &byte)| byte == b'\n').map(|(at, _)| at + 1).collect();
    if ends.last() != Some(&pane.len()) {
        ends.push(pane.len());
    }
    let start = |line: usize| if line == 0 { 0 } else { ends[line - 1] };
    let filled = (0..ends.len()).rposition(|line| !is_padding(&pane[start(line)..ends[line]])).map_or(0, |last| last + 1);
    match filled {
        0 => &[],
        filled => &pane[start(filled.saturating_sub(lines))..ends[filled - 1]],
    }
}

/// A line that shows nothing: blanks and SGR sequences only.
fn is_padding(line: &[u8]) -> bool {
    neutralise::plain(line).trim().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("a\nb\n\n\n", 50, "a\nb\n")]
    #[case("a\nb\nc\n\n", 2, "b\nc\n")]
    #[case("a\n\nc\n", 2, "\nc\n")]
    #[case("\n\n\n", 3, "")]
    #[case("", 3, "")]
    #[case("a\n\x1b[31m \x1b[0m\n", 9, "a\n")]
    fn padding_at_the_end_is_no_line(#[case] pane: &str, #[case] lines: usize, #[case] kept: &str) {
        assert_eq!(last_lines(pane.as_bytes(), lines), kept.as_bytes());
    }

    proptest! {
        #[test]
        fn the_last_lines_are_a_part_of_the_pane(pane in "[a \n\u{1b}\\[m0]{0,60}", lines in 0..9u32) {
            let kept = last_lines(pane.as_bytes(), lines as usize);
            let kept = std::str::from_utf8(kept).unwrap();
            prop_assert!(pane.contains(kept) && kept.lines().count() <= lines as usize);
            prop_assert!(kept.is_empty() || !is_padding(kept.lines().last().unwrap().as_bytes()));
        }
    }
}
