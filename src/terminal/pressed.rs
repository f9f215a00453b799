//! What was pressed on this terminal and nobody has read. When a popup ends, it is meant for what is below.

use std::io;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use crossterm::event::{self, Event};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Events in the order in which they came.
#[derive(Debug, Default)]
pub struct Pressed {
    /// Typed without a look, while something was done that the popup then told of: no text of it is meant for what is below.
    pub blind: Vec<Event>,
    /// All that came later.
    pub meant: Vec<Event>,
}

/// crossterm looks at the terminal only when it may wait a little.
pub const AT_ONCE: Duration = Duration::from_millis(1);

static PRESSED: Mutex<Pressed> = Mutex::new(Pressed { blind: Vec::new(), meant: Vec::new() });

fn pressed() -> MutexGuard<'static, Pressed> {
    PRESSED.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Give back what was read behind the key that ended something.
pub fn give_back(events: impl IntoIterator<Item = Event>) {
    pressed().meant.extend(events);
}

/// What was pressed until now was typed without a look.
///
/// # Errors
/// There is no terminal.
pub fn all_blind() -> io::Result<()> {
    let unread = unread(AT_ONCE)?;
    let mut pressed = pressed();
    let meant = std::mem::take(&mut pressed.meant);
    pressed.blind.extend(meant.into_iter().chain(unread));
    Ok(())
}

/// All that was pressed. What is on its way to the terminal may take `patience`.
///
/// # Errors
/// There is no terminal.
pub fn take(patience: Duration) -> io::Result<Pressed> {
    let unread = unread(patience)?;
    let mut all = std::mem::take(&mut *pressed());
    all.meant.extend(unread);
    Ok(all)
}

fn unread(patience: Duration) -> io::Result<Vec<Event>> {
    enable_raw_mode()?;
    let mut events = Vec::new();
    let read = loop {
        match event::poll(patience) {
            Ok(true) => match event::read() {
                Ok(event) => events.push(event),
                Err(error) => break Err(error),
            },
            Ok(false) => break Ok(events),
            Err(error) => break Err(error),
        }
    };
    disable_raw_mode()?;
    read
}
