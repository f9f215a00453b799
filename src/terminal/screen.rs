//! A terminal that is ours for a while: raw mode and the alternate screen, put back in every case.

use std::io::{self, Write};

use crossterm::cursor::{Hide, Show};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{execute, terminal};

/// While this lives, the terminal is in raw mode on its alternate screen, without a cursor.
pub struct FullScreen(());

impl FullScreen {
    /// # Errors
    /// Standard input or output is no terminal.
    pub fn enter() -> io::Result<Self> {
        super::remember()?;
        terminal::enable_raw_mode()?;
        let screen = Self(());
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(screen)
    }
}

impl Drop for FullScreen {
    fn drop(&mut self) {
        let _ = execute!(io::stdout(), Show, LeaveAlternateScreen);
        let _ = io::stdout().flush();
        let _ = terminal::disable_raw_mode();
        super::forget();
    }
}
