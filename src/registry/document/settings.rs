//! The keys that a worker and `defaults` have in common.

use std::path::PathBuf;

use serde::de::MapAccess;

use super::seeds::{Mapping, Maybe, Section, Text};
use super::values::{self, Base};
use crate::registry::names::ObjectName;
use crate::registry::preset;
use crate::registry::template::Template;
use crate::registry::worker::{Commands, Preset, ViewMode};

/// What is written; `None` is not.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    pub namespace: Option<ObjectName>,
    pub context: Option<String>,
    pub container: Option<ObjectName>,
    pub kubeconfig: Option<PathBuf>,
    pub tmux: Option<Vec<String>>,
    pub view: Option<ViewMode>,
    pub preset: Option<Preset>,
    pub commands: Templates,
}

impl Settings {
    pub const KEYS: &'static [&'static str] =
        &["namespace", "context", "container", "kubeconfig", "tmux", "view", "preset", "commands"];

    /// Read the value of `key`, which is one of [`Self::KEYS`].
    pub fn read<'de, A: MapAccess<'de>>(&mut self, key: &'static str, base: &Base, map: &mut A) -> Result<(), A::Error> {
        match key {
            "namespace" => self.namespace = Some(map.next_value_seed(Text(key, str::parse))?),
            "context" => self.context = Some(map.next_value_seed(Text(key, values::context))?),
            "container" => self.container = Some(map.next_value_seed(Text(key, str::parse))?),
            "kubeconfig" => self.kubeconfig = Some(map.next_value_seed(Text(key, |text: &str| values::path(text, base)))?),
            "tmux" => self.tmux = Some(map.next_value_seed(Text(key, values::command_line))?),
            "view" => self.view = Some(map.next_value_seed(Text(key, values::view))?),
            "preset" => self.preset = Some(map.next_value_seed(Text(key, values::preset))?),
            _ => self.commands = map.next_value_seed(Mapping(Templates::default()))?,
        }
        Ok(())
    }

    /// These, and from `defaults` what is missing.
    pub fn over(self, defaults: &Self) -> Self {
        let defaults = defaults.clone();
        Self {
            namespace: self.namespace.or(defaults.namespace),
            context: self.context.or(defaults.context),
            container: self.container.or(defaults.container),
            kubeconfig: self.kubeconfig.or(defaults.kubeconfig),
            tmux: self.tmux.or(defaults.tmux),
            view: self.view.or(defaults.view),
            preset: self.preset.or(defaults.preset),
            commands: self.commands.over(defaults.commands),
        }
    }
}

/// `commands:`. A command with an empty value is one that the worker does not have: `Some(None)`.
#[derive(Debug, Clone, Default)]
pub struct Templates {
    status: Option<Option<Template>>,
    queue: Option<Option<Template>>,
    dispatch: Option<Option<Template>>,
}

impl Templates {
    /// No commands at all, not even the preset's.
    pub fn none() -> Self {
        Self { status: Some(None), queue: Some(None), dispatch: Some(None) }
    }

    fn over(self, defaults: Self) -> Self {
        Self {
            status: self.status.or(defaults.status),
            queue: self.queue.or(defaults.queue),
            dispatch: self.dispatch.or(defaults.dispatch),
        }
    }

    /// The worker's commands: these, and from the preset what is missing.
    pub fn over_preset(self, preset: Preset) -> Commands {
        Commands {
            preset,
            status: self.status.unwrap_or_else(|| preset.status()),
            queue: self.queue.unwrap_or_else(|| preset.queue()),
            dispatch: self.dispatch.unwrap_or_else(|| preset.dispatch()),
        }
    }
}

impl Section for Templates {
    const WHAT: &'static str = "commands";
    const KEYS: &'static [&'static str] = &["status", "queue", "dispatch"];

    fn read<'de, A: MapAccess<'de>>(&mut self, key: &'static str, map: &mut A) -> Result<(), A::Error> {
        let (place, known) = match key {
            "status" => (&mut self.status, [].as_slice()),
            "queue" => (&mut self.queue, [].as_slice()),
            _ => (&mut self.dispatch, preset::DISPATCH),
        };
        *place = Some(map.next_value_seed(Maybe(Text(key, |text: &str| Template::parse(text, known))))?);
        Ok(())
    }
}
