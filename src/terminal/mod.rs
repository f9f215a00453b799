//! The operator's terminal: what may be written to it, and how.

pub mod age;
pub mod key;
pub mod live;
pub mod neutralise;
pub mod progress;
pub mod screen;
pub mod shell;
pub mod style;
pub mod table;

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

/// What to put back when we are ended while a form, a popup or a picker owns the terminal.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

fn saved() -> MutexGuard<'static, Option<Termios>> {
    SAVED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Keep the terminal's modes, before they are changed.
///
/// # Errors
/// Standard input is no terminal.
pub fn remember() -> io::Result<()> {
    *saved() = Some(tcgetattr(io::stdin())?);
    Ok(())
}

/// The terminal has its own modes again.
pub fn forget() {
    saved().take();
}

/// Put the terminal back as it was before we changed it; does nothing when we did not. For an end that runs no
/// destructors: a signal.
pub fn restore() {
    if let Some(modes) = saved().take() {
        let mut out = io::stdout();
        // Bracketed paste and mouse off, the cursor shown, the main screen.
        let _ = out.write_all(b"\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?25h\x1b[?1049l");
        let _ = out.flush();
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &modes);
    }
}
