//! Keys that were pressed on a popup's terminal, as the commands of tmux that they would have led to beneath it: tmux before 3.4
//! has no way to give a client a key.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::keys::{self, Bindings};

/// Where the next key is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Root,
    Prefix,
    /// Behind a key that may be pressed several times.
    Repeating,
}

/// One key, or a text.
enum Stroke {
    Key(String),
    Paste(String),
}

/// Commands that read the keys behind them themselves, so that these are no business of the pane.
const READERS: [&str; 6] = ["display-popup", "display-menu", "command-prompt", "confirm-before", "display-panes", "choose-"];

/// What tmux is to do for these events, a command each; `prefixes` are the operator's.
pub fn commands(events: &[Event], prefixes: &[String], bindings: &Bindings) -> Vec<String> {
    let mut commands = Vec::new();
    let mut table = Table::Root;
    for stroke in events.iter().filter_map(stroke) {
        let key = match stroke {
            Stroke::Key(key) => key,
            Stroke::Paste(text) => {
                commands.push(format!("set-buffer -b factory-worker-pressed -- {}", quoted(&text)));
                commands.push("paste-buffer -d -p -b factory-worker-pressed".to_owned());
                continue;
            }
        };
        let bound = |of: &str| bindings.bound(of, &key);
        let (found, repeating) = match table {
            Table::Root => (None, false),
            Table::Prefix => (bound("prefix"), false),
            Table::Repeating => (bound("prefix").filter(|bound| bound.repeats), true),
        };
        let was_prefix = std::mem::replace(&mut table, Table::Root) == Table::Prefix;
        if !was_prefix && found.is_none() && is_prefix(&key, prefixes) {
            table = Table::Prefix;
            continue;
        }
        match found.or_else(|| if was_prefix { None } else { bound("root") }) {
            Some(bound) => {
                let reads = READERS.iter().any(|reader| bound.command.contains(reader));
                commands.push(bound.command);
                if reads {
                    return commands;
                }
                if bound.repeats || repeating {
                    table = Table::Repeating;
                }
            }
            // As tmux has it: a key that is not bound behind the prefix is nobody's.
            None if was_prefix => {}
            None => commands.push(format!("send-keys -- {}", quoted(&key))),
        }
    }
    if table == Table::Prefix {
        commands.push("switch-client -T prefix".to_owned());
    }
    commands
}

/// The events from the first prefix on.
pub fn from_prefix(events: Vec<Event>, prefixes: &[String]) -> Vec<Event> {
    let is_one = |event: &Event| matches!(stroke(event), Some(Stroke::Key(key)) if is_prefix(&key, prefixes));
    events.into_iter().skip_while(|event| !is_one(event)).collect()
}

fn is_prefix(key: &str, prefixes: &[String]) -> bool {
    prefixes.iter().any(|prefix| keys::are_same(prefix, key))
}

/// One word in a text that tmux reads as commands.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

fn stroke(event: &Event) -> Option<Stroke> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => name(key).map(Stroke::Key),
        Event::Paste(text) => Some(Stroke::Paste(text.clone())),
        _ => None,
    }
}

