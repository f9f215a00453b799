//! Where polecats are, and which of them is meant.

use std::path::absolute;

use anyhow::{Context as _, Result};

use crate::cli::polecat::{Named, Town};
use crate::cluster::Cluster;
use crate::commands::Context;
use crate::commands::worker::options;
use crate::discovery;
use crate::exit::{Code, Problem};
use crate::failure::Failure;
use crate::gastown::{self, Found};
use crate::registry::origin::System;
use crate::registry::source::Source;
use crate::terminal::progress::Progress;

/// A polecat, and where it is.
pub struct Resident {
    pub town: Source,
    pub found: Found,
}

impl Resident {
    pub fn cluster(&self) -> Cluster {
        discovery::cluster(&self.town)
    }

    /// What kubectl calls its custom resource.
    pub fn target(&self) -> String {
        format!("{}/{}", gastown::KIND, self.found.polecat.name)
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

/// What each of the namespaces holds, or why it does not say; one kubectl process each.
///
/// # Errors
/// As [`all`].
pub fn look(context: &Context, at: &Town) -> Result<Vec<Seen>> {
    let towns = all(context, at)?;
    let progress = Progress::show("looking for polecats…".to_owned());
    let look = |town: Source| {
        let found = gastown::find(&discovery::cluster(&town), town.stuck_after, context.deadline());
        (town, found)
    };
    let seen = towns.into_iter().map(look).collect();
    drop(progress);
    Ok(seen)
}

/// The polecat of this name.
///
/// # Errors
/// There is none (4), there are several (2), or somebody who may have it did not say (3).
pub fn find(context: &Context, named: &Named) -> Result<Resident> {
    let name = named.name.as_str();
    let mut silent = None;
    let mut residents = Vec::new();
    for (town, found) in look(context, &named.town)? {
        match found {
            Err(failure) => silent = silent.or(Some(failure)),
            Ok(found) => {
                let mine = found.into_iter().filter(|found| discovery::is_called(&town, found.polecat.name.as_str(), name));
                residents.extend(mine.map(|found| Resident { town: town.clone(), found }));
            }
        }
    }
    let first = residents.pop();
    match (first, residents.is_empty(), silent) {
        (Some(resident), true, _) => Ok(resident),
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
