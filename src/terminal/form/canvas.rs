//! The terminal while a form is on it.

use std::io::{self, Stdout, stdout};

use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::execute;
use ratatui::backend::CrosstermBackend;
use ratatui::{Frame, Terminal};

use crate::terminal::screen::FullScreen;

/// The full screen with pastes marked as such; everything is put back in the order of the fields.
pub struct Canvas {
    terminal: Terminal<CrosstermBackend<Stdout>>,
    _pastes: MarkedPastes,
    _screen: FullScreen,
}

impl Canvas {
    /// # Errors
    /// Standard input or output is no terminal.
    pub fn open() -> io::Result<Self> {
        let screen = FullScreen::enter()?;
        let pastes = MarkedPastes::on()?;
        let terminal = Terminal::new(CrosstermBackend::new(stdout()))?;
        Ok(Self { terminal, _pastes: pastes, _screen: screen })
    }

    pub fn draw(&mut self, drawing: impl FnOnce(&mut Frame)) -> io::Result<()> {
        self.terminal.draw(drawing).map(drop)
    }
}

/// While this lives, the terminal says where a paste begins and ends.
struct MarkedPastes(());

impl MarkedPastes {
    fn on() -> io::Result<Self> {
        execute!(stdout(), EnableBracketedPaste)?;
        Ok(Self(()))
    }
}

impl Drop for MarkedPastes {
    fn drop(&mut self) {
        let _ = execute!(stdout(), DisableBracketedPaste);
    }
}
