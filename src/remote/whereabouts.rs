//! What a session is known by on every machine.

use std::time::Instant;

use super::Remote;
use super::script::{self, Input};
use crate::failure::{Failure, Kind};
use crate::registry::names::SessionName;

const SCRIPT: &str = concat!(include_str!("about.sh"), include_str!("whereabouts.sh"), include_str!("whereabouts_of.sh"));

/// The text by which `local::shown_in` knows the session, too.
///
/// # Errors
/// The worker could not be asked, or has no such session.
pub fn of(remote: &Remote, session: &SessionName, deadline: Instant) -> Result<String, Failure> {
    let parts = script::on_session(remote, SCRIPT, session, Input::default(), deadline)?;
    match parts.get("here") {
        Some(here) => Ok(here.detail.clone()),
        None => Err(Failure::new(Kind::Incomplete, "the worker does not say where its session is")),
    }
}
