//! `list`: a row for every worker, filled in as the answers come.

mod row;

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use anyhow::Result;

use super::{Context, target};
use crate::cli::List;
use crate::cluster::{Cluster, login};
use crate::discovery::{self, News};
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::registry::Registry;
use crate::registry::names::WorkerName;
use crate::registry::source::Source;
use crate::registry::worker::{Place, Worker};
use crate::remote::list_all::Report;
use crate::terminal::block::Block;
use crate::terminal::table::{self, Cell};
use crate::terminal::{json, neutralise};
use crate::worker_json::WorkerJson;
use row::Look;

/// The narrowest that the sessions' column gets, in terminal columns.
const LEAST_SESSIONS: usize = 20;

pub fn run(context: &Context, args: &List) -> Result<Code> {
    let mut registry = context.registry()?;
    let names = target::worker_names(&args.names)?;
    if !names.is_empty() && names.iter().all(|name| registry.find(name).is_some()) {
        // Nobody has to be looked for.
        registry.sources.clear();
    }
    if registry.sources.is_empty() {
        target::workers(&registry, &names)?;
    }
    if registry.workers.is_empty() && registry.sources.is_empty() {
        writeln!(io::stderr(), "factory-worker: there are no workers; {}", target::no_workers(&registry))?;
    }
    let listed: Vec<_> =
        registry.workers.iter().filter(|worker| names.is_empty() || names.contains(&worker.name)).cloned().collect();
    let mut listing = Listing::new(&registry, &listed, &names, args.wide);
    let news = discovery::ask_all(&registry, listed, context.question());
    if args.json {
        news.into_iter().for_each(|news| listing.take(news));
        print_json(&listing)?;
    } else if io::stdout().is_terminal() && !context.global.verbose && !asks_on_terminal(&registry) {
        let mut block = Block::default();
        block.draw(&listing.as_many_as_fit())?;
        for news in news {
            listing.take(news);
            block.draw(&listing.as_many_as_fit())?;
        }
        block.draw(&listing.lines(Block::terminal_size().map(|(columns, _)| columns)))?;
    } else {
        news.into_iter().for_each(|news| listing.take(news));
        let mut out = io::stdout().lock();
        for line in listing.lines(None) {
            writeln!(out, "{line}")?;
        }
    }
    for warning in &listing.warnings {
        writeln!(io::stderr(), "factory-worker: {}", neutralise::line(warning))?;
    }
    listing.missing(&names, &registry)
}

/// Whether a login plugin may ask on the terminal, which is then no place for a table that is drawn anew.
fn asks_on_terminal(registry: &Registry) -> bool {
    let of_workers = registry.workers.iter().filter_map(|worker| match &worker.place {
        Place::Pod(place) => Some(Cluster::of(place)),
        Place::Local(_) => None,
    });
    of_workers.chain(registry.sources.iter().map(discovery::cluster)).any(|cluster| login::needs_terminal(&cluster))
}

fn print_json(listing: &Listing) -> Result<()> {
    let names: Vec<String> =
        listing.groups.iter().map(|group| group.source.as_ref().map(Source::to_string).unwrap_or_default()).collect();
    let rows = listing.groups.iter().zip(&names).flat_map(|(group, name)| group.json(name, listing.active_within));
    let workers: Vec<_> = rows.collect();
    let mut out = BufWriter::new(io::stdout().lock());
    json::write_line(&mut out, &BTreeMap::from([("workers", workers)]))?;
    out.flush()?;
    Ok(())
}

/// The workers and what they have said so far: those of the file, then those of each source.
struct Listing {
    groups: Vec<Group>,
    /// Where the report with an index belongs: group and place in it.
    places: HashMap<usize, (usize, usize)>,
    /// Only these, unless it is empty.
    wanted: Vec<WorkerName>,
    warnings: Vec<String>,
    wide: bool,
    active_within: Duration,
}

