//! `polecat create`: a custom resource, from which Gas Town's operator makes a pod.

use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::town;
use crate::cli::polecat::{PolecatCreate, Size};
use crate::cluster::objects::Change;
use crate::commands::Context;
use crate::deploy::yaml;
use crate::discovery;
use crate::exit::{Code, Problem};
use crate::failure::Kind;
use crate::gastown;
use crate::gastown::resource::{self, Login, Order, Resources};
use crate::registry::names::ObjectName;
use crate::terminal::line_ends;

/// Without `--force`, no polecat works for longer.
const LONGEST: Duration = Duration::from_secs(4 * 3600);
/// The task travels in an environment variable, and Linux takes no longer one (MAX_ARG_STRLEN), in bytes.
const TASK_LIMIT: u64 = 100 << 10;
/// Label values have at most this many characters, and the polecat's name is one.
const LABEL_LIMIT: usize = 63;

pub fn run(context: &Context, args: &PolecatCreate) -> Result<Code> {
    let mut towns = town::all(context, &args.town)?;
    let (Some(town), true) = (towns.pop(), towns.is_empty()) else {
        let what = "the registry has several gastown sources";
        return Err(
            Problem::new(Code::Usage, what, "say with --context and --namespace in which one the polecat is to be").into()
        );
    };
    let order = order(args, town.namespace.clone())?;
    let object = resource::resource(&order);
    let change = if args.dry_run { Change::DryRun } else { Change::Made };
    if args.dry_run {
        io::stdout().write_all(yaml::documents(std::slice::from_ref(&object)).as_bytes())?;
    }
    let name = &order.name;
    match discovery::cluster(&town).create(&object, change, context.deadline()).map_err(gastown::unknown) {
        Err(failure) if args.dry_run && failure.kind == Kind::Unreachable && !failure.lasting => {
            writeln!(io::stderr(), "factory-worker: not checked: {failure}")?;
        }
        made => drop(made.with_context(|| format!("making polecat {name}"))?),
    }
    if args.dry_run {
        return Ok(Code::Done);
    }
    let mut out = io::stdout().lock();
    writeln!(out, "polecat {name} is to work on {}", order.bead)?;
    writeln!(out, "see how it is with `factory-worker polecat status {name}`")?;
    Ok(Code::Done)
}

fn order(args: &PolecatCreate, namespace: Option<ObjectName>) -> Result<Order> {
    let login = match &args.api_key {
        None => Login::Claude(object("--claude-secret", args.claude_secret.as_deref().unwrap_or("claude-creds"))?),
        Some(text) => {
            let (secret, key) = text.split_once('/').ok_or_else(|| usage("--api-key is SECRET/KEY"))?;
            Login::ApiKey(object("--api-key", secret)?, word("the key of --api-key", key)?)
        }
    };
    Ok(Order {
        name: name(args)?,
        namespace,
        rig: label("--rig", &args.rig)?,
        bead: label("BEAD", &args.bead)?,
        task: task(&args.task)?,
        repository: word("--repo", &args.repo)?,
        branch: word("--branch", &args.branch)?,
        work_branch: args.work_branch.as_deref().map(|branch| word("--work-branch", branch)).transpose()?,
        git_secret: object("--git-secret", &args.git_secret)?,
        login,
        image: args.image.as_deref().map(|image| word("--image", image)).transpose()?,
        resources: resources(args.size),
        deadline: deadline(args)?,
    })
}

fn resources(size: Size) -> Resources {
    match size {
        Size::Light => Resources { requests: ("250m", "512Mi"), limits: ("1", "1Gi") },
        Size::Medium => Resources { requests: ("500m", "1Gi"), limits: ("2", "4Gi") },
        Size::Heavy => Resources { requests: ("2", "4Gi"), limits: ("4", "8Gi") },
    }
}

fn deadline(args: &PolecatCreate) -> Result<Duration> {
    let deadline = args.deadline;
    if deadline.as_secs() == 0 {
        return Err(usage("--deadline is less than a second").into());
    }
    if deadline > LONGEST && !args.force {
        let what =
            format!("--deadline {} is more than 4h: a polecat that hangs costs until then", humantime::format_duration(deadline));
        return Err(Problem::new(Code::Usage, what, "--force allows it").into());
    }
    Ok(deadline)
}

/// The bead in the letters of a name, unless a name is given.
fn name(args: &PolecatCreate) -> Result<ObjectName> {
    let made: String = args.bead.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let (what, text) = match &args.name {
        Some(name) => ("--name", name.as_str()),
        None => ("the name that BEAD makes", made.trim_matches('-')),
    };
    if text.len() > LABEL_LIMIT {
        return Err(usage(format!("{what}: {text:?} has {} characters; at most {LABEL_LIMIT} are allowed", text.len())).into());
    }
    object(what, text)
}

fn object(what: &str, text: &str) -> Result<ObjectName> {
    text.parse().map_err(|error| usage(format!("{what}: {error}")).into())
}

/// What the operator puts on the pod as a label.
fn label(what: &str, text: &str) -> Result<String> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let edges = [text.chars().next(), text.chars().next_back()];
    let good = text.len() <= LABEL_LIMIT
        && text.chars().all(inner)
        && edges.iter().all(|edge| edge.is_some_and(|c| c.is_ascii_alphanumeric()));
    if good {
        return Ok(text.to_owned());
    }
    let rule = "it becomes a label: letters, digits, '-', '_' and '.', a letter or digit at both ends, at most 63";
    Err(usage(format!("{what}: {text:?} cannot be used; {rule}")).into())
}

/// Something that git or kubectl gets as one argument.
fn word(what: &str, text: &str) -> Result<String> {
    match text.chars().find(|c| c.is_whitespace() || c.is_control()) {
        _ if text.is_empty() => Err(usage(format!("{what} is empty")).into()),
        _ if text.starts_with('-') => Err(usage(format!("{what} may not begin with '-': {text:?}")).into()),
        Some(found) => Err(usage(format!("{what} may not contain {found:?}")).into()),
        None => Ok(text.to_owned()),
    }
}

fn task(argument: &str) -> Result<String> {
    let mut text = argument.to_owned();
    if argument == "-" {
        let mut bytes = Vec::new();
        io::stdin().lock().take(TASK_LIMIT + 1).read_to_end(&mut bytes).context("cannot read standard input")?;
        text = String::from_utf8(bytes).map_err(|_| usage("the task is not UTF-8"))?;
    }
    let text = line_ends::unified(text.trim_end());
    match text.as_str() {
        "" => Err(usage("there is no task: without one the agent is told nothing but the bead's name").into()),
        text if text.len() as u64 > TASK_LIMIT => Err(usage("the task is longer than 100 KiB").into()),
        text if text.contains('\0') => Err(usage("the task has a NUL byte").into()),
        _ => Ok(text),
    }
}

fn usage(what: impl Into<String>) -> Problem {
    Problem::new(Code::Usage, what, "")
}
