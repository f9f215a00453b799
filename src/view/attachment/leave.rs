//! How a view ends: nothing of it stays, here or on the worker.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::Attachment;
use crate::cluster::login::{self, Login, Manner};
use crate::view::Outcome;
use crate::view::child::Child;
use crate::view::events::ViewEvent;
use crate::view::plan::Answer;
use crate::view::terminal::restore::Last;

/// When the window is closed, the worker has this long to let go of our client.
const FAREWELL: Duration = Duration::from_secs(3);

impl Attachment<'_> {
    /// Tidy up.
    pub(super) fn leave(&mut self, outcome: &Outcome) {
        if let Some(child) = &mut self.child {
            child.end();
            self.leftover = true;
            if self.plan.entered() {
                self.last = Last::CutOff;
            }
        }
        while let Some(pause) = self.child.as_mut().and_then(Child::insist) {
            if let Ok(ViewEvent::Ended(..)) = self.events.recv_timeout(pause) {
                self.child = None;
            }
        }
        match (self.leftover, self.needs_login()) {
            (true, false) => self.say_farewell(),
            // Whoever comes there next ends it.
            (true, true) => {}
            (false, _) => self.client.has_ended(),
        }
        let is_gone = matches!(outcome, Outcome::Gone(_));
        if is_gone && self.view.in_window {
            self.let_typing_end();
        }
        self.down_screen.stop_listening();
        self.terminal.restore(self.last);
        if !self.plan.entered() {
            self.stop_saying_connecting();
        }
        if is_gone {
            self.window.over();
        }
    }

    /// Ask the worker to let go of what we have left there. Nobody waits for long: the window is closed.
    fn say_farewell(&mut self) {
        self.questions += 1;
        let (number, client, sender) = (self.questions, Arc::clone(&self.client), self.sender.clone());
        let (wanted, deadline) = (self.wanted.clone(), Instant::now() + FAREWELL);
        thread::spawn(move || {
            let _asking = login::acting(Manner::InView);
            let answer = Answer::Session(client.look(&wanted, deadline));
            let _ = sender.send(ViewEvent::Answered(number, answer));
        });
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.events.recv_timeout(left) {
                Ok(ViewEvent::Answered(answered, _)) if answered == number => return,
                Ok(ViewEvent::Signal(Signal::SIGINT)) | Err(_) => return,
                Ok(_) => {}
            }
        }
    }

    /// Whether a login is due, as far as anybody knows, or was refused: whoever closes a window there wants no other.
    fn needs_login(&self) -> bool {
        let was_refused = || self.plan.down().is_some_and(|down| down.why.lasting);
        self.view.remote.exec.login() != Login::Known && (self.is_logging_in() || was_refused())
    }

    /// The window is about to go by itself. Whoever is typing into it would go on in the one beneath, so it stays until
    /// nobody is.
    fn let_typing_end(&mut self) {
        loop {
            let now = self.clock.now();
            let left = self.down_screen.let_typing_end(&self.sender, now);
            if left.is_zero() {
                return;
            }
            match self.events.recv_timeout(left) {
                Ok(ViewEvent::Input(heard)) => drop(self.down_screen.heard(heard, self.clock.now())),
                Ok(ViewEvent::Signal(signal)) if signal != Signal::SIGINT => return,
                _ => {}
            }
        }
    }
}
