//! `pick`: the fuzzy picker, and what is done with the session that was picked.

use std::sync::Arc;

use anyhow::Result;

use super::{Context, attach, dispatch, interrupt, nudge, open, peek, shell, target};
use crate::cli::{Action, Attach, Pick, SessionArg};
use crate::exit::{Code, Problem};
use crate::local::tmux::Tmux;
use crate::picker::{Choice, Picker, Purpose};
use crate::registry::names::{Address, SessionName};
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
    let address = || Address { worker: worker.name.clone(), session: session.clone() };
    match choice.action {
        Action::Open if Tmux::current().is_err() => attach(context, worker, &session).map(Some),
        Action::Open => open::one(context, &address(), false).map(Some),
        Action::Split => open::one(context, &address(), true).map(Some),
        Action::Peek => peek::show_until_key(context, worker, &session, None).map(|_| None),
        Action::Dispatch => dispatch::form(context, Some(&worker.name)).map(unless_left),
        Action::Nudge => nudge::form(context, worker, &session, None).map(unless_left),
        Action::Shell => Ok(None),
        Action::Interrupt => interrupt::ask_and_send(context, worker, &session).map(unless_left),
    }
}

fn unless_left(code: Code) -> Option<Code> {
    (code != Code::Interrupted).then_some(code)
}

/// Outside tmux there are no windows: the session is shown in this terminal.
fn attach(context: &Context, worker: &Worker, session: &SessionName) -> Result<Code> {
    let session = SessionArg { address: worker.name.to_string(), session: Some(session.to_string()) };
    attach::run(context, &Attach { session, read_only: false, plain: false, in_window: false })
}
