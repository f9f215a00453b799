//! `peek`: recent output of a session, read without attaching.

mod follow;
mod until_key;

use std::io::{self, Write};

use anyhow::Result;

pub use until_key::show_until_key;

use super::{Context, target};
use crate::cli::Peek;
use crate::exit::Code;
use crate::registry::names::{Address, SessionName};
use crate::remote::failure::Failure;
use crate::remote::{Remote, peek};
use crate::terminal::{neutralise, style};

pub fn run(context: &Context, args: &Peek) -> Result<Code> {
    let registry = context.registry()?;
    let (worker, session) = target::session(context, &registry, &args.session)?;
    let source = Source { context, remote: Remote::to(&worker), session: &session, lines: args.lines };
    if args.until_key {
        return show_until_key(context, &worker, &session);
    }
    if args.follow {
        return follow::run(&source);
    }
    let pane = source.capture()?;
    let mut out = io::stdout().lock();
    if args.json {
        let text = neutralise::plain(&pane);
        let address = Address { worker: worker.name.clone(), session: session.clone() };
        let lines: Vec<_> = text.lines().collect();
        writeln!(out, "{}", serde_json::json!({ "address": address.to_string(), "lines": lines }))?;
    } else {
        out.write_all(shown(&pane).as_bytes())?;
    }
    Ok(Code::Done)
}

/// What is looked at, and how much of it.
struct Source<'a> {
    context: &'a Context,
    remote: Remote,
    session: &'a SessionName,
    lines: u32,
}

impl Source<'_> {
    fn capture(&self) -> Result<Vec<u8>, Failure> {
        peek::capture(&self.remote, self.session, self.lines, self.context.deadline())
    }
}

/// The pane for standard output: harmless, with its colours when colour is on.
fn shown(pane: &[u8]) -> String {
    if style::colour() { neutralise::coloured(pane) } else { neutralise::plain(pane) }
}
