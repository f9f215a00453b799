//! A pod, as tests handle it.

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::container::Container;
use crate::controllers;
use crate::core::Core;
use crate::node;
use crate::process::Process;
use crate::stage::{Stage, is_ready};
use crate::tmux;
use crate::waiting::PATIENCE;

/// A pod that is or was there.
#[derive(Clone)]
pub struct Pod {
    core: Arc<Core>,
    /// As it was when this handle was made.
    last: Value,
}

impl fmt::Debug for Pod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:#}", self.name(), self.object()["status"])
    }
}

impl Pod {
    pub(crate) fn of(core: &Arc<Core>, object: &Value) -> Self {
        Self { core: Arc::clone(core), last: object.clone() }
    }

    pub fn name(&self) -> &str {
        self.last["metadata"]["name"].as_str().unwrap_or_default()
    }

    pub fn namespace(&self) -> &str {
        self.last["metadata"]["namespace"].as_str().unwrap_or_default()
    }

    pub fn uid(&self) -> &str {
        self.last["metadata"]["uid"].as_str().unwrap_or_default()
    }

    /// Whether it was made after another one.
    pub(crate) fn is_newer_than(&self, other: &Self) -> bool {
        self.uid() > other.uid() // uids are given in order
    }

    /// Its object as it is now, `null` when it is gone.
    pub fn object(&self) -> Value {
        let there = self.core.store.get(&self.core.pods, self.namespace(), self.name());
        there.ok().filter(|there| there["metadata"]["uid"] == self.uid()).map_or(Value::Null, |there| Value::clone(&there))
    }

    pub fn is_ready(&self) -> bool {
        is_ready(&self.object())
    }

    pub fn is_gone(&self) -> bool {
        self.object().is_null()
    }

    /// Its first container.
    ///
    /// # Panics
    /// It does not run.
    fn container(&self) -> Arc<Container> {
        let name = self.last.pointer("/spec/containers/0/name").and_then(Value::as_str).unwrap_or_default();
        self.core.node.container(&self.last, name).unwrap_or_else(|| panic!("{self:?} does not run"))
    }

    /// Ask its tmux server, from the side: no exec.
    ///
    /// # Panics
    /// tmux failed.
    #[track_caller]
    pub fn tmux(&self, arguments: &[&str]) -> String {
        self.container().tmux(arguments).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same; `None` when its container does not run, or tmux failed.
    pub fn try_tmux(&self, arguments: &[&str]) -> Option<String> {
        let name = self.last.pointer("/spec/containers/0/name").and_then(Value::as_str)?;
        self.core.node.container(&self.last, name)?.tmux(arguments).ok()
    }

    /// One more session of its tmux server; the name is taken literally.
    ///
    /// # Panics
    /// tmux failed.
    #[track_caller]
    pub fn session(&self, name: &str, command: &str) {
        self.container().start_session(name, command).unwrap_or_else(|error| panic!("{error}"));
    }

    /// What the active pane of the session of exactly this name shows.
    ///
    /// # Panics
    /// There is no such session.
    #[track_caller]
    pub fn pane(&self, session: &str) -> String {
        tmux::pane(|arguments| self.tmux(arguments), session)
    }

    /// The clients of its tmux server, a line each: session, width, height.
    pub fn clients(&self) -> Vec<String> {
        let format = "#{client_session} #{client_width} #{client_height}";
        let listing = self.container().tmux(&["list-clients", "-F", format]).unwrap_or_default();
        listing.lines().map(str::to_owned).collect()
    }

    /// Start a command in it, on a terminal of its own, as an exec does whose client is gone.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn start_on_terminal(&self, argv: &[&str]) -> Process {
        let argv: Vec<String> = argv.iter().map(|&word| word.to_owned()).collect();
        let command = self.container().command(&argv).unwrap_or_else(|error| panic!("{error}"));
        Process::on_terminal(command, Some((80, 24))).unwrap_or_else(|error| panic!("{argv:?}: {error}"))
    }

    /// Everything that runs in it.
    pub fn processes(&self) -> Vec<i32> {
        self.container().processes()
    }

    /// The number that a process of it has on this machine, by the one that it has in there.
    ///
    /// # Panics
    /// There is no such process.
    pub fn on_this_machine(&self, pid: i32) -> i32 {
        let inside = |outside: &i32| {
            let status = fs::read_to_string(format!("/proc/{outside}/status")).unwrap_or_default();
            let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
            numbers.split_whitespace().last() == Some(pid.to_string().as_str())
        };
        self.processes().into_iter().find(inside).unwrap_or_else(|| panic!("{} has no process {pid}", self.name()))
    }

    /// How many in it have ended that nobody waits for: where its first process reaps nothing, these stay.
    pub fn zombies(&self) -> usize {
        self.container().zombies()
    }

    /// Its HOME.
    pub fn home(&self) -> PathBuf {
        self.container().home()
    }

    /// Move to another stage of its life: its containers stop when it is none in which they run.
    pub fn becomes(&self, stage: Stage) {
        node::enter(&self.core, &self.last, stage);
    }

    /// Start its containers anew: everything in them ends, the pod stays, its restart count grows.
    pub fn restart(&self) {
        node::restart(&self.core, &self.last);
    }

    /// Let its end begin; does not wait for it.
    pub fn begin_to_delete(&self) {
        controllers::mark_ending(&self.core, &self.core.pods, self.namespace(), self.name());
    }

    /// Delete it and wait until it is gone.
    ///
    /// # Panics
    /// It does not go.
    pub fn delete(&self) {
        self.begin_to_delete();
        let gone = self.core.store.wait_for(PATIENCE, || self.is_gone().then_some(()));
        assert!(gone.is_some(), "{self:?} does not go");
    }

    /// Let it have been made that much earlier.
    ///
    /// # Panics
    /// It is gone.
    pub fn ages(&self, by: Duration) {
        let aged = self.core.store.backdate(&self.core.pods, self.namespace(), self.name(), by);
        assert!(aged.is_ok(), "{self:?} is gone");
    }

    /// Set one of its labels.
    pub fn label(&self, name: &str, value: &str) {
        let _ = self.core.store.edit(&self.core.pods, self.namespace(), self.name(), |pod| {
            pod["metadata"]["labels"][name] = json!(value);
            Ok(())
        });
    }
}
