//! What the parts of a form look like, in the terminal's own palette.

use ratatui::style::{Color, Modifier, Style};

use crate::terminal::style;

/// What is there to be read, but not first.
pub fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}

/// What is wrong.
pub fn bad() -> Style {
    if style::colour() { Style::new().fg(Color::Red) } else { Style::new().add_modifier(Modifier::BOLD) }
}
