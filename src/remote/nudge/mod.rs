//! Typing a prompt into a session, and finding out whether it arrived.

mod confirmation;

use std::time::{Duration, Instant};

use self::confirmation::{Echo, Screen, Seen};
use super::Remote;
use super::script::{self, Input, Parts};
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;
use crate::terminal::neutralise;

const SCRIPT: &str = concat!(include_str!("../unless.sh"), include_str!("nudge.sh"));

/// How long each of the script's two waits may take: for the text to show, and for the screen to change after Enter.
const PATIENCE: Duration = Duration::from_secs(2);
/// Kept of the deadline for the way there and back, and for tmux.
const RESERVE: Duration = Duration::from_secs(1);

/// What is known of a prompt that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The text was seen on the screen, Enter was pressed, and the program took it.
    Confirmed,
    /// The text was typed and nothing shows that the program took it. Enter was pressed (`entered`) only if the text
    /// was seen on the screen.
    Typed { entered: bool },
}

/// Type `text` into the session's active pane and press Enter once the text shows there.
///
/// # Errors
/// The text was not typed: `text` is empty or has a NUL byte, there is no such session, its pane is in a mode, dead or
/// takes no input, the worker could not be reached. Or `unproven`: the answer was cut, so it may have been typed.
pub fn nudge(remote: &Remote, session: &SessionName, text: &str, deadline: Instant) -> Result<Delivery, Failure> {
    check(text).map_err(|reason| Failure::new(Kind::Failed, reason).before_start())?;
    remote.takes_keys()?;
    let stdin = format!("{}\n{text}", confirmation::needle(text));
    let left = deadline.saturating_duration_since(Instant::now());
    let budget = patience(left).as_millis().to_string();
    let input = Input { arguments: &[&budget], stdin: stdin.as_bytes() };
    let parts = script::on_session(remote, SCRIPT, session, input, deadline)
        .map_err(|failure| unproven(remote.not_typed(session, failure)))?;
    match parts.get("refused") {
        Some(why) => Err(refused(&why.detail, "typed", &parts)),
        None => Ok(delivery(&parts, text)),
    }
}

/// How long each of the two waits may take when so much is left: a look that comes too late is worth nothing.
fn patience(left: Duration) -> Duration {
    ((left - RESERVE.min(left / 4)) / 2).min(PATIENCE)
}

/// Whether a text can be typed.
///
/// # Errors
/// There is nothing in it, or a NUL byte, which no terminal takes.
pub fn check(text: &str) -> Result<(), &'static str> {
    match text {
        text if text.trim().is_empty() => Err("there is no text to type"),
        text if text.contains('\0') => Err("the text has a NUL byte, which cannot be typed"),
        _ => Ok(()),
    }
}

/// Whatever broke after the command may have started: the text may have been typed, so nothing is ever tried again.
pub(super) fn unproven(failure: Failure) -> Failure {
    if failure.sent_nothing() {
        return failure;
    }
    Failure::new(Kind::Unproven, format!("sent, outcome unknown: {}", failure.reason))
}

/// Why nothing was done (`typed`, `sent`), in words.
pub(super) fn refused(why: &str, done: &str, parts: &Parts) -> Failure {
    let reason = match why {
        "mode" => {
            let reason = format!("the session is in copy mode (somebody is scrolling there), so nothing was {done}");
            return Failure::new(Kind::Failed, reason).before_start().with_remedy("leave the mode (q) and try again");
        }
        "dead" => format!("the session's program has ended, so nothing was {done}"),
        "input-off" => format!("the session's pane takes no input (select-pane -d), so nothing was {done}"),
        _ => {
            let said = neutralise::plain(&parts.stderr);
            format!("tmux refused, so nothing was {done}: {}", neutralise::line(said.trim()))
        }
    };
    Failure::new(Kind::Failed, reason).before_start()
}

fn delivery(parts: &Parts, text: &str) -> Delivery {
    let entered = parts.get("entered").is_some();
    let screen = |name: &str| parts.get(name).and_then(|part| Screen::parse(&part.text()));
    let (true, Some(before), Some(pasted)) = (entered, screen("before"), screen("pasted")) else {
        return Delivery::Typed { entered };
    };
    let now = parts.get("before").and_then(|part| part.detail.parse().ok());
    let mut echoes = parts.all("echo").map(|part| Echo::parse(&part.detail));
    let after = parts.all("after").filter_map(|part| {
        let time = Duration::from_millis(part.detail.parse().ok()?);
        Some((time, Screen::parse(&part.text())?))
    });
    let seen = Seen {
        needle: confirmation::needle(text),
        now,
        before,
        pasted,
        after: after.collect(),
        echo_before: echoes.next().unwrap_or_default(),
        echo_after: echoes.next().unwrap_or_default(),
    };
    if seen.proves_delivery() { Delivery::Confirmed } else { Delivery::Typed { entered } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_deadline_leaves_time_to_look() {
        for (left, each) in [(0, 0), (400, 150), (1_000, 375), (4_000, 1_500), (30_000, 2_000)] {
            let (left, each) = (Duration::from_millis(left), Duration::from_millis(each));
            assert_eq!(patience(left), each);
            assert!(each * 2 + RESERVE.min(left / 4) <= left);
        }
    }
}
