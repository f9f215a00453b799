//! `interrupt`: Ctrl-C for a session.

use std::io::{self, Write};

use anyhow::{Context as _, Result};

use super::{Context, target};
use crate::cli::Interrupt;
use crate::exit::Code;
use crate::registry::names::{Address, SessionName};
use crate::registry::worker::Worker;
use crate::remote::{Remote, interrupt};

pub fn run(context: &Context, args: &Interrupt) -> Result<Code> {
    let registry = context.registry()?;
    let (worker, session) = target::session(context, &registry, &args.session)?;
    let address = send(context, &worker, &session)?;
    writeln!(io::stdout().lock(), "sent Ctrl-C to {address}")?;
    Ok(Code::Done)
}

fn send(context: &Context, worker: &Worker, session: &SessionName) -> Result<Address> {
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    interrupt::interrupt(&Remote::to(worker), session, context.deadline()).with_context(|| format!("interrupting {address}"))?;
    Ok(address)
}
