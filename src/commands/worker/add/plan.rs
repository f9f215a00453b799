//! Everything about `worker add` that can be known before anything is changed.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::worker::WorkerAdd;
use crate::cluster::Cluster;
use crate::commands::Context;
use crate::commands::worker::options;
use crate::commands::worker::place::{self, Where};
use crate::deploy::names::Names;
use crate::deploy::render::Shape;
use crate::deploy::secret::{self, Secrets};
use crate::exit::{Code, Problem};
use crate::registry::edit::{self, Entry};
use crate::registry::names::WorkerName;
use crate::registry::worker::{Place, PodPlace, Worker};
use crate::registry::{Registry, worker};

/// What is to be done.
pub struct Plan {
    /// How each of them is to be, as far as the command line says it.
    pub shape: Shape,
    /// Whether they are to be without privileges; `None` when it is not said.
    pub restricted: Option<bool>,
    pub secrets: Secrets,
    /// Where all of it goes: as the registry will have it, so that what is made is what is found.
    pub cluster: Cluster,
    /// The registry's file.
    pub registry: PathBuf,
    pub workers: Vec<Planned>,
    warnings: Vec<String>,
}

/// One worker.
pub struct Planned {
    pub name: WorkerName,
    pub names: Names,
    /// What is written into the registry.
    pub entry: Entry,
    /// What it is, or will be, in the registry.
    pub worker: Worker,
    /// It is there already, and stays as it is.
    pub registered: bool,
}

impl Plan {
    pub fn new(context: &Context, args: &WorkerAdd) -> Result<Self> {
        let registry = context.load()?;
        let named = options::workers(args)?;
        // Of one that is to be made, the error says it.
        if named.iter().all(|(name, _)| registry.find_invalid(name).is_none()) {
            context.complain(&registry);
        }
        let at = Where {
            namespace: args.namespace.as_deref(),
            context: args.context.as_deref(),
            kubeconfig: args.kubeconfig.as_deref(),
        };
        let cluster = place::cluster(context, &registry, at, &named)?;
        let namespace = cluster.namespace.clone().map_or_else(options::default_namespace, Ok)?;
        let workers =
            named.into_iter().map(|(name, names)| planned(&registry, &cluster, name, names)).collect::<Result<Vec<_>>>()?;
        let secrets = secrets(args)?;
        let warnings = warnings(args, &secrets, workers.len());
        let (shape, restricted) = (options::shape(args, namespace)?, options::restricted(args));
        Ok(Self { shape, restricted, secrets, cluster, registry: registry.path, workers, warnings })
    }

    /// What a person should know, and need not act on.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

fn planned(registry: &Registry, cluster: &Cluster, name: WorkerName, names: Names) -> Result<Planned> {
    let entry = place::entry(&name, &names, cluster);
    let (worker, registered) = match registry.find(&name) {
        // Before anything is made: can it be written down at all?
        None => (edit::planned(&registry.path, &entry)?, false),
        Some(there) if place::is_there(there, &names, cluster) => (there.clone(), true),
        Some(there) => return Err(taken(registry, there).into()),
    };
    Ok(Planned { name, names, entry, worker, registered })
}

fn taken(registry: &Registry, there: &worker::Worker) -> Problem {
    let place = match &there.place {
        Place::Local(directory) => format!("the directory {}", directory.display()),
        Place::Pod(PodPlace { pod, namespace, context, .. }) => {
            let namespace = namespace.as_ref().map_or("the context's".to_owned(), ToString::to_string);
            let context = context.as_deref().unwrap_or("kubectl's current one");
            format!("{pod} in namespace {namespace}, context {context}")
        }
    };
    let what = format!("{} is in {} already: {place}", there.name, registry.path.display());
    Problem::new(Code::Failed, what, "choose another name, or give the --namespace and --context that it has")
}

fn secrets(args: &WorkerAdd) -> Result<Secrets> {
    let secrets = match &args.from_env {
        Some(path) => Secrets::from_file(path)?,
        None => Secrets::from_environment(),
    };
    match &args.ssh_key {
        Some(path) => secrets.with_ssh_key(path),
        None => Ok(secrets),
    }
}

fn warnings(args: &WorkerAdd, secrets: &Secrets, workers: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if secrets.is_empty() {
        return warnings;
    }
    warnings.extend(args.from_env.as_deref().and_then(secret::exposed));
    if workers > 1 && !secrets.missing().contains(&"CLAUDE_CODE_OAUTH_TOKEN") {
        warnings.push(format!("{workers} workers share one CLAUDE_CODE_OAUTH_TOKEN, and its limits"));
    }
    warnings
}
