//! One field of a form: a line, a text of several lines, or a choice.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::{Modifier, Style};
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::theme::dim;

pub struct Field {
    pub(super) label: String,
    pub(super) kind: Kind,
    /// What is wrong with what it holds.
    pub(super) complaint: Option<String>,
    /// The columns and rows that it was shown in.
    room: (u16, u16),
}

pub(super) enum Kind {
    Line(Box<TextArea<'static>>),
    Text(Box<TextArea<'static>>),
    Choice { items: Vec<String>, chosen: usize },
}

impl Field {
    /// One line; `hint` shows while it is empty.
    pub fn line(label: &str, value: &str, hint: &str) -> Self {
        let mut field = Self::new(label, Kind::Line(Box::new(empty(hint))));
        field.insert(value);
        field
    }

    /// Several lines, wrapped where they are too long.
    pub fn text(label: &str, value: &str, hint: &str) -> Self {
        let mut area = empty(hint);
        area.set_wrap_mode(WrapMode::WordOrGlyph);
        let mut field = Self::new(label, Kind::Text(Box::new(area)));
        field.insert(value);
        field
    }

    /// One of `items`; the first when `chosen` is none of them.
    pub fn choice(label: &str, items: Vec<String>, chosen: &str) -> Self {
        let chosen = items.iter().position(|item| item == chosen).unwrap_or(0);
        Self::new(label, Kind::Choice { items, chosen })
    }

    fn new(label: &str, kind: Kind) -> Self {
        Self { label: label.to_owned(), kind, complaint: None, room: (0, 0) }
    }

    pub fn value(&self) -> String {
        match &self.kind {
            Kind::Line(area) | Kind::Text(area) => area.lines().join("\n"),
            Kind::Choice { items, chosen } => items.get(*chosen).cloned().unwrap_or_default(),
        }
    }

    pub(super) fn several_lines(&self) -> bool {
        matches!(self.kind, Kind::Text(_))
    }

    pub(super) fn show_cursor(&mut self, shown: bool) {
        if let Kind::Line(area) | Kind::Text(area) = &mut self.kind {
            area.set_cursor_style(if shown { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() });
        }
    }

    /// It is about to be shown in so much room: where there is more than before, what was scrolled out comes back.
    pub(super) fn fit(&mut self, columns: u16, rows: u16) {
        let before = std::mem::replace(&mut self.room, (columns, rows));
        let (Kind::Line(area) | Kind::Text(area)) = &mut self.kind else { return };
        if columns <= before.0 && rows <= before.1 {
            return;
        }
        // The text area itself scrolls on from where it is, and takes its cursor along when it is scrolled.
        let cursor = area.cursor();
        let (top, left) = area.scroll_offset();
        let back = |by: u16| -i16::try_from(by).unwrap_or(i16::MAX);
        area.scroll((back(top), back(left)));
        let at = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
        area.move_cursor(CursorMove::Jump(at(cursor.0), at(cursor.1)));
    }

    /// Empty it; a choice stays.
    pub(super) fn clear(&mut self) {
        self.complaint = None;
        if let Kind::Line(area) | Kind::Text(area) = &mut self.kind {
            area.clear();
        }
    }

    /// Insert at the cursor; true when that changed something. In a line, line ends become blanks.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        match &mut self.kind {
            Kind::Line(area) => area.insert_str(text.trim_end_matches('\n').replace('\n', " ")),
            Kind::Text(area) => area.insert_str(text),
            Kind::Choice { .. } => false,
        }
    }

    /// A key for this field; true when it changed something.
    pub(super) fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match &mut self.kind {
            // As every shell has it; the text area would undo.
            Kind::Line(area) | Kind::Text(area) if control && key.code == KeyCode::Char('u') => area.delete_line_by_head(),
            // Control-M is a return: the text area would begin a second line.
            Kind::Line(_) if control && key.code == KeyCode::Char('m') => false,
            Kind::Line(area) | Kind::Text(area) => area.input(key),
            Kind::Choice { items, chosen } => {
                let new = choose(items, *chosen, key.code);
                std::mem::replace(chosen, new) != new
            }
        }
    }
}

fn empty(hint: &str) -> TextArea<'static> {
    let mut area = TextArea::default();
    area.set_placeholder_text(hint);
    area.set_placeholder_style(dim());
    area.set_cursor_line_style(Style::new());
    area
}

/// The next or the previous one, or the next that begins with what was typed.
fn choose(items: &[String], chosen: usize, key: KeyCode) -> usize {
    let count = items.len().max(1);
    match key {
        KeyCode::Right | KeyCode::Char(' ') => (chosen + 1) % count,
        KeyCode::Left => (chosen + count - 1) % count,
        KeyCode::Home => 0,
        KeyCode::End => count - 1,
        KeyCode::Char(c) => (1..=count).map(|by| (chosen + by) % count).find(|&at| items[at].starts_with(c)).unwrap_or(chosen),
        _ => chosen,
    }
}
