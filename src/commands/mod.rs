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
mod interrupt;
mod list;
mod nudge;
mod open;
mod peek;
mod pick;
mod polecat;
mod popup;
mod shell;
mod status;
mod target;
mod window_environment;
mod worker;
mod worker_state;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cli::{Cli, Command, Global};
use crate::cluster::login;
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::registry::Registry;
use crate::registry::names::{Address, WorkerName};
use crate::remote::list::Question;
use crate::terminal::progress::Progress;
use crate::{discovery, process, signals, terminal};

/// What every command knows: the global options and where things are.
pub struct Context {
    pub global: Global,
}

impl Context {
    /// The registry as the file has it, read and validated.
    pub fn registry(&self) -> Result<Registry> {
        Registry::load(self.global.workers.as_deref())
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
        let mut registry = self.known()?;
        let unknown = |registry: &Registry| names.iter().find(|name| registry.find(name).is_none()).cloned();
        if unknown(&registry).is_none() || registry.sources.is_empty() {
            return Ok(registry);
        }
        let progress = Progress::show("looking for workers…".to_owned());
        let silent = discovery::renew(&mut registry, self.timeout());
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
    signals::end_children_when_interrupted();
    terminal::style::choose(cli.global.color.wanted());
    login::lend_terminal(lends_terminal(&cli.command));
    let context = Context { global: cli.global };
    let code = match cli.command {
        // Its exit statuses are its own.
        Command::GcSession(args) => return Ok(gc_session::run(&args.words)),
        Command::List(args) => list::run(&context, &args),
        Command::Status(args) => status::run(&context, &args),
        Command::Dispatch(args) => dispatch::run(&context, &args),
        Command::Peek(args) => peek::run(&context, &args),
        Command::Attach(args) => attach::run(&context, &args),
        Command::Open(args) => open::run(&context, &args),
        Command::Close(args) => close::run(&context, &args),
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
    }?;
    Ok(code as u8)
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

/// Do what Gas City asks of the program that it knows by this name; `None` when it is no such name.
///
/// Gas City starts a provider without any argument of its own, so that a symbolic link is the only way to tell us.
pub fn run_as(name: &str, words: &[OsString]) -> Option<u8> {
    let provider = match name {
        "gc-events-k8s" => |words: &[OsString]| gc_events::run(words) as u8,
        "gc-session-k8s" => gc_session::run,
        _ => return None,
    };
    signals::end_children_when_interrupted();
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
    if let Some(remedy) = error.downcast_ref::<Failure>().map(Failure::remedy).filter(|remedy| !remedy.is_empty()) {
        text = format!("{text}\n  {remedy}");
    }
    (code, text)
}
