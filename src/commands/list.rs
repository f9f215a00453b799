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
use crate::registry::invalid::List as FileList;
use crate::registry::names::WorkerName;
use crate::registry::source::Source;
use crate::registry::worker::Worker;
use crate::remote::list_all::Report;
use crate::terminal::block::Block;
use crate::terminal::table::{self, Cell};
use crate::terminal::{json, neutralise};
use crate::worker_json::WorkerJson;
use row::Look;

/// The narrowest that the sessions' column gets, in terminal columns.
const LEAST_SESSIONS: usize = 20;

pub fn run(context: &Context, args: &List) -> Result<Code> {
    let names = target::worker_names(&args.names)?;
    let mut registry = context.load()?;
    // What cannot be used has rows, but for those that are not asked for.
    if !names.is_empty() && registry.invalid.iter().any(|invalid| !names.contains(&invalid.name)) {
        context.complain(&registry);
    }
    let in_file = |name: &WorkerName| registry.find(name).is_some() || registry.find_invalid(name).is_some();
    if !names.is_empty() && names.iter().all(in_file) {
        // Nobody has to be looked for.
        registry.sources.clear();
    }
    if registry.sources.is_empty() {
        let usable: Vec<_> = names.iter().filter(|name| registry.find_invalid(name).is_none()).cloned().collect();
        usable.iter().try_for_each(|name| target::worker(&registry, name).map(drop))?;
    }
    if registry.is_empty() {
        writeln!(io::stderr(), "factory-worker: there are no workers; {}", target::no_workers(&registry))?;
    }
    let listed: Vec<_> =
        registry.workers.iter().filter(|worker| names.is_empty() || names.contains(&worker.name)).cloned().collect();
    let mut listing = Listing::new(&registry, &listed, &names, args.wide);
    let news = discovery::ask_all(&registry, listed, context.question(), context.guide(context.question(), args.fresh));
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
    let of_workers = registry.workers.iter().filter_map(Cluster::of_worker);
    of_workers.chain(registry.sources.iter().map(discovery::cluster)).any(|cluster| login::needs_terminal(&cluster))
}

fn print_json(listing: &Listing) -> Result<()> {
    let names: Vec<String> =
        listing.groups.iter().map(|group| group.source.as_ref().map(Source::to_string).unwrap_or_default()).collect();
    let rows = listing.groups.iter().zip(&names).map(|(group, name)| group.json(name, listing.active_within)).collect();
    let rows = among(rows, &listing.invalid_sources, 1, |unusable| vec![unusable.json()]);
    let workers: Vec<_> = rows.into_iter().flatten().collect();
    let mut out = BufWriter::new(io::stdout().lock());
    json::write_line(&mut out, &BTreeMap::from([("workers", workers)]))?;
    out.flush()?;
    Ok(())
}

/// The workers and what they have said so far: those of the file, then those of each source.
struct Listing {
    groups: Vec<Group>,
    /// Sources that cannot be used.
    invalid_sources: Vec<Unusable>,
    /// Where the report with an index belongs: group and place in it.
    places: HashMap<usize, (usize, usize)>,
    /// Only these, unless it is empty.
    wanted: Vec<WorkerName>,
    warnings: Vec<String>,
    wide: bool,
    active_within: Duration,
}

/// An entry of the file that cannot be used.
struct Unusable {
    name: WorkerName,
    /// How many that can be used stand before it.
    behind: usize,
    failure: Failure,
}

/// The workers of one source, or of the file.
struct Group {
    source: Option<Source>,
    /// The source was asked, and has not said which workers there are: yet, or because it failed.
    silent: Option<Option<Failure>>,
    workers: Vec<(Worker, Option<Report>)>,
    /// Those of the file that cannot be used.
    invalid: Vec<Unusable>,
}

impl Listing {
    fn new(registry: &Registry, listed: &[Worker], wanted: &[WorkerName], wide: bool) -> Self {
        let is_wanted = |name: &WorkerName| wanted.is_empty() || wanted.contains(name);
        let unusable = |list: FileList| -> Vec<Unusable> {
            let invalid = registry.invalid_in(list).filter(|invalid| is_wanted(&invalid.name));
            let unusable = invalid.map(|invalid| {
                let place = |behind: usize| registry.workers[..behind].iter().filter(|worker| is_wanted(&worker.name)).count();
                let behind = if list == FileList::Workers && !wanted.is_empty() { place(invalid.behind) } else { invalid.behind };
                Unusable { name: invalid.name.clone(), behind, failure: registry.fault(invalid) }
            });
            unusable.collect()
        };
        let file = Group {
            source: None,
            silent: None,
            workers: listed.iter().map(|worker| (worker.clone(), None)).collect(),
            invalid: unusable(FileList::Workers),
        };
        let asked = |source: &Source| Group {
            source: Some(source.clone()),
            silent: Some(None),
            workers: Vec::new(),
            invalid: Vec::new(),
        };
        Self {
            groups: std::iter::once(file).chain(registry.sources.iter().map(asked)).collect(),
            invalid_sources: unusable(FileList::Sources),
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
        let there = |name: &WorkerName| {
            let mut groups = self.groups.iter();
            groups.any(|group| {
                group.workers.iter().any(|(worker, _)| worker.name == *name)
                    || group.invalid.iter().any(|unusable| unusable.name == *name)
            })
        };
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
        let rows = self.groups.iter().map(|group| group.rows(look)).collect();
        among(rows, &self.invalid_sources, 1, |unusable| vec![unusable.row(look)]).into_iter().flatten().collect()
    }
}

impl Group {
    fn rows(&self, look: Look) -> Vec<Vec<Cell>> {
        match (&self.source, &self.silent) {
            (Some(source), Some(failure)) => vec![row::of_source(source, failure.as_ref(), look.wide)],
            _ => {
                let rows = self.workers.iter().map(|(worker, report)| row::of_worker(worker, report.as_ref(), look)).collect();
                among(rows, &self.invalid, 0, |unusable| unusable.row(look))
            }
        }
    }

    /// `name` is the source's.
    fn json<'a>(&'a self, name: &'a str, active_within: Duration) -> Vec<WorkerJson<'a>> {
        if let (Some(source), Some(Some(failure))) = (&self.source, &self.silent) {
            return vec![WorkerJson::of_source(source, name, failure)];
        }
        let rows = self.workers.iter();
        let rows = rows.map(|(worker, report)| Some(WorkerJson::of(worker, report.as_ref()?, active_within))).collect();
        among(rows, &self.invalid, 0, |unusable| Some(unusable.json())).into_iter().flatten().collect()
    }
}

impl Unusable {
    fn row(&self, look: Look) -> Vec<Cell> {
        row::of_invalid(&self.name, &self.failure, look.wide)
    }

    fn json(&self) -> WorkerJson<'_> {
        WorkerJson::of_invalid(self.name.as_str(), &self.failure)
    }
}

/// What is there of those that can be used, with what is made of the others among it, in the file's order. The first `ahead` are none
/// of the list that these are of.
fn among<'a, T>(usable: Vec<T>, unusable: &'a [Unusable], ahead: usize, make: impl Fn(&'a Unusable) -> T) -> Vec<T> {
    let mut unusable = unusable.iter().peekable();
    let mut all = Vec::with_capacity(usable.len() + unusable.len());
    for (place, one) in usable.into_iter().enumerate() {
        while let Some(next) = unusable.next_if(|next| next.behind + ahead <= place) {
            all.push(make(next));
        }
        all.push(one);
    }
    all.extend(unusable.map(make));
    all
}
