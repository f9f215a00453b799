//! Whose row is highlighted: the user's, who chose it or may have read it, or nobody's yet.

use std::time::{Duration, Instant};

use super::row::{Row, Say};
use crate::registry::names::Target;

/// A row that has been highlighted for longer may have been read.
const READ: Duration = Duration::from_secs(1);

/// What the user has done about the highlighted row.
#[derive(Debug)]
pub struct Selection {
    target: Option<Target>,
    since: Instant,
    chosen: bool,
}

impl Selection {
    /// Nothing is highlighted yet.
    pub fn new(now: Instant) -> Self {
        Self { target: None, since: now, chosen: false }
    }

    /// This row is highlighted now.
    pub fn sees(&mut self, target: Option<Target>, now: Instant) {
        if self.target != target {
            self.target = target;
            self.since = now;
        }
    }

    /// The user has moved: from now on the highlight is theirs.
    pub fn chooses(&mut self) {
        self.chosen = true;
    }

    /// The user has typed: the best match is wanted, whichever that will be.
    pub fn searches(&mut self) {
        self.chosen = false;
        self.target = None;
    }

    /// Whether this row, which is highlighted, stays so when others arrive above it. Otherwise the top one is highlighted,
    /// and not the one whose worker happened to answer first.
    pub fn keeps(&self, row: &Row, now: Instant) -> bool {
        let may_be_read = self.target.as_ref() == Some(&row.target) && now.duration_since(self.since) > READ;
        // Nobody waits for a worker without sessions: the first session takes its place.
        self.chosen || (may_be_read && matches!(row.say, Say::Session { .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::session::State;

    fn row(address: &str) -> Row {
        let say = if address.contains('/') { Say::Session { state: State::Idle, age: None } } else { Say::NoSessions };
        Row::new(address.parse().unwrap(), say)
    }

    /// The highlight is on `w/s` since the time that is given too.
    fn on(address: &str) -> (Selection, Row, Instant) {
        let (row, now) = (row(address), Instant::now());
        let mut selection = Selection::new(now);
        selection.sees(Some(row.target.clone()), now);
        (selection, row, now)
    }

    #[test]
    fn a_row_is_given_up_until_it_may_have_been_read() {
        let (mut selection, row, start) = on("w/s");
        assert!(!selection.keeps(&row, start));
        // It was drawn again.
        selection.sees(Some(row.target.clone()), start + READ / 2);
        assert!(!selection.keeps(&row, start + READ));
        assert!(selection.keeps(&row, start + READ + Duration::from_millis(1)));
    }

    #[test]
    fn the_time_runs_for_each_row_of_its_own() {
        let (mut selection, _, start) = on("w/s");
        let above = row("v/s");
        selection.sees(Some(above.target.clone()), start + READ);
        assert!(!selection.keeps(&above, start + READ * 2));
        assert!(selection.keeps(&above, start + READ * 3));
    }

    #[test]
    fn a_row_that_was_moved_to_is_kept_at_once_until_the_query_changes() {
        let (mut selection, row, start) = on("w");
        selection.chooses();
        assert!(selection.keeps(&row, start));
        selection.searches();
        assert!(!selection.keeps(&row, start + READ * 2));
    }

    #[test]
    fn a_worker_without_sessions_gives_way_however_long_it_was_there() {
        let (selection, row, start) = on("w");
        assert!(!selection.keeps(&row, start + READ * 60));
    }
}
