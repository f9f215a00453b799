//! A row of the table: a worker, or a source that did not say which workers it has.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use crate::commands::worker_state;
use crate::failure::Failure;
use crate::registry::names::WorkerName;
use crate::registry::source::Source;
use crate::registry::worker::{Place, Worker};
use crate::remote::list_all::Report;
use crate::remote::session::{Answer, Session, State};
use crate::terminal::age;
use crate::terminal::neutralise;
use crate::terminal::style::Style;
use crate::terminal::table::Cell;

/// How a row is shown.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Kind, namespace and context too.
    pub wide: bool,
    pub active_within: Duration,
    /// Columns for the sessions.
    pub room: usize,
}

/// The cells of a worker; without a report it is still being asked.
pub fn of_worker(worker: &Worker, report: Option<&Report>, look: Look) -> Vec<Cell> {
    let mut row = vec![Cell::new(worker.name.as_str(), Style::Bold)];
    if look.wide {
        row.extend(place(worker).map(|text| plain(&text)));
    }
    row.push(plain(report.and_then(|report| report.pod.as_deref()).unwrap_or("-")));
    match report.map(|report| &report.answer) {
        None => row.push(asking()),
        Some(Ok(answer)) => {
            let (status, style) = worker_state::of(answer);
            row.push(Cell::new(status, style));
            row.push(sessions(answer, look.active_within, look.room));
            row.push(plain(&answer.queue.summary()));
        }
        Some(Err(failure)) => row.extend(failed(failure)),
    }
    row
}

/// The cells of a source that is being asked, or did not answer.
pub fn of_source(source: &Source, failure: Option<&Failure>, wide: bool) -> Vec<Cell> {
    let mut row = vec![Cell::new(source.to_string(), Style::Bold)];
    if wide {
        let namespace = source.namespace.as_ref().map_or("-", |name| name.as_str());
        row.extend([source.system.word(), namespace, source.context.as_deref().unwrap_or("-")].map(plain));
    }
    row.push(plain("-"));
    match failure {
        None => row.push(asking()),
        Some(failure) => row.extend(failed(failure)),
    }
    row
}

/// The cells of an entry that cannot be used.
pub fn of_invalid(name: &WorkerName, failure: &Failure, wide: bool) -> Vec<Cell> {
    let mut row = vec![Cell::new(name.as_str(), Style::Bold)];
    let unknown = if wide { 4 } else { 1 };
    row.extend((0..unknown).map(|_| plain("-")));
    row.extend(failed(failure));
    row
}

fn plain(text: &str) -> Cell {
    Cell::new(neutralise::line(text), Style::Plain)
}

fn asking() -> Cell {
    Cell::new("asking…", Style::Dim)
}

fn failed(failure: &Failure) -> [Cell; 2] {
    [Cell::new(failure.status(), Style::Bad), Cell::new(neutralise::line(&failure.reason), Style::Dim)]
}

/// Kind, namespace, context.
fn place(worker: &Worker) -> [String; 3] {
    let or_dash = |text: Option<&str>| text.unwrap_or("-").to_owned();
    match &worker.place {
        Place::Pod(pod) => {
            let namespace = pod.namespace.as_ref().map(|name| name.as_str());
            [worker.kind().to_owned(), or_dash(namespace), or_dash(pod.context.as_deref())]
        }
        Place::Local(_) => [worker.kind().to_owned(), "-".to_owned(), "-".to_owned()],
    }
}

/// `orchestrator (idle), qa-review (active 30s)`, or `(none)`; what does not fit is counted: `+3 more`.
fn sessions(answer: &Answer, active_within: Duration, room: usize) -> Cell {
    if let Some(elsewhere) = &answer.elsewhere {
        return Cell::new(format!("({})", elsewhere.said), Style::Bad);
    }
    if answer.sessions.is_empty() {
        return Cell::new("(none)", Style::Dim);
    }
    let described: Vec<_> = answer.sessions.iter().map(|session| describe(session, active_within)).collect();
    Cell::new(as_many_as_fit(&described, room), Style::Plain)
}

fn as_many_as_fit(described: &[String], room: usize) -> String {
    let all = described.join(", ");
    if all.width() <= room {
        return all;
    }
    let Some((first, others)) = described.split_first().filter(|(_, others)| !others.is_empty()) else {
        return all;
    };
    // One by one as far as the room goes: there may be thousands behind it.
    let mut text = first.clone();
    let mut left = others.len();
    for next in others {
        let longer = format!("{text}, {next}");
        if longer.width() + more(left - 1).width() > room {
            break;
        }
        text = longer;
        left -= 1;
    }
    text + &more(left)
}

fn more(count: usize) -> String {
    format!(", +{count} more")
}

fn describe(session: &Session, active_within: Duration) -> String {
    let name = neutralise::line(session.name.as_str());
    match (session.state(active_within), session.age) {
        (State::Active, Some(age)) => format!("{name} (active {})", age::short(age)),
        (state, _) => format!("{name} ({})", state.word()),
    }
}

#[cfg(test)]
mod tests {
    use crate::commands::list::row::as_many_as_fit;
    use rstest::rstest;

    #[rstest]
    #[case(100, "a (idle), b (idle), c (idle)")]
    #[case(27, "a (idle), b (idle), +1 more")]
    #[case(26, "a (idle), +2 more")]
    #[case(3, "a (idle), +2 more")]
    fn what_does_not_fit_is_counted(#[case] room: usize, #[case] text: &str) {
        let described = ["a (idle)", "b (idle)", "c (idle)"].map(str::to_owned);
        assert_eq!(as_many_as_fit(&described, room), text);
    }
}
