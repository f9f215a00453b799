//! What keys are bound to, by what `list-keys` prints.

/// Every key of every table: a line each, `bind-key [-r] -T TABLE KEY COMMAND`, with any number of blanks between the words.
pub struct Bindings(String);

impl Bindings {
    pub fn of(listing: String) -> Self {
        Self(listing)
    }

    /// The line of this key behind the prefix, when it is bound; by any name of the key that newer tmuxes take for the same. An
    /// older one takes a few more for the same, and can be asked.
    pub fn behind_prefix(&self, key: &str) -> Option<&str> {
        let key = Name::of(key);
        self.0.lines().find(|line| bound(line).is_some_and(|(table, name)| table == "prefix" && Name::of(&plain(name)) == key))
    }
}

/// What a key is bound to.
#[derive(Debug, PartialEq, Eq)]
pub struct Bound {
    /// One command, or several with ` ; ` between them, as tmux reads them from a text.
    pub command: String,
    /// Whether the next key is looked up in the same table for a while.
    pub repeats: bool,
}

impl Bindings {
    /// What this key does in a table.
    pub fn bound(&self, table: &str, key: &str) -> Option<Bound> {
        let key = Name::of(key);
        let line =
            self.0.lines().find(|line| bound(line).is_some_and(|(of, name)| of == table && Name::of(&plain(name)) == key))?;
        let (_, name) = bound(line)?;
        // Behind the table's name, which a key may have too.
        let behind_table = line.split_once(" -T ")?.1.trim_start().strip_prefix(table)?;
        let command = behind_table.trim_start().strip_prefix(name)?.trim();
        let repeats = line.split_whitespace().take_while(|&word| word != "-T").any(|word| word == "-r");
        Some(Bound { command: separated(command), repeats })
    }
}

/// The commands of a binding, as `list-keys` writes them into a line of its own, with ` ; ` between them.
fn separated(listed: &str) -> String {
    let mut text = String::with_capacity(listed.len());
    let (mut quote, mut depth) = (None, 0_usize);
    let mut letters = listed.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (None, '\\') if depth == 0 && letters.peek() == Some(&';') && text.ends_with(' ') => continue,
            (None | Some('"'), '\\') => {
                text.push(letter);
                text.extend(letters.next());
                continue;
            }
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            (None, '{') if text.ends_with(' ') => depth += 1,
            (None, '}') if text.ends_with(' ') => depth = depth.saturating_sub(1),
            _ => {}
        }
        text.push(letter);
    }
    text
}

/// Whether these are names of one key.
pub fn are_same(one: &str, other: &str) -> bool {
    Name::of(one) == Name::of(other)
}

/// Table and key of a line, the key as it is written there.
fn bound(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split_whitespace().skip_while(|&word| word != "-T").skip(1);
    Some((words.next()?, words.next()?))
}

/// A key without what keeps tmux from reading it as something else: `\;`, `"M-'"`, `M-\\`.
fn plain(name: &str) -> String {
    let quoted = |quote| name.strip_prefix(quote)?.strip_suffix(quote);
    let inner = quoted('"').or_else(|| quoted('\'')).unwrap_or(name);
    let mut plain = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        plain.push(if letter == '\\' { letters.next().unwrap_or(letter) } else { letter });
    }
    plain
}

/// A key as tmux knows it from 3.5 on, whatever it was called (`key_string_lookup_string` there).
#[derive(Debug, PartialEq, Eq)]
struct Name {
    control: bool,
    meta: bool,
    shift: bool,
    base: String,
}

/// The names that are others' as well.
const ALSO: [(&str, &str); 6] =
    [("insert", "ic"), ("delete", "dc"), ("pagedown", "npage"), ("pgdn", "npage"), ("pageup", "ppage"), ("pgup", "ppage")];

