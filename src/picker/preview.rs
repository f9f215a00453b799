//! The preview: what the highlighted session shows, looked at again while it stays highlighted.
//!
//! A look is an exec on the worker, so looks are rationed: two a second at most however fast the highlight moves, the
//! newest row first, and an old one's answer is thrown away. Over the hub it is a line on a connection that is there, and costs next
//! to nothing.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use skim::SkimItem;
use skim::tui::{App, Event};

use super::layout::{Layout, Place};
use super::row::{Row, Say};
use super::ui::Ui;
use super::workers::Workers;
use super::{Purpose, help, highlight, no_session};
use crate::cluster::login::{self, Manner};
use crate::failure::Failure;
use crate::hub::client::Hub;
use crate::registry::names::Target;
use crate::remote::list_all::Via;
use crate::remote::{Remote, peek};
use crate::terminal::{neutralise, pane};

/// The least time between the starts of two looks, each an exec.
const PACE: Duration = Duration::from_millis(500);
/// The same as long as the hub answers.
const PACE_BY_HUB: Duration = Duration::from_millis(50);
/// How often a row that stays highlighted is looked at.
const AGAIN: Duration = Duration::from_secs(1);
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Lines that a look asks for; more than a screen shows.
const LINES: u32 = 100;
/// Below what was seen before.
const NOT_AGAIN: &str = "[not looked at again: it might start a login; Ctrl-r asks]";
/// Sessions whose last look is kept, to be shown at once when the highlight comes back.
const KEPT: usize = 200;

/// The preview of one picker on the screen.
pub struct Preview {
    workers: Arc<Mutex<Workers>>,
    ui: Ui,
    purpose: Purpose,
    hub: Option<Arc<Hub>>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The terminal, as it was divided.
    layout: Layout,
    /// The highlighted row.
    row: Option<Row>,
    /// Counts the rows that were highlighted: tells an answer for this row from one for an earlier one.
    turn: u64,
    /// The turn that is being looked at.
    looking: Option<u64>,
    last_look: Option<Instant>,
    /// The least time between the starts of two looks.
    pace: Duration,
    /// When this turn's row may be looked at (again).
    due: Option<Instant>,
    seen: HashMap<Target, String>,
    /// What is not looked at again, because that might start a login.
    old: HashSet<Target>,
    showing_help: bool,
    closed: bool,
}

impl State {
    fn new() -> Self {
        Self {
            layout: Layout::of_terminal(),
            row: None,
            turn: 0,
            looking: None,
            last_look: None,
            pace: PACE,
            due: None,
            seen: HashMap::new(),
            old: HashSet::new(),
            showing_help: false,
            closed: false,
        }
    }

    /// Where the preview is.
    fn place(&self) -> Place {
        self.layout.place(self.showing_help)
    }

    /// Columns and rows that there are for the text.
    fn size(&self) -> (usize, usize) {
        self.layout.preview(self.place())
    }

    /// What there is to show after a look. One that was not taken takes nothing away, but says so.
    fn told(&mut self, target: &Target, look: Result<String, Failure>) -> String {
        match look {
            Err(failure) if login::is_unasked(&failure) => {
                let is_news = self.old.insert(target.clone());
                match self.seen.get(target) {
                    Some(seen) if is_news => format!("{}\x1b[m\n{NOT_AGAIN}", seen.trim_end_matches('\n')),
                    Some(seen) => seen.clone(),
                    None => no_session::failed(&target.worker, &failure, self.size().0),
                }
            }
            look => {
                self.old.remove(target);
                look.unwrap_or_else(|failure| no_session::failed(&target.worker, &failure, self.size().0))
            }
        }
    }

    /// The highlighted row, if it is a session, and there is a place to show it.
    fn session(&self) -> Option<&Target> {
        let shown = self.row.as_ref().filter(|_| self.place() != Place::Nowhere);
        shown.map(|row| &row.target).filter(|target| target.session.is_some())
    }
}