/// The key as tmux calls it.
fn name(key: &KeyEvent) -> Option<String> {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let base = match key.code {
        // What a terminal sends for Control and one of `\ ] ^ _` is read as Control and a digit.
        KeyCode::Char(digit @ '4'..='7') if control => ['\\', ']', '^', '_'][digit as usize - '4' as usize].to_string(),
        KeyCode::Char(' ') => "Space".to_owned(),
        KeyCode::Char(letter) => letter.to_string(),
        // Higher ones are no keys: skim has its own meaning for them.
        KeyCode::F(number @ 1..=12) => format!("F{number}"),
        KeyCode::Enter => "Enter".to_owned(),
        KeyCode::Tab => "Tab".to_owned(),
        KeyCode::BackTab => "BTab".to_owned(),
        KeyCode::Backspace => "BSpace".to_owned(),
        KeyCode::Esc => "Escape".to_owned(),
        KeyCode::Delete => "DC".to_owned(),
        KeyCode::Insert => "IC".to_owned(),
        KeyCode::Home => "Home".to_owned(),
        KeyCode::End => "End".to_owned(),
        KeyCode::PageUp => "PPage".to_owned(),
        KeyCode::PageDown => "NPage".to_owned(),
        KeyCode::Up => "Up".to_owned(),
        KeyCode::Down => "Down".to_owned(),
        KeyCode::Left => "Left".to_owned(),
        KeyCode::Right => "Right".to_owned(),
        _ => return None,
    };
    // A letter has its shift in it, and so has the key that tabs back.
    let shift = !matches!(key.code, KeyCode::Char(_) | KeyCode::BackTab) && key.modifiers.contains(KeyModifiers::SHIFT);
    let modifiers = [(control, "C-"), (key.modifiers.contains(KeyModifiers::ALT), "M-"), (shift, "S-")];
    let written: String = modifiers.iter().filter(|(pressed, _)| *pressed).map(|(_, name)| *name).collect();
    Some(written + &base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const LISTING: &str = "bind-key    -T prefix       n    next-window\n\
                           bind-key -r -T prefix       Up   select-pane -U\n\
                           bind-key    -T prefix       W    set-environment A b \\; display-popup -E x\n\
                           bind-key    -T root         M-l  last-window\n";

    fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
        Event::Key(KeyEvent::new(code, modifiers))
    }

    fn events(keys: &str) -> Vec<Event> {
        let one = |word: &str| match word {
            "^B" => key(KeyCode::Char('b'), KeyModifiers::CONTROL),
            "Up" => key(KeyCode::Up, KeyModifiers::NONE),
            "M-l" => key(KeyCode::Char('l'), KeyModifiers::ALT),
            "paste" => Event::Paste("it's".to_owned()),
            letter => key(KeyCode::Char(letter.chars().next().unwrap()), KeyModifiers::NONE),
        };
        keys.split(' ').map(one).collect()
    }

    #[rstest]
    #[case::text("a ;", &["send-keys -- 'a'", "send-keys -- ';'"])]
    #[case::quotes("'", &["send-keys -- ''\\'''"])]
    #[case::bound("^B n a", &["next-window", "send-keys -- 'a'"])]
    #[case::prefix_alone("a ^B", &["send-keys -- 'a'", "switch-client -T prefix"])]
    #[case::unbound("^B x a", &["send-keys -- 'a'"])]
    #[case::repeated("^B Up Up a Up", &["select-pane -U", "select-pane -U", "send-keys -- 'a'", "send-keys -- 'Up'"])]
    #[case::repeated_then_prefix("^B Up ^B n", &["select-pane -U", "next-window"])]
    #[case::prefix_twice("^B ^B a", &["send-keys -- 'a'"])]
    #[case::opens("^B W d e v", &["set-environment A b ; display-popup -E x"])]
    #[case::root("M-l", &["last-window"])]
    #[case::pasted("paste", &["set-buffer -b factory-worker-pressed -- 'it'\\''s'", "paste-buffer -d -p -b factory-worker-pressed"])]
    fn keys_lead_to_what_they_lead_to_in_tmux(#[case] pressed: &str, #[case] wanted: &[&str]) {
        let bindings = Bindings::of(LISTING.to_owned());
        assert_eq!(commands(&events(pressed), &["C-b".to_owned(), "None".to_owned()], &bindings), wanted);
    }

    #[rstest]
    #[case("a b ^B n", 2)]
    #[case("a b", 0)]
    fn what_was_typed_blind_counts_from_the_prefix_on(#[case] pressed: &str, #[case] left: usize) {
        assert_eq!(from_prefix(events(pressed), &["^b".to_owned()]).len(), left);
    }

    #[rstest]
    #[case(KeyCode::Char('5'), KeyModifiers::CONTROL, "C-]")]
    #[case(KeyCode::Char(' '), KeyModifiers::CONTROL, "C-Space")]
    #[case(KeyCode::Char('A'), KeyModifiers::SHIFT, "A")]
    #[case(KeyCode::Left, KeyModifiers::CONTROL.union(KeyModifiers::SHIFT), "C-S-Left")]
    #[case(KeyCode::BackTab, KeyModifiers::SHIFT, "BTab")]
    #[case(KeyCode::Char('é'), KeyModifiers::ALT, "M-é")]
    fn keys_have_tmux_s_names(#[case] code: KeyCode, #[case] modifiers: KeyModifiers, #[case] called: &str) {
        assert_eq!(name(&KeyEvent::new(code, modifiers)).as_deref(), Some(called));
    }
}
