//! A worker as `workers.yaml` describes it, validated.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::names::{ObjectName, WorkerName};
use super::origin::{Origin, Polecat, System};
use super::template::Template;

/// A place with a tmux server that holds sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    pub name: WorkerName,
    pub place: Place,
    /// The tmux command line inside the worker, already split; never empty. For a local worker it is
    /// what the file says (default `tmux`); `remote::local` adds the socket.
    pub tmux: Vec<String>,
    pub view: ViewMode,
    pub commands: Commands,
    pub origin: Origin,
}

/// Where a worker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Pod(PodPlace),
    /// A directory on this machine, absolute; its tmux server listens on `DIR/tmux.sock`.
    Local(PathBuf),
}

/// How kubectl finds a pod. What is `None` is left to kubectl's own rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodPlace {
    pub pod: PodRef,
    pub namespace: Option<ObjectName>,
    /// A kubeconfig context; any text without control characters that does not begin with `-`.
    pub context: Option<String>,
    pub container: Option<ObjectName>,
    /// Absolute (`~` is already expanded).
    pub kubeconfig: Option<PathBuf>,
}

/// What `pod:` names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PodRef {
    /// A bare name: a pod, else a Deployment, else a StatefulSet.
    Any(ObjectName),
    Pod(ObjectName),
    Deployment(ObjectName),
    StatefulSet(ObjectName),
}

/// As the file may write it.
impl fmt::Display for PodRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any(name) => write!(f, "{name}"),
            Self::Pod(name) => write!(f, "pod/{name}"),
            Self::Deployment(name) => write!(f, "deployment/{name}"),
            Self::StatefulSet(name) => write!(f, "statefulset/{name}"),
        }
    }
}

/// Whether a view may touch the session's options while it is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ViewMode {
    #[default]
    Seamless,
    Plain,
}

impl ViewMode {
    pub const WORDS: &'static [&'static str] = &["seamless", "plain"];

    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "seamless" => Some(Self::Seamless),
            "plain" => Some(Self::Plain),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Seamless => "seamless",
            Self::Plain => "plain",
        }
    }
}

/// The worker's command templates: the preset's, with the file's over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    pub preset: Preset,
    pub status: Option<Template>,
    pub queue: Option<Template>,
    pub dispatch: Option<Template>,
}

/// Which CLI the worker's `factory` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// The original design's commands.
    #[default]
    Factory,
    /// The published TaintFactory binary (March 2026): `--config` is looked up per project, `status` runs per repository.
    TaintFactory,
}

impl Worker {
    /// `pod`, `local`, or the system that it was found in, as `list --wide` and the JSON print it.
    pub fn kind(&self) -> &'static str {
        match (&self.origin, &self.place) {
            (Origin::Pods, _) => System::Pods.word(),
            (Origin::GasCity(_), _) => System::GasCity.word(),
            (Origin::GasTown(_), _) => System::GasTown.word(),
            (Origin::File, Place::Pod(_)) => "pod",
            (Origin::File, Place::Local(_)) => "local",
        }
    }

    /// The polecat that it is, if it is one.
    pub fn polecat(&self) -> Option<&Polecat> {
        match &self.origin {
            Origin::GasTown(polecat) => Some(polecat),
            _ => None,
        }
    }
}
