//! Tables for people: aligned by display width, one line a row.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::style::Style;

/// One cell: text without control characters, and how it is painted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    pub text: String,
    pub style: Style,
}

impl Cell {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style }
    }
}

/// Header and rows as lines. Columns are two blanks apart; the last one is not padded. A row with fewer cells than the header
/// has a last cell that runs on over the columns it lacks. `width` (terminal columns) cuts longer lines, with `…` at the cut.
pub fn lines(header: &[&str], rows: &[Vec<Cell>], width: Option<usize>) -> Vec<String> {
    let widths = widths(header, rows);
    let title: Vec<Cell> = header.iter().map(|title| Cell::new(*title, Style::Bold)).collect();
    std::iter::once(&title).chain(rows).map(|row| line(row, &widths, width.unwrap_or(usize::MAX))).collect()
}

/// How wide each column is, in terminal columns.
pub fn widths(header: &[&str], rows: &[Vec<Cell>]) -> Vec<usize> {
    let mut widths: Vec<usize> = header.iter().map(|title| title.width()).collect();
    for row in rows {
        let fixed = if row.len() < header.len() { row.len().saturating_sub(1) } else { row.len() };
        for (column, cell) in widths.iter_mut().zip(&row[..fixed]) {
            *column = (*column).max(cell.text.width());
        }
    }
    widths
}

fn line(row: &[Cell], widths: &[usize], limit: usize) -> String {
    let mut out = String::new();
    let mut left = limit;
    for (at, (cell, &width)) in row.iter().zip(widths).enumerate() {
        let text = fit(&cell.text, left);
        let used = text.width();
        out.push_str(&cell.style.paint(&text));
        let gap = if at + 1 == row.len() { 0 } else { (width.saturating_sub(used) + 2).min(left - used) };
        out.push_str(&" ".repeat(gap));
        left -= used + gap;
        if left == 0 {
            break;
        }
    }
    out.trim_end().to_owned()
}

/// `text` in at most `width` terminal columns.
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    if width > 0 {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[&str]) -> Vec<Cell> {
        cells.iter().map(|text| Cell::new(*text, Style::Plain)).collect()
    }

    #[test]
    fn columns_are_aligned_by_display_width() {
        let lines = lines(&["NAME", "SESSIONS"], &[row(&["日本", "a"]), row(&["worker-1", "b"])], None);
        assert_eq!(lines, ["NAME      SESSIONS", "日本      a", "worker-1  b"]);
    }

    #[test]
    fn a_short_rows_last_cell_widens_no_column() {
        let lines = lines(&["NAME", "SESSIONS", "QUEUE"], &[row(&["a", "why it did not answer"]), row(&["b", "s", "-"])], None);
        assert_eq!(lines, ["NAME  SESSIONS  QUEUE", "a     why it did not answer", "b     s         -"]);
    }

    #[test]
    fn a_long_line_is_cut_visibly() {
        let lines = lines(&["NAME", "SESSIONS"], &[row(&["worker-1", "abcdefgh"])], Some(14));
        assert_eq!(lines[1], "worker-1  abc…");
    }

    #[test]
    fn a_wide_character_is_not_cut_in_half() {
        assert_eq!(fit("日本語", 4), "日…");
        assert_eq!(fit("日本語", 0), "");
    }
}
