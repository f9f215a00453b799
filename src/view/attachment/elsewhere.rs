//! A session that is not there because `container:` names none, and kubectl takes another container than the one it is in.

use std::time::{Duration, Instant};

use super::Attachment;
use crate::cluster::login::Login;
use crate::failure::Kind;
use crate::remote::elsewhere;
use crate::view::client::ending::{self, Absence, Ending};

/// How long it may take to look, since nothing else happens meanwhile. Mostly which containers there are is known, and nobody is asked.
const PATIENCE: Duration = Duration::from_secs(3);

impl Attachment<'_> {
    /// The end of a first attempt that found no such session, or no tmux, told with where the session is, if it is in the same pod.
    /// Nobody waits for it to come then. Where that would take a login nobody looks.
    pub(super) fn or_elsewhere(&self, end: Ending) -> Ending {
        let remote = &self.view.remote;
        let failure = match &end {
            Ending::Absent(absence @ (Absence::NoSession | Absence::NoServer)) => ending::absent(&self.wanted.name, *absence),
            Ending::Broken(failure) if failure.kind == Kind::NoTmux => failure.clone(),
            _ => return end,
        };
        if self.plan.entered() || remote.exec.login() != Login::Known {
            return end;
        }
        let told = elsewhere::told(remote, failure.clone(), Some(&self.wanted.name), Instant::now() + PATIENCE);
        // It may name its cluster by now.
        if told.reason == failure.reason { end } else { Ending::Broken(told.lasting()) }
    }
}
