//! Everything about `worker add` that can be known before anything is changed.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cli::worker::WorkerAdd;
use crate::cluster::Cluster;
use crate::commands::Context;
use crate::commands::worker::options;
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
    pub shape: Shape,
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
    /// It is there already, and stays as it is.
    pub registered: bool,
}

impl Plan {
    pub fn new(context: &Context, args: &WorkerAdd) -> Result<Self> {
        if args.image.is_none() {
            let remedy = "give --image NAME; deploy/README.md says how to make one";
            return Err(Problem::new(Code::Usage, "which image is the worker's?", remedy).into());
        }
        let registry = context.registry()?;
        let named = options::workers(args)?;
        let cluster = cluster(context, args, &registry, &named)?;
        let namespace = cluster.namespace.clone().map_or_else(options::default_namespace, Ok)?;
        let workers =
            named.into_iter().map(|(name, names)| planned(&registry, &cluster, name, names)).collect::<Result<Vec<_>>>()?;
        let secrets = secrets(args)?;
        let warnings = warnings(args, &secrets, workers.len());
        Ok(Self { shape: options::shape(args, namespace)?, secrets, cluster, registry: registry.path, workers, warnings })
    }

    /// What a person should know, and need not act on.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.clone()
    }
}

/// Where the workers will be, by the command line, else by the registry's defaults, else by kubectl.
fn cluster(context: &Context, args: &WorkerAdd, registry: &Registry, named: &[(WorkerName, Names)]) -> Result<Cluster> {
    let given = options::namespace(args)?;
    let kubeconfig =
        args.kubeconfig.as_ref().map(std::path::absolute).transpose().context("cannot make --kubeconfig absolute")?;
    let Some((_, names)) = named.first() else { anyhow::bail!("no worker is named") };
    // What the defaults say about a worker of a name that nobody has.
    let unused = (0..).map(|number| format!("new-{number}")).find_map(|name| {
        let name: WorkerName = name.parse().ok()?;
        registry.find(&name).is_none().then_some(name)
    });
    let entry = Entry {
        name: unused.context("every name is taken")?,
        pod: names.deployment.clone(),
        namespace: given.clone(),
        context: options::context(args.context.as_deref())?,
        kubeconfig,
    };
    let Worker { place: Place::Pod(place), .. } = edit::planned(&registry.path, &entry)? else {
        anyhow::bail!("a worker on Kubernetes cannot be a directory");
    };
    let mut cluster = Cluster::of(&place);
    if cluster.namespace.is_none() {
        cluster.namespace = Some(options::default_namespace()?);
    }
    if cluster.context.is_none() {
        // Written down, so that the worker is still found when kubectl's current context is another one.
        cluster.context = current_context(context, &cluster);
    }
    Ok(cluster)
}

fn current_context(context: &Context, cluster: &Cluster) -> Option<String> {
    let config: Value = serde_json::from_slice(&cluster.config(context.deadline()).ok()?).ok()?;
    config["current-context"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

fn planned(registry: &Registry, cluster: &Cluster, name: WorkerName, names: Names) -> Result<Planned> {
    let entry = Entry {
        name: name.clone(),
        pod: names.deployment.clone(),
        namespace: cluster.namespace.clone(),
        context: cluster.context.clone(),
        kubeconfig: cluster.kubeconfig.clone(),
    };
    let registered = match registry.find(&name) {
        None => false,
        Some(there) if is_there(there, &names, cluster) => true,
        Some(there) => return Err(taken(registry, there).into()),
    };
    if !registered {
        // Before anything is made: can it be written down at all?
        edit::planned(&registry.path, &entry)?;
    }
    Ok(Planned { name, names, entry, registered })
}

/// Whether a registered worker is the one that would be made. What it leaves to kubectl may be so.
fn is_there(worker: &Worker, names: &Names, cluster: &Cluster) -> bool {
    let Place::Pod(place) = &worker.place else { return false };
    let same_context = place.context.is_none() || place.context == cluster.context;
    Names::registered(&place.pod).as_ref() == Some(names) && place.namespace == cluster.namespace && same_context
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
    warnings.extend(secrets.missing().iter().map(|name| format!("there is no {name}: the worker goes without")));
    if workers > 1 && !secrets.missing().contains(&"CLAUDE_CODE_OAUTH_TOKEN") {
        warnings.push(format!("{workers} workers share one CLAUDE_CODE_OAUTH_TOKEN, and its limits"));
    }
    warnings
}
