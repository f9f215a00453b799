//! One file per subcommand; this one holds what they share: the context, and how an error ends.

mod attach;
mod close;
mod complete;
mod completions;
mod config;
pub mod dispatch;
mod doctor;
mod form;
mod gc_events;
mod gc_session;
mod hub;
mod interrupt;
mod list;
mod live;
mod nudge;
mod open;
mod peek;
mod pick;
mod polecat;
mod popup;
mod shell;
mod shown;
mod status;
mod target;
mod wait;
mod watch;
mod window_environment;
mod worker;
mod worker_state;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cli::{Cli, Command, Global};
use crate::cluster::login;
use crate::discovery::Finder;
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::hub::client::Hub;
use crate::registry::Registry;
use crate::registry::names::{Address, WorkerName};
use crate::registry::worker::Worker;
use crate::remote::Remote;
use crate::remote::list::Question;
use crate::terminal::progress::Progress;
use crate::{discovery, ourselves, process, terminal};

/// What every command knows: the global options and where things are.
pub struct Context {
    pub global: Global,
    /// Nothing more is to be said of entries that cannot be used: it was, or the command shows them in a way of its own.
    said: AtomicBool,
    /// The hub that may run for the registry that was read.
    hub: OnceLock<Option<Arc<Hub>>>,
}

impl Context {
    /// The way to a worker of the registry: through the hub, where one runs and leads there.
    pub fn remote(&self, worker: &Worker) -> Remote {
        let remote = Remote::to(worker);
        match self.hub() {
            Some(hub) => hub.through(worker, remote),
            None => remote,
        }
    }

    /// The hub that may run.
    pub fn hub(&self) -> Option<&Arc<Hub>> {
        self.hub.get()?.as_ref()
    }

    /// Who leads to workers, and knows of some without asking them unless all are to be asked.
    pub fn guide(&self, question: Question, fresh: bool) -> Option<Arc<dyn Finder>> {
        let hub = self.hub()?;
        let guide =
            if fresh { crate::hub::guide::Guide::leading(hub) } else { crate::hub::guide::Guide::knowing(hub, question.queue) };
        Some(Arc::new(guide))
    }

    /// The hub, started when there is none.
    pub fn started_hub(&self, registry: &Registry) -> Option<Arc<Hub>> {
        Hub::started(registry).map(Arc::new)
    }

    /// The registry as the file has it, read and validated. That some of it cannot be used is said once, on standard error.
    pub fn registry(&self) -> Result<Registry> {
        let registry = self.load()?;
        self.complain(&registry);
        Ok(registry)
    }

    /// The same for who says by itself what cannot be used, or has no use for it.
    pub fn load(&self) -> Result<Registry> {
        let registry = Registry::load(self.global.workers.as_deref())?;
        self.hub.get_or_init(|| Hub::used(&registry).map(Arc::new));
        Ok(registry)
    }

    /// Say, unless it was said, that some of the registry cannot be used.
    pub fn complain(&self, registry: &Registry) {
        if let Some(complaint) = registry.complaint().filter(|_| !self.said.swap(true, Ordering::Relaxed)) {
            let _ = writeln!(io::stderr(), "factory-worker: {}", terminal::neutralise::line(&complaint));
        }
    }

    /// The registry with the workers that its sources had when they were asked last. Nobody is asked.
    pub fn known(&self) -> Result<Registry> {
        let mut registry = self.registry()?;
        discovery::recall(&mut registry);
        Ok(registry)
    }

    /// The registry in which these workers are, if they are anywhere: its sources are asked when one of them is not known.
    ///
    /// # Errors
    /// One of them is nowhere, and a source that may have it did not answer.
    pub fn registry_with(&self, names: &[WorkerName]) -> Result<Registry> {
        let mut registry = self.load()?;
        // Of a worker that is asked for, the error says it.
        if names.iter().all(|name| registry.find_invalid(name).is_none()) {
            self.complain(&registry);
        }
        discovery::recall(&mut registry);
        let is_unknown =
            |registry: &Registry, name: &WorkerName| registry.find(name).is_none() && registry.find_invalid(name).is_none();
        let unknown = |registry: &Registry| names.iter().find(|name| is_unknown(registry, name)).cloned();
        if unknown(&registry).is_none() || registry.sources.is_empty() {
            return Ok(registry);
        }
        let progress = Progress::show("looking for workers…".to_owned());
        let silent = discovery::renew(&mut registry, self.timeout(), self.global.parallel);
        drop(progress);
        match (unknown(&registry), silent.into_iter().next()) {
            (Some(name), Some((source, failure))) => {
                let path = registry.path.display();
                let what =
                    format!("there is no worker {:?} in {path}, and {source} is {}: {failure}", name.as_str(), failure.status());
                Err(Problem::new(Code::Unreachable, what, failure.remedy()).into())
            }
            _ => Ok(registry),
        }
    }

    /// When a worker that is asked now has to have answered.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.timeout()
    }

    /// How workers are asked: everything, with the global options' limits.
    pub fn question(&self) -> Question {
        Question { timeout: self.timeout(), parallel: self.global.parallel, queue: true }
    }

    pub fn timeout(&self) -> Duration {
        self.global.timeout
    }
}

