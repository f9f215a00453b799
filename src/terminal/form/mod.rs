//! A small form that fills the terminal: a few fields, a line that says which keys there are, and a place for what went
//! wrong. It knows nothing of what it is for; that is its [`Errand`].

mod canvas;
mod draw;
mod field;
mod theme;

use std::io;
use std::time::Duration;

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use canvas::Canvas;
pub use field::Field;

use super::{line_ends, pressed};

/// Nobody types for this long: time to keep what there is.
const PAUSE: Duration = Duration::from_millis(300);

/// What a form is for.
pub trait Errand {
    /// Send what the fields hold, in their order, and keep it if that fails. What is typed while this runs is dropped, unless the
    /// form closes by it: then nobody has read it.
    fn send(&mut self, values: &[String]) -> Verdict;
    /// Keep it, in case it is never sent. Called when typing pauses and when the form is left.
    ///
    /// # Errors
    /// It would be lost: why, in one line.
    fn keep(&mut self, values: &[String]) -> Result<(), String>;
}

/// How sending went.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done: the form closes.
    Sent,
    /// Sent, and there is something to read: it closes at the next key.
    Told(String),
    /// Not sent because of what is in this field.
    Invalid { field: usize, why: String },
    /// Not sent: the form stays, with everything in it.
    Failed(String),
}

/// How a form was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    Sent,
    Cancelled,
}

/// What the lines below the fields say.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Notice {
    None,
    Note(String),
    Sending,
    Failed(String),
    /// Why the form was not left: what is typed would be lost.
    Unkept(String),
    /// Nothing is left to do but to read this.
    Told(String),
}

pub struct Form {
    title: String,
    fields: Vec<Field>,
    focus: usize,
    notice: Notice,
    /// Changed since it was last kept.
    changed: bool,
}

/// What an event leads to.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Go,
    Send,
    Cancel,
}

impl Form {
    /// A form with at least one field; `title` is shown as it is.
    pub fn new(title: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { title: title.into(), fields, focus: 0, notice: Notice::None, changed: false }
    }

    /// A remark to begin with.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notice = Notice::Note(text.into());
    }

    /// Begin in this field.
    pub fn focus(&mut self, field: usize) {
        self.focus = field.min(self.fields.len().saturating_sub(1));
    }

    /// Show the form until it is sent or left.
    ///
    /// # Errors
    /// Standard input or output is no terminal, or stops being one.
    pub fn run(mut self, errand: &mut dyn Errand) -> io::Result<Left> {
        let mut canvas = Canvas::open()?;
        loop {
            canvas.draw(|frame| draw::form(frame, &mut self))?;
            if !event::poll(PAUSE)? {
                self.keep_meanwhile(errand);
                continue;
            }
            let event = event::read()?;
            // A key that others follow at once was pasted by a terminal that does not mark pastes.
            let in_burst = event::poll(Duration::ZERO)?;
            match self.handle(event, in_burst) {
                Step::Go => {}
                Step::Cancel => {
                    if self.may_leave(errand) {
                        return Ok(Left::Cancelled);
                    }
                }
                Step::Send => {
                    if self.send(errand, &mut canvas)? {
                        return Ok(Left::Sent);
                    }
                }
            }
        }
    }

    fn keep_meanwhile(&mut self, errand: &mut dyn Errand) {
        if std::mem::take(&mut self.changed) {
            // If that fails, it is said when it matters: when the form is left.
            let _ = errand.keep(&self.values());
        }
    }

    /// What was typed is kept now, or the user knows that it cannot be.
    fn may_leave(&mut self, errand: &mut dyn Errand) -> bool {
        if matches!(self.notice, Notice::Unkept(_)) {
            return true;
        }
        let kept = errand.keep(&self.values());
        if let Err(why) = &kept {
            self.notice = Notice::Unkept(format!("what you typed could not be kept: {why}; Esc again leaves without it"));
        }
        kept.is_ok()
    }

    /// True when the form is done.
    fn send(&mut self, errand: &mut dyn Errand, canvas: &mut Canvas) -> io::Result<bool> {
        let values = self.values();
        self.changed = false;
        self.notice = Notice::Sending;
        canvas.draw(|frame| draw::form(frame, self))?;
        let verdict = errand.send(&values);
        if verdict == Verdict::Sent {
            // What was typed meanwhile is left to whoever shows the form.
            return Ok(true);
        }
        while event::poll(pressed::AT_ONCE)? {
            event::read()?;
        }
        self.notice = Notice::None;
        match verdict {
            Verdict::Sent => {}
            Verdict::Told(text) => {
                self.notice = Notice::Told(text);
                self.wait_for_key(canvas)?;
                return Ok(true);
            }
            Verdict::Invalid { field, why } => {
                self.focus(field);
                self.fields[self.focus].complaint = Some(why);
            }
            Verdict::Failed(text) => self.notice = Notice::Failed(text),
        }
        Ok(false)
    }

    fn wait_for_key(&mut self, canvas: &mut Canvas) -> io::Result<()> {
        loop {
            canvas.draw(|frame| draw::form(frame, self))?;
            if matches!(event::read()?, Event::Key(key) if key.kind == KeyEventKind::Press) {
                return Ok(());
            }
        }
    }

    fn values(&self) -> Vec<String> {
        self.fields.iter().map(Field::value).collect()
    }

    fn handle(&mut self, event: Event, in_burst: bool) -> Step {
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => self.key(key, in_burst),
            Event::Paste(text) => self.edit(|field| field.insert(&line_ends::unified(&text))),
            _ => Step::Go,
        }
    }

    fn key(&mut self, key: KeyEvent, in_burst: bool) -> Step {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let several_lines = self.fields[self.focus].several_lines();
        match key.code {
            KeyCode::Esc => Step::Cancel,
            KeyCode::Char('c') if control => Step::Cancel,
            KeyCode::Char('l') if control => {
                self.notice = Notice::None;
                self.fields.iter_mut().for_each(Field::clear);
                self.changed = true;
                Step::Go
            }
            KeyCode::Char('j') if control && several_lines => self.edit(|field| field.insert("\n")),
            KeyCode::Enter if several_lines && (in_burst || !key.modifiers.is_empty()) => self.edit(|field| field.insert("\n")),
            KeyCode::Enter => Step::Send,
            KeyCode::Tab => self.move_focus(1),
            KeyCode::BackTab => self.move_focus(self.fields.len() - 1),
            KeyCode::Down if !several_lines => self.move_focus(1),
            KeyCode::Up if !several_lines => self.move_focus(self.fields.len() - 1),
            _ => self.edit(|field| field.key(key)),
        }
    }

    fn edit(&mut self, change: impl FnOnce(&mut Field) -> bool) -> Step {
        if change(&mut self.fields[self.focus]) {
            self.changed = true;
            self.fields[self.focus].complaint = None;
            self.notice = Notice::None;
        }
        Step::Go
    }

    /// Whether it still takes keys for its fields.
    fn is_open(&self) -> bool {
        !matches!(self.notice, Notice::Told(_))
    }

    fn move_focus(&mut self, by: usize) -> Step {
        self.focus = (self.focus + by) % self.fields.len();
        Step::Go
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
