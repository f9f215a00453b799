//! The keys, told in the room there is.

use unicode_width::UnicodeWidthStr;

use super::Purpose;

/// The keys of the list that are not actions, what each does, and the same in a word or two.
const OF_THE_LIST: &[(&str, &str, &str)] = &[
    ("Ctrl-r", "ask all workers again", "refresh"),
    ("Up, Down", "move; also Ctrl-p, Ctrl-n, PgUp, PgDn", "move"),
    ("Ctrl-u", "clear the query", "clear"),
    ("Alt-r", "match fuzzily, exactly, by regex", "match otherwise"),
    ("F1", "show this, or the sessions again", "back"),
    ("Esc", "leave", "leave"),
];
const QUERY: &str = "In the query: 'exact ^begin end$ !not a | b";

/// The keys in at most this many columns and rows: with headings, else one a line, else in a word or two each.
pub fn help(purpose: Purpose, columns: usize, rows: usize) -> String {
    let actions = purpose.told();
    let line = |(key, does, _): &(&str, &str, &str)| format!("{key:<8} {does}");
    let of_actions = || actions.iter().map(line);
    let of_the_list = || OF_THE_LIST.iter().map(line);
    let indented = |line: String| format!("  {line}");

    let mut full = vec!["With the highlighted session:".to_owned()];
    full.extend(of_actions().map(indented));
    full.extend(["".to_owned(), "In the list:".to_owned()]);
    full.extend(of_the_list().map(indented));
    full.extend(["".to_owned(), QUERY.to_owned()]);
    let plain: Vec<String> = of_actions().chain(of_the_list()).chain([QUERY.to_owned()]).collect();

    let fits = |lines: &Vec<String>| lines.len() <= rows && lines.iter().all(|line| line.width() <= columns);
    let short = || actions.iter().chain(OF_THE_LIST).map(|(key, _, word)| format!("{key} {word}"));
    [full, plain].into_iter().find(fits).unwrap_or_else(|| flowing(short(), columns)).join("\n")
}

/// As many as fit on each line.
fn flowing(words: impl Iterator<Item = String>, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.width() + " · ".width() + word.width() <= columns => {
                line.push_str(" · ");
                line.push_str(&word);
            }
            _ => lines.push(word),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Action;
    use crate::picker::keys::ACTIONS;
    use crate::picker::layout::Layout;
    use rstest::rstest;

    #[rstest]
    #[case::wide(120, 40, "With the highlighted session:")]
    #[case::just_wide_enough(100, 24, "With the highlighted session:")]
    #[case::small(80, 24, "With the highlighted session:")]
    #[case::popup_of_small(70, 18, "Enter    open it")]
    #[case::tiny(40, 12, "Enter open · Alt-s split")]
    fn all_keys_are_told_in_the_room_there_is(#[case] columns: usize, #[case] rows: usize, #[case] begins: &str) {
        let layout = Layout::new(columns, rows);
        let (columns, rows) = layout.preview(layout.place(true));
        for action in [Action::Open, Action::Interrupt] {
            let text = help(Purpose::Act(action), columns, rows);
            let keys = ACTIONS.iter().map(|(_, key, _)| *key).chain(OF_THE_LIST.iter().map(|(key, ..)| *key));
            assert!(keys.chain(["Enter"]).all(|key| text.contains(key)), "{text}");
            assert!(text.lines().count() <= rows && text.lines().all(|line| line.width() <= columns), "{columns}x{rows}\n{text}");
        }
        let text = help(Purpose::Act(Action::Open), columns, rows);
        assert!(text.starts_with(begins), "{columns}x{rows}\n{text}");
    }

    #[test]
    fn who_only_chooses_is_told_nothing_of_what_else_could_be_done() {
        let text = help(Purpose::Choose, 80, 40);
        assert!(text.contains("Enter    choose it") && !text.contains("Alt-n"), "{text}");
    }
}
