//! The operator's terminal: what may be written to it, and how.

pub mod neutralise;
pub mod style;

use std::sync::Mutex;

use nix::sys::termios::Termios;

/// What to put back when we are interrupted while a form or a live table owns the terminal.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// Put the terminal back as it was before we changed it; does nothing when we did not.
pub fn restore() {
    let saved = SAVED.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
    if let Some(modes) = saved {
        let _ = nix::sys::termios::tcsetattr(std::io::stdin(), nix::sys::termios::SetArg::TCSANOW, &modes);
    }
}
