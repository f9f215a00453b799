//! What `worker add` and `worker render` were asked for, as values.

use std::collections::BTreeSet;
use std::fmt::Display;

use anyhow::Result;

use crate::cli::worker::WorkerAdd;
use crate::commands::target;
use crate::deploy::names::Names;
use crate::deploy::render::Shape;
use crate::exit::{Code, Problem};
use crate::registry::names::{ObjectName, WorkerName};

/// The namespace of workers for which none is named, here or in the registry.
const NAMESPACE: &str = "factory";

/// Workers' names, each with the names of its objects; none twice.
pub fn workers(args: &WorkerAdd) -> Result<Vec<(WorkerName, Names)>> {
    let mut seen = BTreeSet::new();
    let mut workers = Vec::new();
    for text in &args.names {
        let name = target::worker_name(text)?;
        let names = Names::new(&name)?;
        if seen.insert(name.clone()) {
            workers.push((name, names));
        }
    }
    Ok(workers)
}

/// How they are to be, in this namespace.
pub fn shape(args: &WorkerAdd, namespace: ObjectName) -> Result<Shape> {
    if let Some(image) = &args.image
        && let Some(found) = image.chars().find(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>'))
    {
        return Err(usage("--image", format!("{image:?} may not contain {found:?}")).into());
    }
    Ok(Shape {
        namespace,
        image: args.image.clone(),
        storage: parsed("--storage", args.storage.as_deref())?,
        cpu: parsed("--cpu", args.cpu.as_deref())?,
        memory: parsed("--memory", args.memory.as_deref())?,
        restricted: args.restricted,
    })
}

/// Whether they are to be without privileges; `None` when the command line does not say.
pub fn restricted(args: &WorkerAdd) -> Option<bool> {
    (args.restricted || args.docker).then_some(args.restricted)
}

/// The namespace of the command line; `None` when it says nothing.
pub fn namespace(given: Option<&str>) -> Result<Option<ObjectName>> {
    parsed("--namespace", given)
}

/// The namespace when nobody says which.
pub fn default_namespace() -> Result<ObjectName> {
    NAMESPACE.parse().map_err(|error| usage("the default namespace", error).into())
}

/// The context of the command line. kubectl must not take it for an option.
pub fn context(given: Option<&str>) -> Result<Option<String>> {
    match given {
        Some(context) if context.is_empty() || context.starts_with('-') || context.contains(|c: char| c.is_control()) => {
            Err(usage("--context", format!("{context:?} is no name of a context")).into())
        }
        context => Ok(context.map(str::to_owned)),
    }
}

fn parsed<T: std::str::FromStr<Err: Display>>(option: &str, text: Option<&str>) -> Result<Option<T>> {
    text.map(|text| text.parse().map_err(|error| usage(option, error).into())).transpose()
}

fn usage(option: &str, why: impl Display) -> Problem {
    Problem::new(Code::Usage, format!("{option}: {why}"), "")
}
