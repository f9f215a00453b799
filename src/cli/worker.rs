//! The command line of `worker`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{LogExtent, duration};

#[derive(Debug, Args)]
pub struct Worker {
    #[command(subcommand)]
    pub action: WorkerAction,
}

#[derive(Debug, Subcommand)]
pub enum WorkerAction {
    /// Make workers on Kubernetes or change them, wait until they are ready, and add them to the registry
    Add(WorkerAdd),
    /// Print the manifests that `add` applies, without the Secret; needs no cluster and no registry
    Render(WorkerAdd),
    /// Replace a worker's pod, after naming the sessions that will end
    Restart(WorkerRestart),
    /// Delete a worker or what is left of one, but not its volume, and take it out of the registry
    Remove(WorkerRemove),
    /// Print the log of a worker's pod
    Logs(WorkerLogs),
}

#[derive(Debug, Args)]
pub struct WorkerAdd {
    /// What the workers are to be called
    #[arg(value_name = "NAME", required = true)]
    pub names: Vec<String>,
    /// The worker image; deploy/README.md says how to make one [default: the one it has]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// The kubeconfig context [default: where it is, else the registry's default, else kubectl's current one]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace, made when it is not there [default: where it is, else the registry's default, else factory]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The kubeconfig [default: where it is, else the registry's default, else kubectl's own rules]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// NAME=VALUE lines for the Secret [default: CLAUDE_CODE_OAUTH_TOKEN, GH_TOKEN, GH_USER of the environment]
    #[arg(long, value_name = "FILE")]
    pub from_env: Option<PathBuf>,
    /// A private key for git over SSH, for the Secret
    #[arg(long, value_name = "FILE")]
    pub ssh_key: Option<PathBuf>,
    /// The size of the volume [default: the one it has, else 20Gi]
    #[arg(long, value_name = "SIZE")]
    pub storage: Option<String>,
    /// CPUs: REQUEST with a limit of twice that, or REQUEST:LIMIT [default: what it has, else 2:4]
    #[arg(long, value_name = "CPUS")]
    pub cpu: Option<String>,
    /// Memory, in the same way [default: what it has, else 4Gi:8Gi]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
    /// Without Docker, root and privileges: Pod Security level `restricted` [default: as it is]
    #[arg(long)]
    pub restricted: bool,
    /// With Docker, as root and privileged [default: as it is, else so]
    #[arg(long, conflicts_with = "restricted")]
    pub docker: bool,
    /// Do not ask before a change that ends sessions
    #[arg(long)]
    pub yes: bool,
    /// How long a worker may take until it is ready
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub wait: Duration,
    /// Change nothing; the cluster checks what would be applied, if it can be reached
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct WorkerRestart {
    #[arg(value_name = "WORKER")]
    pub worker: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// How long the worker may take until it is ready again
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub wait: Duration,
    /// Change nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct WorkerRemove {
    #[arg(value_name = "WORKER")]
    pub worker: String,
    /// Also when its sessions have been active in the last ten minutes
    #[arg(long)]
    pub force: bool,
    /// Of a worker that is in no registry: its context [default: as for `add`]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// Of a worker that is in no registry: its namespace [default: as for `add`]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Of a worker that is in no registry: its kubeconfig [default: as for `add`]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Delete its volume too, with everything on it
    #[arg(long)]
    pub delete_data: bool,
    /// How long its pod may take to end
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub wait: Duration,
    /// Change nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct WorkerLogs {
    #[arg(value_name = "WORKER")]
    pub worker: String,
    #[command(flatten)]
    pub extent: LogExtent,
    /// Of the container that ended before the present one
    #[arg(long)]
    pub previous: bool,
    /// Only say which log it would be
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long, conflicts_with = "follow")]
    pub json: bool,
}
