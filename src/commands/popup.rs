//! What the plugin's keys run. It has two halves: one opens the popup, the other runs in it.
//!
//! Nobody sees the first half's standard error, so what it has to say it says in tmux's status line. The second half keeps
//! a failure on the screen until a key.

use anyhow::Result;

use super::{Context, dispatch, inherit, nudge, peek, pick, target};
use crate::cli::{Action, Pick, Popup, PopupKind, SessionArg};
use crate::exit::Code;
use crate::local::ids::{ClientName, PaneId};
use crate::local::popup::{self, Surroundings};
use crate::local::tmux::Tmux;
use crate::registry::Registry;
use crate::registry::names::{SessionName, Target};
use crate::registry::worker::Worker;
use crate::terminal::{key, neutralise};

pub fn run(context: &Context, args: &Popup) -> Result<Code> {
    if args.inside {
        if let Err(error) = inside(context, args) {
            super::report(&error);
            key::wait("press any key to close")?;
        }
    } else {
        outside(context, args)?;
    }
    Ok(Code::Done)
}

fn outside(context: &Context, args: &Popup) -> Result<()> {
    let mut tmux = Tmux::current()?;
    tmux.client = args.client.as_deref().and_then(ClientName::parse).or(tmux.client);
    tmux.pane = args.pane.as_deref().and_then(PaneId::parse).or(tmux.pane);
    open(context, args.what, &tmux).or_else(|error| popup::say(&tmux, &neutralise::line(&format!("factory-worker: {error:#}"))))
}

fn open(context: &Context, what: PopupKind, tmux: &Tmux) -> Result<()> {
    let kind = Kind::of(what);
    let there = popup::surroundings(tmux, kind.name)?;
    let window = popup::Popup {
        title: kind.title(&there),
        width: popup::fitting(given_or(&there.width, kind.width), there.columns),
        height: popup::fitting(given_or(&there.height, kind.height), there.lines),
        argv: inner_command(context, kind.name, &there.address)?,
        environment: inherit::environment(&Registry::path(context.global.workers.as_deref())?),
    };
    popup::show(tmux, there.version, &window)
}

/// What is known of a popup before anything is asked.
struct Kind {
    /// As in the options' names, and as this command's argument.
    name: &'static str,
    width: &'static str,
    height: &'static str,
}

impl Kind {
    fn of(what: PopupKind) -> Self {
        match what {
            PopupKind::Pick => Self { name: "pick", width: "90%", height: "85%" },
            PopupKind::Peek => Self { name: "peek", width: "90%", height: "85%" },
            PopupKind::Dispatch => Self { name: "dispatch", width: "80", height: "20" },
            PopupKind::Nudge => Self { name: "nudge", width: "80", height: "16" },
        }
    }

    fn title(&self, there: &Surroundings) -> String {
        match self.name {
            "pick" => "factory-worker".to_owned(),
            name if there.address.is_empty() => name.to_owned(),
            name => format!("{name} {}", neutralise::line(&there.address)),
        }
    }
}

fn given_or<'a>(given: &'a str, default: &'a str) -> &'a str {
    if given.is_empty() { default } else { given }
}

fn inner_command(context: &Context, name: &str, address: &str) -> Result<Vec<String>> {
    let mut argv = inherit::command(context)?;
    argv.extend(["popup", name, "--inside"].map(str::to_owned));
    if !address.is_empty() {
        argv.push(format!("--address={address}"));
    }
    Ok(argv)
}

fn inside(context: &Context, args: &Popup) -> Result<Code> {
    match (args.what, &args.address) {
        (PopupKind::Dispatch, address) => {
            let target = address.as_deref().map(str::parse::<Target>).transpose()?;
            dispatch::form(context, target.as_ref().map(|target| &target.worker))
        }
        (PopupKind::Peek, Some(address)) => {
            let (worker, session) = session(context, address)?;
            peek::show_until_key(context, &worker, &session)
        }
        (PopupKind::Nudge, Some(address)) => {
            let (worker, session) = session(context, address)?;
            nudge::form(context, &worker, &session)
        }
        (PopupKind::Pick, _) => pick::run(context, &Pick { then: Action::Open }),
        (PopupKind::Peek, None) => pick::run(context, &Pick { then: Action::Peek }),
        (PopupKind::Nudge, None) => pick::run(context, &Pick { then: Action::Nudge }),
    }
}

fn session(context: &Context, address: &str) -> Result<(Worker, SessionName)> {
    target::session(context, &context.registry()?, &SessionArg { address: address.to_owned(), session: None })
}
