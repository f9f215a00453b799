//! The view's terminal, lent to the login plugin of a question: the operator answers there, and the view has it again as soon as
//! nobody asks any more.

use std::sync::mpsc::{self, Sender};

use super::Attachment;
use crate::cluster::kubectl_error;
use crate::cluster::login::lender::Lender;
use crate::view::child;
use crate::view::events::{Borrowing, ViewEvent};
use crate::view::plan::{Event, Moment};
use crate::view::terminal::restore::write;

/// What a question does with the terminal.
#[derive(Debug, Default)]
pub struct Lent {
    /// It may ask on it just now.
    pub asks: bool,
    /// The operator ended it.
    pub interrupted: bool,
    /// What was said on the way to its answer.
    said: Vec<u8>,
}

/// The terminal, as the thread of a question sees it.
pub struct ViewTerminal {
    question: u32,
    sender: Sender<ViewEvent>,
}

impl ViewTerminal {
    pub fn new(question: u32, sender: Sender<ViewEvent>) -> Self {
        Self { question, sender }
    }

    fn tell(&self, what: Borrowing) {
        let _ = self.sender.send(ViewEvent::Borrows(self.question, what));
    }
}

impl Lender for ViewTerminal {
    fn lend(&mut self) -> bool {
        let (sender, lent) = mpsc::channel();
        self.tell(Borrowing::Begins(sender));
        lent.recv().is_ok()
    }

    fn say(&mut self, text: &[u8]) {
        self.tell(Borrowing::Says(text.to_owned()));
    }

    fn take_back(&mut self) {
        self.tell(Borrowing::Ends);
    }
}

impl Attachment<'_> {
    pub(super) fn borrows(&mut self, what: Borrowing) {
        match what {
            Borrowing::Begins(told) => {
                self.lend_terminal();
                let _ = told.send(());
            }
            Borrowing::Says(text) => self.question_says(&text),
            // Before there is a notice nobody else wants it, and Ctrl-C still means the question.
            Borrowing::Ends if self.plan.down().is_some() => self.take_terminal_back(),
            Borrowing::Ends => {}
        }
    }

    /// Nobody else reads it from here on.
    fn lend_terminal(&mut self) {
        self.lent.asks = true;
        self.stop_saying_connecting();
        self.down_screen.stop_listening();
        if self.plan.down().is_some() {
            // What was typed since then was meant for nobody who asks.
            self.terminal.forget_keys();
        }
        self.terminal.lend(self.view.in_window);
    }

    pub(super) fn take_terminal_back(&mut self) {
        self.lent.asks = false;
        self.lent.said.clear();
    }

    /// A plugin says what it wants, or what the operator has to do elsewhere.
    fn question_says(&mut self, text: &[u8]) {
        child::keep(&mut self.lent.said, text);
        if !self.plan.entered() && !self.listens() {
            self.stop_saying_connecting();
            write(&child::shown(&without_kubectls(text)));
        }
    }

    /// The last thing that was said on the way in, or on the way to an answer.
    pub(super) fn last_said(&self) -> Option<String> {
        match &self.child {
            Some(child) => child.last_line(),
            None => child::last_line(&without_kubectls(&self.lent.said)),
        }
    }

    /// The network, or the machine, is back. Whoever is logging in has one.
    pub(super) fn network_is_back(&mut self, now: Moment) {
        if !self.lent.asks {
            self.apply(Event::Back, now);
        }
    }
}

/// What kubectl itself says of a failure is told better when it has ended.
pub(super) fn without_kubectls(text: &[u8]) -> Vec<u8> {
    let lines = text.split_inclusive(|&byte| byte == b'\n');
    lines.filter(|line| !kubectl_error::is_kubectls(&String::from_utf8_lossy(line))).flatten().copied().collect()
}
