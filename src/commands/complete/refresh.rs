//! Asking the workers again, behind the back of whoever pressed TAB.

use std::env;
use std::process::{Command, Stdio};

use nix::unistd::setsid;

use crate::cluster::{Cluster, login};
use crate::commands::Context;
use crate::discovery;
use crate::process;
use crate::registry::Registry;
use crate::registry::worker::Place;
use crate::remote::list::Question;
use crate::state::sessions::{self, Sessions};

/// Start a process of our own that renews what is known of the registry's workers; false when that cannot be.
///
/// This is the one place where the program starts itself. The process outlives us on purpose: its standard streams are
/// closed, so no shell waits for it, and it is alone, because [`run`] ends at once while another one is at work.
pub fn start(registry: &Registry) -> bool {
    let Ok(program) = env::current_exe() else { return false };
    let mut command = Command::new(program);
    command.arg("--workers").arg(&registry.path).args(["complete", "--refresh"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    process::trace(&command);
    command.spawn().is_ok()
}

/// The registry with those alone that are to be asked: something old or nothing is known of them, and asking starts no login.
pub fn due(registry: &Registry, said: &Sessions) -> Registry {
    let mut due = registry.clone();
    if discovery::is_fresh(registry) {
        due.sources.clear();
    }
    due.sources.retain(|source| login::is_free(&discovery::cluster(source)));
    due.workers.retain(|worker| {
        let is_fresh = said.get(worker.name.as_str()).is_some_and(sessions::Known::is_fresh);
        let is_free = match &worker.place {
            Place::Pod(place) => login::is_free(&Cluster::of(place)),
            Place::Local(_) => true,
        };
        !is_fresh && is_free
    });
    due
}

/// Ask every worker of which something old or nothing is known, and remember what it says.
pub fn run(context: &Context) {
    // Out of the terminal's reach: neither its hang-up nor a Ctrl-C at the prompt is meant for us.
    let _ = setsid();
    login::nobody_asks();
    let (Some(_alone), Ok(mut registry)) = (sessions::renew(), context.registry()) else { return };
    if discovery::is_fresh(&registry) {
        discovery::recall(&mut registry);
    }
    let due = due(&registry, &sessions::read());
    let workers = due.workers.clone();
    // Every answer is noted where it comes in.
    let question = Question { queue: false, ..context.question() };
    discovery::ask_all(&due, workers, question, context.guide(question, false)).into_iter().for_each(drop);
}
