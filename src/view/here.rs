//! Something that is not a session, on our terminal until it ends: a shell in a pod.

use std::io;
use std::process::Command;

use super::foreground::{Ended, Foreground};
use super::restore::Terminal;
use super::terminal;

/// `env TERM=…` for a command in a pod: exec does not hand it on, and our own may be unknown there.
pub fn terminal_type() -> [String; 2] {
    let types = terminal::types();
    let plain = types.split(' ').next_back().unwrap_or("xterm");
    ["env".to_owned(), format!("TERM={plain}")]
}

/// Run it, and put the terminal back.
///
/// # Errors
/// There is no terminal, or the command cannot be started.
pub fn run_here(command: Command) -> io::Result<Ended> {
    let terminal = Terminal::remember()?;
    let foreground = Foreground::take();
    let ended = foreground.run(command);
    terminal.restore();
    ended
}
