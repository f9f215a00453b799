//! A sign of life on standard error while something takes its time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How long work may take before it is worth a line: what a person takes for "at once" needs none.
const PATIENCE: Duration = Duration::from_millis(250);

/// What is on the terminal now.
static DRAWN: Mutex<BTreeMap<u64, Drawn>> = Mutex::new(BTreeMap::new());

#[derive(Clone)]
enum Drawn {
    One(ProgressBar),
    Several(MultiProgress),
}

fn drawn() -> MutexGuard<'static, BTreeMap<u64, Drawn>> {
    DRAWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What is drawn while it lives.
struct Place(u64);

impl Place {
    fn of(what: Drawn) -> Self {
        let mut drawn = drawn();
        let place = drawn.keys().next_back().map_or(0, |last| last + 1);
        drawn.insert(place, what);
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drawn().remove(&self.0);
    }
}

/// Do something while nothing of this is on the terminal: somebody is asked on it.
pub fn undisturbed<T>(work: impl FnOnce() -> T) -> T {
    let all: Vec<Drawn> = drawn().values().cloned().collect();
    without(&all, Box::new(work))
}

fn without<T>(drawn: &[Drawn], work: Box<dyn FnOnce() -> T + '_>) -> T {
    match drawn.split_first() {
        None => work(),
        Some((Drawn::One(bar), rest)) => bar.suspend(|| without(rest, work)),
        Some((Drawn::Several(bars), rest)) => bars.suspend(|| without(rest, work)),
    }
}

/// A spinner and a text that are there until this is dropped. On anything but a terminal there is nothing.
pub struct Progress {
    bar: ProgressBar,
    _place: Place,
}

impl Progress {
    /// `text` is our own: one line, nothing from a worker.
    pub fn show(text: String) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        // The text comes with the first tick, and the first tick after one interval.
        let bar = ProgressBar::new_spinner().with_style(style).with_message(text);
        bar.enable_steady_tick(PATIENCE);
        let place = Place::of(Drawn::One(bar.clone()));
        Self { bar, _place: place }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// One line each for things that go on at the same time. On anything but a terminal there is nothing.
pub struct Lines {
    all: MultiProgress,
    /// The columns that names take.
    width: usize,
    _place: Place,
}

impl Lines {
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let width = names.into_iter().map(|name| name.chars().count()).max().unwrap_or(0);
        let all = MultiProgress::new();
        let place = Place::of(Drawn::Several(all.clone()));
        Self { all, width, _place: place }
    }

    /// A line that is there until it is dropped.
    pub fn line(&self, name: &str) -> Line {
        let style = ProgressStyle::with_template("{spinner} {prefix}  {wide_msg} {elapsed:.dim}");
        let name = format!("{name:width$}", width = self.width);
        let bar = ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        let bar = self.all.add(bar.with_prefix(name));
        bar.enable_steady_tick(PATIENCE);
        Line(bar)
    }
}

/// What is going on with one thing.
pub struct Line(ProgressBar);

impl Line {
    /// `text` is one line, neutralised.
    pub fn say(&self, text: String) {
        self.0.set_message(text);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