impl Preview {
    /// Nothing is looked at before [`start`](Self::start).
    pub fn new(workers: Arc<Mutex<Workers>>, ui: Ui, purpose: Purpose, hub: Option<Arc<Hub>>) -> Arc<Self> {
        Arc::new(Self { workers, ui, purpose, hub, state: Mutex::new(State::new()), changed: Condvar::new() })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Begin to look at what is highlighted, on threads of its own, until it is closed.
    pub fn start(self: &Arc<Self>) {
        let preview = self.clone();
        thread::spawn(move || {
            while let Some((turn, target)) = preview.next_look() {
                let preview = preview.clone();
                thread::spawn(move || preview.look(turn, target));
            }
        });
    }

    /// No look begins after this.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Another row may be highlighted now.
    pub fn follow(&self, app: &App) -> Vec<Event> {
        let row = highlight::selected(app);
        let mut state = self.lock();
        if state.row != row {
            if state.row.as_ref().map(|row| &row.target) != row.as_ref().map(|row| &row.target) {
                state.turn += 1;
                state.due = Some(state.last_look.map_or_else(Instant::now, |last| last + state.pace));
            }
            state.row = row;
            self.changed.notify_all();
        }
        Vec::new()
    }

    /// Show the keys in place of the session, or the session again.
    pub fn toggle_help(&self, app: &mut App) -> Vec<Event> {
        let mut state = self.lock();
        state.showing_help = !state.showing_help;
        state.layout.divide(app, state.place());
        vec![Event::RunPreview]
    }

    /// Move to where there is room for it, if the size of the terminal has changed: true when it has.
    pub fn follow_size(&self) -> bool {
        let mut state = self.lock();
        let layout = Layout::of_terminal();
        if state.layout == layout {
            return false;
        }
        state.layout = layout;
        let place = state.place();
        self.changed.notify_all();
        self.ui.change(move |app| {
            layout.divide(app, place);
            Vec::new()
        });
        true
    }

    /// Wait until a look is due.
    fn next_look(&self) -> Option<(u64, Target)> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let free = state.looking != Some(state.turn);
            let (Some(due), Some(target), true) = (state.due, state.session().cloned(), free) else {
                state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            };
            let now = Instant::now();
            if due <= now {
                state.looking = Some(state.turn);
                state.last_look = Some(now);
                state.due = Some(now + AGAIN);
                return Some((state.turn, target));
            }
            state = self.changed.wait_timeout(state, due - now).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    fn look(self: &Arc<Self>, turn: u64, target: Target) {
        let (seen, via) = self.capture(&target);
        let mut state = self.lock();
        state.pace = if via == Via::Hub { PACE_BY_HUB } else { PACE };
        let text = state.told(&target, seen);
        if state.looking == Some(turn) {
            state.looking = None;
        }
        if state.seen.len() >= KEPT {
            state.seen.clear();
            state.old.clear();
        }
        state.seen.insert(target, text);
        let current = state.turn == turn && !state.closed;
        self.changed.notify_all();
        drop(state);
        if current {
            let preview = self.clone();
            self.ui.change(move |app| preview.draw(app, turn));
        }
    }

    fn capture(&self, target: &Target) -> (Result<String, Failure>, Via) {
        let worker = self.workers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).find(&target.worker).cloned();
        let (Some(worker), Some(session)) = (worker, &target.session) else {
            return (Ok(String::new()), Via::Direct);
        };
        // To look again and again is nobody's wish.
        let _unasked = login::acting(Manner::Unasked);
        let remote = Remote::to(&worker);
        let remote = match &self.hub {
            Some(hub) => hub.through(&worker, remote),
            None => remote,
        };
        let pane = peek::capture(&remote, session, LINES, Instant::now() + PATIENCE);
        (pane.map(|pane| pane::text(&pane)), remote.exec.via())
    }

    /// Put what was seen on the screen, unless the highlight has moved on meanwhile.
    fn draw(&self, app: &mut App, turn: u64) -> Vec<Event> {
        let state = self.lock();
        if state.turn == turn && !state.showing_help {
            let text = self.text(&state, state.row.as_ref());
            // Colours that skim cannot parse are no reason to show nothing.
            if app.preview.content(text.as_bytes()).is_err() {
                let _ = app.preview.content(neutralise::plain(text.as_bytes()).as_bytes());
            }
        }
        Vec::new()
    }

    /// The text for this item of skim's, without waiting for anything.
    pub fn text_of(&self, item: Option<&Arc<dyn SkimItem>>) -> String {
        self.text(&self.lock(), item.and_then(|item| highlight::row(item.as_ref())))
    }

    fn text(&self, state: &State, row: Option<&Row>) -> String {
        let (columns, rows) = state.size();
        match row {
            _ if state.showing_help => help::help(self.purpose, columns, rows),
            None => String::new(),
            Some(Row { target, say: Say::Session { .. }, .. }) => match state.seen.get(target) {
                Some(text) => bottom(text, rows).to_owned(),
                None => "asking…".to_owned(),
            },
            Some(Row { target, say: Say::NoSessions, .. }) => no_session::no_sessions(&target.worker, columns),
            Some(Row { target, say: Say::Elsewhere(said), .. }) => no_session::elsewhere(&target.worker, said, columns),
            Some(Row { target, say: Say::Failed(failure), .. }) => no_session::failed(&target.worker, failure, columns),
        }
    }
}

/// The last lines of a text, this many.
fn bottom(text: &str, rows: usize) -> &str {
    let text = text.trim_end_matches('\n');
    text.rmatch_indices('\n').nth(rows.saturating_sub(1)).map_or(text, |(at, _)| &text[at + 1..])
}
