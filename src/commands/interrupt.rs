//! `interrupt`: Ctrl-C for a session.

use std::io::{self, Write};

use anyhow::{Context as _, Result};

use super::{Context, form, target};
use crate::cli::Interrupt;
use crate::exit::Code;
use crate::registry::names::{Address, SessionName};
use crate::registry::worker::Worker;
use crate::remote::{Remote, interrupt};
use crate::terminal::progress::Progress;
use crate::terminal::{key, neutralise};

pub fn run(context: &Context, args: &Interrupt) -> Result<Code> {
    let (worker, session) = target::session(context, &args.session)?;
    let progress = Progress::show(format!("asking {}…", worker.name));
    let address = send(context, &worker, &session)?;
    drop(progress);
    writeln!(io::stdout().lock(), "sent Ctrl-C to {}", neutralise::line(&address.to_string()))?;
    Ok(Code::Done)
}

/// Ask, then send it: Ctrl-C may end hours of an agent's work.
///
/// # Errors
/// There is no terminal to ask on; and what [`run`] may say.
pub fn ask_and_send(context: &Context, worker: &Worker, session: &SessionName) -> Result<Code> {
    Remote::to(worker).takes_keys()?;
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    if !key::confirm(&format!("Send Ctrl-C to {}?", neutralise::line(&address.to_string())))? {
        return Ok(Code::Interrupted);
    }
    send(context, worker, session)?;
    form::say(&format!("sent Ctrl-C to {}", neutralise::line(&address.to_string())))
}

fn send(context: &Context, worker: &Worker, session: &SessionName) -> Result<Address> {
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    interrupt::interrupt(&context.remote(worker), session, context.deadline())
        .map_err(|failure| super::unproven(failure, &address))
        .with_context(|| format!("interrupting {address}"))?;
    Ok(address)
}
