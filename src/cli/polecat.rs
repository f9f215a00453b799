//! The command line of `polecat`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::{LogExtent, duration};

#[derive(Debug, Args)]
pub struct Polecat {
    #[command(subcommand)]
    pub action: PolecatAction,
}

#[derive(Debug, Subcommand)]
pub enum PolecatAction {
    /// Show all polecats, and how it really is with each
    List(PolecatList),
    /// Show one polecat: its status, its bead, its branch, its deadline
    Status(PolecatStatus),
    /// Print what a polecat's container has said
    Logs(PolecatLogs),
    /// Open a shell in a polecat's pod
    Shell(PolecatShell),
    /// End a polecat: its operator deletes the pod
    Stop(PolecatStop),
    /// Let a polecat do its task again, in a new pod
    Retry(PolecatRetry),
    /// Make a polecat for a bead
    Create(Box<PolecatCreate>),
    /// Delete polecats that have ended, after asking
    Clean(PolecatClean),
}

/// Where polecats are.
#[derive(Debug, Clone, Default, Args)]
pub struct Town {
    /// The kubeconfig context [default: that of the registry's gastown sources]
    #[arg(long, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace [default: that of the registry's gastown sources, else gastown]
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// The kubeconfig [default: that of the registry's gastown sources]
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
}

/// A polecat.
#[derive(Debug, Clone, Args)]
pub struct Named {
    /// Its own name, or that of its worker (pc-NAME)
    #[arg(value_name = "POLECAT")]
    pub name: String,
    #[command(flatten)]
    pub town: Town,
}

#[derive(Debug, Args)]
pub struct PolecatList {
    /// Only those of this rig
    #[arg(long, value_name = "RIG")]
    pub rig: Option<String>,
    #[command(flatten)]
    pub town: Town,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PolecatStatus {
    #[command(flatten)]
    pub polecat: Named,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct PolecatLogs {
    #[command(flatten)]
    pub polecat: Named,
    #[command(flatten)]
    pub extent: LogExtent,
    /// Of this container: claude, git-init, telemetry
    #[arg(long, value_name = "NAME", default_value = "claude")]
    pub container: String,
}

#[derive(Debug, Args)]
pub struct PolecatShell {
    #[command(flatten)]
    pub polecat: Named,
}

#[derive(Debug, Args)]
pub struct PolecatStop {
    #[command(flatten)]
    pub polecat: Named,
    /// Change nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct PolecatRetry {
    #[command(flatten)]
    pub polecat: Named,
    /// Also when it is still working, or nobody can tell whether anything comes from it: what it did is lost
    #[arg(long)]
    pub force: bool,
    /// How long its old pod may take to go
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub wait: Duration,
    /// Change nothing; say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// What a polecat's container may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// 250m to 1 CPU, 512Mi to 1Gi: texts, small changes
    Light,
    /// 500m to 2 CPUs, 1Gi to 4Gi: what is usual
    Medium,
    /// 2 to 4 CPUs, 4Gi to 8Gi: large builds and tests
    Heavy,
}

#[derive(Debug, Args)]
pub struct PolecatCreate {
    /// The bead that it works on, e.g. gt-123
    #[arg(value_name = "BEAD")]
    pub bead: String,
    /// The rig that it belongs to
    #[arg(long, value_name = "RIG")]
    pub rig: String,
    /// The repository that it clones
    #[arg(long, value_name = "URL")]
    pub repo: String,
    /// What it is to do; '-' reads standard input
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub task: String,
    /// When it is ended at the latest, e.g. 45m; at most 4h without --force
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub deadline: Duration,
    /// A deadline of more than 4h
    #[arg(long)]
    pub force: bool,
    /// How much CPU and memory it may use
    #[arg(long, value_name = "CLASS", default_value = "medium")]
    pub size: Size,
    /// What it is called [default: made of the bead]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The branch that it begins from
    #[arg(long, value_name = "BRANCH", default_value = "main")]
    pub branch: String,
    /// The branch that it works on [default: feature/BEAD]
    #[arg(long, value_name = "BRANCH")]
    pub work_branch: Option<String>,
    /// The Secret with the key for git (ssh-privatekey or id_rsa)
    #[arg(long, value_name = "SECRET", default_value = "git-creds")]
    pub git_secret: String,
    /// The Secret with Claude's login (.credentials.json) [default: claude-creds]
    #[arg(long, value_name = "SECRET", conflicts_with = "api_key")]
    pub claude_secret: Option<String>,
    /// An API key in place of a login
    #[arg(long, value_name = "SECRET/KEY")]
    pub api_key: Option<String>,
    /// The image [default: the operator's]
    #[arg(long, value_name = "IMAGE")]
    pub image: Option<String>,
    #[command(flatten)]
    pub town: Town,
    /// Make nothing: print the resource, and let the cluster check it, if it can be reached
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct PolecatClean {
    /// Only those of this rig
    #[arg(long, value_name = "RIG")]
    pub rig: Option<String>,
    #[command(flatten)]
    pub town: Town,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Delete nothing; say what would be deleted
    #[arg(long)]
    pub dry_run: bool,
}
