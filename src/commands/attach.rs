//! A session in this terminal.

mod polecat_log;

use std::io::{self, Write};
use std::sync::Arc;

use anyhow::Result;

use super::{Context, target};
use crate::cli::Attach;
use crate::cluster::login::{self, Manner};
use crate::exit::Code;
use crate::registry::names::Address;
use crate::registry::worker::{Place, ViewMode};
use crate::remote::Remote;
use crate::signals;
use crate::terminal::neutralise;
use crate::view::{self, Choice, Outcome, View};

pub fn run(context: &Context, args: &Attach) -> Result<Code> {
    if !args.in_window {
        return attach(context, args);
    }
    // Whoever types before there is something to see must not end us by it: the rest would run in the window beneath.
    let _listening = signals::ignore_interrupts();
    loop {
        let error = match attach(context, args) {
            Err(error) => error,
            ended => return ended,
        };
        // The window closes with us, and takes the message along.
        let code = super::report(&error);
        if view::hold(true)? == Choice::Close {
            return Ok(code);
        }
    }
}

fn attach(context: &Context, args: &Attach) -> Result<Code> {
    let patience = context.registry()?.session_wait;
    // Whatever has to be known before the first attach may be asked for as that may: on the terminal.
    let asking = login::acting(Manner::OnTerminal);
    let (worker, session) = target::session(context, &args.session)?;
    drop(asking);
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    let remote = Arc::new(Remote::to(&worker));
    let follow = |log| polecat_log::follow(context, args, &address, log);
    if let Some(log) = remote.log.as_ref().filter(|log| log.is_all()) {
        log.has(&session)?;
        return follow(log);
    }
    let view = View {
        remote: remote.clone(),
        is_pod: matches!(worker.place, Place::Pod(_)),
        address: &address,
        session: &session,
        read_only: args.read_only,
        plain: args.plain || worker.view == ViewMode::Plain,
        in_window: args.in_window,
        timeout: context.timeout(),
        patience,
    };
    match view::attach(&view)? {
        Outcome::Left => Ok(Code::Done),
        Outcome::Gone => {
            writeln!(io::stdout(), "{} has ended", neutralise::line(&address.to_string()))?;
            Ok(Code::Done)
        }
        Outcome::Never(failure) if remote.log.as_ref().is_some_and(|log| log.stands_in(&session, &failure)) => {
            remote.log.as_ref().map_or(Ok(Code::Done), follow)
        }
        Outcome::Never(failure) => {
            Err(anyhow::Error::from(failure).context(format!("cannot attach to {}", neutralise::line(&address.to_string()))))
        }
        Outcome::Ended => Ok(Code::Interrupted),
    }
}
