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

/// What web servers in front of an API take at most by default, in bytes: Apache this, nginx two more (a buffer of 8 KiB). An
/// API server itself takes more.
const LONGEST_LINE: usize = 8190;

/// What a test may set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a pod is Terminating.
    pub stopping_takes: Duration,
    /// How long it takes until a lost pod is replaced.
    pub replacing_takes: Duration,
    /// The minor version that the API server says it has.
    pub minor: String,
    /// Answer discovery in one piece to clients that ask for it.
    pub aggregated_discovery: bool,
    /// The path that the API is below, empty when it is at the root.
    pub path: String,
    /// A webhook has a word in everything, and takes part in no rehearsal.
    pub rehearsals_fail: bool,
    /// A volume can be made larger: its StorageClass says so.
    pub volumes_grow: bool,
    /// The longest request line that is taken, in bytes.
    pub longest_line: usize,
    /// An exec cannot be told that its standard input has ended (v5), as before Kubernetes 1.30.
    pub only_v4: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            stopping_takes: Duration::ZERO,
            replacing_takes: Duration::ZERO,
            minor: String::new(),
            aggregated_discovery: false,
            path: String::new(),
            rehearsals_fail: false,
            volumes_grow: true,
            longest_line: LONGEST_LINE,
            only_v4: false,
        }
    }
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
