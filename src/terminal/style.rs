//! Whether and how our own text is coloured.

use std::env;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};

static COLOUR: AtomicBool = AtomicBool::new(false);

/// Decide once for standard output: what is `wanted`, else `NO_COLOR` (no-color.org), else whether it is a terminal.
pub fn choose(wanted: Option<bool>) {
    COLOUR.store(wanted.unwrap_or_else(welcome), Ordering::Relaxed);
}

fn welcome() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    !refused && !dumb && io::stdout().is_terminal()
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
