//! The dispatch form: which worker, and the issue.

use anyhow::Result;

use super::{Order, no_command};
use crate::commands::Context;
use crate::commands::form::{self, Job};
use crate::commands::target;
use crate::exit::{Code, Problem};
use crate::registry::names::WorkerName;
use crate::registry::worker::Worker;
use crate::state::drafts::{self, Draft, Key};
use crate::terminal::form::{Field, Form};

const FORM: &str = "dispatch";
/// The fields, in their order.
const WORKER: usize = 0;
const PROJECT: usize = 1;
const ISSUE: usize = 2;
const INTENT: usize = 3;

/// Ask for an issue in a form and hand it to a worker: to `preset`, unless another one is chosen. What was kept of an
/// earlier try is offered again.
///
/// # Errors
/// There is no terminal, or no worker that takes issues.
pub fn form(context: &Context, preset: Option<&WorkerName>) -> Result<Code> {
    let registry = context.known()?;
    if let Some(worker) = preset.map(|name| target::worker(&registry, name)).transpose()?
        && worker.commands.dispatch.is_none()
    {
        return Err(no_command(worker).into());
    }
    let workers: Vec<&Worker> = registry.workers.iter().filter(|worker| worker.commands.dispatch.is_some()).collect();
    if workers.is_empty() {
        let remedy = if registry.workers.is_empty() {
            target::no_workers(&registry)
        } else {
            "give one a dispatch command in the registry: commands: {dispatch: …}".to_owned()
        };
        return Err(Problem::new(Code::Missing, "there is no worker to dispatch to", remedy).into());
    }
    let draft = kept(preset).filter(|draft| draft.values.len() == INTENT + 1);
    let value = |field: usize| draft.as_ref().map_or("", |draft| draft.values[field].as_str());
    let names = workers.iter().map(|worker| worker.name.to_string()).collect();
    let fields = vec![
        Field::choice("Worker", names, preset.map_or(value(WORKER), WorkerName::as_str)),
        Field::line("Project", value(PROJECT), "the repository of the issue"),
        Field::line("Issue", value(ISSUE), "its number"),
        Field::line("Intent", value(INTENT), "what it is about, in a word or two (may be empty)"),
    ];
    let mut form = Form::new("Dispatch an issue", fields);
    form.focus(if preset.is_some() || workers.len() == 1 { PROJECT } else { WORKER });
    if let Some(draft) = &draft {
        form.note(form::remark(draft));
    }
    let key = draft.map(|draft| Key::new(FORM, &draft.values[WORKER]));
    form::run(form, Handing { context, workers }, key)
}

/// The draft for this worker, the newest one when none is given.
fn kept(preset: Option<&WorkerName>) -> Option<Draft> {
    match preset {
        Some(name) => drafts::find(&Key::new(FORM, name.as_str())),
        None => drafts::newest(FORM),
    }
}

struct Handing<'a> {
    context: &'a Context,
    workers: Vec<&'a Worker>,
}

impl Job for Handing<'_> {
    fn key(&self, values: &[String]) -> Key {
        Key::new(FORM, &values[WORKER])
    }

    fn is_blank(&self, values: &[String]) -> bool {
        values[PROJECT..].concat().trim().is_empty()
    }

    fn fault(&self, values: &[String]) -> Option<(usize, String)> {
        // Each field among others that are good, so that it is known which one is not.
        let fields = [
            (PROJECT, Order::new(&values[PROJECT], "1", "")),
            (ISSUE, Order::new("any", &values[ISSUE], "")),
            (INTENT, Order::new("any", "1", &values[INTENT])),
        ];
        fields.into_iter().find_map(|(field, order)| Some((field, order.err()?.what)))
    }

    fn send(&self, values: &[String]) -> Result<String> {
        let order = Order::new(&values[PROJECT], &values[ISSUE], &values[INTENT])?;
        let chosen = self.workers.iter().find(|worker| worker.name.as_str() == values[WORKER]);
        let worker = chosen.ok_or_else(|| Problem::new(Code::Missing, "the chosen worker is gone", ""))?;
        let printed = super::send(self.context, worker, &order)?;
        let done = format!("dispatched {}#{} to {}", order.project, order.issue, worker.name);
        Ok(match printed.lines().map(str::trim).rfind(|line| !line.is_empty()) {
            Some(line) => format!("{done}: {line}"),
            None => done,
        })
    }
}
