//! How a view that is down looks, and which of the operator's keys it hears.

use std::sync::mpsc::Sender;
use std::time::Duration;

use super::ear::{Ear, Key};
use super::happening::Happening;
use super::listener::{Heard, Listener};
use super::notice::Notice;
use super::overlay::Overlay;
use super::plan::{Moment, Plan};
use super::restore::Terminal;
use crate::registry::names::Address;

/// How often the line is brought up to date: it counts seconds.
const EVERY: Duration = Duration::from_millis(500);

/// The view's face: shown while the view is down, and nothing while it is not.
pub struct Face<'a> {
    terminal: &'a Terminal,
    address: String,
    overlay: Overlay,
    ear: Option<Ear>,
    listener: Option<Listener>,
    details: bool,
}

impl<'a> Face<'a> {
    pub fn new(terminal: &'a Terminal, address: &Address) -> Self {
        let overlay = Overlay::default();
        Self { terminal, address: address.to_string(), overlay, ear: None, listener: None, details: false }
    }

    /// When to be shown again at the latest.
    pub fn due(&self, now: Moment) -> Option<Moment> {
        self.listener.as_ref()?;
        let ripe = self.ear.as_ref().and_then(Ear::due);
        Some(ripe.unwrap_or(now + EVERY).min(now + EVERY))
    }

    /// What the operator means by what came from the terminal.
    pub fn heard(&mut self, heard: Heard, now: Moment) -> Option<Key> {
        match heard {
            Heard::Keys(bytes) => self.ear.as_mut()?.hear(&bytes, now),
            // It is drawn anew because the size is another one.
            Heard::Resized => None,
        }
    }

    /// A key that means something once nothing has followed it.
    pub fn ripen(&mut self, now: Moment) -> Option<Key> {
        self.ear.as_mut()?.ripen(now)
    }

    pub fn toggle_details(&mut self) {
        self.details = !self.details;
    }

    /// Show how the plan stands; `said` is what the attempt under way has said, `pod` where it goes.
    pub fn show(&mut self, plan: &Plan, sender: &Sender<Happening>, said: Option<&str>, pod: Option<&str>, now: Moment) {
        let Some(down) = plan.down() else {
            self.ear = None;
            self.details = false;
            self.listener = None;
            return;
        };
        if !plan.listens() {
            // From here on kubectl reads the terminal, and draws on it.
            self.listener = None;
            return;
        }
        if self.listener.is_none() {
            self.terminal.quiet();
            self.overlay.forget();
            self.ear.get_or_insert_with(|| Ear::new(now));
            let sender = sender.clone();
            // Without one the view reconnects all the same.
            self.listener = Listener::start(move |heard| drop(sender.send(Happening::Heard(heard)))).ok();
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
        self.listener = None;
    }
}
