//! Sessions as windows: jumps to a window that is there, makes one that is not.

mod mirror;

use anyhow::Result;

use super::window_environment;
use super::{Context, attach, shown, target};
use crate::cli::{Attach, Open, SessionArg};
use crate::discovery;
use crate::exit::{Code, Problem};
use crate::failure::{Failure, Kind};
use crate::hub::guide::Guide;
use crate::local::shown_in;
use crate::local::tmux::Tmux;
use crate::local::windows::{self, Opening};
use crate::registry::names::{Address, SessionName};
use crate::registry::worker::Worker;
use crate::remote::list_all::Guide as _;
use crate::remote::session::Answer;
use crate::remote::{list, list_all};
use crate::state;
use crate::terminal::neutralise;
use crate::terminal::progress::Progress;

/// How a view is opened.
#[derive(Debug, Clone, Copy)]
struct Way {
    split: bool,
    detached: bool,
}

pub fn run(context: &Context, args: &Open) -> Result<Code> {
    let tmux = tmux(args.addresses.first().map(String::as_str))?;
    let mut end = Code::Done;
    let addresses = if args.all {
        every_session(context, &mut end)?
    } else {
        args.addresses.iter().map(|text| address(context, text)).collect::<Result<_>>()?
    };
    for (place, address) in addresses.iter().enumerate() {
        // The first is gone to, the others wait behind it.
        let way = Way { split: args.split, detached: args.detached || place > 0 };
        if let Err(error) = show(context, &tmux, address, way) {
            let code = super::report(&error);
            end = if end == Code::Done { code } else { end };
        }
    }
    Ok(end)
}

/// Open one session, or go to where it is open already.
pub fn one(context: &Context, address: &Address, split: bool) -> Result<Code> {
    let tmux = tmux(Some(&address.to_string()))?;
    show(context, &tmux, address, Way { split, detached: false })?;
    Ok(Code::Done)
}

/// Go to the session, in its window; outside of tmux there are no windows, and it is shown in this terminal.
pub fn here(context: &Context, worker: &Worker, session: &SessionName) -> Result<Code> {
    if Tmux::current().is_ok() {
        return one(context, &Address { worker: worker.name.clone(), session: session.clone() }, false);
    }
    let session = SessionArg { address: worker.name.to_string(), session: Some(session.to_string()) };
    attach::run(context, &Attach { session, read_only: false, plain: false, in_window: false })
}

/// The operator's tmux; outside of one there are no windows, but there is `attach`.
fn tmux(address: Option<&str>) -> Result<Tmux> {
    Tmux::current().map_err(|error| match error.downcast::<Problem>() {
        Ok(problem) => {
            let address = address.map_or("ADDRESS".into(), shell_words::quote);
            let remedy = format!("attach in this terminal instead: `factory-worker attach {}`", neutralise::line(&address));
            Problem { remedy, ..problem }.into()
        }
        Err(other) => other,
    })
}

/// A whole address is taken as it is: whether there is such a session is seen when it is opened.
fn address(context: &Context, text: &str) -> Result<Address> {
    let argument = SessionArg { address: text.to_owned(), session: None };
    let target = target::parse(&argument)?;
    match target.session {
        Some(session) => Ok(Address { worker: target.worker, session }),
        None => {
            let (worker, session) = target::session(context, &argument)?;
            Ok(Address { worker: worker.name, session })
        }
    }
}

