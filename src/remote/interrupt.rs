//! Ctrl-C for a session.

use std::time::Instant;

use super::script::{self, Input};
use super::{Remote, nudge};
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;

const SCRIPT: &str = concat!(include_str!("unless.sh"), include_str!("interrupt.sh"));

/// Send Ctrl-C to the session's active pane. Sent means that tmux took it; what the program makes of it is its business.
///
/// # Errors
/// Nothing was sent: there is no such session, its pane is in a mode (Ctrl-C would only leave the mode), dead or takes
/// no input, the worker could not be reached. Or `unproven`: the answer was cut, so it may have been sent.
pub fn interrupt(remote: &Remote, session: &SessionName, deadline: Instant) -> Result<(), Failure> {
    remote.takes_keys()?;
    let parts = script::on_session(remote, SCRIPT, session, Input::default(), deadline)
        .map_err(|failure| nudge::unproven(remote.not_typed(session, failure)))?;
    if let Some(why) = parts.get("refused") {
        return Err(nudge::refused(&why.detail, "sent", &parts));
    }
    match parts.get("sent") {
        Some(_) => Ok(()),
        None => Err(Failure::new(Kind::Unproven, "sent, outcome unknown: the worker did not say whether tmux took it")),
    }
}
