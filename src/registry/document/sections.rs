//! The mappings of `workers.yaml`, and how a worker comes of them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Document;
use super::place::{Fault, Place as At};
use super::section::{self, Section};
use super::settings::Settings;
use super::sources::{self, Found};
use super::tree::Node;
use super::values::{self, Base};
use crate::registry::invalid::{Invalid, List};
use crate::registry::names::WorkerName;
use crate::registry::origin::Origin;
use crate::registry::worker::{Place, PodPlace, PodRef, Worker};

/// The whole file. A later key goes here and nowhere else.
pub struct Top<'a> {
    base: &'a Base,
    defaults: Settings,
    workers: Vec<Worker>,
    found: Vec<Found>,
    invalid_workers: Vec<Invalid>,
    invalid_sources: Vec<Invalid>,
    active: Option<Duration>,
    session_wait: Option<Duration>,
    live: Option<bool>,
}

impl<'a> Top<'a> {
    pub fn new(base: &'a Base, defaults: Settings) -> Self {
        Self {
            base,
            defaults,
            workers: Vec::new(),
            found: Vec::new(),
            invalid_workers: Vec::new(),
            invalid_sources: Vec::new(),
            active: None,
            session_wait: None,
            live: None,
        }
    }

    /// What the file says, with defaults and presets filled in.
    pub fn document(self) -> Document {
        let defaults = self.defaults;
        let mut invalid = self.invalid_workers;
        invalid.extend(self.invalid_sources);
        Document {
            workers: self.workers,
            sources: sources::all(self.found, &defaults),
            invalid,
            town: sources::town(&defaults),
            active: self.active,
            session_wait: self.session_wait,
            live: self.live,
        }
    }

    /// A name is the first entry's that has it, also when that one is wrong in another way: who wrote it meant one of the two, and
    /// we do not know which.
    fn read_workers(&mut self, list: &Node<'_>) -> Result<(), Fault> {
        let mut taken: BTreeMap<WorkerName, At> = BTreeMap::new();
        for (index, node) in section::list("workers", list)?.iter().enumerate() {
            let written = node.get("name");
            let name = written.and_then(|node| section::text("name", node, str::parse::<WorkerName>).ok());
            let before = name.as_ref().and_then(|name| taken.get(name)).copied();
            if let (Some(name), None, Some(node)) = (&name, before, written) {
                taken.insert(name.clone(), node.place);
            }
            let worker = section::fill(Entry::new(self.base), node).and_then(|entry| match (&name, before, written) {
                (Some(name), Some(before), Some(node)) => {
                    let reason = format!("\"name\": there is a worker \"{name}\" already, in line {}", before.line);
                    Err(Fault::new(node.place, reason))
                }
                _ => Ok(entry.worker(&self.defaults)),
            });
            let behind = self.workers.len();
            match worker {
                Ok(worker) => self.workers.extend(worker),
                Err(fault) => note(&mut self.invalid_workers, List::Workers, index, behind, name, fault)?,
            }
        }
        Ok(())
    }

    fn read_sources(&mut self, list: &Node<'_>) -> Result<(), Fault> {
        for (index, node) in section::list("sources", list)?.iter().enumerate() {
            let behind = self.found.len();
            match sources::one(self.base, node) {
                Ok(found) => self.found.push(found),
                Err(fault) => note(&mut self.invalid_sources, List::Sources, index, behind, None, fault)?,
            }
        }
        Ok(())
    }
}

/// So many may be wrong; with more it is the file that is, and there is no use in a row for each.
const INVALID_LIMIT: usize = 10_000;

