//! `list`: a row for every worker, filled in as the answers come.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;
use unicode_width::UnicodeWidthStr;

use super::{Context, target};
use crate::cli::List;
use crate::exit::Code;
use crate::registry::worker::{Place, Worker};
use crate::remote::ask::{self, Report};
use crate::remote::session::{Answer, Session, State};
use crate::report::worker_json;
use crate::terminal::age;
use crate::terminal::live::Block;
use crate::terminal::neutralise;
use crate::terminal::style::Style;
use crate::terminal::table::{self, Cell};

/// The narrowest that the sessions' column gets, in terminal columns.
const LEAST_SESSIONS: usize = 20;

pub fn run(context: &Context, args: &List) -> Result<Code> {
    let registry = context.registry()?;
    let workers = target::workers(&registry, &args.names)?;
    if workers.is_empty() {
        writeln!(io::stderr(), "factory-worker: there are no workers; {}", target::no_workers(&registry))?;
    }
    let mut listing = Listing {
        reports: workers.iter().map(|_| None).collect(),
        workers,
        wide: args.wide,
        active_within: registry.active_within,
    };
    let reports = ask::all(listing.workers.clone(), context.question());
    if args.json {
        reports.into_iter().for_each(|report| listing.take(report));
        print_json(&listing)?;
    } else if let Some(width) = live_width(context, &listing) {
        let mut block = Block::default();
        block.draw(&listing.lines(Some(width)))?;
        for report in reports {
            listing.take(report);
            block.draw(&listing.lines(Some(width)))?;
        }
    } else {
        reports.into_iter().for_each(|report| listing.take(report));
        let mut out = io::stdout().lock();
        for line in listing.lines(None) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(Code::Done)
}

/// The terminal's width when rows can be filled in place: on a terminal that they all fit on.
fn live_width(context: &Context, listing: &Listing) -> Option<usize> {
    let (columns, rows) = Block::terminal_size().filter(|_| io::stdout().is_terminal() && !context.global.verbose)?;
    (listing.workers.len() + 1 < rows).then_some(columns)
}

fn print_json(listing: &Listing) -> Result<()> {
    let rows = listing.workers.iter().zip(&listing.reports);
    let workers: Vec<_> =
        rows.filter_map(|(worker, report)| Some(worker_json(worker, report.as_ref()?, listing.active_within))).collect();
    writeln!(io::stdout(), "{}", serde_json::json!({ "workers": workers }))?;
    Ok(())
}

/// The workers and what they have said so far.
struct Listing {
    workers: Vec<Worker>,
    reports: Vec<Option<Report>>,
    wide: bool,
    active_within: Duration,
}

impl Listing {
    fn take(&mut self, report: Report) {
        let place = report.index;
        self.reports[place] = Some(report);
    }

    fn lines(&self, width: Option<usize>) -> Vec<String> {
        let header: &[&str] = if self.wide {
            &["NAME", "KIND", "NAMESPACE", "CONTEXT", "POD", "STATUS", "SESSIONS", "QUEUE"]
        } else {
            &["NAME", "POD", "STATUS", "SESSIONS", "QUEUE"]
        };
        let mut rows = self.rows(usize::MAX);
        if let Some(width) = width {
            // What the other columns leave to the sessions.
            let widths = table::widths(header, &rows);
            let others: usize =
                header.iter().zip(&widths).filter(|(title, _)| **title != "SESSIONS").map(|(_, width)| width + 2).sum();
            rows = self.rows(width.saturating_sub(others).max(LEAST_SESSIONS));
        }
        table::lines(header, &rows, width)
    }

    /// A row each, with the sessions in so many columns.
    fn rows(&self, room: usize) -> Vec<Vec<Cell>> {
        self.workers.iter().zip(&self.reports).map(|(worker, report)| self.row(worker, report.as_ref(), room)).collect()
    }

    fn row(&self, worker: &Worker, report: Option<&Report>, room: usize) -> Vec<Cell> {
        let plain = |text: &str| Cell::new(neutralise::line(text), Style::Plain);
        let mut row = vec![Cell::new(worker.name.as_str(), Style::Bold)];
        if self.wide {
            row.extend(place(worker).map(|text| plain(&text)));
        }
        row.push(plain(report.and_then(|report| report.pod.as_deref()).unwrap_or("-")));
        match report.map(|report| &report.answer) {
            None => row.push(Cell::new("asking…", Style::Dim)),
            Some(Ok(answer)) => {
                row.push(Cell::new("running", Style::Good));
                row.push(sessions(answer, self.active_within, room));
                row.push(plain(&answer.queue.summary()));
            }
            Some(Err(failure)) => {
                row.push(Cell::new(failure.status(), Style::Bad));
                row.push(Cell::new(neutralise::line(&failure.reason), Style::Dim));
            }
        }
        row
    }
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
    if answer.sessions.is_empty() {
        return Cell::new("(none)", Style::Dim);
    }
    let described: Vec<_> = answer.sessions.iter().map(|session| describe(session, active_within)).collect();
    Cell::new(as_many_as_fit(&described, room), Style::Plain)
}

fn as_many_as_fit(described: &[String], room: usize) -> String {
    let all = described.join(", ");
    if all.width() <= room || described.len() < 2 {
        return all;
    }
    let shortened = |count: usize| format!("{}, +{} more", described[..count].join(", "), described.len() - count);
    (1..described.len()).rev().map(shortened).find(|text| text.width() <= room).unwrap_or_else(|| shortened(1))
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
    use super::as_many_as_fit;
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
