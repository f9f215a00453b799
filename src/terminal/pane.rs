//! What a session has on its screen, as we show it.

use super::{neutralise, style};

/// What stands in place of a screen without a letter on it.
const NOTHING: &str = "(nothing on its screen yet)";

/// Harmless, with its colours when colour is on.
pub fn raw(pane: &[u8]) -> String {
    if style::colour() { neutralise::coloured(pane) } else { neutralise::plain(pane) }
}

/// The same for people who look at it: an empty screen says that it is one.
pub fn text(pane: &[u8]) -> String {
    if neutralise::plain(pane).trim().is_empty() { NOTHING.to_owned() } else { raw(pane) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_screen_says_so_whatever_its_colours() {
        assert_eq!(text(b""), NOTHING);
        assert_eq!(text(b"\x1b[44m  \x1b[0m\n"), NOTHING);
        assert_ne!(text(b" $\n"), NOTHING);
    }
}
