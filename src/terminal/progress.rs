//! A sign of life on standard error while something takes its time.

use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// How long work may take before it is worth a line: what a person takes for "at once" needs none.
const PATIENCE: Duration = Duration::from_millis(250);

/// A spinner and a text that are there until this is dropped. On anything but a terminal there is nothing.
pub struct Progress(ProgressBar);

impl Progress {
    /// `text` is our own: one line, nothing from a worker.
    pub fn show(text: String) -> Self {
        let style = ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        // The text comes with the first tick, and the first tick after one interval.
        let bar = ProgressBar::new_spinner().with_style(style).with_message(text);
        bar.enable_steady_tick(PATIENCE);
        Self(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// One line each for things that go on at the same time. On anything but a terminal there is nothing.
pub struct Lines {
    all: MultiProgress,
    /// The columns that names take.
    width: usize,
}

impl Lines {
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let width = names.into_iter().map(|name| name.chars().count()).max().unwrap_or(0);
        Self { all: MultiProgress::new(), width }
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
