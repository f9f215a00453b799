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

/// Where the wheel and the buttons of the mouse were used, and where a paste begins and ends. [`super::restore`] switches off the same.
const REPORTS_ON: &str = "\x1b[?1000h\x1b[?1006h\x1b[?2004h";
const REPORTS_OFF: &str = "\x1b[?2004l\x1b[?1006l\x1b[?1000l";

/// While this lives, the terminal tells of the mouse, and marks what is pasted.
pub struct Reports(());

impl Reports {
    /// For a terminal that is ours by now ([`FullScreen`]).
    pub fn on() -> io::Result<Self> {
        let reports = Self(());
        write(REPORTS_ON)?;
        Ok(reports)
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        let _ = write(REPORTS_OFF);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::RESTORED;

    #[test]
    fn an_end_without_destructors_switches_off_the_same_reports() {
        for mode in REPORTS_ON.split_inclusive('h') {
            let off = mode.replace('h', "l");
            assert!(REPORTS_OFF.contains(&off) && RESTORED.contains(&off), "{mode:?} stays on");
        }
    }
}
