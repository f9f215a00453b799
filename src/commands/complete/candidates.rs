//! Workers and sessions as completion knows them: from the registry, and from what the workers said last.

use std::collections::HashSet;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::line::Line;
use super::refresh;
use crate::cluster::{Cluster, login};
use crate::discovery;
use crate::registry::Registry;
use crate::registry::invalid::List;
use crate::state::sessions::{self, Sessions};

/// How long somebody who pressed TAB waits for workers of which nothing is known.
const PATIENCE: Duration = Duration::from_millis(200);
/// How often the answers of others are looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(5);

pub struct Known {
    registry: Registry,
}

/// The contexts of the kubeconfig that the line names, else of kubectl's own and of those that the registry names. The files are
/// read; no cluster is asked, and nobody has to log in.
pub fn contexts(line: &Line) -> Vec<String> {
    let of_file = |kubeconfig| Cluster { kubeconfig, context: None, namespace: None };
    let named = line.file("--kubeconfig");
    let mut clusters = vec![of_file(named.clone())];
    if named.is_none()
        && let Ok(registry) = Registry::load(line.registry().as_deref())
    {
        let of_workers = registry.workers.iter().filter_map(Cluster::of_worker);
        clusters.extend(of_workers.chain(registry.sources.iter().map(discovery::cluster)));
    }
    let mut files = HashSet::new();
    clusters.retain(|cluster| files.insert(cluster.kubeconfig.clone()));
    let mut names: Vec<_> = clusters.iter().flat_map(login::contexts).collect();
    names.sort();
    names.dedup();
    names
}

impl Known {
    /// The workers that the command line is about.
    pub fn of(line: &Line) -> Result<Self> {
        let mut registry = Registry::load(line.registry().as_deref())?;
        discovery::recall(&mut registry);
        Ok(Self { registry })
    }

    /// The names of the workers, but for those that are on the line already.
    pub fn workers(&self, line: &Line) -> Vec<String> {
        let mut names: Vec<_> = self.names().map(str::to_owned).collect();
        names.retain(|name| !line.before().iter().any(|word| word == name.as_str()));
        names
    }

    /// The same with those of the file that cannot be used, but can be removed.
    pub fn entries(&self, line: &Line) -> Vec<String> {
        let mut names = self.workers(line);
        let invalid = self.registry.invalid_in(List::Workers).filter(|invalid| self.registry.find(&invalid.name).is_none());
        // One without a name has none that could be typed.
        let invalid = invalid.map(|invalid| invalid.name.to_string()).filter(|name| !name.contains('#'));
        names.extend(invalid.filter(|name| !line.before().iter().any(|word| word == name.as_str())));
        names
    }

    /// The names of those workers that are polecats.
    pub fn polecats(&self) -> Vec<String> {
        let polecats = self.registry.workers.iter().filter(|worker| worker.polecat().is_some());
        polecats.map(|worker| worker.name.to_string()).collect()
    }

    /// `WORKER/SESSION` of every session, but for those that are on the line already; `WORKER` when it has none.
    pub fn addresses(&self, line: &Line) -> Vec<String> {
        let known = self.last_said();
        let of_worker = |name: &str| match known.get(name).map(|known| known.sessions.as_slice()) {
            None | Some([]) => vec![name.to_owned()],
            Some(sessions) => sessions.iter().map(|session| format!("{name}/{session}")).collect(),
        };
        let mut addresses: Vec<_> = self.names().flat_map(of_worker).collect();
        addresses.retain(|address| !line.before().iter().any(|word| word == address.as_str()));
        addresses
    }

    /// The sessions of the worker that is named on the line.
    pub fn sessions(&self, line: &Line) -> Vec<String> {
        let named = self.names().find(|name| line.before().iter().any(|word| word == name));
        let known = self.last_said();
        named.and_then(|name| known.get(name)).map(|known| known.sessions.clone()).unwrap_or_default()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.registry.workers.iter().map(|worker| worker.name.as_str())
    }

    /// What the workers said last. What is old is renewed in the background; what is missing is waited for a moment.
    fn last_said(&self) -> Sessions {
        let until = Instant::now() + PATIENCE;
        let mut said = sessions::read();
        let due = refresh::due(&self.registry, &said);
        if (due.sources.is_empty() && due.workers.is_empty()) || !refresh::start(&self.registry) {
            return said;
        }
        while due.workers.iter().any(|worker| !said.contains_key(worker.name.as_str())) && Instant::now() < until {
            thread::sleep(LOOK_EVERY);
            said = sessions::read();
        }
        said
    }
}
