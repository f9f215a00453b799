//! What all parts of a cluster share.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use crate::access::Access;
use crate::faults::Faults;
use crate::links::Links;
use crate::node::Node;
use crate::record::Record;
use crate::resources::{Kind, Resources};
use crate::store::Store;

/// What a test may set.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How long a pod is Terminating.
    pub stopping_takes: Duration,
    /// How long it takes until a lost pod is replaced.
    pub replacing_takes: Duration,
    /// The minor version that the API server says it has.
    pub minor: String,
    /// Answer discovery in one piece to clients that ask for it.
    pub aggregated_discovery: bool,
}

#[derive(Debug)]
pub struct Core {
    pub store: Store,
    pub resources: Resources,
    pub node: Node,
    pub faults: Faults,
    pub record: Record,
    pub links: Links,
    pub access: Access,
    settings: Mutex<Settings>,
    // The kinds that the cluster itself works with.
    pub pods: Arc<Kind>,
    pub namespaces: Arc<Kind>,
    pub deployments: Arc<Kind>,
    pub replica_sets: Arc<Kind>,
    pub stateful_sets: Arc<Kind>,
}

impl Core {
    /// A cluster whose containers are below `directory`.
    pub fn new(directory: PathBuf, settings: Settings) -> Self {
        let resources = Resources::default();
        Self {
            store: Store::default(),
            node: Node::new(directory),
            faults: Faults::default(),
            record: Record::default(),
            links: Links::default(),
            access: Access::default(),
            settings: Mutex::new(settings),
            pods: resources.get("pods"),
            namespaces: resources.get("namespaces"),
            deployments: resources.get("deployments"),
            replica_sets: resources.get("replicasets"),
            stateful_sets: resources.get("statefulsets"),
            resources,
        }
    }

    pub fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
