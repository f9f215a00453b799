//! The terminal while the popup is on it.

use std::io::{self, Write};

use crate::terminal::block::Block;
use crate::terminal::screen::{FullScreen, Reports};

/// Rows that are on the terminal, so that only what changes is written.
pub struct Screen {
    drawn: Vec<String>,
    _reports: Reports,
    _screen: FullScreen,
}

impl Screen {
    /// # Errors
    /// Standard input or output is no terminal.
    pub fn open() -> io::Result<Self> {
        let screen = FullScreen::enter()?;
        Ok(Self { drawn: Vec::new(), _reports: Reports::on()?, _screen: screen })
    }

    /// Columns and rows.
    pub fn size() -> (usize, usize) {
        Block::terminal_size().unwrap_or((80, 24))
    }

    /// Nothing of what was drawn is sure to be there.
    pub fn forget(&mut self) {
        self.drawn.clear();
    }

    /// Show these rows and nothing else, in one write.
    pub fn draw(&mut self, rows: Vec<String>) -> io::Result<()> {
        if self.drawn == rows {
            return Ok(());
        }
        let mut text = changed(&self.drawn, &rows);
        self.drawn = rows;
        // A character that is wider than we know does not push what is behind it into the next row.
        text.insert_str(0, "\x1b[?7l");
        text.push_str("\x1b[?7h");
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

/// What makes the one the other on a terminal.
fn changed(drawn: &[String], rows: &[String]) -> String {
    let mut text = if drawn.is_empty() { "\x1b[0m\x1b[2J".to_owned() } else { String::new() };
    for (at, row) in rows.iter().enumerate() {
        if drawn.get(at) != Some(row) {
            text.push_str(&format!("\x1b[{};1H\x1b[2K{row}\x1b[0m", at + 1));
        }
    }
    for at in rows.len()..drawn.len() {
        text.push_str(&format!("\x1b[{};1H\x1b[2K", at + 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::first(&[], &["a", "b"], "\x1b[0m\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[0m\x1b[2;1H\x1b[2Kb\x1b[0m")]
    #[case::one_row(&["a", "b"], &["a", "c"], "\x1b[2;1H\x1b[2Kc\x1b[0m")]
    #[case::fewer(&["a", "b"], &["a"], "\x1b[2;1H\x1b[2K")]
    fn only_what_changes_is_written(#[case] drawn: &[&str], #[case] rows: &[&str], #[case] text: &str) {
        let owned = |rows: &[&str]| rows.iter().map(|&row| row.to_owned()).collect::<Vec<_>>();
        assert_eq!(changed(&owned(drawn), &owned(rows)), text);
    }
}
