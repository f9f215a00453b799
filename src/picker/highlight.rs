//! Which row is highlighted, and that it stays highlighted while other rows come and go around it.
//!
//! skim keeps a position, not a row: a row that arrives above would silently move the highlight, and Enter would open
//! another session than the one that was read.

use std::sync::{Arc, Mutex, MutexGuard};

use skim::SkimItem;
use skim::tui::{App, Event};

use super::row::{Row, Say};
use crate::registry::names::Target;

/// The row to come back to when the list has been matched again.
#[derive(Default)]
pub struct Highlight(Mutex<Option<Target>>);

impl Highlight {
    fn lock(&self) -> MutexGuard<'_, Option<Target>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Come back to this row as soon as it is there.
    pub fn hold(&self, target: Option<Target>) {
        *self.lock() = target;
    }

    /// Put `rows` in place of all rows. A highlighted session stays highlighted; until there is one, the top is.
    pub fn replace_rows(&self, app: &mut App, rows: &[Arc<dyn SkimItem>]) {
        let mut held = self.lock();
        // Results that are still being matched have their row already: what is shown meanwhile is no choice of anybody's.
        if held.is_none() {
            *held = selected(app).filter(|row| matches!(row.say, Say::Session { .. })).map(|row| row.target);
        }
        app.item_pool.clear();
        app.item_pool.append(rows.to_vec());
        app.restart_matcher(true);
    }

    /// The list was matched again: move back to the held row.
    pub fn restore(&self, app: &mut App) -> Vec<Event> {
        let Some(target) = self.lock().take() else { return Vec::new() };
        let is_there = |app: &App| selected(app).is_some_and(|row| row.target == target);
        if is_there(app) {
            return Vec::new();
        }
        let count = i32::try_from(app.item_list.count()).unwrap_or(i32::MAX / 2);
        app.item_list.scroll_by(-count);
        for _ in 0..count {
            if is_there(app) {
                return vec![Event::RunPreview];
            }
            app.item_list.scroll_by(1);
        }
        app.item_list.scroll_by(-count);
        vec![Event::RunPreview]
    }

    /// What is highlighted, as the user sees it.
    pub fn target(&self, app: &App) -> Option<Target> {
        self.lock().clone().or_else(|| selected(app).map(|row| row.target))
    }
}

/// The row under skim's cursor.
pub fn selected(app: &App) -> Option<Row> {
    row(app.item_list.selected()?.item.as_ref()).cloned()
}

/// The row that an item of skim's is.
pub fn row(item: &dyn SkimItem) -> Option<&Row> {
    item.as_any().downcast_ref()
}