impl Name {
    fn of(key: &str) -> Self {
        let mut name = Self { control: false, meta: false, shift: false, base: String::new() };
        let mut rest = key;
        if let Some(short) = rest.strip_prefix('^').filter(|short| !short.is_empty()) {
            name.control = true;
            if is_one(short) {
                name.base = short.to_ascii_lowercase();
                return name;
            }
            rest = short;
        }
        while let Some((modifier, base)) = rest.split_once('-').filter(|(_, base)| !base.is_empty()) {
            match modifier {
                "C" | "c" => name.control = true,
                "M" | "m" => name.meta = true,
                "S" | "s" => name.shift = true,
                _ => break,
            }
            rest = base;
        }
        name.base = base(rest);
        name
    }
}

/// What is left without the modifiers. Long names may be written in letters of any kind, and a single one by its number.
fn base(key: &str) -> String {
    if is_one(key) {
        return key.to_owned();
    }
    let lower = key.to_ascii_lowercase();
    let numbered = lower.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok()).and_then(char::from_u32);
    match (numbered, ALSO.iter().find(|(also, _)| *also == lower)) {
        (Some(letter), _) => letter.to_string(),
        (None, Some((_, name))) => (*name).to_owned(),
        (None, None) => lower,
    }
}

fn is_one(key: &str) -> bool {
    key.chars().count() == 1
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
                           bind-key    -T prefix       M-\\\\                 display-message meta\n\
                           bind-key    -T prefix       C-M-x                display-message both\n\
                           bind-key    -T prefix       PPage                copy-mode -u\n\
                           bind-key    -T prefix       C-g                  display-message g\n\
                           bind-key    -T prefix       q                    display-message q\n\
                           bind-key    -T root         W                    display-message elsewhere\n";

    #[rstest]
    #[case(";", Some("last-pane"))]
    #[case("M-n", Some("next-window -a"))]
    #[case("\\", Some("copy-mode"))]
    #[case("M-'", Some("display-message -T"))]
    #[case("M-\\", Some("meta"))]
    #[case("^g", Some("message g"))]
    #[case("^G", Some("message g"))]
    #[case("c-g", Some("message g"))]
    #[case("C-G", None)] // another one from 3.5 on
    #[case("M-C-x", Some("both"))]
    #[case("^m-x", Some("both"))]
    #[case("m-N", None)]
    #[case("m-n", Some("next-window -a"))]
    #[case("PageUp", Some("copy-mode -u"))]
    #[case("pgup", Some("copy-mode -u"))]
    #[case("0x71", Some("message q"))]
    #[case("Q", None)]
    #[case("-", None)]
    #[case("^", None)]
    #[case("W", None)]
    #[case("Escape", None)]
    #[case("", None)]
    fn a_key_is_found_as_people_write_it(#[case] key: &str, #[case] command: Option<&str>) {
        let bindings = Bindings::of(LISTING.to_owned());
        let line = bindings.behind_prefix(key);
        assert_eq!(line.is_some(), command.is_some());
        assert!(line.unwrap_or_default().ends_with(command.unwrap_or_default()), "{line:?}");
    }

    #[rstest]
    #[case("M-n", Some(("next-window -a", true)))]
    #[case("C-g", Some(("display-message g", false)))]
    #[case("z", Some(("new-window ; if-shell -F \"a \\; b\" { split-window ; kill-pane } ; send-keys \\\\ ';'", false)))]
    #[case("nothing", None)]
    fn what_a_key_does_is_a_text_of_commands(#[case] key: &str, #[case] does: Option<(&str, bool)>) {
        let several =
            "bind-key -T prefix z new-window \\; if-shell -F \"a \\; b\" { split-window ; kill-pane } \\; send-keys \\\\ ';'\n";
        let bindings = Bindings::of(format!("{LISTING}{several}"));
        let found = bindings.bound("prefix", key);
        assert_eq!(found.as_ref().map(|bound| (bound.command.as_str(), bound.repeats)), does);
    }
}