/// One more entry that cannot be used.
///
/// # Errors
/// It is one too many.
fn note(
    all: &mut Vec<Invalid>,
    list: List,
    index: usize,
    behind: usize,
    name: Option<WorkerName>,
    fault: Fault,
) -> Result<(), Fault> {
    if all.len() >= INVALID_LIMIT {
        let reason = format!("{INVALID_LIMIT} entries before this one are invalid, and it is too: {}", fault.reason);
        return Err(Fault::new(fault.place, reason));
    }
    let Fault { place, reason } = fault;
    let number = index + 1;
    let name = name.unwrap_or_else(|| list.nameless(number));
    all.push(Invalid { name, list, number, behind, line: place.line, column: place.column, reason });
    Ok(())
}

/// What holds for every entry that does not say otherwise.
///
/// # Errors
/// The first thing that is wrong.
pub fn defaults(base: &Base, node: &Node<'_>) -> Result<Settings, Fault> {
    Ok(section::fill(Defaults { base, settings: Settings::default() }, node)?.settings)
}

impl Section for Top<'_> {
    const WHAT: &'static str = "the registry";
    const KEYS: &'static [&'static str] = &["workers", "defaults", "active", "session-wait", "live", "discover"];

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        match key {
            "workers" => self.read_workers(value)?,
            "discover" => self.read_sources(value)?,
            // They were read before everything else.
            "defaults" => {}
            "live" => self.live = Some(section::text(key, value, values::on_or_off)?),
            "session-wait" => self.session_wait = Some(section::text(key, value, values::duration)?),
            _ => self.active = Some(section::text(key, value, values::duration)?),
        }
        Ok(())
    }
}

/// What holds for every worker that does not say otherwise.
struct Defaults<'a> {
    base: &'a Base,
    settings: Settings,
}

impl Section for Defaults<'_> {
    const WHAT: &'static str = "defaults";
    const KEYS: &'static [&'static str] = Settings::KEYS;

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        self.settings.read(key, self.base, value)
    }
}

/// One worker as it is written.
struct Entry<'a> {
    base: &'a Base,
    name: Option<WorkerName>,
    pod: Option<PodRef>,
    local: Option<PathBuf>,
    settings: Settings,
}

impl<'a> Entry<'a> {
    fn new(base: &'a Base) -> Self {
        Self { base, name: None, pod: None, local: None, settings: Settings::default() }
    }

    /// `None` cannot be after [`Section::check`].
    fn worker(self, defaults: &Settings) -> Option<Worker> {
        let settings = self.settings.over(defaults);
        let place = match (self.pod, self.local) {
            (_, Some(directory)) => Place::Local(directory),
            (pod, None) => Place::Pod(PodPlace {
                pod: pod?,
                namespace: settings.namespace,
                context: settings.context,
                container: settings.container,
                kubeconfig: settings.kubeconfig,
            }),
        };
        Some(Worker {
            name: self.name?,
            place,
            tmux: settings.tmux.unwrap_or_else(|| vec!["tmux".to_owned()]),
            view: settings.view.unwrap_or_default(),
            commands: settings.commands.over_preset(settings.preset.unwrap_or_default()),
            origin: Origin::File,
        })
    }
}

impl Section for Entry<'_> {
    const WHAT: &'static str = "a worker";
    const KEYS: &'static [&'static str] =
        &["name", "pod", "local", "namespace", "context", "container", "kubeconfig", "tmux", "view", "preset", "commands"];

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        match key {
            "name" => self.name = Some(section::text(key, value, str::parse)?),
            "pod" => self.pod = Some(section::text(key, value, values::pod)?),
            "local" => self.local = Some(section::text(key, value, |text| values::directory(text, self.base))?),
            _ => self.settings.read(key, self.base, value)?,
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let Some(name) = &self.name else {
            return Err("this worker has no \"name\"".to_owned());
        };
        match (&self.pod, &self.local) {
            (Some(_), Some(_)) => Err(format!("worker \"{name}\" has both \"pod\" and \"local\"; it is one or the other")),
            (None, None) => Err(format!("worker \"{name}\" has neither \"pod\" nor \"local\"; give it one of them")),
            _ => Ok(()),
        }
    }
}
