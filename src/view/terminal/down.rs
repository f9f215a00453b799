//! How a view that is down looks, and which of the operator's keys it hears.

use std::sync::mpsc::Sender;
use std::time::Duration;

use super::input::{Input, InputEvent};
use super::keys::{Key, Keys};
use super::notice::Notice;
use super::overlay::Overlay;
use super::restore::Terminal;
use crate::registry::names::Address;
use crate::view::events::ViewEvent;
use crate::view::plan::{Moment, Plan};

/// How often the line is brought up to date: it counts seconds.
const EVERY: Duration = Duration::from_millis(500);

/// What is on the terminal: shown while the view is down, and nothing while it is not.
pub struct DownScreen<'a> {
    terminal: &'a Terminal,
    address: String,
    overlay: Overlay,
    keys: Option<Keys>,
    input: Option<Input>,
    details: bool,
}

impl<'a> DownScreen<'a> {
    pub fn new(terminal: &'a Terminal, address: &Address) -> Self {
        let overlay = Overlay::default();
        Self { terminal, address: address.to_string(), overlay, keys: None, input: None, details: false }
    }

    /// When to be shown again at the latest.
    pub fn due(&self, now: Moment) -> Option<Moment> {
        self.input.as_ref()?;
        let ripe = self.keys.as_ref().and_then(Keys::due);
        Some(ripe.unwrap_or(now + EVERY).min(now + EVERY))
    }

    /// What the operator means by what came from the terminal.
    pub fn heard(&mut self, heard: InputEvent, now: Moment) -> Option<Key> {
        match heard {
            InputEvent::Keys(bytes) => self.keys.as_mut()?.hear(&bytes, now),
            // It is drawn anew because the size is another one.
            InputEvent::Resized => None,
        }
    }

    /// A key that means something once nothing has followed it.
    pub fn settle_key(&mut self, now: Moment) -> Option<Key> {
        self.keys.as_mut()?.settle_key(now)
    }

    pub fn toggle_details(&mut self) {
        self.details = !self.details;
    }

    /// Show how the plan stands; `said` is what the attempt under way has said, `pod` where it goes.
    pub fn show(&mut self, plan: &Plan, sender: &Sender<ViewEvent>, said: Option<&str>, pod: Option<&str>, now: Moment) {
        let Some(down) = plan.down() else {
            self.keys = None;
            self.details = false;
            self.input = None;
            return;
        };
        if !plan.listens() {
            // From here on kubectl reads the terminal, and draws on it.
            self.input = None;
            return;
        }
        if self.input.is_none() {
            self.terminal.quiet();
            self.overlay.forget();
            self.keys.get_or_insert_with(|| Keys::new(now));
            let sender = sender.clone();
            // Without one the view reconnects all the same.
            self.input = Input::start(move |heard| drop(sender.send(ViewEvent::Input(heard)))).ok();
        }
        let address = &self.address;
        let notice = Notice { address, down, next_try: plan.next_try(), said, pod, now };
        let size = Overlay::terminal_size();
        let mut lines = if self.details { notice.details(size.0) } else { Vec::new() };
        lines.push(notice.line(size.0));
        self.overlay.draw(lines, size);
    }

    /// The view is over.
    pub fn away(&mut self) {
        self.input = None;
    }
}
