//! `pick`: the fuzzy picker, and what is done with the session that was picked.

use std::sync::Arc;

use anyhow::Result;

use super::peek::popup::Ended;
use super::{Context, dispatch, interrupt, nudge, open, peek, shell, target};
use crate::cli::{Action, Pick};
use crate::exit::{Code, Problem};
use crate::picker::{Choice, Picker, Purpose};
use crate::registry::names::Address;
use crate::registry::worker::Worker;
use crate::remote::Remote;

pub fn run(context: &Context, args: &Pick) -> Result<Code> {
    let registry = context.registry()?;
    if registry.is_empty() {
        return Err(Problem::new(Code::Missing, "there are no workers", target::no_workers(&registry)).into());
    }
    let purpose = Purpose::Act(args.then);
    let hub = context.started_hub(&registry);
    let mut picker = Picker::new(registry.clone(), context.question(), purpose, hub);
    while let Some(choice) = picker.pick()? {
        let worker = match picker.worker(&choice.target.worker) {
            Some(worker) => worker,
            None => target::worker(&registry, &choice.target.worker)?.clone(),
        };
        if let Some(code) = act(context, &worker, choice)? {
            return Ok(code);
        }
    }
    Ok(Code::Done)
}

/// Do it. `None` means: back to the picker, which is where a look and whatever the user left again came from.
fn act(context: &Context, worker: &Worker, choice: Choice) -> Result<Option<Code>> {
    if choice.action == Action::Shell {
        return shell::open(Arc::from(Remote::to(worker).exec), context.timeout()).map(|_| None);
    }
    let Some(session) = choice.target.session else { return dispatch::form(context, Some(&worker.name)).map(unless_left) };
    match choice.action {
        Action::Open => open::here(context, worker, &session).map(Some),
        Action::Split => {
            let address = Address { worker: worker.name.clone(), session };
            open::one(context, &address, true).map(Some)
        }
        Action::Peek => peek::popup::show(context, worker, &session, None).map(unless_peek_left),
        Action::Dispatch => dispatch::form(context, Some(&worker.name)).map(unless_left),
        Action::Nudge => nudge::form(context, worker, &session, None).map(unless_left),
        Action::Shell => Ok(None),
        Action::Interrupt => interrupt::ask_and_send(context, worker, &session).map(unless_left),
    }
}

fn unless_left(code: Code) -> Option<Code> {
    (code != Code::Interrupted).then_some(code)
}

fn unless_peek_left(ended: Ended) -> Option<Code> {
    match ended {
        Ended::Left(_) => None,
        Ended::Done(code) => Some(code),
    }
}
