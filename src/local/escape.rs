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
    #[case("x;", "x\\;")]
    #[case(";", "\\;")]
    #[case("x\\;", "x\\\\;")]
    #[case("a;b", "a;b")]
    fn a_semicolon_at_the_end_ends_nothing(#[case] word: &str, #[case] sent: &str) {
        assert_eq!(argument(word), sent);
    }
}
