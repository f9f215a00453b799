//! `pick`: the fuzzy picker, and what is done with the session that was picked.

use anyhow::Result;

use super::{Context, attach, dispatch, interrupt, nudge, open, peek, target};
use crate::cli::{Action, Attach, Pick, SessionArg};
use crate::exit::{Code, Problem};
use crate::local::tmux::Tmux;
use crate::picker::{Choice, Picker, Purpose};
use crate::registry::Registry;
use crate::registry::names::{Address, SessionName, WorkerName};
use crate::registry::worker::Worker;

pub fn run(context: &Context, args: &Pick) -> Result<Code> {
    let registry = context.registry()?;
    let mut picker = picker(context, &registry, None, Purpose::Act(args.then))?;
    while let Some(choice) = picker.pick()? {
        if let Some(code) = act(context, &registry, choice)? {
            return Ok(code);
        }
    }
    Ok(Code::Done)
}

/// The session that a person picks for a command that waits for one, from the sessions of `only` where that is given.
/// `None` when they left the picker.
///
/// # Errors
/// There is no terminal, or there are no workers.
pub fn session(context: &Context, registry: &Registry, only: Option<&WorkerName>, _then: Action) -> Result<Option<Address>> {
    let choice = picker(context, registry, only, Purpose::Choose)?.pick()?;
    let address = |choice: Choice| {
        let session = choice.target.session?;
        Some(Address { worker: choice.target.worker, session })
    };
    Ok(choice.and_then(address))
}

fn picker(context: &Context, registry: &Registry, only: Option<&WorkerName>, purpose: Purpose) -> Result<Picker> {
    let workers = match only {
        Some(name) => vec![target::worker(registry, name)?.clone()],
        None => registry.workers.clone(),
    };
    if workers.is_empty() {
        return Err(Problem::new(Code::Missing, "there are no workers", target::no_workers(registry)).into());
    }
    Ok(Picker::new(workers, context.question(), registry.active_within, purpose))
}

/// Do it. `None` means: back to the picker.
fn act(context: &Context, registry: &Registry, choice: Choice) -> Result<Option<Code>> {
    let worker = target::worker(registry, &choice.target.worker)?;
    let Some(session) = choice.target.session else { return dispatch::form(context, Some(&worker.name)).map(Some) };
    let address = || Address { worker: worker.name.clone(), session: session.clone() };
    match choice.action {
        Action::Open if Tmux::current().is_err() => attach(context, worker, &session).map(Some),
        Action::Open => open::one(context, &address(), false).map(Some),
        Action::Split => open::one(context, &address(), true).map(Some),
        Action::Peek => peek::show_until_key(context, worker, &session).map(|_| None),
        Action::Dispatch => dispatch::form(context, Some(&worker.name)).map(Some),
        Action::Nudge => nudge::form(context, worker, &session).map(Some),
        Action::Interrupt => interrupt::ask_and_send(context, worker, &session).map(Some),
    }
}

/// Outside tmux there are no windows: the session is shown in this terminal.
fn attach(context: &Context, worker: &Worker, session: &SessionName) -> Result<Code> {
    let session = SessionArg { address: worker.name.to_string(), session: Some(session.to_string()) };
    attach::run(context, &Attach { session, read_only: false, plain: false, in_window: false })
}
