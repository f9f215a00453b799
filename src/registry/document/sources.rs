//! `discover:`, a list of entries with one key each: whose agents are looked for, and where.

use std::collections::BTreeMap;
use std::time::Duration;

use super::place::Fault;
use super::section::{self, Section};
use super::settings::{Settings, Templates};
use super::tree::Node;
use super::values::{self, Base};
use crate::registry::names::ObjectName;
use crate::registry::origin::{Polecat, System};
use crate::registry::source::Source;

/// The threshold that Gas Town's own witness begins with (`stuckThreshold`).
const STUCK_AFTER: Duration = Duration::from_secs(15 * 60);
/// What Gas City puts on every agent's pod.
const GAS_CITY: &str = "app=gc-agent";

/// One entry of the list.
///
/// # Errors
/// It is no source; the others may be all the same.
pub fn one(base: &Base, node: &Node<'_>) -> Result<Found, Fault> {
    let entry = section::fill(Entry { base, found: None }, node)?;
    entry.found.ok_or_else(|| Fault::new(node.place, nothing()))
}

fn nothing() -> String {
    format!("this source is nothing; give it one of {}", System::WORDS.join(", "))
}

/// `pods: {…}`, `gascity: {…}` or `gastown: {…}`.
struct Entry<'a> {
    base: &'a Base,
    found: Option<Found>,
}

impl Section for Entry<'_> {
    const WHAT: &'static str = "a source";
    const KEYS: &'static [&'static str] = System::WORDS;

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        if let Some(before) = self.found.as_ref().map(|found| found.system.word()) {
            let reason = format!("a source is one thing, and this one is {before} already; begin a new one with \"-\"");
            return Err(Fault::new(value.place, reason));
        }
        let keys = Keys::new(self.base);
        self.found = Some(match key {
            "pods" => section::fill(Pods(keys), value)?.0.found(System::Pods),
            "gascity" => section::fill(GasCity(keys), value)?.0.found(System::GasCity),
            _ => section::fill(GasTown(keys), value)?.0.found(System::GasTown),
        });
        Ok(())
    }
}

/// What a source may say.
struct Keys<'a> {
    base: &'a Base,
    selector: Option<String>,
    /// `Some(None)` is none.
    prefix: Option<Option<String>>,
    stuck_after: Option<Duration>,
    settings: Settings,
}

impl<'a> Keys<'a> {
    fn new(base: &'a Base) -> Self {
        Self { base, selector: None, prefix: None, stuck_after: None, settings: Settings::default() }
    }

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        match key {
            "selector" => self.selector = Some(section::text(key, value, values::selector)?),
            "prefix" => self.prefix = Some(section::maybe(key, value, values::prefix)?),
            "stuck" => self.stuck_after = Some(section::text(key, value, values::duration)?),
            _ => self.settings.read(key, self.base, value)?,
        }
        Ok(())
    }

    fn found(self, system: System) -> Found {
        let Self { selector, prefix, stuck_after, settings, .. } = self;
        Found { system, selector, prefix, stuck_after, settings }
    }
}

struct Pods<'a>(Keys<'a>);
struct GasCity<'a>(Keys<'a>);
struct GasTown<'a>(Keys<'a>);

impl Section for Pods<'_> {
    const WHAT: &'static str = "a source of pods";
    const KEYS: &'static [&'static str] =
        &["selector", "prefix", "namespace", "context", "container", "kubeconfig", "tmux", "view", "preset", "commands"];

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        self.0.read(key, value)
    }

    fn check(&self) -> Result<(), String> {
        match self.0.selector {
            Some(_) => Ok(()),
            None => Err("this source has no \"selector\"; say which pods, e.g. app.kubernetes.io/name=factory-worker".to_owned()),
        }
    }
}

impl Section for GasCity<'_> {
    const WHAT: &'static str = "a gascity source";
    const KEYS: &'static [&'static str] = &["prefix", "namespace", "context", "kubeconfig", "tmux", "view"];

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        self.0.read(key, value)
    }
}

impl Section for GasTown<'_> {
    const WHAT: &'static str = "a gastown source";
    const KEYS: &'static [&'static str] = &["prefix", "namespace", "context", "kubeconfig", "stuck", "tmux", "view"];

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        self.0.read(key, value)
    }
}

/// A source as it is written.
pub struct Found {
    system: System,
    selector: Option<String>,
    prefix: Option<Option<String>>,
    stuck_after: Option<Duration>,
    settings: Settings,
}

/// The sources with the defaults filled in.
pub fn all(found: Vec<Found>, defaults: &Settings) -> Vec<Source> {
    let mut count = BTreeMap::new();
    found.iter().for_each(|found| *count.entry(found.system).or_insert(0) += 1);
    let mut seen = BTreeMap::new();
    let mut number = |system| {
        let number: &mut usize = seen.entry(system).or_insert(0);
        *number += 1;
        (count[&system] > 1).then_some(*number)
    };
    found.into_iter().map(|found| Source { number: number(found.system), ..found.source(defaults) }).collect()
}

/// A source of polecats that says nothing itself.
pub fn town(defaults: &Settings) -> Source {
    let (selector, prefix, stuck_after) = (None, None, None);
    Found { system: System::GasTown, selector, prefix, stuck_after, settings: Settings::default() }.source(defaults)
}

impl Found {
    /// Of the defaults, the other systems' agents take only the way to the cluster: neither a worker's namespace nor its
    /// container or commands are theirs.
    fn source(self, defaults: &Settings) -> Source {
        let theirs = |defaults: &Settings| Settings {
            context: defaults.context.clone(),
            kubeconfig: defaults.kubeconfig.clone(),
            view: defaults.view,
            ..Settings::default()
        };
        let fixed = |name: &str| name.parse::<ObjectName>().ok();
        let (settings, selector, prefix, namespace, container) = match self.system {
            System::Pods => (self.settings.over(defaults), self.selector, "", None, None),
            System::GasCity => {
                (self.settings.over(&theirs(defaults)), Some(GAS_CITY.to_owned()), "gc-", fixed("gc"), fixed("agent"))
            }
            System::GasTown => (self.settings.over(&theirs(defaults)), None, "pc-", fixed("gastown"), fixed(Polecat::CONTAINER)),
        };
        let preset = settings.preset.unwrap_or_default();
        let commands = match self.system {
            System::Pods => settings.commands.over_preset(preset),
            System::GasCity | System::GasTown => Templates::none().over_preset(preset),
        };
        Source {
            system: self.system,
            number: None,
            selector,
            prefix: self.prefix.map_or_else(|| prefix.to_owned(), Option::unwrap_or_default),
            namespace: settings.namespace.or(namespace),
            context: settings.context,
            kubeconfig: settings.kubeconfig,
            container: settings.container.or(container),
            stuck_after: self.stuck_after.unwrap_or(STUCK_AFTER),
            tmux: settings.tmux.unwrap_or_else(|| vec!["tmux".to_owned()]),
            view: settings.view.unwrap_or_default(),
            commands,
        }
    }
}
