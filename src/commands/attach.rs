//! A session in this terminal.

use std::io::{self, Write};

use anyhow::Result;

use super::{Context, target};
use crate::cli::Attach;
use crate::exit::{Code, Problem};
use crate::local::tmux::Tmux;
use crate::local::windows;
use crate::registry::names::Address;
use crate::registry::worker::ViewMode;
use crate::remote::Remote;
use crate::remote::failure::Failure;
use crate::terminal::{key, neutralise};
use crate::view::{self, Outcome, View};

pub fn run(context: &Context, args: &Attach) -> Result<Code> {
    match attach(context, args) {
        Err(error) if args.in_window => {
            // The window closes with us, and takes the message along.
            let code = super::report(&error);
            key::wait("press any key to close this window")?;
            Ok(code)
        }
        ended => ended,
    }
}

fn attach(context: &Context, args: &Attach) -> Result<Code> {
    let (worker, session) = target::session(context, &args.session)?;
    let remote = Remote::to(&worker);
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    let plain = args.plain || worker.view == ViewMode::Plain;
    let view = View { remote: &remote, session: &session, read_only: args.read_only, plain, timeout: context.timeout() };
    let note_pod = || {
        if let (true, Some(pod)) = (args.in_window, remote.exec.pod()) {
            // Nice to know, and no reason not to attach.
            let _ = Tmux::current().and_then(|tmux| windows::note_pod(&tmux, &pod));
        }
    };
    match view::attach(&view, note_pod)? {
        Outcome::Left => Ok(Code::Done),
        Outcome::Gone => {
            writeln!(io::stdout(), "{} has ended", neutralise::line(&address.to_string()))?;
            Ok(Code::Done)
        }
        Outcome::Never(failure) => {
            Err(anyhow::Error::from(failure).context(format!("cannot attach to {}", neutralise::line(&address.to_string()))))
        }
        Outcome::Lost(failure) => Err(lost(&address, &failure).into()),
        Outcome::Ended => Ok(Code::Interrupted),
    }
}

fn lost(address: &Address, failure: &Failure) -> Problem {
    let address = neutralise::line(&address.to_string());
    let again = shell_words::quote(&address);
    Problem::new(
        Code::Unreachable,
        format!("the connection to {address} was lost: {}", failure.reason),
        format!("the session goes on; attach again with: factory-worker attach {again}"),
    )
}
