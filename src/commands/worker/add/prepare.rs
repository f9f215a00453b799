//! One worker before it is applied: what it is to be, by what there is, and what that changes. The cluster has checked it.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::admission;
use super::namespace::Namespace;
use super::plan::{Plan, Planned};
use crate::cli::worker::WorkerAdd;
use crate::cluster::refusal;
use crate::commands::Context;
use crate::commands::worker::sessions::Sessions;
use crate::deploy::present::{self, Present};
use crate::deploy::render::{self, Shape};
use crate::deploy::{difference, merge};
use crate::exit::{Code, Problem};
use crate::terminal::key;

/// What is to be applied.
pub struct Prepared {
    pub objects: Vec<Value>,
    /// The Secret, when anything about it is new.
    pub secret: Option<Value>,
    /// The tokens that it goes without.
    pub missing: Vec<&'static str>,
    /// What changes about objects that are there, a line for each field.
    pub changes: Vec<String>,
    /// The sessions that may end with the pod; `None` when no pod is replaced, or nothing is in it.
    pub ending: Option<Sessions>,
}

/// A worker of which nothing can be seen.
///
/// # Errors
/// Something is not said that has to be.
pub fn unchecked(plan: &Plan, worker: &Planned) -> Result<Prepared> {
    let present = Present::default();
    must_be_said(plan, &present)?;
    let shape = Shape { restricted: plan.restricted.unwrap_or(false), ..plan.shape.clone() };
    let objects = render::objects(&worker.name, &shape, &present)?;
    let (secret, missing) = (secret(plan, worker, &present)?, missing(plan, &present));
    Ok(Prepared { objects, secret, missing, changes: Vec::new(), ending: None })
}

/// Prepare a worker.
///
/// # Errors
/// The cluster refuses it, something of it is somebody else's, or something is not said that has to be.
pub fn prepare(context: &Context, plan: &Plan, worker: &Planned, namespace: &Namespace) -> Result<Prepared> {
    let present = Present::look(&plan.cluster, &worker.names, context.deadline())?;
    must_be_said(plan, &present)?;
    let shape = Shape { restricted: plan.restricted.or(present.restricted()).unwrap_or(false), ..plan.shape.clone() };
    let objects = render::objects(&worker.name, &shape, &present)?;
    let future = match plan.cluster.rehearse(&objects, context.deadline()) {
        Err(failure) if refusal::is_of_rehearsals(&failure) => objects.iter().map(|object| merged(&present, object)).collect(),
        future => future?,
    };
    let mut changes = Vec::new();
    for after in &future {
        let Some(before) = present.of_kind(&after["kind"]) else { continue };
        let lines = difference::lines(&comparable(before), after);
        changes.extend(lines.into_iter().map(|line| format!("{}: {line}", present::target(after))));
    }
    let mut ending = None;
    if let Some(after) = future.iter().find(|object| object["kind"] == "Deployment") {
        let template = |deployment: &Value| deployment["spec"]["template"].clone();
        let before = present.deployment().map(template);
        if before.as_ref() != Some(&template(after)) {
            admission::check(context, &plan.cluster, namespace, after, before.is_some())?;
            ending = before.map(|_| Sessions::of(context, &worker.worker)).filter(Sessions::may_end);
        }
    }
    let (secret, missing) = (secret(plan, worker, &present)?, missing(plan, &present));
    Ok(Prepared { objects, secret, missing, changes, ending })
}

fn secret(plan: &Plan, worker: &Planned, present: &Present) -> Result<Option<Value>> {
    if plan.secrets.is_empty() {
        return Ok(None);
    }
    let data = plan.secrets.data(&present.secret.clone().unwrap_or_default())?;
    let new = present.secret.as_ref() != Some(&data);
    new.then(|| render::secret(&worker.name, &plan.shape, data)).transpose()
}

/// Without any token nothing is said: that worker's are as they are.
fn missing(plan: &Plan, present: &Present) -> Vec<&'static str> {
    let has = |name: &str| present.secret.as_ref().is_some_and(|data| data.contains_key(name));
    let missing = plan.secrets.missing().into_iter().filter(|name| !has(name));
    if plan.secrets.is_empty() { Vec::new() } else { missing.collect() }
}

/// What becomes of an object, as far as that can be told without the cluster.
fn merged(present: &Present, object: &Value) -> Value {
    let mut merged = present.of_kind(&object["kind"]).map(comparable).unwrap_or_default();
    merge::strategic(&mut merged, object.clone());
    merged
}

/// What a rehearsal does not show is no difference.
fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

fn must_be_said(plan: &Plan, present: &Present) -> Result<(), Problem> {
    let there = present.deployment().is_some();
    if plan.shape.image.is_none() && !there {
        let remedy = "give --image NAME; deploy/README.md says how to make one";
        return Err(Problem::new(Code::Usage, "which image is the worker's?", remedy));
    }
    if plan.secrets.is_empty() && !there && present.secret.is_none() {
        let remedy = "give them with --from-env FILE, or set CLAUDE_CODE_OAUTH_TOKEN and GH_TOKEN in the environment";
        return Err(Problem::new(Code::Usage, "there are no tokens for it", remedy));
    }
    Ok(())
}

impl Prepared {
    /// What changes, and what ends with that, for a person.
    pub fn sentences(&self, worker: &Planned) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.changes.is_empty() {
            lines.push(format!("{} changes:", worker.name));
            lines.extend(self.changes.iter().map(|line| format!("  {line}")));
        }
        lines.extend(self.ending.as_ref().map(Sessions::sentence));
        lines
    }

    /// Whether it may be applied: it ends no session, or somebody says that it may.
    ///
    /// # Errors
    /// There is nobody to ask.
    pub fn is_agreed(&self, args: &WorkerAdd, worker: &Planned) -> Result<bool> {
        let Some(sessions) = self.ending.as_ref().filter(|_| !args.yes) else { return Ok(true) };
        if args.json || !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            let why = if args.json { "with --json nobody is asked" } else { "there is no terminal to ask on" };
            let what = format!("changing {} replaces its pod and ends its sessions, and {why}", worker.name);
            return Err(Problem::new(Code::Usage, what, format!("{}; --yes changes it", sessions.sentence())).into());
        }
        Ok(key::confirm(&format!("Change {}?", worker.name))?)
    }

    /// Keys of the JSON.
    pub fn json(&self) -> Map<String, Value> {
        let ended = self.ending.as_ref().map_or(json!([]), Sessions::names);
        Map::from_iter([("changes".to_owned(), json!(self.changes)), ("ended".to_owned(), ended)])
    }
}

/// Say what changes, worker by worker.
///
/// # Errors
/// Nobody reads it.
pub fn show(lines: &[String]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
