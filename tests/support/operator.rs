//! A world whose workers are pods of a simulated cluster, reached through the real kubectl.

#![allow(dead_code)] // every test binary uses its own part

use kubesim::{Calls, Cluster, Oddity, lists, requests_for};
use serde_json::Value;

use crate::support::{Ran, World};

/// A stand-in for the program that keeps a worker's queue: it notes each call, and says what it was asked.
pub const FACTORY: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$*\" >>\"$HOME/calls\"\ncase $2 in\nlist) echo '[]' ;;\n*) echo \"factory $*\" ;;\nesac\n";

/// What a worker's container is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Image {
    /// The programs of this machine, and a first process that reaps.
    Debian,
    /// Nothing but busybox and tmux, and a first process that reaps nothing.
    Alpine,
}

impl Image {
    /// What is different about its containers.
    pub fn oddities(self) -> &'static [Oddity] {
        match self {
            Self::Debian => &[],
            Self::Alpine => &[Oddity::Busybox, Oddity::ReapsNothing],
        }
    }
}

/// The operator of a cluster: a HOME with kubeconfig and registry.
pub struct Operator {
    pub world: World,
    pub cluster: Cluster,
}

impl Operator {
    pub fn of(cluster: Cluster) -> Self {
        let kubeconfig = cluster.kubeconfig().to_str().unwrap().to_owned();
        Self { world: World::new().env("KUBECONFIG", &kubeconfig), cluster }
    }

    /// An entry of workers.yaml without a queue command; `more` are further lines of it.
    pub fn worker(mut self, name: &str, pod: &str, more: &str) -> Self {
        let queue = if more.contains("commands:") { "" } else { "    commands: {queue: \"\"}\n" };
        let more: String = more.lines().map(|line| format!("    {line}\n")).collect();
        self.world = self.world.entry(&format!("  - name: {name}\n    pod: {pod}\n{queue}{more}"));
        self
    }

    /// `discover:` with these entries, a line each, behind the workers of the file.
    pub fn discovers(self, entries: &[&str]) -> Self {
        let path = self.world.registry_path();
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text.push_str("discover:\n");
        text.extend(entries.iter().map(|entry| format!("  - {entry}\n")));
        std::fs::write(&path, text).unwrap();
        self
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.world.run(arguments)
    }

    /// Run a command, and give what it asked of the cluster beside how it ended.
    pub fn watched(&self, arguments: &[&str]) -> (Ran, Calls) {
        self.cluster.forget_calls();
        let ran = self.run(arguments);
        (ran, self.cluster.calls().about_objects())
    }

    /// The rows of `list --json`.
    #[track_caller]
    pub fn rows(&self) -> Vec<Value> {
        let ran = self.run(&["list", "--json"]).expect(0);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        answer["workers"].as_array().unwrap().clone()
    }
}

/// How many times a namespace was looked through for pods.
pub fn resolutions(calls: &Calls) -> usize {
    calls.matching(&lists()).matching(&requests_for("pods")).len()
}
