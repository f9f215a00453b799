//! What there is on a worker, for `doctor`: sh, tmux, terminal types, the locale, programs. One exec.

use std::time::Instant;

use super::script::{self, Script};
use super::{Remote, tmux_words};
use crate::failure::{Failure, Kind};
use crate::terminal::neutralise;

const SCRIPT: &str = concat!(include_str!("terminfo.sh"), include_str!("examine.sh"));

/// The terminal types that a view can use, the best first.
pub const TERMINALS: [&str; 3] = ["tmux-256color", "screen-256color", "xterm-256color"];

/// What was found. Whoever has this has a sh.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What `tmux -V` says, e.g. `tmux 3.3a`; `None` without tmux.
    pub tmux: Option<String>,
    /// Why it can have no server: there is no place for its socket.
    pub no_socket: Option<Failure>,
    /// Its server's own `extended-keys` (`on`, `off`, `always`), whatever a view has made of it; `None` without a server.
    pub extended_keys: Option<String>,
    /// Those of [`TERMINALS`] that are known there, in that order.
    pub terminals: Vec<String>,
    /// The character set of the locale C.UTF-8; `None` where nobody can be asked.
    pub charmap: Option<String>,
    /// Those of the programs asked for that are there.
    pub programs: Vec<String>,
}

/// Look for all of this, and for `programs`.
///
/// # Errors
/// The worker did not answer, or not wholly.
pub fn examine(remote: &Remote, programs: &[&str], deadline: Instant) -> Result<Found, Failure> {
    let mut arguments = vec![TERMINALS.join(" ")];
    arguments.extend(programs.iter().map(|&program| program.to_owned()));
    let script = Script { text: SCRIPT, tmux: &remote.tmux, arguments: &arguments, stdin: b"" };
    let parts = script::run(remote.exec.as_ref(), &script, deadline)?;
    let text = |name: &str| parts.get(name).map(script::Part::text);
    let word = |text: String| Some(neutralise::line(text.trim())).filter(|word| !word.is_empty());
    Ok(Found {
        tmux: text("tmux").and_then(word),
        no_socket: text("listing").map(|said| tmux_words::failed(&said)).filter(|failure| failure.kind == Kind::NoSocket),
        // The value that a view keeps comes first, when there is one.
        extended_keys: text("extended-keys").and_then(|said| word(said.lines().next()?.to_owned())),
        terminals: parts.all("terminal").map(|part| neutralise::line(&part.detail)).collect(),
        charmap: text("charmap").and_then(word),
        programs: parts.all("program").filter_map(|part| part.text().strip_suffix('\n').map(str::to_owned)).collect(),
    })
}
