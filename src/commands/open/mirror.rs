//! A session's window in that very session would show itself in itself, without an end.
//!
//! The window's own `attach` refuses that wherever it is (`view::client`), but then the window is there already. Here it is
//! refused before, where we may be on the worker ourselves; elsewhere nobody is asked.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use anyhow::Result;

use crate::commands::Context;
use crate::local::shown_in::Showing;
use crate::registry::names::Address;
use crate::registry::worker::{Place, Worker};
use crate::remote::local::SOCKET;
use crate::remote::whereabouts;
use crate::view;

/// # Errors
/// The window would be in the session that it is to show, or be shown there.
pub fn refuse(context: &Context, worker: &Worker, address: &Address, shown_in: &[Showing]) -> Result<()> {
    if !shown_in.iter().any(|there| may_be_on(worker, there)) {
        return Ok(());
    }
    // What cannot be asked is said in the window.
    match whereabouts::of(&context.remote(worker), &address.session, context.deadline()) {
        Ok(here) if shown_in.iter().any(|there| there.whereabouts == here) => {
            Err(anyhow::Error::from(view::mirror()).context(format!("cannot open {address}")))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Whether a session that we are shown in may be one of this worker's.
fn may_be_on(worker: &Worker, there: &Showing) -> bool {
    match (&worker.place, &there.socket) {
        (Place::Local(directory), Some(socket)) => is_same_file(&directory.join(SOCKET), socket),
        (Place::Pod(_), Some(_)) => is_pod(),
        (_, None) => true,
    }
}

fn is_same_file(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).map(|about| (about.dev(), about.ino())).ok();
    file(one).is_some() && file(one) == file(other)
}

/// Whether this is a container that Kubernetes has started: it says there where its API is.
fn is_pod() -> bool {
    env::var_os("KUBERNETES_SERVICE_HOST").is_some_and(|host| !host.is_empty())
}
