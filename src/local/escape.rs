//! What text has to go through before it is part of a tmux command. One function for each way in which tmux would
//! otherwise read it as something else.

use std::borrow::Cow;

use tmux_interface::TmuxCommand;

/// Text for an argument that tmux expands as a format (`new-window -n`, `display-popup -T` …): `#(command)` and `#{…}`
/// stay what they look like.
///
/// tmux keeps `##[` as it is, for its styles, so a name with `#[` is stored with both and *shown* with one.
pub fn format(text: &str) -> String {
    text.replace('#', "##")
}

/// Text for `display-message`, which hands the whole of it to strftime before it expands formats.
pub fn message(text: &str) -> String {
    format(text).replace('%', "%%")
}

/// A window's name as tmux keeps it, for the same name once more: it keeps each `#` in front of a `[`, and a backslash as two, but
/// for a window that had this name from its beginning: of one backslash there it makes two, and no more.
pub fn kept_name(kept: &str) -> String {
    let mut given = String::with_capacity(kept.len());
    let plain = kept.replace("\\\\", "\\");
    let mut rest = plain.as_str();
    while let Some(at) = rest.find('#') {
        let behind = rest[at..].trim_start_matches('#');
        let signs = &rest[at..rest.len() - behind.len()];
        given.push_str(&rest[..at]);
        given.push_str(signs);
        if !behind.starts_with('[') {
            given.push_str(signs);
        }
        rest = behind;
    }
    given + rest
}

/// What 3.4 has printed, as it is: it puts a backslash before each `$` with a name behind it.
pub fn printed_by_3_4(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\$") {
        let (before, dollar) = (&rest[..at], &rest[at + 1..]);
        let named = dollar[1..].starts_with(|first: char| first.is_ascii_alphabetic() || first == '_' || first == '{');
        plain.push_str(before);
        plain.push_str(if named { "$" } else { "\\$" });
        rest = &dollar[1..];
    }
    plain + rest
}

/// One argument in an argv for tmux: an unescaped `;` at its end would end the command there.
pub fn argument(word: &str) -> Cow<'_, str> {
    match word.strip_suffix(';') {
        Some(rest) => Cow::Owned(format!("{rest}\\;")),
        None => Cow::Borrowed(word),
    }
}

/// Words behind the flags of a command, one of which may begin with `-`.
pub fn positional<'a, W: Into<Cow<'a, str>>>(command: &mut TmuxCommand<'a>, words: impl IntoIterator<Item = W>) {
    command.push_param("--");
    for word in words {
        command.push_param(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("w/#(touch x)", "w/##(touch x)")]
    #[case("w/##", "w/####")]
    #[case("w/100%", "w/100%")]
    fn formats_stay_text(#[case] text: &str, #[case] sent: &str) {
        assert_eq!(format(text), sent);
    }

    #[test]
    fn a_message_is_not_given_to_strftime() {
        assert_eq!(message("#S 100%d"), "##S 100%%d");
    }

    #[rstest]
    #[case("w/a\\$HOME \\$_ \\${x}\n", "w/a$HOME $_ ${x}\n")]
    #[case("\\\\$HOME", "\\$HOME")]
    #[case("\\$1 \\$ \\$", "\\$1 \\$ \\$")]
    #[case("a\\b$é", "a\\b$é")]
    fn what_3_4_prints_is_read_as_it_was(#[case] printed: &str, #[case] text: &str) {
        assert_eq!(printed_by_3_4(printed), text);
    }

    #[rstest]
    #[case("x;", "x\\;")]
    #[case(";", "\\;")]
    #[case("x\\;", "x\\\\;")]
    #[case("a;b", "a;b")]
    fn a_semicolon_at_the_end_ends_nothing(#[case] word: &str, #[case] sent: &str) {
        assert_eq!(argument(word), sent);
    }

    /// A real tmux server that nobody else knows.
    struct Server(tempfile::TempDir);

    impl Server {
        fn start() -> Self {
            let server = Self(tempfile::tempdir().unwrap());
            server.run(&["new-session", "-d", "-x", "80", "-y", "24", "--", "sleep", "600"]);
            server
        }

        fn run(&self, words: &[&str]) -> String {
            let mut command = std::process::Command::new("tmux");
            command.args(["-u", "-f", "/dev/null", "-S"]).arg(self.0.path().join("sock")).args(words);
            let output = command.env_remove("TMUX").current_dir(self.0.path()).output().unwrap();
            assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        }
    }

    impl Drop for Server {
        fn drop(&mut self) {
            self.run(&["kill-server"]);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1, ..ProptestConfig::default() })]
        #[test]
        fn tmux_shows_every_text_as_it_is(texts in prop::collection::vec(
            "(#|##|#\\(touch pwned\\)|#\\{pane_id\\}|#\\{E:@x\\}|%|%d|;|\\\\;|-|\\$\\(touch pwned\\)|`touch pwned`|[a-zé日 '\"{}\\\\]){1,8}", 40))
        {
            let server = Server::start();
            for text in &texts {
                let name = format(text);
                let words = ["new-window", "-P", "-F", "#{window_id}", "-n", &argument(&name), "--", "sleep", "600"];
                let window = server.run(&words);
                let window = window.trim_end();
                // What a status line shows is what a format says of a format.
                let shown = server.run(&["display-message", "-p", "-t", window, "#{window_name}"]);
                prop_assert_eq!(shown.strip_suffix('\n'), Some(text.as_str()));
                let shown = server.run(&["display-message", "-p", "-t", window, "--", &argument(&message(text))]);
                prop_assert_eq!(shown.strip_suffix('\n'), Some(text.as_str()));
                server.run(&["set-option", "-w", "-t", window, "--", "@text", &argument(text)]);
                let shown = server.run(&["display-message", "-p", "-t", window, "#{@text}"]);
                prop_assert_eq!(shown.strip_suffix('\n'), Some(text.as_str()));
                // A name that is read is given back as it is, however often.
                for _ in 0..2 {
                    let kept = server.run(&["display-message", "-p", "-t", window, "#{window_name}"]);
                    let kept = kept.strip_suffix('\n').unwrap_or_default();
                    server.run(&["rename-window", "-t", window, "--", &argument(&kept_name(kept))]);
                    let again = server.run(&["display-message", "-p", "-t", window, "#{window_name}"]);
                    let plain = |name: &str| name.trim_end_matches('\n').replace("\\\\", "\\");
                    prop_assert_eq!(plain(&again), plain(kept));
                }
                server.run(&["kill-window", "-t", window]);
            }
            prop_assert!(!server.0.path().join("pwned").exists());
        }
    }
}
