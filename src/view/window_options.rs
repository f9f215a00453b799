//! What the operator's tmux is told of a view in one of its windows.

use super::plan::State;
use crate::local::message;
use crate::local::tmux::Tmux;
use crate::local::windows;
use crate::registry::names::Address;
use crate::terminal::neutralise;

/// Tells it, in a window of ours; elsewhere it tells nobody. All of this is nice to know, and no reason to fail.
pub struct WindowOptions {
    tmux: Option<Tmux>,
    address: Address,
    state: Option<State>,
    pod: Option<String>,
}

impl WindowOptions {
    pub fn new(address: &Address, in_window: bool) -> Self {
        let tmux = if in_window { Tmux::current().ok() } else { None };
        Self { tmux, address: address.clone(), state: None, pod: None }
    }

    /// The session has another address now.
    pub fn follow(&mut self, address: &Address) {
        let old = std::mem::replace(&mut self.address, address.clone());
        if let Some(tmux) = &self.tmux {
            let _ = windows::follow(tmux, &old, address);
        }
    }

    /// How the connection is.
    pub fn state(&mut self, state: Option<State>) {
        let (Some(tmux), Some(now)) = (&self.tmux, state) else { return };
        if self.state != state {
            self.state = state;
            let _ = windows::note_state(tmux, &self.address, now.word(), now != State::Connected);
        }
    }

    /// Which pod the view is on.
    pub fn pod(&mut self, pod: Option<String>) {
        let (Some(tmux), Some(now)) = (&self.tmux, &pod) else { return };
        if self.pod != pod {
            let _ = windows::note_pod(tmux, now);
            self.pod = pod;
        }
    }

    /// The session is over, and the window goes.
    pub fn over(&self) {
        if let Some(tmux) = &self.tmux {
            message::say(tmux, &format!("{} has ended", neutralise::line(&self.address.to_string())));
        }
    }
}
