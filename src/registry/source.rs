//! The entries of `discover:`: where workers are found instead of listed.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::names::{ObjectName, WorkerName};
use super::origin::{Origin, System};
use super::worker::{Commands, Place, PodPlace, PodRef, ViewMode, Worker};

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
    /// The worker that was found here in a pod.
    pub fn worker(&self, name: WorkerName, pod: PodRef, origin: Origin) -> Worker {
        let place = PodPlace {
            pod,
            namespace: self.namespace.clone(),
            context: self.context.clone(),
            container: self.container.clone(),
            kubeconfig: self.kubeconfig.clone(),
        };
        Worker {
            name,
            place: Place::Pod(place),
            tmux: self.tmux.clone(),
            view: self.view,
            commands: self.commands.clone(),
            origin,
        }
    }

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
