//! Windows go, sessions stay.

use anyhow::Result;

use super::{Context, shown, target};
use crate::cli::{Close, SessionArg};
use crate::exit::{Code, Problem};
use crate::local::tmux::Tmux;
use crate::local::windows;
use crate::registry::names::Address;

pub fn run(_context: &Context, args: &Close) -> Result<Code> {
    let tmux = Tmux::current()?;
    let addresses = args.addresses.iter().map(|text| address(text)).collect::<Result<Vec<_>>>()?;
    let mut end = Code::Done;
    for address in &addresses {
        if let Err(error) = close(&tmux, address) {
            let code = super::report(&error);
            end = if end == Code::Done { code } else { end };
        }
    }
    Ok(end)
}

/// Nobody is asked what a worker's only session is: what closes is named.
fn address(text: &str) -> Result<Address> {
    let target = target::parse(&SessionArg { address: text.to_owned(), session: None })?;
    let session = target.session.ok_or_else(|| {
        Problem::new(
            Code::Usage,
            format!("{text:?} names no session"),
            "write WORKER/SESSION, as `factory-worker list` shows them",
        )
    })?;
    Ok(Address { worker: target.worker, session })
}

fn close(tmux: &Tmux, address: &Address) -> Result<()> {
    let views = shown::find(tmux, address)?;
    if views.is_empty() {
        return Err(Problem::new(Code::Missing, format!("no window shows {address}"), "").into());
    }
    views.iter().try_for_each(|view| windows::close(tmux, view))
}
