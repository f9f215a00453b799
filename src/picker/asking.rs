//! Asking the workers, and putting their answers on the screen as they come.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use skim::tui::Event;
use skim::tui::actions::Action;

use super::board::Board;
use super::highlight::Highlight;
use super::room::Room;
use super::ui::Ui;
use crate::registry::worker::Worker;
use crate::remote::ask::{self, Question, Report};
use crate::terminal::table;

/// How soon the threads that wait for answers notice that the picker has gone.
const NOTICE: Duration = Duration::from_millis(20);
/// Columns that skim leaves free before the header.
const INDENT: usize = 2;

/// The workers of one picker on the screen.
pub struct Asking {
    workers: Vec<Worker>,
    question: Question,
    board: Arc<Mutex<Board>>,
    highlight: Arc<Highlight>,
    /// The header's second line.
    hint: String,
    ui: Ui,
    closed: AtomicBool,
}

impl Asking {
    pub fn new(
        workers: Vec<Worker>,
        question: Question,
        board: Arc<Mutex<Board>>,
        highlight: Arc<Highlight>,
        hint: String,
        ui: Ui,
    ) -> Arc<Self> {
        Arc::new(Self { workers, question, board, highlight, hint, ui, closed: AtomicBool::new(false) })
    }

    pub fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Ask every worker that is not being asked already. Rows stay until their worker has answered.
    pub fn ask(self: &Arc<Self>) {
        let places = self.board().ask();
        self.publish();
        let workers = places.iter().map(|&place| self.workers[place].clone()).collect();
        let reports = ask::all(workers, Question { queue: false, ..self.question });
        let asking = self.clone();
        thread::spawn(move || asking.collect(&places, &reports));
    }

    /// No answer is taken any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.board().give_up();
    }

    fn collect(self: &Arc<Self>, places: &[usize], reports: &Receiver<Report>) {
        while !self.closed.load(Ordering::Relaxed) {
            match reports.recv_timeout(NOTICE) {
                // Answers that came together are drawn together.
                Ok(first) => self.take(places, std::iter::once(first).chain(reports.try_iter())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(self: &Arc<Self>, places: &[usize], reports: impl Iterator<Item = Report>) {
        let mut board = self.board();
        for report in reports {
            board.take(places[report.index], report.answer.map(|answer| answer.sessions));
        }
        drop(board);
        self.publish();
    }

    /// Rows and header as they are now.
    fn publish(self: &Arc<Self>) {
        let rows = self.board().rows();
        let asking = self.clone();
        self.ui.change(move |app| {
            asking.highlight.replace_rows(app, rows.clone());
            Vec::new()
        });
        self.show_headline();
    }

    /// The header as it is now, in the room there is now.
    pub fn show_headline(&self) {
        let header = self.header(&self.board().headline());
        self.ui.change(move |_| vec![header.clone()]);
    }

    /// The event that shows this line above the hint.
    pub fn header(&self, line: &str) -> Event {
        Event::Action(Action::SetHeader(Some(header(line, &self.hint))))
    }
}

/// A header of these two lines, each cut where there is no room for it.
pub fn header(line: &str, hint: &str) -> String {
    let columns = Room::of_terminal().list_columns().saturating_sub(INDENT);
    format!("{}\n{}", table::fit(line, columns), table::fit(hint, columns))
}
