//! How a view that is down looks, and which of the operator's keys it hears.

use std::sync::mpsc::Sender;
use std::time::Duration;

use super::input::{Input, InputEvent};
use super::keys::{Key, Keys};
use super::notice::{Notice, cut};
use super::overlay::Overlay;
use super::restore::Terminal;
use crate::registry::names::Address;
use crate::terminal::neutralise;
use crate::view::events::ViewEvent;
use crate::view::plan::{Moment, Plan, State};

/// How often the line is brought up to date: it counts seconds.
const EVERY: Duration = Duration::from_millis(500);

/// What is to be known of the attempt under way.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// What it, or a login plugin, said last.
    pub said: Option<&'a str>,
    pub pod: Option<&'a str>,
    /// What to do about why it is down; empty when there is nothing sensible to say.
    pub remedy: &'a str,
    /// Nobody else reads what is typed.
    pub listens: bool,
    /// The terminal is a login plugin's, as far as anybody knows.
    pub asks: bool,
}

/// What is on the terminal: shown while the view is down, and nothing while it is not.
pub struct DownScreen<'a> {
    terminal: &'a Terminal,
    address: String,
    overlay: Overlay,
    keys: Option<Keys>,
    input: Option<Input>,
    /// They are shown where they are not at first, and the other way round.
    details: bool,
}

impl<'a> DownScreen<'a> {
    pub fn new(terminal: &'a Terminal, address: &Address) -> Self {
        let overlay = Overlay::default();
        Self { terminal, address: address.to_string(), overlay, keys: None, input: None, details: false }
    }

    /// The session has another address now.
    pub fn rename(&mut self, address: &Address) {
        self.address = address.to_string();
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

    /// Show how the plan stands, and of the attempt under way what it has said and where it goes.
    pub fn show(&mut self, plan: &Plan, attempt: Attempt<'_>, sender: &Sender<ViewEvent>, now: Moment) {
        let Attempt { said, pod, remedy, listens, asks } = attempt;
        let Some(down) = plan.down() else {
            self.keys = None;
            self.details = false;
            self.input = None;
            return;
        };
        if listens {
            self.listen(sender, now, plan.listens());
        } else {
            // From here on somebody else reads the terminal, and kubectl draws on it.
            self.input = None;
            if !asks {
                return;
            }
        }
        let address = &self.address;
        let notice = Notice { address, down, next_try: plan.next_try(), said, pod, remedy, keys: listens, now };
        let size = Overlay::terminal_size();
        // Where nothing was ever shown they cover nothing, and whoever has to do something about it looks for what.
        let shown_at_first = down.state == State::Failed && !plan.entered();
        let mut lines = if self.details != shown_at_first { notice.details(size.0) } else { Vec::new() };
        lines.push(notice.line(size.0));
        self.overlay.draw(lines, size);
    }

    /// Begin to listen; `anew`: to what is typed from now on.
    fn listen(&mut self, sender: &Sender<ViewEvent>, now: Moment, anew: bool) {
        if self.input.is_some() {
            return;
        }
        if anew {
            self.terminal.quiet();
        } else {
            self.terminal.hold();
        }
        self.overlay.forget();
        self.keys.get_or_insert_with(|| Keys::new(now));
        let sender = sender.clone();
        // Without one the view reconnects all the same.
        self.input = Input::start(move |heard| drop(sender.send(ViewEvent::Input(heard)))).ok();
    }

    /// How long to wait, and to listen, until it is known that nobody is typing.
    pub fn let_typing_end(&mut self, sender: &Sender<ViewEvent>, now: Moment) -> Duration {
        self.listen(sender, now, true);
        let Some((keys, _)) = self.keys.as_ref().zip(self.input.as_ref()) else { return Duration::ZERO };
        if keys.are_typed() {
            let size = Overlay::terminal_size();
            let line = format!("{} has ended · this window goes when nobody types", self.address);
            self.overlay.draw(vec![cut(&neutralise::line(&line), size.0)], size);
        }
        keys.silence_needed(now)
    }

    /// Somebody else reads the terminal from now on.
    pub fn stop_listening(&mut self) {
        self.input = None;
    }
}
