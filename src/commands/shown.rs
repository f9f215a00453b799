//! Which windows show which session by now: what the operator's tmux says of them, with the names that views have heard since.

use anyhow::Result;

use crate::local::tmux::Tmux;
use crate::local::windows::{self, View};
use crate::registry::identity::SessionIdentity;
use crate::registry::names::Address;
use crate::state::ledger;

/// All panes that show the session, in tmux's order. One tmux command.
///
/// # Errors
/// As [`windows::find`].
pub fn find(tmux: &Tmux, address: &Address) -> Result<Vec<View>> {
    let shown = ledger::shown();
    windows::find(tmux, address, |process| Some(shown.get(&process)?.name.clone()))
}

/// What the window below a popup shows.
pub struct Below {
    pub address: Address,
    /// Which session that is, whatever it is called; `None` when that is not known.
    pub meant: Option<SessionIdentity>,
}

/// The session that the window (or pane) we run over shows; `None` when it shows none of ours. One tmux command.
///
/// # Errors
/// As [`windows::shown`].
pub fn below(tmux: &Tmux) -> Result<Option<Below>> {
    let Some((mut address, process)) = windows::shown(tmux)? else { return Ok(None) };
    let shown = ledger::shown().remove(&process);
    if let Some(shown) = &shown {
        address.session = shown.name.clone();
    }
    Ok(Some(Below { address, meant: shown.map(|shown| shown.identity) }))
}
