//! What the session's client is told about our terminal.

use std::env;

use crate::local::version::{self, Version};
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
    const TMUX: &str = "RGB,extkeys,usstyle,cstyle,ccolour,strikethrough,overline,hyperlinks";
    let true_colour = env::var("COLORTERM").is_ok_and(|value| matches!(value.as_str(), "truecolor" | "24bit"));
    match (in_tmux(), true_colour) {
        (true, _) => format!("{ANY},{TMUX}"),
        (false, true) => format!("{ANY},RGB"),
        (false, false) => ANY.to_owned(),
    }
}

/// The command that gives another terminal its rows and columns, or nothing when it does not say. kubectl tells them too, a round trip after the command has begun.
pub fn size() -> String {
    Block::terminal_size().map_or_else(String::new, |(columns, rows)| format!("stty rows {rows} cols {columns}"))
}

/// Whether our terminal says how large it is the wrong way round when it is asked (`CSI 18 t`): a tmux up to 3.3a says columns
/// and rows. One that does not say which it is may be such a one, too.
pub fn misstates_size() -> bool {
    in_tmux() && !version::of_pane().is_some_and(|version| Version::parse(&version).at_least(3, 4))
}

/// How `enter.sh` may tell the operator's tmux what it shows: as the pane's directory (`#{pane_path}`), which programs say to
/// their terminal by OSC 7. `seamless` when the session may take the keys of a view (the plugin looks at that).
pub fn tells(takes_keys: bool) -> &'static str {
    match (in_tmux(), takes_keys) {
        (false, _) => "",
        (true, true) => "seamless",
        (true, false) => "session",
    }
}

/// What takes that back; nothing for a terminal that was not told.
pub fn nothing_shown() -> &'static str {
    if in_tmux() { "\x1b]7;\x1b\\" } else { "" }
}

fn in_tmux() -> bool {
    env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
}
