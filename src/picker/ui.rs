//! The way from our threads and key bindings into skim's own thread, where alone its state may be changed.

use std::sync::{Arc, OnceLock};

use skim::tui::actions::{Action, ActionCallback};
use skim::tui::{App, Event};

type Post = Box<dyn Fn(Event) + Send + Sync>;

/// A handle to the picker on the screen; what is posted before it is there, or after it has gone, is dropped.
#[derive(Clone, Default)]
pub struct Ui(Arc<OnceLock<Post>>);

impl Ui {
    /// From now on changes reach skim through `post`.
    pub fn connect(&self, post: impl Fn(Event) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(post));
    }

    /// Run `change` on skim's thread, soon; the screen is drawn again after it.
    pub fn change(&self, change: impl Fn(&mut App) -> Vec<Event> + Send + 'static) {
        if let Some(post) = self.0.get() {
            post(Event::Action(action(change)));
        }
    }
}

/// A change of skim's state, as something a key can be bound to. The events it returns are handled next.
pub fn action(change: impl Fn(&mut App) -> Vec<Event> + Send + 'static) -> Action {
    Action::Custom(ActionCallback::new_sync(move |app| Ok(change(app))))
}
