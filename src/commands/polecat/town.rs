//! Where polecats are, and which of them is meant.

use std::cell::RefCell;
use std::path::absolute;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cli::polecat::{Named, Town};
use crate::cluster::Cluster;
use crate::cluster::gateway::{Gateways, Polecats};
use crate::cluster::login::{self, Holding};
use crate::cluster::objects::Change;
use crate::cluster::resource::POLECATS;
use crate::commands::Context;
use crate::commands::worker::options;
use crate::discovery;
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::gastown::{self, Found};
use crate::registry::origin::System;
use crate::registry::source::Source;
use crate::remote::polecat_log::Log;
use crate::terminal::progress::Progress;

/// The namespaces to look in, and the way to their clusters as long as this lives: for all that is asked of one a single kubectl,
/// where that can be.
pub struct Towns {
    sources: Vec<Source>,
    pub gateways: Arc<Gateways>,
    /// All that is asked after a look is asked in its turn: who has come past the login then goes on together.
    held: RefCell<Vec<Holding>>,
}

/// A polecat, where it is, and the way there.
pub struct Resident {
    pub town: Source,
    pub found: Found,
    towns: Towns,
}

impl Resident {
    pub fn cluster(&self) -> Cluster {
        discovery::cluster(&self.town)
    }

    /// Take in whether anything comes from it, if it counts as stuck by its age.
    ///
    /// # Errors
    /// The cluster did not say; it counts as before.
    pub fn listen(&mut self, context: &Context) -> Result<(), Failure> {
        listen(&self.town, &mut self.found, &self.towns.gateways, context)
    }

    /// The way to its cluster.
    pub fn gateways(&self) -> &Gateways {
        &self.towns.gateways
    }

    /// Patch its custom resource.
    ///
    /// # Errors
    /// The cluster refused, or did not say.
    pub fn patch(&self, patch: &Value, change: Change, context: &Context) -> Result<(), Failure> {
        let name = &self.found.polecat.name;
        self.gateways().patch(&self.cluster(), &POLECATS, name, patch, change, context.deadline())
    }
}

/// The namespaces to look in: those of the registry's sources, or the one that the command line names.
///
/// # Errors
/// The registry cannot be read; a name on the command line is none.
pub fn all(context: &Context, at: &Town) -> Result<Vec<Source>> {
    let registry = context.registry()?;
    let mut sources = registry.sources;
    sources.retain(|source| source.system == System::GasTown);
    let Town { context: given, namespace, kubeconfig } = at;
    if given.is_none() && namespace.is_none() && kubeconfig.is_none() {
        return Ok(if sources.is_empty() { vec![registry.town] } else { sources });
    }
    // One source says where the rest is; of several, none can.
    let base = if sources.len() == 1 { sources.remove(0) } else { registry.town };
    let usage = |error: String| Problem::new(Code::Usage, error, "");
    let namespace = namespace.as_deref().map(str::parse).transpose().map_err(|error| usage(format!("--namespace: {error}")))?;
    let given = options::context(given.as_deref())?;
    let path = |path: &std::path::PathBuf| absolute(path).with_context(|| format!("--kubeconfig: {}", path.display()));
    Ok(vec![Source {
        namespace: namespace.or(base.namespace.clone()),
        context: given.or(base.context.clone()),
        kubeconfig: kubeconfig.as_ref().map(path).transpose()?.or(base.kubeconfig.clone()),
        ..base
    }])
}

/// A namespace, and what it holds or why it does not say.
pub type Seen = (Source, Result<Vec<Found>, Failure>);

impl Towns {
    /// Those of [`all`], for a command that needs this of their clusters.
    ///
    /// # Errors
    /// As [`all`].
    pub fn of(context: &Context, at: &Town, needs: Polecats) -> Result<Self> {
        let sources = all(context, at)?;
        let gateways = Arc::new(Gateways::of_polecats(needs));
        for cluster in sources.iter().map(discovery::cluster) {
            // What it lists, and what it asks then.
            gateways.expect([&cluster, &cluster]);
        }
        Ok(Self { sources, gateways, held: RefCell::default() })
    }

    /// What each of the namespaces holds, or why it does not say.
    pub fn look(&self, context: &Context) -> Vec<Seen> {
        let _progress = Progress::show("looking for polecats…".to_owned());
        self.sources.iter().map(|town| (town.clone(), self.look_into(town, context))).collect()
    }

    fn look_into(&self, town: &Source, context: &Context) -> Result<Vec<Found>, Failure> {
        let cluster = discovery::cluster(town);
        let held = login::turn(&cluster, Some(context.deadline()))?.hold();
        let found = gastown::find(&cluster, Some(&self.gateways), town.stuck_after, context.deadline())?;
        self.held.borrow_mut().push(held);
        Ok(found)
    }
}

/// Take in of a polecat that was found in this namespace whether anything comes from it.
///
/// # Errors
/// As [`Resident::listen`].
pub fn listen(town: &Source, found: &mut Found, gateways: &Arc<Gateways>, context: &Context) -> Result<(), Failure> {
    let Ok(told) = &mut found.told else { return Ok(()) };
    let log = Log::of_polecat(discovery::cluster(town), found.pod.clone(), &found.polecat).through(gateways.clone());
    *told = log.heard(told.clone(), &[], context.deadline())?;
    Ok(())
}

/// The polecat of this name, for a command that needs this of its cluster.
///
/// # Errors
/// There is none (4), there are several (2), or somebody who may have it did not say (3).
pub fn find(context: &Context, named: &Named, needs: Polecats) -> Result<Resident> {
    let name = named.name.as_str();
    let mut silent = None;
    let mut residents = Vec::new();
    let towns = Towns::of(context, &named.town, needs)?;
    for (town, found) in towns.look(context) {
        match found {
            Err(failure) => silent = silent.or(Some(failure)),
            Ok(found) => {
                let mine = found.into_iter().filter(|found| discovery::is_called(&town, found.polecat.name.as_str(), name));
                residents.extend(mine.map(|found| (town.clone(), found)));
            }
        }
    }
    let first = residents.pop();
    match (first, residents.is_empty(), silent) {
        (Some((town, found)), true, _) => Ok(Resident { town, found, towns }),
        (Some(_), false, _) => {
            let what = format!("there are several polecats {name:?}");
            Err(Problem::new(Code::Usage, what, "say which with --context and --namespace, or by its worker's name").into())
        }
        (None, _, Some(failure)) => Err(anyhow::Error::from(failure).context(format!("looking for polecat {name:?}"))),
        (None, _, None) => {
            let what = format!("there is no polecat {name:?}");
            Err(Problem::new(Code::Missing, what, "`factory-worker polecat list` shows those there are").into())
        }
    }
}
