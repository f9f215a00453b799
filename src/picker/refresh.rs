//! Refresh the workers, and putting their answers on the screen as they come.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use skim::tui::Event;
use skim::tui::actions::Action;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::highlight::Highlight;
use super::layout::Layout;
use super::ui::Ui;
use super::workers::Workers;
use crate::cluster::pod;
use crate::discovery::{self, Finder, News};
use crate::hub::client::Hub;
use crate::hub::guide::Guide;
use crate::registry::Registry;
use crate::registry::names::WorkerName;
use crate::remote::list::Question;
use crate::terminal::table;

/// How soon the threads that wait for answers notice that the picker has gone.
const NOTICE: Duration = Duration::from_millis(20);
/// How long there is none before another hub is started.
const BEFORE_ANOTHER: Duration = Duration::from_secs(1);
/// Columns that skim leaves free before the header.
const INDENT: usize = 2;

/// The workers of one picker on the screen.
pub struct Refresh {
    registry: Registry,
    question: Question,
    workers: Arc<Mutex<Workers>>,
    highlight: Arc<Highlight>,
    /// The header's second line.
    hint: String,
    ui: Ui,
    hub: Option<Arc<Hub>>,
    closed: AtomicBool,
    /// The end of the query, where skim has no room for all of it.
    query_end: Mutex<Option<String>>,
}

impl Refresh {
    pub fn new(
        registry: Registry,
        question: Question,
        workers: Arc<Mutex<Workers>>,
        highlight: Arc<Highlight>,
        hint: String,
        ui: Ui,
        hub: Option<Arc<Hub>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            registry,
            question,
            workers,
            highlight,
            hint,
            ui,
            hub,
            closed: AtomicBool::new(false),
            query_end: Mutex::default(),
        })
    }

    pub fn workers(&self) -> MutexGuard<'_, Workers> {
        self.workers.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Show what is known, ask who is not known, and show each change from now on where there is a hub.
    pub fn begin(self: &Arc<Self>) {
        if let Some(hub) = self.hub.clone() {
            let following = self.clone();
            thread::spawn(move || {
                following.ask_by(Some(Arc::new(Guide::knowing(&hub, false))));
                following.follow(hub);
            });
        } else {
            self.ask_by(None);
        }
    }

    /// Ask every worker that is not being asked already, and every source. Rows stay until their worker has answered.
    pub fn ask(self: &Arc<Self>) {
        pod::ask_anew();
        self.ask_by(self.hub.as_ref().map(|hub| Arc::new(Guide::leading(hub)) as Arc<dyn Finder>));
    }

    /// Show what the hub tells.
    fn follow(self: &Arc<Self>, mut hub: Arc<Hub>) {
        // One that was there and has ended is followed by another one; to use one that is there starts none.
        while self.follow_one(&hub) && !self.closed.load(Ordering::Relaxed) {
            thread::sleep(BEFORE_ANOTHER);
            match Hub::started(&self.registry) {
                Some(another) => hub = Arc::new(another),
                None => return,
            }
        }
    }

    /// Whether it was there.
    fn follow_one(self: &Arc<Self>, hub: &Hub) -> bool {
        let Ok(mut rows) = hub.watch() else { return false };
        let (sender, news) = mpsc::channel();
        thread::spawn(move || rows.all(|row| sender.send(row).is_ok()));
        while !self.closed.load(Ordering::Relaxed) {
            match news.recv_timeout(NOTICE) {
                Ok(None) => {}
                Ok(Some(first)) => {
                    let mut all = self.workers();
                    std::iter::once(first).chain(news.try_iter().flatten()).for_each(|row| all.hear(row));
                    drop(all);
                    self.publish();
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        true
    }

    fn ask_by(self: &Arc<Self>, guide: Option<Arc<dyn Finder>>) {
        let mut all = self.workers();
        let workers = all.ask();
        let mut registry = self.registry.clone();
        if !all.ask_sources() {
            registry.sources.clear();
        }
        drop(all);
        self.publish();
        let names = workers.iter().map(|worker| worker.name.clone()).enumerate().collect();
        let news = discovery::ask_all(&registry, workers, Question { queue: false, ..self.question }, guide);
        let asking = self.clone();
        thread::spawn(move || asking.collect(names, &news));
    }

    /// No answer is taken any more.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.workers().give_up();
    }

    /// `names` says whose report an index means.
    fn collect(self: &Arc<Self>, mut names: HashMap<usize, WorkerName>, news: &Receiver<News>) {
        while !self.closed.load(Ordering::Relaxed) {
            match news.recv_timeout(NOTICE) {
                // Answers that came together are drawn together.
                Ok(first) => self.take(&mut names, std::iter::once(first).chain(news.try_iter())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn take(self: &Arc<Self>, names: &mut HashMap<usize, WorkerName>, news: impl Iterator<Item = News>) {
        let mut all = self.workers();
        for news in news {
            match news {
                News::Joined { source, workers, .. } => {
                    names.extend(workers.iter().map(|(index, worker)| (*index, worker.name.clone())));
                    all.join(source, workers.into_iter().map(|(_, worker)| worker).collect());
                }
                News::Silent { source, failure } => all.silent(source, failure),
                News::Report(report) => {
                    if let Some(name) = names.get(&report.index) {
                        let elsewhere = report.answer.as_ref().ok().and_then(|answer| answer.elsewhere.as_ref());
                        all.take_elsewhere(name, elsewhere.map(|elsewhere| elsewhere.said.clone()));
                        all.take(name, report.answer.map(|answer| answer.sessions));
                    }
                }
            }
        }
        drop(all);
        self.publish();
    }

    /// Rows and header as they are now.
    fn publish(self: &Arc<Self>) {
        let rows = self.workers().rows();
        let asking = self.clone();
        self.ui.change(move |app| {
            asking.highlight.replace_rows(app, rows.clone());
            Vec::new()
        });
        self.show_headline();
    }

    /// The query has changed. skim draws the beginning of one that is too long for its line, so its end, where it is typed, stands
    /// below it then.
    pub fn follow_query(&self, prompt: &str, before_cursor: &str) {
        let columns = Layout::of_terminal().list_columns();
        let room = columns.saturating_sub(prompt.width() + 1);
        let end = (before_cursor.width() > room).then(|| end_of(before_cursor, columns.saturating_sub(INDENT)));
        let mut shown = self.query_end.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if *shown != end {
            *shown = end;
            drop(shown);
            self.show_headline();
        }
    }

    /// The header as it is now, in the room there is now.
    pub fn show_headline(&self) {
        let end = self.query_end.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let header = self.header(&end.unwrap_or_else(|| self.workers().headline()));
        self.ui.change(move |_| vec![header.clone()]);
    }

    /// The event that shows this line above the hint.
    pub fn header(&self, line: &str) -> Event {
        Event::Action(Action::SetHeader(Some(header(line, &self.hint))))
    }
}

/// The end of a text in so many columns, with a mark for what is before it.
fn end_of(text: &str, columns: usize) -> String {
    let mut width = 1;
    let fits = |letter: &char| {
        width += letter.width().unwrap_or(0);
        width <= columns
    };
    let end: Vec<char> = text.chars().rev().take_while(fits).collect();
    std::iter::once('…').chain(end.into_iter().rev()).collect()
}

/// A header of these two lines, each cut where there is no room for it.
pub fn header(line: &str, hint: &str) -> String {
    let columns = Layout::of_terminal().list_columns().saturating_sub(INDENT);
    format!("{}\n{}", table::fit(line, columns), table::fit(hint, columns))
}
