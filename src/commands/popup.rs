//! What runs in the popup that a key of the plugin opens. A failure stays on the screen until a key.
//!
//! tmux opens the popup itself, as part of the key's binding: were it opened from here, what is typed in the meantime
//! would go to the window's session.

use anyhow::Result;

use super::peek::popup::Ended;
use super::shown::{self, Below};
use super::{Context, dispatch, nudge, peek, pick, target};
use crate::cli::{Action, Pick, Popup, PopupKind};
use crate::exit::Code;
use crate::local::hand_on;
use crate::local::tmux::Tmux;
use crate::registry::names::Address;
use crate::terminal::key;

pub fn run(context: &Context, args: &Popup) -> Result<Code> {
    if let Err(error) = show(context, args.what) {
        super::report(&error);
        key::wait("press any key to close")?;
    }
    // What is pressed from now on is meant for what is below. Where that cannot be told to tmux, it is lost with the popup.
    let _ = Tmux::current().and_then(|tmux| hand_on::hand_on(&tmux));
    Ok(Code::Done)
}

fn show(context: &Context, what: PopupKind) -> Result<Code> {
    match what {
        PopupKind::Pick => pick_to(context, Action::Open),
        PopupKind::Dispatch => dispatch::form(context, session_below()?.map(|below| below.address.worker).as_ref()),
        PopupKind::Peek => match session_below()? {
            Some(Below { address: Address { worker, session }, meant }) => {
                let registry = context.registry_with(std::slice::from_ref(&worker))?;
                peek::popup::show(context, target::worker(&registry, &worker)?, &session, meant).map(Ended::code)
            }
            None => pick_to(context, Action::Peek),
        },
        PopupKind::Nudge => match session_below()? {
            Some(Below { address: Address { worker, session }, meant }) => {
                let registry = context.registry_with(std::slice::from_ref(&worker))?;
                nudge::form(context, target::worker(&registry, &worker)?, &session, meant)
            }
            None => pick_to(context, Action::Nudge),
        },
    }
}

/// The session that the window below the popup shows.
fn session_below() -> Result<Option<Below>> {
    shown::below(&Tmux::current()?)
}

fn pick_to(context: &Context, then: Action) -> Result<Code> {
    pick::run(context, &Pick { then })
}
