//! What the session's client is told about our terminal.

use std::env;

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

fn in_tmux() -> bool {
    env::var_os("TMUX").is_some_and(|value| !value.is_empty())
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-+._".contains(&byte))
}
