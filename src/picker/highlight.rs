//! Which row is highlighted, and that it stays highlighted while other rows come and go around it.
//!
//! skim keeps a position, not a row: a row that arrives above would silently move the highlight, and Enter would open
//! another session than the one that was read. Until one may have been read, the top row is highlighted, so that Enter
//! at once opens the same session each time; [`Selection`] says when that ends.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use skim::SkimItem;
use skim::tui::item_list::ItemList;
use skim::tui::{App, Event};

use super::row::Row;
use super::selection::Selection;
use crate::registry::names::Target;

/// The row to come back to when the list has been matched again.
pub struct Highlight(Mutex<State>);

struct State {
    held: Option<Target>,
    selection: Selection,
    /// Counts the lists: skim shows an older one until it has matched the newest.
    edition: u64,
}

impl Highlight {
    /// With a row that was highlighted when the picker was shown before, that one is highlighted again.
    pub fn new(last: Option<Target>) -> Self {
        let mut selection = Selection::new(Instant::now());
        if last.is_some() {
            selection.chooses();
        }
        Self(Mutex::new(State { held: last, selection, edition: 0 }))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The query has changed: who types wants the best match, not the place where the highlight was.
    pub fn go_to_best(&self, app: &mut App) -> Vec<Event> {
        let mut state = self.lock();
        state.held = None;
        state.selection.searches();
        app.item_list.jump_to_first();
        vec![Event::RunPreview]
    }

    /// Put `rows` in place of all rows.
    pub fn replace_rows(&self, app: &mut App, rows: Vec<Row>) {
        let mut state = self.lock();
        // While an earlier list is still being matched, what lies under the cursor is nobody's choice.
        if state.held.is_none() {
            let now = Instant::now();
            state.held = selected(app).filter(|row| state.selection.keeps(row, now)).map(|row| row.target);
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
        move_to(&mut app.item_list, &target);
        vec![Event::RunPreview]
    }

    /// Another row may be highlighted now. Only the user leaves the top.
    pub fn follow(&self, app: &mut App) {
        let mut state = self.lock();
        state.selection.sees(under_cursor(&app.item_list), Instant::now());
        if !is_at_top(&mut app.item_list) {
            state.selection.chooses();
        }
    }

    /// What is highlighted, as the user sees it.
    pub fn target(&self, app: &App) -> Option<Target> {
        let under_cursor = under_cursor(&app.item_list)?;
        Some(self.lock().held.clone().unwrap_or(under_cursor))
    }
}

/// Move the cursor to this row; to the top when it is not there any more.
fn move_to(list: &mut ItemList, target: &Target) {
    let count = i32::try_from(list.count()).unwrap_or(i32::MAX / 2);
    list.scroll_by(-count);
    for _ in 0..count {
        if under_cursor(list).as_ref() == Some(target) {
            return;
        }
        list.scroll_by(1);
    }
    list.scroll_by(-count);
}

/// skim does not tell its position: find out whether there is a row above.
fn is_at_top(list: &mut ItemList) -> bool {
    let here = under_cursor(list);
    list.scroll_by(-1);
    let at_top = under_cursor(list) == here;
    if !at_top {
        list.scroll_by(1);
    }
    at_top
}

fn under_cursor(list: &ItemList) -> Option<Target> {
    row(list.selected()?.item.as_ref()).map(|row| row.target.clone())
}

/// The row under skim's cursor.
pub fn selected(app: &App) -> Option<Row> {
    row(app.item_list.selected()?.item.as_ref()).cloned()
}

/// The row that an item of skim's is.
pub fn row(item: &dyn SkimItem) -> Option<&Row> {
    item.as_any().downcast_ref()
}
