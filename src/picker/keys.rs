//! What the keys do. skim's own keys keep their meaning, but for Ctrl-r, whose meaning moves to Alt-r, and
//! Ctrl-q, which would make the query a command where there is none to run.

use std::sync::{Arc, Mutex};

use skim::binds::KeyMap;
use skim::tui::actions::Action as SkimAction;
use skim::tui::{App, Event};

use super::asking::Asking;
use super::highlight::Highlight;
use super::preview::Preview;
use super::ui::action;
use super::{Choice, Purpose};
use crate::cli::Action;

/// The keys that do something with a session, beside Enter.
const ACTIONS: &[(&str, &str, Action)] = &[
    ("alt-s", "Alt-s", Action::Split),
    ("alt-p", "Alt-p", Action::Peek),
    ("alt-g", "Alt-g", Action::Dispatch),
    ("alt-n", "Alt-n", Action::Nudge),
    ("alt-x", "Alt-x", Action::Interrupt),
];

/// What an action does to the highlighted session, in the help.
fn does(action: Action) -> &'static str {
    match action {
        Action::Open => "open it in a window, or go to its window",
        Action::Split => "open it as a pane beside this one",
        Action::Peek => "look at it without attaching",
        Action::Dispatch => "dispatch an issue to its worker",
        Action::Nudge => "type a prompt into it",
        Action::Interrupt => "send Ctrl-C to it, after asking",
    }
}

/// One word for an action.
fn word(action: Action) -> &'static str {
    match action {
        Action::Open => "open",
        Action::Split => "split",
        Action::Peek => "peek",
        Action::Dispatch => "dispatch",
        Action::Nudge => "nudge",
        Action::Interrupt => "interrupt",
    }
}

impl Purpose {
    /// What stands before the query: what Enter will do.
    pub fn prompt(self) -> String {
        match self {
            Self::Act(action) => format!("{}> ", word(action)),
            Self::Choose => "session> ".to_owned(),
        }
    }

    fn on_enter(self) -> Action {
        match self {
            Self::Act(action) => action,
            Self::Choose => Action::Open,
        }
    }

    fn actions(self) -> &'static [(&'static str, &'static str, Action)] {
        match self {
            Self::Act(_) => ACTIONS,
            Self::Choose => &[],
        }
    }

    /// The most important keys in one line, short enough for half a small terminal.
    pub fn hint(self) -> String {
        let enter = match self {
            Self::Act(action) => word(action),
            Self::Choose => "choose",
        };
        format!("Enter {enter} · Ctrl-r ask again · F1 keys")
    }

    /// The keys, one a line.
    pub fn help(self) -> String {
        let enter = match self {
            Self::Act(action) => does(action),
            Self::Choose => "choose it",
        };
        let mut lines = vec!["With the highlighted session:".to_owned(), format!("  Enter    {enter}")];
        lines.extend(self.actions().iter().map(|(_, key, action)| format!("  {key}    {}", does(*action))));
        lines.extend(OTHER_KEYS.lines().map(str::to_owned));
        lines.join("\n")
    }
}

const OTHER_KEYS: &str = "
In the list:
  Ctrl-r   ask all workers again
  Up, Down, Ctrl-p, Ctrl-n, PgUp, PgDn
           move
  Ctrl-u   clear the query
  Alt-r    match fuzzily, exactly, by regex
  F1       show this, or the session again
  Esc      leave

In the query: 'exact ^begin end$ !not a | b";

/// What the keys need to do their work.
pub struct Desk {
    pub purpose: Purpose,
    pub asking: Arc<Asking>,
    pub highlight: Arc<Highlight>,
    pub preview: Arc<Preview>,
    /// Filled when a row was picked.
    pub choice: Mutex<Option<Choice>>,
}

/// Bind our keys, and what follows a change of the list or of the highlight.
pub fn bind(keymap: &mut KeyMap, desk: &Arc<Desk>) {
    let mut on = |key: &str, does: fn(&Arc<Desk>, &mut App) -> Vec<Event>| {
        let desk = desk.clone();
        set(keymap, key, action(move |app| does(&desk, app)));
    };
    on("ctrl-r", |desk, _| {
        desk.asking.ask();
        Vec::new()
    });
    on("f1", |desk, _| desk.preview.toggle_help());
    on("result", |desk, app| desk.highlight.restore(app));
    on("focus", |desk, app| desk.preview.follow(app));
    // Who types wants the best match, not the place where the highlight was.
    on("change", |desk, _| {
        desk.highlight.hold(None);
        vec![Event::Action(SkimAction::First)]
    });
    set(keymap, "alt-r", SkimAction::RotateMode);
    set(keymap, "ctrl-q", SkimAction::Ignore);
    let enter = desk.purpose.on_enter();
    let picks = [("enter", enter), ("double-click", enter)].into_iter();
    for (key, what) in picks.chain(desk.purpose.actions().iter().map(|&(key, _, what)| (key, what))) {
        let desk = desk.clone();
        set(keymap, key, action(move |app| desk.pick(app, what)));
    }
}

fn set(keymap: &mut KeyMap, key: &str, action: SkimAction) {
    // All names are ours and known to skim; a test binds them all.
    if let Ok(key) = skim::binds::parse_key(key) {
        keymap.insert(key, vec![action]);
    }
}

impl Desk {
    /// End with the highlighted row, or say why nothing can be done with it. Without a row, nothing happens.
    fn pick(&self, app: &App, action: Action) -> Vec<Event> {
        let Some(target) = self.highlight.target(app) else { return Vec::new() };
        let needs_session = action != Action::Dispatch;
        if let Some(refusal) = self.asking.board().refusal(&target, needs_session) {
            return vec![self.asking.header(app, &refusal)];
        }
        *self.choice.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Choice { action, target });
        vec![Event::Action(SkimAction::Accept(None))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skim_knows_every_key_that_is_bound() {
        let keys = ["ctrl-r", "f1", "result", "focus", "change", "alt-r", "ctrl-q", "enter", "double-click"];
        for key in keys.into_iter().chain(ACTIONS.iter().map(|(key, ..)| *key)) {
            assert!(skim::binds::parse_key(key).is_ok(), "{key}");
        }
    }

    #[test]
    fn our_own_keys_take_none_of_skim_s() {
        let taken = ACTIONS.iter().map(|(key, ..)| *key).chain(["f1", "alt-r"]);
        let defaults = KeyMap::default();
        for key in taken {
            assert!(!defaults.contains_key(&skim::binds::parse_key(key).unwrap()), "{key}");
        }
    }
}
