//! A sign of life on standard error while something takes its time.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

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
