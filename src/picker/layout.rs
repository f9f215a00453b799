//! How the terminal is divided: the preview stands where there is room for it.

use skim::tui::options::PreviewLayout;
use skim::tui::{App, Direction, Size};

use crate::terminal::block::Block;

/// From this many columns on, there is room for list and preview side by side.
const WIDE: usize = 100;
/// From this many rows on, there is room for list and preview one above the other.
const HIGH: usize = 16;
/// Rows of the query and the header.
const HEAD: u16 = 3;

/// The size of the terminal, in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    columns: usize,
    rows: usize,
}

/// Where the preview is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Right of the list.
    Beside,
    /// Below the list.
    Below,
    /// In place of the list.
    Instead,
    Nowhere,
}

impl Layout {
    pub fn new(columns: usize, rows: usize) -> Self {
        Self { columns, rows }
    }

    /// That of the terminal, as it is now.
    pub fn of_terminal() -> Self {
        let (columns, rows) = Block::terminal_size().unwrap_or((80, 24));
        Self::new(columns, rows)
    }

    /// Where the preview stands in this room. `needed`: it was asked for.
    pub fn place(self, needed: bool) -> Place {
        if self.columns >= WIDE {
            Place::Beside
        } else if needed {
            Place::Instead
        } else if self.rows >= HIGH {
            Place::Below
        } else {
            Place::Nowhere
        }
    }

    /// Columns of the query, the header and the list.
    pub fn list_columns(self) -> usize {
        if self.place(false) == Place::Beside { self.columns / 2 } else { self.columns }
    }

    /// Columns and rows of what a preview in this place shows, without the line between it and the list.
    pub fn preview(self, place: Place) -> (usize, usize) {
        match place {
            Place::Beside => ((self.columns / 2).saturating_sub(1), self.rows),
            Place::Below => (self.columns, (self.rows / 2).saturating_sub(1)),
            Place::Instead => (self.columns, self.rows.saturating_sub(1 + usize::from(HEAD))),
            Place::Nowhere => (0, 0),
        }
    }

    /// Divide skim's screen like this, from its next drawing on.
    pub fn divide(self, app: &mut App, place: Place) {
        app.options.preview_window = place.window();
        app.preview.direction = app.options.preview_window.direction;
        let [columns, rows] = [self.columns, self.rows].map(|size| u16::try_from(size).unwrap_or(u16::MAX));
        app.resize(columns, rows);
    }
}

impl Place {
    /// What skim calls it.
    pub fn window(self) -> PreviewLayout {
        let (direction, size) = match self {
            Self::Beside => (Direction::Right, Size::Percent(50)),
            Self::Below | Self::Nowhere => (Direction::Down, Size::Percent(50)),
            // The rest of the screen.
            Self::Instead => (Direction::Down, Size::Neg(HEAD)),
        };
        PreviewLayout { direction, size, hidden: self == Self::Nowhere, ..PreviewLayout::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(120, 40, Place::Beside, Place::Beside)]
    #[case(100, 8, Place::Beside, Place::Beside)]
    #[case(80, 24, Place::Below, Place::Instead)]
    #[case(70, 18, Place::Below, Place::Instead)]
    #[case(40, 12, Place::Nowhere, Place::Instead)]
    #[case(1, 1, Place::Nowhere, Place::Instead)]
    fn the_preview_goes_where_there_is_room(
        #[case] columns: usize,
        #[case] rows: usize,
        #[case] place: Place,
        #[case] when_needed: Place,
    ) {
        let room = Layout::new(columns, rows);
        assert_eq!((room.place(false), room.place(true)), (place, when_needed));
    }
}
