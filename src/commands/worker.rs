//! `worker`: make workers on Kubernetes, restart them, remove them, read their logs.

mod add;
pub mod logs;
pub mod options;
mod owner;
mod place;
mod remove;
mod render;
mod restart;
mod sessions;

use anyhow::Result;

use super::Context;
use crate::cli::worker::{Worker, WorkerAction};
use crate::exit::Code;
use crate::failure::{Failure, Kind};

pub fn run(context: &Context, args: &Worker) -> Result<Code> {
    let done = match &args.action {
        WorkerAction::Render(args) => return render::run(args),
        WorkerAction::Logs(args) => return logs::run(context, args),
        WorkerAction::Add(args) => add::run(context, args),
        WorkerAction::Restart(args) => restart::run(context, args),
        WorkerAction::Remove(args) => remove::run(context, args),
    };
    done.map_err(|error| match error.downcast::<Failure>() {
        Ok(failure) => for_admins(failure).into(),
        Err(error) => error,
    })
}

/// What an operator's rights do not do: one right that is wanted is seldom the only one.
fn for_admins(failure: Failure) -> Failure {
    const ROLE: &str = "the role factory-worker-admin of deploy/k8s/access";
    let remedy = failure.remedy().to_owned();
    match failure.kind {
        Kind::Forbidden if !remedy.contains(ROLE) => failure.with_remedy(format!("{remedy}; {ROLE} has all that this takes")),
        _ => failure,
    }
}
