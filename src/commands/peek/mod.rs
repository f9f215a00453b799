//! `peek`: recent output of a session, read without attaching.

mod follow;
pub mod popup;

use std::io::{self, Write};

use anyhow::Result;

use super::{Context, target};
use crate::cli::Peek;
use crate::exit::Code;
use crate::failure::Failure;
use crate::registry::names::Address;
use crate::remote::{Remote, peek};
use crate::terminal::progress::Progress;
use crate::terminal::{json, neutralise, pane};

pub fn run(context: &Context, args: &Peek) -> Result<Code> {
    let (worker, session) = target::session(context, &args.session)?;
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    let source = Source { context, remote: context.remote(&worker), address: &address, lines: args.lines };
    if args.until_key {
        return popup::show(context, &worker, &session, None).map(popup::Ended::code);
    }
    if args.follow {
        return follow::run(&source);
    }
    let asking = Progress::show(format!("asking {}…", worker.name));
    let pane = source.capture().map_err(|failure| source.failed(failure))?;
    drop(asking);
    let mut out = io::stdout().lock();
    if args.json {
        let text = neutralise::plain(&pane);
        let lines: Vec<_> = text.lines().collect();
        json::write_line(&mut out, &serde_json::json!({ "address": address.to_string(), "lines": lines }))?;
    } else {
        out.write_all(pane::raw(&pane).as_bytes())?;
    }
    Ok(Code::Done)
}

/// What is looked at, and how much of it.
struct Source<'a> {
    context: &'a Context,
    remote: Remote,
    address: &'a Address,
    lines: u32,
}

impl Source<'_> {
    fn capture(&self) -> Result<Vec<u8>, Failure> {
        peek::capture(&self.remote, &self.address.session, self.lines, self.context.deadline())
    }

    fn failed(&self, failure: Failure) -> anyhow::Error {
        anyhow::Error::from(failure).context(format!("peeking at {}", self.address))
    }
}
