//! What keys are bound to, by what `list-keys` prints.

/// Every key of every table: a line each, `bind-key [-r] -T TABLE KEY COMMAND`, with any number of blanks between the words.
pub struct Bindings(String);

impl Bindings {
    pub fn of(listing: String) -> Self {
        Self(listing)
    }

    /// The line of this key behind the prefix, when it is bound. Keys have several names; this one is compared with tmux's own.
    pub fn behind_prefix(&self, key: &str) -> Option<&str> {
        self.0.lines().find(|line| bound(line).is_some_and(|(table, name)| table == "prefix" && plain(name) == key))
    }
}

/// Table and key of a line, the key as it is written there.
fn bound(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace().skip_while(|&word| word != "-T").skip(1);
    Some((words.next()?, words.next()?))
}

/// A key without what keeps tmux from reading it as something else: `\;`, `"M-'"`.
fn plain(name: &str) -> &str {
    let quoted = |quote| name.strip_prefix(quote)?.strip_suffix(quote);
    match name.strip_prefix('\\') {
        Some(key) if !key.is_empty() => key,
        _ => quoted('"').or_else(|| quoted('\'')).unwrap_or(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    /// As 3.3a and 3.8 print them.
    const LISTING: &str = "bind-key    -T copy-mode    Escape               send-keys -X cancel\n\
                           bind-key    -T prefix       \\;                   last-pane\n\
                           bind-key -r -T prefix       M-n                  next-window -a\n\
                           bind-key  -T prefix \\\\ copy-mode\n\
                           bind-key    -T prefix       \"M-'\"                display-message -T\n\
                           bind-key    -T root         W                    display-message elsewhere\n";

    #[rstest]
    #[case(";", Some("last-pane"))]
    #[case("M-n", Some("next-window -a"))]
    #[case("\\", Some("copy-mode"))]
    #[case("M-'", Some("display-message -T"))]
    #[case("W", None)]
    #[case("Escape", None)]
    #[case("", None)]
    fn a_key_is_found_as_people_write_it(#[case] key: &str, #[case] command: Option<&str>) {
        let bindings = Bindings::of(LISTING.to_owned());
        let line = bindings.behind_prefix(key);
        assert_eq!(line.is_some(), command.is_some());
        assert!(line.unwrap_or_default().ends_with(command.unwrap_or_default()), "{line:?}");
    }
}
