//! The keys that a worker and `defaults` have in common.

use std::path::PathBuf;

use super::place::Fault;
use super::section::{self, Section};
use super::tree::Node;
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
    pub fn read(&mut self, key: &'static str, base: &Base, value: &Node<'_>) -> Result<(), Fault> {
        match key {
            "namespace" => self.namespace = Some(section::text(key, value, str::parse)?),
            "context" => self.context = Some(section::text(key, value, values::context)?),
            "container" => self.container = Some(section::text(key, value, str::parse)?),
            "kubeconfig" => self.kubeconfig = Some(section::text(key, value, |text| values::kubeconfig(text, base))?),
            "tmux" => self.tmux = Some(section::text(key, value, values::command_line)?),
            "view" => self.view = Some(section::text(key, value, values::view)?),
            "preset" => self.preset = Some(section::text(key, value, values::preset)?),
            _ => self.commands = section::fill(Templates::default(), value)?,
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

    fn read(&mut self, key: &'static str, value: &Node<'_>) -> Result<(), Fault> {
        let (place, known) = match key {
            "status" => (&mut self.status, [].as_slice()),
            "queue" => (&mut self.queue, [].as_slice()),
            _ => (&mut self.dispatch, preset::DISPATCH),
        };
        *place = Some(section::maybe(key, value, |text| Template::parse(text, known))?);
        Ok(())
    }
}
