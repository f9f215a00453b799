//! The mappings of `workers.yaml`, and how a worker comes of them.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Document;
use super::seeds::{Mapping, Section, Text};
use super::settings::Settings;
use super::sources::{self, Found, Sources};
use super::values::{self, Base};
use crate::registry::names::WorkerName;
use crate::registry::origin::Origin;
use crate::registry::worker::{Place, PodPlace, PodRef, Worker};

/// The whole file. A later key goes here and nowhere else.
pub struct Top<'a> {
    base: &'a Base,
    defaults: Settings,
    entries: Vec<Entry<'a>>,
    found: Vec<Found>,
    active: Option<Duration>,
    session_wait: Option<Duration>,
}

impl<'a> Top<'a> {
    pub fn new(base: &'a Base) -> Self {
        Self { base, defaults: Settings::default(), entries: Vec::new(), found: Vec::new(), active: None, session_wait: None }
    }

    /// What the file says, with defaults and presets filled in. Done last: the defaults may stand behind the workers.
    pub fn document(self) -> Document {
        let defaults = self.defaults;
        let workers = self.entries.into_iter().filter_map(|entry| entry.worker(&defaults)).collect();
        Document {
            workers,
            sources: sources::all(self.found, &defaults),
            town: sources::town(&defaults),
            active: self.active,
            session_wait: self.session_wait,
        }
    }
}

impl Section for Top<'_> {
    const WHAT: &'static str = "the registry";
    const KEYS: &'static [&'static str] = &["workers", "defaults", "active", "session-wait", "discover"];

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &'static str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "workers" => self.entries = map.next_value_seed(Entries(self.base))?,
            "discover" => self.found = map.next_value_seed(Sources(self.base))?,
            "defaults" => {
                let defaults = Defaults { base: self.base, settings: Settings::default() };
                self.defaults = map.next_value_seed(Mapping(defaults))?.settings;
            }
            "session-wait" => self.session_wait = Some(map.next_value_seed(Text(key, values::duration))?),
            _ => self.active = Some(map.next_value_seed(Text(key, values::duration))?),
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

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &'static str, map: &mut A) -> Result<(), A::Error> {
        self.settings.read(key, self.base, map)
    }
}

/// The list of workers.
struct Entries<'a>(&'a Base);

impl<'de, 'a> DeserializeSeed<'de> for Entries<'a> {
    type Value = Vec<Entry<'a>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, 'a> Visitor<'de> for Entries<'a> {
    type Value = Vec<Entry<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of workers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut taken = BTreeSet::new();
        while let Some(entry) = list.next_element_seed(Mapping(Entry::new(self.0, taken.clone())))? {
            taken.extend(entry.name.clone());
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// One worker as it is written.
struct Entry<'a> {
    base: &'a Base,
    /// Names that are used already.
    taken: BTreeSet<WorkerName>,
    name: Option<WorkerName>,
    pod: Option<PodRef>,
    local: Option<PathBuf>,
    settings: Settings,
}

impl<'a> Entry<'a> {
    fn new(base: &'a Base, taken: BTreeSet<WorkerName>) -> Self {
        Self { base, taken, name: None, pod: None, local: None, settings: Settings::default() }
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

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &'static str, map: &mut A) -> Result<(), A::Error> {
        match key {
            "name" => {
                let taken = &self.taken;
                self.name = Some(map.next_value_seed(Text(key, |text: &str| values::worker_name(text, taken)))?);
            }
            "pod" => self.pod = Some(map.next_value_seed(Text(key, values::pod))?),
            "local" => {
                let base = self.base;
                self.local = Some(map.next_value_seed(Text(key, |text: &str| values::directory(text, base)))?);
            }
            _ => self.settings.read(key, self.base, map)?,
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
