//! What a test asks a tmux server from the side: sessions by exactly their name, whatever is in it.
//!
//! `ask` runs tmux with these arguments, on the server that is meant, and gives what it prints.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::ran::Ran;

/// Run `tmux`, the program in its surroundings, on the server of this socket, and give what it prints.
///
/// # Panics
/// tmux failed.
#[track_caller]
pub fn on_socket(mut tmux: Command, socket: &Path, arguments: &[&str]) -> String {
    tmux.env_remove("TMUX").arg("-u").arg("-S").arg(socket).args(["-f", "/dev/null"]).args(arguments);
    let ran = Ran::from(tmux.output().unwrap_or_else(|error| panic!("tmux: {error}")));
    assert_eq!(ran.code, 0, "tmux {arguments:?}: {}", ran.stderr);
    ran.stdout
}

/// End the server of this socket, if there is one. Whoever starts the next one there does not meet it any more, as far as can be
/// waited for.
pub fn kill_server(socket: &Path) {
    let _ = Command::new("tmux").env_remove("TMUX").arg("-S").arg(socket).arg("kill-server").output();
    let begin = Instant::now();
    while UnixStream::connect(socket).is_ok() && begin.elapsed() < Duration::from_secs(5) {
        thread::sleep(Duration::from_millis(5));
    }
}

/// The arguments that start a session which runs `command` (sh), 100 columns by 30 rows, in the directory `at` or tmux's own
/// choice. The name is taken literally.
pub fn new_session(name: &str, at: Option<&str>, command: &str) -> Vec<String> {
    // tmux expands formats in the name; `#[` is a style to it and stays as it is.
    let name = literal(&name.replace('#', "##").replace("##[", "#["));
    let place = at.map_or(vec![], |directory| vec!["-c", directory]);
    let words = [&["new-session", "-d", "-x", "100", "-y", "30"], &place[..], &["-s", &name, "--", "/bin/sh", "-c", command]];
    words.concat().into_iter().map(str::to_owned).collect()
}

/// An argument that ends in `;` would separate two commands.
pub fn literal(argument: &str) -> String {
    argument.strip_suffix(';').map_or(argument.to_owned(), |rest| format!("{rest}\\;"))
}

/// The `$N` of the session of exactly this name.
///
/// # Panics
/// There is no such session.
#[track_caller]
pub fn session_id(ask: impl Fn(&[&str]) -> String, name: &str) -> String {
    let listing = ask(&["list-sessions", "-F", "#{session_id} #{session_name}"]);
    let found = listing.lines().filter_map(|line| line.split_once(' ')).find(|(_, there)| *there == name);
    found.unwrap_or_else(|| panic!("no session {name:?} in:\n{listing}")).0.to_owned()
}

/// What the active pane of the session of exactly this name shows.
///
/// # Panics
/// There is no such session.
#[track_caller]
pub fn pane(ask: impl Fn(&[&str]) -> String, name: &str) -> String {
    let id = session_id(&ask, name);
    ask(&["capture-pane", "-p", "-t", &format!("{id}:")])
}
