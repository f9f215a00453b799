//! How a worker came into the registry, and what a found one is to its own system.

use serde::{Deserialize, Serialize};

use super::names::ObjectName;

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
