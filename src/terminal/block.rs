//! A block of lines on a terminal that is redrawn in place.

use std::io::{self, Write};

use crossterm::terminal;

/// Lines that were written and can be written over.
#[derive(Default)]
pub struct Block {
    height: usize,
}

impl Block {
    /// Columns and rows of the terminal on standard output, if they are known.
    pub fn terminal_size() -> Option<(usize, usize)> {
        terminal::size()
            .ok()
            .map(|(columns, rows)| (columns.into(), rows.into()))
            .filter(|&(columns, rows)| columns > 0 && rows > 0)
    }

    /// Replace the block by these lines, in one write. Each must fit the terminal's width.
    pub fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = String::new();
        if self.height > 0 {
            text.push_str(&format!("\x1b[{}A\r", self.height));
        }
        for line in lines {
            text.push_str(line);
            text.push_str("\x1b[K\n");
        }
        text.push_str("\x1b[J");
        self.height = lines.len();
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}
