//! A polecat without tmux in a window: its log, as it comes, until it has ended.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cli::Attach;
use crate::commands::Context;
use crate::commands::worker_state;
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::gastown;
use crate::local::tmux::Tmux;
use crate::local::windows;
use crate::registry::names::Address;
use crate::remote::polecat_log::Log;
use crate::remote::session::State;
use crate::terminal::neutralise;
use crate::view;
use crate::view::log::{self, LogOutcome, LogView, Look};

/// # Errors
/// There is no terminal.
pub fn follow(context: &Context, args: &Attach, address: &Address, log: &Log) -> Result<Code> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let what = "attach needs a terminal, and this is none";
        let remedy = format!("read the log instead: `factory-worker polecat logs {}`", log.polecat());
        return Err(Problem::new(Code::Failed, what, remedy).into());
    }
    if args.in_window {
        // Nice to know, and no reason not to follow.
        let _ = Tmux::current().and_then(|tmux| windows::note_pod(&tmux, log.pod.as_str()));
    }
    let title = format!("the log of polecat {}", log.polecat());
    let look = || look(log, context.timeout());
    let view = LogView { log, title: &title, look: &look, timeout: context.timeout(), in_window: args.in_window };
    match log::follow(&view)? {
        LogOutcome::Left => Ok(Code::Done),
        LogOutcome::Ended(how) => {
            writeln!(io::stdout(), "{} has ended: {how}", neutralise::line(&address.to_string()))?;
            if args.in_window {
                // The window closes with us, and takes along what the agent said at its end.
                view::hold(false)?;
            }
            Ok(Code::Done)
        }
    }
}

/// How it is with the polecat, one kubectl process.
fn look(log: &Log, timeout: Duration) -> Result<Look, Failure> {
    let found = gastown::find(&log.cluster, None, Duration::MAX, Instant::now() + timeout)?;
    let Some(found) = found.into_iter().find(|found| found.polecat.name == *log.polecat()) else {
        return Ok(Look { pod: None, over: Some("it was deleted".to_owned()) });
    };
    let answer = found.told?;
    let state = answer.standing.as_ref().map(|standing| standing.state);
    match state {
        Some(State::Done | State::Failed | State::Stopped) => {
            Ok(Look { pod: found.uid, over: Some(neutralise::line(&worker_state::of(&answer).0)) })
        }
        // Between the pods of a retry, or until somebody gives it work.
        Some(State::Idle) => Err(Failure::new(Kind::Pending, format!("polecat {} is idle", log.polecat()))),
        _ => Ok(Look { pod: found.uid, over: None }),
    }
}
