//! Waiting for a key, so that a message stays until somebody has read it.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// Somebody who was typing when the message came did not mean it.
const DEAF: Duration = Duration::from_secs(1);

/// Say `hint`, then wait for a key.
///
/// # Errors
/// There is no terminal.
pub fn wait(hint: &str) -> io::Result<()> {
    super::remember()?;
    writeln!(io::stdout(), "\n{}", super::style::Style::Dim.paint(&format!("[{hint}]")))?;
    enable_raw_mode()?;
    let waited = first_key(Instant::now() + DEAF);
    disable_raw_mode()?;
    super::forget();
    waited
}

/// Ask a question that `y` answers with yes, and any other key with no.
///
/// # Errors
/// There is no terminal.
pub fn confirm(question: &str) -> io::Result<bool> {
    super::remember()?;
    let mut out = io::stdout();
    write!(out, "{question} [y/N] ")?;
    out.flush()?;
    enable_raw_mode()?;
    let answer = answer();
    disable_raw_mode()?;
    super::forget();
    writeln!(out)?;
    answer
}

fn answer() -> io::Result<bool> {
    loop {
        if let Event::Key(key) = event::read()?
            && key.kind == KeyEventKind::Press
        {
            return Ok(matches!(key.code, KeyCode::Char('y' | 'Y')));
        }
    }
}

fn first_key(heard_from: Instant) -> io::Result<()> {
    let mut told = false;
    loop {
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Press => {}
            Event::Key(_) if Instant::now() >= heard_from => return Ok(()),
            // Not eaten in silence, and said once however much was typed.
            Event::Key(_) if !std::mem::replace(&mut told, true) => {
                let said = super::style::Style::Dim.paint("[that key came before this could be read: press one again]");
                write!(io::stdout(), "{said}\r\n")?;
            }
            _ => {}
        }
    }
}