/// Every session of every worker; a worker that does not answer is said on standard error, and costs the others nothing.
fn every_session(context: &Context, end: &mut Code) -> Result<Vec<Address>> {
    let mut registry = context.registry()?;
    if registry.is_empty() {
        return Err(Problem::new(Code::Missing, "there are no workers", target::no_workers(&registry)).into());
    }
    let question = list::Question { queue: false, ..context.question() };
    let progress = Progress::show("asking all workers…".to_owned());
    for (source, failure) in discovery::renew(&mut registry, context.timeout(), context.global.parallel) {
        *end = failure.code();
        super::report(&anyhow::Error::from(failure).context(format!("asking {source}")));
    }
    let mut reports: Vec<_> = list_all::all(registry.workers.clone(), question).into_iter().collect();
    drop(progress);
    reports.sort_by_key(|report| report.index);
    let mut addresses = Vec::new();
    for report in reports {
        let worker = &registry.workers[report.index].name;
        match report.answer {
            Ok(answer) => addresses
                .extend(answer.sessions.into_iter().map(|session| Address { worker: worker.clone(), session: session.name })),
            Err(failure) => {
                *end = failure.code();
                super::report(&anyhow::Error::from(failure).context(format!("asking {worker}")));
            }
        }
    }
    Ok(addresses)
}

/// No worker is asked and no kubectl runs here: a new window's own `attach` does that, and says there what fails. Unless we may
/// be on that worker ourselves.
fn show(context: &Context, tmux: &Tmux, address: &Address, way: Way) -> Result<()> {
    // Two that open the same session at the same moment get one window. Without a lock (a full disk) they may get two.
    // What is open already is gone to without waiting for somebody who opens something else.
    let free = state::lock_if_free("open");
    if free.is_none() && go(tmux, address, way)? {
        return Ok(());
    }
    let _lock = free.or_else(|| state::lock("open").ok());
    if go(tmux, address, way)? {
        return Ok(());
    }
    let registry = context.registry_with(std::slice::from_ref(&address.worker))?;
    let worker = target::worker(&registry, &address.worker)?;
    refuse_missing(context, worker, address)?;
    let shown_in = shown_in::of_new_window(tmux);
    mirror::refuse(context, worker, address, &shown_in)?;
    let mut environment = window_environment::environment(&registry.path);
    environment.push(shown_in::carried(&shown_in));
    environment.extend(GIVE_BACK.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let opening = Opening { argv: attach_command(context, address)?, environment, split: way.split, detached: way.detached };
    windows::open(tmux, address, &opening)?;
    // Whoever opens one is likely to want to know of others.
    context.started_hub(&registry);
    Ok(())
}

/// No window is made for a session that is not there, where the hub knows that, and the worker says so when it is asked.
fn refuse_missing(context: &Context, worker: &Worker, address: &Address) -> Result<()> {
    let Some(hub) = context.hub() else { return Ok(()) };
    let question = list::Question { queue: false, ..context.question() };
    let known = Guide::knowing(hub, false).known(worker, question).and_then(|known| known.answer.ok());
    let has = |answer: &Answer| answer.sessions.iter().any(|session| session.name == address.session);
    if known.is_none_or(|answer| has(&answer)) {
        return Ok(());
    }
    match list::one(&context.remote(worker), worker, question) {
        Ok(answer) if !has(&answer) && answer.elsewhere.is_none() => {
            let what = format!("cannot open {address}: there is no session {:?} on {}", address.session.as_str(), worker.name);
            Err(Failure::new(Kind::NoSession, neutralise::line(&what)).into())
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Go to where the session is open already; false when it is not.
fn go(tmux: &Tmux, address: &Address, way: Way) -> Result<bool> {
    let views = shown::find(tmux, address)?;
    let Some(view) = views.first() else { return Ok(false) };
    if !way.detached {
        windows::select(tmux, view)?;
    }
    Ok(true)
}

/// What makes the allocator (skim brings mimalloc) give back what is free: a view needs most when it begins, and lives for days.
const GIVE_BACK: [(&str, &str); 2] = [("MIMALLOC_PURGE_DELAY", "0"), ("MIMALLOC_ARENA_RESERVE", "0")];

/// What a window runs.
fn attach_command(context: &Context, address: &Address) -> Result<Vec<String>> {
    let mut argv = window_environment::command(context)?;
    argv.extend(["attach", "--in-window", "--", &address.to_string()].map(str::to_owned));
    Ok(argv)
}
