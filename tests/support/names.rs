//! Names of sessions that a test of escaping has to try.

/// Names that are attacks or accidents waiting to happen; every one is a legal tmux session name.
pub const HOSTILE_NAMES: &[&str] = &[
    "with space",
    " outer spaces ",
    "it's",
    "say \"hi\"",
    "a/b/c",
    "#(touch pwned)",
    "#{pane_id}",
    "#[fg=red]x",
    "semi;colon;",
    "ends;",
    "-leading",
    "$0",
    "@0",
    "%0",
    "=x",
    "{last}",
    "!",
    "^",
    "a*",
    "grün-日本語",
    "$(touch pwned)",
    "`touch pwned`",
    "100%",
];

/// A name of 200 characters.
pub fn long_name() -> String {
    "n".repeat(200)
}
