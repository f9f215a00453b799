//! Whether and how our own text is coloured.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::cli::Color;

static COLOUR: AtomicBool = AtomicBool::new(false);

/// Decide once for standard output: `--color`, else `NO_COLOR` (no-color.org), else whether it is a terminal.
pub fn choose(color: Color) {
    let on = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
            !refused && !dumb && io::stdout().is_terminal()
        }
    };
    COLOUR.store(on, Ordering::Relaxed);
}

/// Whether standard output gets colour.
pub fn colour() -> bool {
    COLOUR.load(Ordering::Relaxed)
}

/// What a piece of our own text means; the terminal's palette decides how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Bold,
    Dim,
    Good,
    Warn,
    Bad,
}

impl Style {
    /// `text` in this style when colour is on.
    pub fn paint(self, text: &str) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            _ if !colour() => return text.to_owned(),
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "31",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}
