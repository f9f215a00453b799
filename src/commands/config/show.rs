//! `config show`: the workers as they are understood. The text is a registry itself, with every default written out.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde_yaml::{Mapping, Value};

use crate::commands::target;
use crate::exit::Code;
use crate::registry::Registry;
use crate::registry::origin::System;
use crate::registry::source::Source;
use crate::registry::worker::{Commands, Place, Worker};
use crate::terminal::neutralise;

pub fn run(registry: &Registry, json: bool) -> Result<Code> {
    let shown = Shown::of(registry);
    if json {
        crate::terminal::json::write_line(io::stdout().lock(), &shown)?;
        return Ok(Code::Done);
    }
    if !registry.exists {
        writeln!(io::stderr(), "factory-worker: there is no {}; {}", registry.path.display(), target::no_workers(registry))?;
    }
    io::stdout().write_all(shown.text()?.as_bytes())?;
    Ok(Code::Done)
}

/// The registry in the file's own keys, defaults and presets filled in; what is left to kubectl is `None`.
#[derive(Debug, Serialize)]
struct Shown {
    path: PathBuf,
    exists: bool,
    active: String,
    #[serde(rename = "session-wait")]
    session_wait: String,
    live: &'static str,
    workers: Vec<ShownWorker>,
    discover: Vec<BTreeMap<&'static str, ShownSource>>,
}

#[derive(Debug, Serialize)]
struct ShownSource {
    /// Gas City's agents and Gas Town's polecats are found in ways of their own.
    selector: Option<String>,
    prefix: String,
    namespace: Option<String>,
    context: Option<String>,
    container: Option<String>,
    kubeconfig: Option<PathBuf>,
    stuck: Option<String>,
    tmux: String,
    view: &'static str,
    preset: Option<&'static str>,
    commands: Option<ShownCommands>,
}

#[derive(Debug, Serialize)]
struct ShownWorker {
    name: String,
    pod: Option<String>,
    local: Option<PathBuf>,
    namespace: Option<String>,
    context: Option<String>,
    container: Option<String>,
    kubeconfig: Option<PathBuf>,
    tmux: String,
    view: &'static str,
    preset: &'static str,
    commands: ShownCommands,
}

#[derive(Debug, Serialize)]
struct ShownCommands {
    status: Option<String>,
    queue: Option<String>,
    dispatch: Option<String>,
}

impl Shown {
    fn of(registry: &Registry) -> Self {
        Self {
            path: registry.path.clone(),
            exists: registry.exists,
            active: humantime::format_duration(registry.active_within).to_string(),
            session_wait: humantime::format_duration(registry.session_wait).to_string().replace(' ', ""),
            live: if registry.live { "on" } else { "off" },
            workers: registry.workers.iter().map(ShownWorker::of).collect(),
            discover: registry
                .sources
                .iter()
                .map(|source| BTreeMap::from([(source.system.word(), ShownSource::of(source))]))
                .collect(),
        }
    }

    /// As YAML that can be read back: keys without a value are left out, and a command that is none is empty.
    fn text(&self) -> Result<String> {
        let mut top = Mapping::new();
        top.insert("active".into(), self.active.as_str().into());
        top.insert("session-wait".into(), self.session_wait.as_str().into());
        top.insert("live".into(), self.live.into());
        let workers = self.workers.iter().map(said).collect::<Result<_>>()?;
        top.insert("workers".into(), Value::Sequence(workers));
        if !self.discover.is_empty() {
            let entry = |entry: &BTreeMap<&'static str, ShownSource>| -> Result<Value> {
                let keys = entry.iter().map(|(system, source)| Ok(((*system).into(), said(source)?)));
                Ok(Value::Mapping(keys.collect::<Result<_>>()?))
            };
            top.insert("discover".into(), Value::Sequence(self.discover.iter().map(entry).collect::<Result<_>>()?));
        }
        let yaml = serde_yaml::to_string(&top).context("the registry cannot be written as YAML")?;
        let path = neutralise::line(&self.path.display().to_string());
        Ok(format!("# {path}, with defaults and presets filled in\n{}", neutralise::lines(&yaml)))
    }
}

/// The keys that have a value.
fn said(keys: &impl Serialize) -> Result<Value> {
    let Value::Mapping(keys) = serde_yaml::to_value(keys)? else { return Ok(Value::Null) };
    let keys = keys.into_iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key, emptied(value)));
    Ok(Value::Mapping(keys.collect()))
}

impl ShownSource {
    fn of(source: &Source) -> Self {
        let is = |system: System| (source.system == system).then_some(());
        let pods = is(System::Pods);
        Self {
            selector: pods.and(source.selector.clone()),
            prefix: source.prefix.clone(),
            namespace: source.namespace.as_ref().map(ToString::to_string),
            context: source.context.clone(),
            container: pods.and(source.container.as_ref()).map(ToString::to_string),
            kubeconfig: source.kubeconfig.clone(),
            stuck: is(System::GasTown).map(|()| humantime::format_duration(source.stuck_after).to_string()),
            tmux: shell_words::join(&source.tmux),
            view: source.view.word(),
            preset: pods.map(|()| source.commands.preset.word()),
            commands: pods.map(|()| ShownCommands::of(&source.commands)),
        }
    }
}

impl ShownCommands {
    fn of(commands: &Commands) -> Self {
        let text = |template: &Option<_>| template.as_ref().map(ToString::to_string);
        Self { status: text(&commands.status), queue: text(&commands.queue), dispatch: text(&commands.dispatch) }
    }
}

/// `commands`, with "" for what the worker does not have.
fn emptied(value: Value) -> Value {
    match value {
        Value::Mapping(keys) => keys
            .into_iter()
            .map(|(key, value)| (key, if value.is_null() { "".into() } else { value }))
            .collect::<Mapping>()
            .into(),
        other => other,
    }
}

impl ShownWorker {
    fn of(worker: &Worker) -> Self {
        let (pod, local) = match &worker.place {
            Place::Pod(pod) => (Some(pod), None),
            Place::Local(directory) => (None, Some(directory.clone())),
        };
        Self {
            name: worker.name.to_string(),
            pod: pod.map(|pod| pod.pod.to_string()),
            local,
            namespace: pod.and_then(|pod| pod.namespace.as_ref()).map(ToString::to_string),
            context: pod.and_then(|pod| pod.context.clone()),
            container: pod.and_then(|pod| pod.container.as_ref()).map(ToString::to_string),
            kubeconfig: pod.and_then(|pod| pod.kubeconfig.clone()),
            tmux: shell_words::join(&worker.tmux),
            view: worker.view.word(),
            preset: worker.commands.preset.word(),
            commands: ShownCommands::of(&worker.commands),
        }
    }
}
