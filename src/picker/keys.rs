//! What the keys do. skim's own keys keep their meaning, but for Ctrl-r, whose meaning moves to Alt-r, and
//! Ctrl-q, which would make the query a command where there is none to run.

use std::sync::{Arc, Mutex};

use skim::SkimItem;
use skim::binds::KeyMap;
use skim::tui::actions::Action as SkimAction;
use skim::tui::{App, Event};

use super::highlight::Highlight;
use super::preview::Preview;
use super::refresh::Refresh;
use super::ui::action;
use super::{Choice, Purpose};
use crate::cli::Action;

/// The keys that do something with a session, beside Enter.
pub const ACTIONS: &[(&str, &str, Action)] = &[
    ("alt-s", "Alt-s", Action::Split),
    ("alt-p", "Alt-p", Action::Peek),
    ("alt-g", "Alt-g", Action::Dispatch),
    ("alt-n", "Alt-n", Action::Nudge),
    ("alt-x", "Alt-x", Action::Interrupt),
    ("alt-t", "Alt-t", Action::Shell),
];

/// What an action does to the highlighted session, in the help.
fn does(action: Action) -> &'static str {
    match action {
        Action::Open => "open it in a window, or go there",
        Action::Split => "open it as a pane beside this one",
        Action::Peek => "look at it without attaching",
        Action::Dispatch => "dispatch an issue to its worker",
        Action::Nudge => "type a prompt into it",
        Action::Interrupt => "send Ctrl-C to it, after asking",
        Action::Shell => "open a shell on its worker",
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
        Action::Shell => "shell",
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

    /// The most important keys in one line, the way to all others first: the end is cut off where there is no room.
    pub fn hint(self) -> String {
        let enter = match self {
            Self::Act(action) => word(action),
            Self::Choose => "choose",
        };
        format!("F1 keys · Enter {enter} · Ctrl-r refresh")
    }

    /// What Enter does, and then what the other keys do with a session: each key, what it does, and the same in a word.
    pub fn told(self) -> Vec<(&'static str, &'static str, &'static str)> {
        let enter = match self {
            Self::Act(action) => ("Enter", does(action), word(action)),
            Self::Choose => ("Enter", "choose it", "choose"),
        };
        let others = self.actions().iter().map(|&(_, key, action)| (key, does(action), word(action)));
        std::iter::once(enter).chain(others).collect()
    }
}

/// What the keys need to do their work.
pub struct Bindings {
    pub purpose: Purpose,
    pub refresh: Arc<Refresh>,
    pub highlight: Arc<Highlight>,
    pub preview: Arc<Preview>,
    /// Filled when a row was picked.
    pub choice: Mutex<Option<Choice>>,
}

/// Bind our keys, and what follows a change of the list or of the highlight.
pub fn bind(keymap: &mut KeyMap, bindings: &Arc<Bindings>) {
    let mut on = |key: &str, does: fn(&Arc<Bindings>, &mut App) -> Vec<Event>| {
        let bindings = bindings.clone();
        set(keymap, key, action(move |app| does(&bindings, app)));
    };
    on("ctrl-r", |bindings, _| {
        bindings.refresh.ask();
        Vec::new()
    });
    on("f1", |bindings, app| bindings.preview.toggle_help(app));
    on("result", |bindings, app| bindings.highlight.restore(app));
    on("focus", |bindings, app| {
        bindings.highlight.follow(app);
        bindings.preview.follow(app)
    });
    on("change", |bindings, app| {
        let (query, cursor) = (&app.input.value, usize::from(app.input.cursor_pos));
        bindings.refresh.follow_query(&app.input.prompt, query.get(..cursor).unwrap_or(query));
        bindings.highlight.go_to_best(app)
    });
    set(keymap, "alt-r", SkimAction::RotateMode);
    set(keymap, "ctrl-q", SkimAction::Ignore);
    let enter = bindings.purpose.on_enter();
    let picks = [("enter", enter), ("double-click", enter)].into_iter();
    for (key, what) in picks.chain(bindings.purpose.actions().iter().map(|&(key, _, what)| (key, what))) {
        let bindings = bindings.clone();
        set(keymap, key, action(move |app| bindings.pick(app, what)));
    }
}

fn set(keymap: &mut KeyMap, key: &str, action: SkimAction) {
    // All names are ours and known to skim; a test binds them all.
    if let Ok(key) = skim::binds::parse_key(key) {
        keymap.insert(key, vec![action]);
    }
}

impl Bindings {
    /// What the preview shows of this item; and everything moves to where the terminal, if its size has changed, has room.
    pub fn preview(&self, item: Option<&Arc<dyn SkimItem>>) -> String {
        if self.preview.follow_size() {
            self.refresh.show_headline();
        }
        self.preview.text_of(item)
    }

    /// End with the highlighted row, or say why nothing can be done with it. Without a row, nothing happens.
    ///
    /// It ends at once: an action of skim's would come behind what was pressed in the meantime, and that is not the picker's.
    fn pick(&self, app: &mut App, action: Action) -> Vec<Event> {
        let Some(target) = self.highlight.target(app) else { return Vec::new() };
        let needs_session = !matches!(action, Action::Dispatch | Action::Shell);
        let types = matches!(action, Action::Nudge | Action::Interrupt);
        let workers = self.refresh.workers();
        let refusal = workers.refusal(&target, needs_session).or_else(|| workers.untypable(&target).filter(|_| types));
        drop(workers);
        if let Some(refusal) = refusal {
            return vec![self.refresh.header(&refusal)];
        }
        *self.choice.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Choice { action, target });
        app.should_quit = true;
        Vec::new()
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
