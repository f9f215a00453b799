//! What the session's client is told about our terminal.

use std::env;

use crate::terminal::block::Block;

/// Names of terminal types, best first, separated by spaces. Inside tmux those are tmux's own.
pub fn types() -> String {
    const TMUX: &str = "tmux-256color screen-256color xterm-256color";
    match env::var("TERM") {
        // It travels as one word that a script splits, so nothing but a plain name may pass.
        Ok(own) if !in_tmux() && is_plain(&own) => format!("{own} xterm-256color screen-256color"),
        _ => TMUX.to_owned(),
    }
}

/// What the terminal can do beyond its terminfo entry, in tmux's words (`-T`). tmux forgets what follows a word that it
/// does not know, so the newest words come last. A tmux passes on what *its* terminal can do and makes the best of the rest.
pub fn features() -> String {
    const ANY: &str = "256,clipboard,title,mouse,focus,bpaste";
    const TMUX: &str = "RGB,extkeys,usstyle,cstyle,strikethrough,overline,hyperlinks";
    let true_colour = env::var("COLORTERM").is_ok_and(|value| matches!(value.as_str(), "truecolor" | "24bit"));
    match (in_tmux(), true_colour) {
        (true, _) => format!("{ANY},{TMUX}"),
        (false, true) => format!("{ANY},RGB"),
        (false, false) => ANY.to_owned(),
    }
}

/// Its rows and columns, or nothing when it does not say. kubectl tells them too, a round trip after the command has begun.
pub fn size() -> String {
    Block::terminal_size().map_or_else(String::new, |(columns, rows)| format!("{rows} {columns}"))
}

/// What tells the operator's tmux that the session takes the keys of a view (the plugin looks at `#{pane_path}`). Nobody
/// else's output can: it is the one thing a session says of itself that a client does not pass on.
pub fn seamless() -> String {
    if in_tmux() { path("factory-worker:seamless") } else { String::new() }
}

/// What takes that back; nothing for a terminal that was not told.
pub fn not_seamless() -> String {
    if in_tmux() { path("") } else { String::new() }
}

/// OSC 7: the pane's directory, as programs say it to their terminal.
fn path(directory: &str) -> String {
    format!("\x1b]7;{directory}\x1b\\")
}

fn in_tmux() -> bool {
    env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
}
