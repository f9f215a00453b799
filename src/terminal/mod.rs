//! The operator's terminal: what may be written to it, and how.

pub mod age;
pub mod block;
pub mod form;
pub mod json;
pub mod key;
pub mod line_ends;
pub mod neutralise;
pub mod pane;
pub mod pressed;
pub mod progress;
pub mod reader;
pub mod screen;
pub mod shell;
pub mod style;
pub mod table;
pub mod wrap;

use std::io::{self, Write};
use std::panic;
use std::sync::{Mutex, MutexGuard, Once};

use nix::sys::termios::{SetArg, Termios, tcgetattr, tcsetattr};

pub use progress::undisturbed;

/// What to put back when we are ended while a form, a popup or a picker owns the terminal.
static SAVED: Mutex<Option<Termios>> = Mutex::new(None);

/// Lines that wait until nobody draws on the terminal any more.
static NOTES: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// More notes than anybody reads after a popup has closed.
const NOTES_KEPT: usize = 1000;

fn saved() -> MutexGuard<'static, Option<Termios>> {
    SAVED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Keep the terminal's modes, before they are changed.
///
/// # Errors
/// Standard input is no terminal.
pub fn remember() -> io::Result<()> {
    restore_on_panic();
    *saved() = Some(tcgetattr(io::stdin())?);
    Ok(())
}

/// A panic ends a release build at once, without destructors, and its message must not go to the alternate screen.
fn restore_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            restore();
            report(panic);
        }));
    });
}

/// Whether somebody of ours draws on it: a form, a popup, a picker.
pub fn is_taken() -> bool {
    saved().is_some()
}

/// The terminal has its own modes again.
pub fn forget() {
    let mut saved = saved();
    saved.take();
    let notes = std::mem::take(&mut *NOTES.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    let mut out = io::stderr().lock();
    for line in notes {
        let _ = writeln!(out, "{line}");
    }
}

/// Write a line to standard error; while somebody draws on the terminal, later.
pub fn note(line: &str) {
    let saved = saved();
    if saved.is_none() {
        let _ = writeln!(io::stderr().lock(), "{line}");
        return;
    }
    let mut notes = NOTES.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if notes.len() < NOTES_KEPT {
        notes.push(line.to_owned());
    }
}

/// Extended keys, bracketed paste and mouse off, the cursor shown, the main screen.
const RESTORED: &str = "\x1b[<1u\x1b[?2004l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Put the terminal back as it was before we changed it; does nothing when we did not. For an end that runs no
/// destructors: a signal, a panic.
pub fn restore() {
    if let Some(modes) = saved().take() {
        let mut out = io::stdout();
        let _ = out.write_all(RESTORED.as_bytes());
        let _ = out.flush();
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &modes);
    }
}
