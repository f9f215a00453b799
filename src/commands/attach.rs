//! A session in this terminal.

mod polecat_log;

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;

use anyhow::Result;

use super::{Context, target};
use crate::cli::Attach;
use crate::cluster::login::{self, Manner};
use crate::exit::Code;
use crate::local::tmux::Tmux;
use crate::registry::names::Address;
use crate::registry::worker::{Place, ViewMode};
use crate::remote::Remote;
use crate::terminal::neutralise;
use crate::terminal::style::Style;
use crate::view::{self, Choice, Outcome, View};

pub fn run(context: &Context, args: &Attach) -> Result<Code> {
    if !args.in_window {
        return attach(context, args);
    }
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
    let patience = context.load()?.session_wait;
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
    if !args.in_window && Tmux::current().is_err() && io::stdout().is_terminal() {
        say_how_to_leave(&address, view.plain)?;
    }
    match view::attach(&view)? {
        Outcome::Left => Ok(Code::Done),
        Outcome::Gone(address) => {
            writeln!(io::stdout(), "{} has ended", neutralise::line(&address.to_string()))?;
            Ok(Code::Done)
        }
        Outcome::Never(failure) if remote.log.as_ref().is_some_and(|log| log.stands_in(&session, &failure)) => {
            remote.log.as_ref().map_or(Ok(Code::Done), follow)
        }
        Outcome::Never(failure) => {
            let failure = remote.exec.explained(failure);
            Err(anyhow::Error::from(failure).context(format!("cannot attach to {}", neutralise::line(&address.to_string()))))
        }
        Outcome::Ended => Ok(Code::Interrupted),
    }
}

/// In a terminal without a tmux of the operator's own nothing shows how to get out again: say it before the session fills the
/// screen. A view that hides the session's prefix gives it `C-F12` instead (`session_options.sh`), as long as it is alone there.
fn say_how_to_leave(address: &Address, plain: bool) -> io::Result<()> {
    let address = neutralise::line(&address.to_string());
    let keys = if plain {
        "Its own prefix (C-b, unless it is set otherwise), then d,"
    } else {
        "Ctrl-F12, then d (its own prefix, then d, while others are attached)"
    };
    writeln!(io::stdout(), "{}", Style::Dim.paint(&format!("{keys} leaves {address}; it goes on")))
}
