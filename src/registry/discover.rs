//! Workers that are found, not listed: the entries of `discover:`, and what a found worker is to its own system.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::names::{ObjectName, WorkerName};
use super::worker::{Commands, ViewMode};

/// Whose agents a source finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum System {
    /// Pods by their labels: a fleet of our own workers.
    Pods,
    GasCity,
    GasTown,
}

impl System {
    pub const WORDS: &'static [&'static str] = &["pods", "gascity", "gastown"];

    /// As the file, `list --wide` and the JSON write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pods => "pods",
            Self::GasCity => "gascity",
            Self::GasTown => "gastown",
        }
    }
}

/// An entry of `discover:`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    pub system: System,
    /// Which entry of its system it is, from 1, when there are several.
    pub number: Option<usize>,
    /// Which pods; only Gas Town's, which are found through their custom resources, have none.
    pub selector: Option<String>,
    /// What the names of its workers begin with.
    pub prefix: String,
    /// `None` is the context's namespace.
    pub namespace: Option<ObjectName>,
    pub context: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    pub container: Option<ObjectName>,
    /// A polecat that works for longer is taken for stuck.
    pub stuck_after: Duration,
    pub tmux: Vec<String>,
    pub view: ViewMode,
    pub commands: Commands,
}

impl Source {
    /// What it is called where workers are.
    pub fn name(&self) -> WorkerName {
        WorkerName::reserved(self.to_string())
    }
}

/// What a source is called where workers are listed: no worker can have such a name.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            None => write!(f, "discover:{}", self.system.word()),
            Some(number) => write!(f, "discover:{}#{number}", self.system.word()),
        }
    }
}

/// How a worker came into the registry.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// It is listed under `workers:`.
    #[default]
    File,
    Pods,
    GasCity(Agent),
    GasTown(Box<Polecat>),
}

/// What Gas City calls a pod of its own. All of it was said by the cluster, and is hostile until neutralised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The session's name in Gas City.
    pub session: String,
    pub agent: Option<String>,
    /// The city's directory on its controller.
    pub city: Option<String>,
}

/// What Gas Town says of a polecat, as hostile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polecat {
    /// Of its custom resource.
    pub name: ObjectName,
    pub rig: String,
    pub bead: Option<String>,
    /// The operator's own word, which never becomes `Done`.
    pub phase: Option<String>,
    pub branch: String,
    /// When Kubernetes ends its pod, RFC 3339.
    pub deadline: Option<String>,
    pub reads: Reads,
}

/// What there is to see of a polecat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reads {
    /// The output of its container: no tmux is in the image, or the container has ended.
    Log,
    /// The image is not the one that is known to have no tmux.
    PerhapsTmux,
}

impl Polecat {
    /// The container in which the agent runs.
    pub const CONTAINER: &'static str = "claude";
    /// The one session of a polecat without tmux.
    pub const LOG: &'static str = "log";
}