/// Run the command that was asked for; gives the exit status.
pub fn run(cli: Cli) -> Result<u8> {
    process::set_verbose(cli.global.verbose);
    if let Some(path) = &cli.global.workers {
        ourselves::note_registry(path);
    }
    terminal::style::choose(cli.global.color.wanted());
    login::lend_terminal(lends_terminal(&cli.command));
    let context = Context { global: cli.global, said: AtomicBool::new(is_on_screen(&cli.command)), hub: OnceLock::new() };
    let makes_or_removes = matches!(cli.command, Command::Worker(_) | Command::Polecat(_));
    let code = match cli.command {
        // Its exit statuses are its own.
        Command::GcSession(args) => return Ok(gc_session::run(&args.words)),
        Command::List(args) => list::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Dispatch(args) => dispatch::run(&context, &args),
        Command::Peek(args) => peek::run(&context, &args),
        Command::Wait(args) => wait::run(&context, &args),
        Command::Watch(args) => watch::run(&context, &args),
        Command::Attach(args) => attach::run(&context, &args),
        Command::Open(args) => open::run(&context, &args),
        Command::Close(args) => close::run(&context, &args),
        Command::Hub(args) => hub::run(&args),
        Command::Pick(args) => pick::run(&context, &args),
        Command::Nudge(args) => nudge::run(&context, &args),
        Command::Interrupt(args) => interrupt::run(&context, &args),
        Command::Worker(args) => worker::run(&context, &args),
        Command::Polecat(args) => polecat::run(&context, &args),
        Command::Doctor(args) => doctor::run(&context, &args),
        Command::Config(args) => config::run(&context, &args),
        Command::Completions(args) => completions::run(&context, &args),
        Command::Complete(args) => complete::run(&context, &args),
        Command::Popup(args) => popup::run(&context, &args),
        Command::GcEvents(args) => Ok(gc_events::run(&args.words)),
    };
    if let Some(hub) = context.hub().filter(|_| makes_or_removes) {
        hub.tell_changed();
    }
    Ok(code? as u8)
}

/// Whether a login plugin that insists on a terminal may have ours: there is one, and the command does not draw on it.
fn lends_terminal(command: &Command) -> bool {
    let draws = match command {
        Command::Pick(_) | Command::Popup(_) | Command::Complete(_) | Command::GcSession(_) | Command::GcEvents(_) => true,
        Command::Peek(args) => args.until_key || args.follow,
        _ => false,
    };
    !draws && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Whether what is said on standard error would garble what the command draws, or a prompt; or was said by who made the window.
fn is_on_screen(command: &Command) -> bool {
    match command {
        Command::Pick(_) | Command::Popup(_) | Command::Complete(_) => true,
        Command::Attach(args) => args.in_window,
        _ => false,
    }
}

/// Do what Gas City asks of the program that it knows by this name; `None` when it is no such name.
///
/// Gas City starts a provider without any argument of its own, so that a symbolic link is the only way to tell us.
pub fn run_as(name: &str, words: &[OsString]) -> Option<u8> {
    let provider = match name {
        "gc-events-k8s" => |words: &[OsString]| gc_events::run(words) as u8,
        "gc-session-k8s" => gc_session::run,
        _ => return None,
    };
    Some(provider(words))
}

/// A failure to send something to a session: when the outcome is unknown, with the command that tells.
fn unproven(failure: Failure, address: &Address) -> Failure {
    match failure.kind {
        Kind::Unproven => {
            let look = terminal::shell::line(&["factory-worker".to_owned(), "peek".to_owned(), address.to_string()]);
            failure.with_remedy(format!("look with `{look}` before you send it again"))
        }
        _ => failure,
    }
}

/// Tell the user what failed, and give the exit code for it.
pub fn report(error: &anyhow::Error) -> Code {
    if let Some(broken) = error.downcast_ref::<io::Error>()
        && broken.kind() == io::ErrorKind::BrokenPipe
    {
        return Code::Done;
    }
    let (code, text) = explain(error);
    let _ = writeln!(io::stderr().lock(), "factory-worker: {text}");
    code
}

/// What failed, why and what to do about it, safe to show; and the exit code for it.
fn explain(error: &anyhow::Error) -> (Code, String) {
    let code = if let Some(problem) = error.downcast_ref::<Problem>() {
        problem.code
    } else if let Some(failure) = error.downcast_ref::<Failure>() {
        failure.code()
    } else {
        Code::Failed
    };
    let mut text = terminal::neutralise::lines(&format!("{error:#}"));
    // What is written somewhere else says where.
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::StorageFull)
        && error.chain().count() == 1
    {
        text = format!("cannot write standard output: {text}");
    }
    if let Some(remedy) = error.downcast_ref::<Failure>().map(Failure::remedy).filter(|remedy| !remedy.is_empty()) {
        text = format!("{text}\n  {remedy}");
    }
    (code, ourselves::led(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_cannot_be_written_is_said_to_be_that() {
        let full = || anyhow::Error::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(explain(&full()).1, "cannot write standard output: no storage space");
        assert_eq!(explain(&full().context("cannot write a")).1, "cannot write a: no storage space");
    }
}
