//! Waiting for a key, so that a message stays until somebody has read it; and which keys are those of somebody who has.
//!
//! Whoever types without a look goes on typing for a moment, and what is typed after a window or a popup is gone runs in the
//! one beneath. So a key that closes something counts only after a while without any, and when none follows it: no word that
//! is typed blind closes anything.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crossterm::event::{self, Event, KeyCode, KeyEventKind};
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};

/// How long nobody typed before a key that counts.
pub const QUIET: Duration = Duration::from_secs(1);
/// How long nothing follows the key that closes.
pub const AFTER: Duration = Duration::from_millis(400);

/// Say `hint`, then wait for a key.
///
/// # Errors
/// There is no terminal.
pub fn wait(hint: &str) -> io::Result<()> {
    super::remember()?;
    writeln!(io::stdout(), "\n{}", super::style::Style::Dim.paint(&format!("[{hint}]")))?;
    enable_raw_mode()?;
    let waited = key_that_counts();
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

fn key_that_counts() -> io::Result<()> {
    let (mut last, mut told) = (Instant::now(), false);
    let mut counts = None;
    loop {
        let left = counts.map(|at: Instant| at.saturating_duration_since(Instant::now()));
        if !event::poll(left.unwrap_or(QUIET))? {
            if counts.is_some() {
                return Ok(());
            }
            continue;
        }
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Press => continue,
            Event::Key(_) => {}
            _ => continue,
        }
        let quiet = last.elapsed() >= QUIET;
        last = Instant::now();
        counts = quiet.then(|| last + AFTER);
        // Not eaten in silence, and said once however much was typed.
        if !quiet && !std::mem::replace(&mut told, true) {
            let said = super::style::Style::Dim.paint("[a key counts after a second without any: press one again]");
            write!(io::stdout(), "{said}\r\n")?;
        }
    }
}
