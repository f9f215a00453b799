//! `worker`: make workers on Kubernetes, restart them, remove them, read their logs.

mod add;
pub mod logs;
pub mod options;
mod owner;
mod remove;
mod render;
mod restart;

use anyhow::Result;

use super::Context;
use crate::cli::worker::{Worker, WorkerAction};
use crate::exit::Code;

pub fn run(context: &Context, args: &Worker) -> Result<Code> {
    match &args.action {
        WorkerAction::Add(args) => add::run(context, args),
        WorkerAction::Render(args) => render::run(args),
        WorkerAction::Restart(args) => restart::run(context, args),
        WorkerAction::Remove(args) => remove::run(context, args),
        WorkerAction::Logs(args) => logs::run(context, args),
    }
}
