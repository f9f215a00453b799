//! What it means that a worker's tmux could not list its sessions, by its own words (tmux 3.2 to 3.8).

use crate::failure::{Failure, Kind};
use crate::terminal::neutralise;

/// Whether this is how tmux says that no server runs: a socket that nobody listens on, or none.
pub fn no_server(said: &str) -> bool {
    let said = said.trim();
    let absent = said.starts_with("no server running on ")
        || (said.starts_with("error connecting to ") && said.ends_with("(No such file or directory)"));
    absent && said.lines().count() == 1
}

/// Why it failed, when not for want of a server.
pub fn failed(said: &str) -> Failure {
    let said = said.trim();
    let reason = match said {
        "" => "tmux failed and did not say why".to_owned(),
        said => format!("tmux failed: {}", neutralise::line(said)),
    };
    match socket_remedy(said) {
        Some(remedy) => Failure::new(Kind::NoSocket, reason).with_remedy(remedy),
        None => Failure::new(Kind::Incomplete, reason),
    }
}

/// What to do where tmux can have no server, as there is no place for its socket: a read-only root, another user's directory, a
/// path of more than 107 bytes.
fn socket_remedy(said: &str) -> Option<&'static str> {
    let one_line = said.lines().count() == 1;
    let begins = |words: &str| one_line && said.starts_with(words);
    if begins("error connecting to ") && said.ends_with("(File name too long)") {
        return Some(
            "a socket's path has at most 107 bytes: choose a shorter directory (local:, or -S of tmux:, in workers.yaml)",
        );
    }
    if begins("error connecting to ") && said.ends_with("(Permission denied)") {
        return Some(
            "the socket is another user's: run the worker's tmux as the user that kubectl exec is, or correct tmux: in workers.yaml",
        );
    }
    let no_directory = begins("couldn't create directory ")
        || begins("couldn't read directory ")
        || (begins("directory ") && said.ends_with(" has unsafe permissions"))
        || (one_line && said.ends_with(" is not a directory"));
    no_directory.then_some(
        "give its user a directory that it can write to: TMUX_TMPDIR=/DIR in the container's environment (an emptyDir, say); or \
         start its server with -S and set tmux: \"tmux -S /DIR/tmux.sock\" in workers.yaml",
    )
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// As tmux 3.3a says it.
    #[rstest]
    #[case::read_only("couldn't create directory /tmp/tmux-1000 (Read-only file system)\n", "TMUX_TMPDIR")]
    #[case::not_writable("couldn't create directory /tmp/tmux-1000 (Permission denied)\n", "tmux: \"tmux -S /")]
    #[case::no_such_place("couldn't create directory /none/tmux-1000 (No such file or directory)\n", "TMUX_TMPDIR")]
    #[case::unsafe_directory("directory /tmp/tmux-0 has unsafe permissions\n", "TMUX_TMPDIR")]
    #[case::no_directory("/tmp/tmux-0 is not a directory\n", "TMUX_TMPDIR")]
    #[case::another_users("error connecting to /tmp/tmux-0/default (Permission denied)\n", "another user's")]
    #[case::too_long("error connecting to /a/very/long/path (File name too long)\n", "107 bytes")]
    fn a_socket_that_cannot_be_is_a_failure_of_its_own(#[case] said: &str, #[case] remedy: &str) {
        let failure = failed(said);
        assert_eq!((failure.kind, failure.status(), failure.lasting), (Kind::NoSocket, "no tmux", true));
        assert!(failure.reason.contains(said.trim()) && failure.remedy().contains(remedy), "{failure:?}");
        assert!(!no_server(said));
    }

    #[rstest]
    #[case("no server running on /tmp/tmux-0/default\n", true)]
    #[case("error connecting to /tmp/x/tmux.sock (No such file or directory)\n", true)]
    #[case("server exited unexpectedly\n", false)]
    #[case("a pane's text\ncouldn't create directory /tmp/tmux-0 (Read-only file system)\n", false)]
    #[case("", false)]
    fn what_else_it_says_is_no_answer_or_no_server(#[case] said: &str, #[case] none: bool) {
        assert_eq!(no_server(said), none);
        assert_eq!(failed(said).kind, Kind::Incomplete);
    }
}
