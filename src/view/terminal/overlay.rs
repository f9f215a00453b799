//! Lines at the bottom of the terminal, over whatever is there.

use super::restore::write;
use crate::terminal::block::Block;

/// What is drawn now.
#[derive(Debug, Default)]
pub struct Overlay {
    drawn: Vec<String>,
    size: (usize, usize),
}

impl Overlay {
    /// Columns and rows of the terminal.
    pub fn terminal_size() -> (usize, usize) {
        Block::terminal_size().unwrap_or((80, 24))
    }

    /// Draw these lines, each of at most a terminal's width, the last one on the bottom row. What is there already is not
    /// drawn again.
    pub fn draw(&mut self, lines: Vec<String>, size: (usize, usize)) {
        if self.drawn == lines && self.size == size {
            return;
        }
        write(&format!("{}{}", self.erasing(lines.len(), size), drawing(&lines, size)));
        self.drawn = lines;
        self.size = size;
    }

    /// Nothing of it is on the screen any more.
    pub fn forget(&mut self) {
        self.drawn.clear();
    }

    /// Clears the rows that are not drawn over.
    fn erasing(&self, height: usize, size: (usize, usize)) -> String {
        let rows_of = |height: usize, size: (usize, usize)| (size.1 + 1).saturating_sub(height).max(1)..=size.1;
        let kept = rows_of(height, size);
        let old = rows_of(self.drawn.len(), self.size).filter(|_| !self.drawn.is_empty());
        old.filter(|row| !kept.contains(row) && *row <= size.1).map(|row| format!("\x1b7\x1b[{row};1H\x1b[2K\x1b8")).collect()
    }
}

fn drawing(lines: &[String], (columns, rows): (usize, usize)) -> String {
    use unicode_width::UnicodeWidthStr;
    let lines = &lines[lines.len().saturating_sub(rows)..];
    let first = rows + 1 - lines.len();
    let mut text = "\x1b7".to_owned();
    for (row, line) in (first..).zip(lines) {
        // Spaces, not an erasure: not every terminal erases in reverse.
        let padding = " ".repeat(columns.saturating_sub(line.width()));
        text.push_str(&format!("\x1b[{row};1H\x1b[0;7m{line}{padding}\x1b[m"));
    }
    text + "\x1b8"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_at_the_bottom_and_as_wide_as_the_terminal() {
        let text = drawing(&["one".to_owned(), "two".to_owned()], (5, 10));
        assert_eq!(text, "\x1b7\x1b[9;1H\x1b[0;7mone  \x1b[m\x1b[10;1H\x1b[0;7mtwo  \x1b[m\x1b8");
    }

    #[test]
    fn a_terminal_with_too_few_rows_shows_the_last_lines() {
        assert_eq!(drawing(&["one".to_owned(), "two".to_owned()], (3, 1)), "\x1b7\x1b[1;1H\x1b[0;7mtwo\x1b[m\x1b8");
    }

    #[test]
    fn what_is_not_drawn_over_is_cleared() {
        let drawn = vec!["x".to_owned(); 2];
        let overlay = Overlay { drawn, size: (80, 24) };
        assert_eq!(overlay.erasing(1, (80, 24)), "\x1b7\x1b[23;1H\x1b[2K\x1b8");
        assert_eq!(overlay.erasing(2, (80, 24)), "");
        assert_eq!(overlay.erasing(1, (80, 30)), "\x1b7\x1b[23;1H\x1b[2K\x1b8\x1b7\x1b[24;1H\x1b[2K\x1b8");
        assert_eq!(Overlay::default().erasing(1, (80, 24)), "");
    }
}
