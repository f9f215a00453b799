//! How a form looks. Fits any size that a popup can have.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};
use unicode_width::UnicodeWidthStr;

use super::field::{Field, Kind};
use super::theme::{bad, dim};
use super::{Form, Notice};

/// A notice is at most this high, and a third of the form, so that the fields stay in sight.
const NOTICE_ROWS: usize = 6;
/// Columns in front of a field's label, and between it and the field.
const MARGIN: usize = 2;

/// Draw it; nothing but the text areas' scrolling is remembered in it.
pub fn form(frame: &mut Frame, form: &mut Form) {
    let area = frame.area();
    let focus = form.is_open().then_some(form.focus);
    for (at, field) in form.fields.iter_mut().enumerate() {
        field.show_cursor(focus == Some(at));
    }
    let (notice, notice_style) = notice(form);
    let most = NOTICE_ROWS.min(usize::from(area.height / 3)).max(1);
    let rows = rows_of(&notice, area.width).min(most) as u16;
    // Where there is little room, no field is left out for the title.
    let has_title = area.height > needed(form) + rows + 1;
    let [title, _, fields, below, keys] = Layout::vertical([
        Constraint::Length(u16::from(has_title)),
        Constraint::Length(u16::from(area.height > 8)),
        Constraint::Fill(1),
        Constraint::Length(rows),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Line::styled(form.title.as_str(), Style::new().add_modifier(Modifier::BOLD)), title);
    draw_fields(frame, form, fields);
    frame.render_widget(Paragraph::new(notice).style(notice_style).wrap(Wrap { trim: false }), below);
    frame.render_widget(Line::styled(key_line(form, area.width), dim()), keys);
}

/// How many rows the fields take at least, with what is wrong with them.
fn needed(form: &Form) -> u16 {
    form.fields.iter().map(|field| if field.several_lines() { 3 } else { 1 } + u16::from(field.complaint.is_some())).sum()
}

fn draw_fields(frame: &mut Frame, form: &mut Form, area: Rect) {
    // A row under each field for what is wrong with it, which is also what separates them.
    let heights = form.fields.iter().flat_map(|field| {
        let height = if field.several_lines() { Constraint::Min(3) } else { Constraint::Length(1) };
        let below = u16::from(field.complaint.is_some() || usize::from(area.height) >= form.fields.len() * 2);
        [height, Constraint::Length(if field.several_lines() { u16::from(field.complaint.is_some()) } else { below })]
    });
    let areas = Layout::vertical(heights).split(area);
    let label_width = form.fields.iter().map(|field| field.label.width()).max().unwrap_or(0);
    let focus = form.is_open().then_some(form.focus);
    for ((at, field), areas) in form.fields.iter_mut().enumerate().zip(areas.chunks(2)) {
        let focused = focus == Some(at);
        if field.several_lines() {
            draw_text(frame, field, areas[0]);
        } else {
            draw_line(frame, field, focused, label_width, areas[0]);
        }
        if let Some(why) = &field.complaint {
            let indent = if field.several_lines() { 0 } else { label_width + 2 * MARGIN };
            let indent = indent.min(usize::from(area.width).saturating_sub(why.width()));
            frame.render_widget(Line::styled(format!("{}{why}", " ".repeat(indent)), bad()), areas[1]);
        }
    }
}

fn draw_text(frame: &mut Frame, field: &mut Field, area: Rect) {
    let block = Block::bordered().title(field.label.as_str()).border_style(dim());
    let inside = block.inner(area);
    frame.render_widget(block, area);
    draw_area(frame, field, inside);
}

fn draw_line(frame: &mut Frame, field: &mut Field, focused: bool, label_width: usize, area: Rect) {
    let [label, value] =
        Layout::horizontal([Constraint::Length((label_width + 2 * MARGIN) as u16), Constraint::Fill(1)]).areas(area);
    let style = if focused { Style::new().add_modifier(Modifier::BOLD) } else { Style::new() };
    let mark = if focused { '>' } else { ' ' };
    frame.render_widget(Line::styled(format!("{mark} {}", field.label), style), label);
    match &field.kind {
        Kind::Choice { .. } => {
            let style = if focused { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
            let chosen = Span::styled(format!(" {} ", field.value()), style);
            frame.render_widget(Line::from(vec![Span::raw("<"), chosen, Span::raw(">")]), value);
        }
        _ => draw_area(frame, field, value),
    }
}

fn draw_area(frame: &mut Frame, field: &mut Field, area: Rect) {
    field.fit(area.width, area.height);
    if let Kind::Line(text) | Kind::Text(text) = &field.kind {
        frame.render_widget(text.as_ref(), area);
    }
}

fn notice(form: &Form) -> (String, Style) {
    match &form.notice {
        Notice::None => (String::new(), Style::new()),
        Notice::Note(text) => (text.clone(), dim()),
        Notice::Sending => ("sending…".to_owned(), dim()),
        Notice::Failed(text) | Notice::Unkept(text) => (text.clone(), bad()),
        Notice::Told(text) => (text.clone(), Style::new().add_modifier(Modifier::BOLD)),
    }
}

/// What the keys do just now; those that there is room for.
fn key_line(form: &Form, columns: u16) -> String {
    if matches!(form.notice, Notice::Told(_)) {
        return "any key closes".to_owned();
    }
    let mut keys = vec!["Enter send", "Esc leave"];
    if form.fields.len() > 1 {
        keys.push("Tab next");
    }
    if form.fields[form.focus].several_lines() {
        keys.push("Alt-Enter new line");
    }
    if matches!(form.fields[form.focus].kind, Kind::Choice { .. }) {
        keys.push("Left, Right choose");
    }
    keys.push("Ctrl-L clear");
    while keys.len() > 1 && keys.join(" · ").width() > usize::from(columns) {
        keys.pop();
    }
    keys.join(" · ")
}

/// How many rows a text takes when it is wrapped; never less than it needs.
fn rows_of(text: &str, columns: u16) -> usize {
    let columns = usize::from(columns.max(1));
    // Words are not broken, so lines are not filled: one more for each that is wrapped.
    text.lines().map(|line| line.width().div_ceil(columns).max(1)).map(|rows| if rows > 1 { rows + 1 } else { rows }).sum()
}