/// The workers of one source, or of the file.
struct Group {
    source: Option<Source>,
    /// The source was asked, and has not said which workers there are: yet, or because it failed.
    silent: Option<Option<Failure>>,
    workers: Vec<(Worker, Option<Report>)>,
}

impl Listing {
    fn new(registry: &Registry, listed: &[Worker], wanted: &[WorkerName], wide: bool) -> Self {
        let file = Group { source: None, silent: None, workers: listed.iter().map(|worker| (worker.clone(), None)).collect() };
        let asked = |source: &Source| Group { source: Some(source.clone()), silent: Some(None), workers: Vec::new() };
        Self {
            groups: std::iter::once(file).chain(registry.sources.iter().map(asked)).collect(),
            places: (0..listed.len()).map(|index| (index, (0, index))).collect(),
            wanted: wanted.to_vec(),
            warnings: Vec::new(),
            wide,
            active_within: registry.active_within,
        }
    }

    fn take(&mut self, news: News) {
        match news {
            News::Silent { source, failure } => self.groups[source + 1].silent = Some(Some(failure)),
            News::Joined { source, workers, warnings } => {
                let group = &mut self.groups[source + 1];
                group.silent = None;
                for (index, worker) in workers {
                    if self.wanted.is_empty() || self.wanted.contains(&worker.name) {
                        self.places.insert(index, (source + 1, group.workers.len()));
                        group.workers.push((worker, None));
                    }
                }
                self.warnings.extend(warnings);
            }
            News::Report(report) => {
                if let Some(&(group, place)) = self.places.get(&report.index) {
                    self.groups[group].workers[place].1 = Some(report);
                }
            }
        }
    }

    /// Exit 0 when everybody who was asked for has a row; exit 3 when a source that did not answer may have them.
    fn missing(&self, names: &[WorkerName], registry: &Registry) -> Result<Code> {
        let there =
            |name: &WorkerName| self.groups.iter().flat_map(|group| &group.workers).any(|(worker, _)| worker.name == *name);
        let Some(name) = names.iter().find(|name| !there(name)) else { return Ok(Code::Done) };
        let silent = self.groups.iter().find_map(|group| Some((group.source.as_ref()?, group.silent.as_ref()?.as_ref()?)));
        let path = registry.path.display();
        match silent {
            Some((source, failure)) => {
                let what = format!("there is no worker {:?} in {path}, and {source} is {}", name.as_str(), failure.status());
                Err(Problem::new(Code::Unreachable, what, failure.remedy()).into())
            }
            None => {
                let what = format!("there is no worker {:?} in {path}, and its sources know none", name.as_str());
                Err(Problem::new(Code::Missing, what, "`factory-worker list` shows all there are").into())
            }
        }
    }

    /// For a terminal: no more lines than it has, so that they can be written over.
    fn as_many_as_fit(&self) -> Vec<String> {
        let (columns, rows) = Block::terminal_size().unwrap_or((80, 24));
        let mut lines = self.lines(Some(columns));
        lines.truncate(rows.saturating_sub(1));
        lines
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
        let look = Look { wide: self.wide, active_within: self.active_within, room };
        self.groups.iter().flat_map(|group| group.rows(look)).collect()
    }
}

impl Group {
    fn rows(&self, look: Look) -> Vec<Vec<Cell>> {
        match (&self.source, &self.silent) {
            (Some(source), Some(failure)) => vec![row::of_source(source, failure.as_ref(), look.wide)],
            _ => self.workers.iter().map(|(worker, report)| row::of_worker(worker, report.as_ref(), look)).collect(),
        }
    }

    /// `name` is the source's.
    fn json<'a>(&'a self, name: &'a str, active_within: Duration) -> Vec<WorkerJson<'a>> {
        if let (Some(source), Some(Some(failure))) = (&self.source, &self.silent) {
            return vec![WorkerJson::of_source(source, name, failure)];
        }
        let rows = self.workers.iter();
        rows.filter_map(|(worker, report)| Some(WorkerJson::of(worker, report.as_ref()?, active_within))).collect()
    }
}
