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
pub struct Highlight(Mutex<State>);

#[derive(Default)]
struct State {
    held: Option<Target>,
    /// Counts the lists: skim shows an older one until it has matched the newest.
    edition: u64,
}

impl Highlight {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Come back to this row as soon as it is there.
    pub fn hold(&self, target: Option<Target>) {
        self.lock().held = target;
    }

    /// Put `rows` in place of all rows. A highlighted session stays highlighted; until there is one, the top is.
    pub fn replace_rows(&self, app: &mut App, rows: Vec<Row>) {
        let mut state = self.lock();
        // While an earlier list is still being matched, what lies under the cursor is nobody's choice.
        if state.held.is_none() {
            state.held = selected(app).filter(|row| matches!(row.say, Say::Session { .. })).map(|row| row.target);
        }
        state.edition += 1;
        let edition = state.edition;
        let items = rows.into_iter().map(|row| Arc::new(Row { edition, ..row }) as Arc<dyn SkimItem>);
        app.item_pool.clear();
        app.item_pool.append(items.collect());
        app.restart_matcher(true);
    }

    /// A list was matched: move to the held row, and let it go when this was the newest list.
    pub fn restore(&self, app: &mut App) -> Vec<Event> {
        let mut state = self.lock();
        let (Some(target), Some(row)) = (state.held.clone(), selected(app)) else { return Vec::new() };
        if row.edition == state.edition {
            state.held = None;
        }
        if row.target == target {
            return Vec::new();
        }
        move_to(app, &target);
        vec![Event::RunPreview]
    }

    /// What is highlighted, as the user sees it.
    pub fn target(&self, app: &App) -> Option<Target> {
        let under_cursor = selected(app)?.target;
        Some(self.lock().held.clone().unwrap_or(under_cursor))
    }
}

/// Move the cursor to this row; to the top when it is not there any more.
fn move_to(app: &mut App, target: &Target) {
    let list = &mut app.item_list;
    let count = i32::try_from(list.count()).unwrap_or(i32::MAX / 2);
    list.scroll_by(-count);
    for _ in 0..count {
        if list.selected().is_some_and(|item| row(item.item.as_ref()).is_some_and(|row| row.target == *target)) {
            return;
        }
        list.scroll_by(1);
    }
    list.scroll_by(-count);
}

/// The row under skim's cursor.
pub fn selected(app: &App) -> Option<Row> {
    row(app.item_list.selected()?.item.as_ref()).cloned()
}

/// The row that an item of skim's is.
pub fn row(item: &dyn SkimItem) -> Option<&Row> {
    item.as_any().downcast_ref()
}
