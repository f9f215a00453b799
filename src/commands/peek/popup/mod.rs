//! The peek popup: fills the terminal with a session's last lines, keeps looking, and scrolls. Enter goes to the session, `n`
//! nudges it.

mod footer;
mod history;
mod keys;
mod looks;
mod screen;
mod scroll;
mod search;
mod view;

use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};

use crate::commands::{Context, nudge, open};
use crate::exit::Code;
use crate::registry::identity::SessionIdentity;
use crate::registry::names::{Address, SessionName};
use crate::registry::worker::Worker;
use crate::terminal::line_ends;
use keys::{Act, Keys, Meaning};
use looks::Looks;
use screen::Screen;
use scroll::Move;
use view::View;

/// How long a look may wait to be shown.
const CHECK: Duration = Duration::from_millis(30);
/// Lines that the wheel moves by.
const WHEEL: usize = 3;
const NOT_ALONE: &str = "Enter, n and q count alone: after a second without a letter, and with none behind them";

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Somebody left it, with nothing done.
    Left(Code),
    /// By what was done with the session.
    Done(Code),
}

impl Ended {
    pub fn code(self) -> Code {
        match self {
            Self::Left(code) | Self::Done(code) => code,
        }
    }
}

/// Show the session until somebody leaves, goes to it, or has nudged it. A failure is shown, with its remedy. `meant` is which
/// session that is, where that is known.
///
/// # Errors
/// There is no terminal; or the session cannot be gone to.
pub fn show(context: &Context, worker: &Worker, session: &SessionName, meant: Option<SessionIdentity>) -> Result<Ended> {
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    let popup = Popup { context, worker, session, meant };
    let mut view = View::new(&address.to_string(), Screen::size());
    loop {
        match popup.until_act(&mut view)? {
            Act::Leave => return Ok(Ended::Left(view.code())),
            Act::Open => return open::here(context, worker, session).map(Ended::Done),
            Act::Nudge => match nudge::form(context, worker, session, popup.meant.clone())? {
                // The form was left: back to where it was opened from.
                Code::Interrupted => {}
                code => return Ok(Ended::Done(code)),
            },
        }
    }
}

/// Whose session it is, and how it is looked at.
struct Popup<'a> {
    context: &'a Context,
    worker: &'a Worker,
    session: &'a SessionName,
    meant: Option<SessionIdentity>,
}

impl Popup<'_> {
    /// Look, and let it be scrolled, until there is something else to do.
    fn until_act(&self, view: &mut View) -> io::Result<Act> {
        let remote = self.context.remote(self.worker).meaning(self.meant.clone());
        let untypable = remote.takes_keys().err();
        let looks = Looks::start(remote, self.session.clone(), self.context.timeout());
        let mut screen = Screen::open()?;
        let mut keys = Keys::new(Instant::now());
        view.resize(Screen::size());
        screen.draw(view.rows())?;
        loop {
            let patience = keys.due(Instant::now()).map_or(CHECK, |due| due.min(CHECK));
            let event = if event::poll(patience)? { Some(event::read()?) } else { None };
            let look = looks.next();
            let is_news = event.is_some() || look.is_some();
            look.into_iter().for_each(|look| view.look(look));
            let heard = event.and_then(|event| hear(event, &mut keys, view, &mut screen));
            match (heard.or_else(|| keys.settle(Instant::now())), &untypable) {
                (Some(Act::Nudge), Some(failure)) => view.say(&failure.reason),
                (Some(act), _) => return Ok(act),
                (None, _) if is_news => {}
                (None, _) => continue,
            }
            screen.draw(view.rows())?;
        }
    }
}

/// Do what an event asks for, unless it is for others to do.
fn hear(event: Event, keys: &mut Keys, view: &mut View, screen: &mut Screen) -> Option<Act> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => return press(key, keys, view),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollUp => view.go(Move::Up(WHEEL)),
            MouseEventKind::ScrollDown => view.go(Move::Down(WHEEL)),
            _ => {}
        },
        Event::Paste(text) => {
            keys.note(Instant::now());
            view.type_in(&line_ends::unified(&text));
        }
        Event::Resize(..) => {
            view.resize(Screen::size());
            screen.forget();
        }
        _ => {}
    }
    None
}

fn press(key: KeyEvent, keys: &mut Keys, view: &mut View) -> Option<Act> {
    view.hush();
    if view.is_asking() {
        keys.note(Instant::now());
        answer(key, view);
        return None;
    }
    match keys.hear(key, Instant::now()) {
        Meaning::Nothing => {}
        Meaning::Go(to) => view.go(to),
        Meaning::Search => view.ask(),
        Meaning::Further => view.further(),
        Meaning::Act(act) => return Some(act),
        Meaning::NotAlone => view.say(NOT_ALONE),
    }
    None
}

/// A key for the question what to search for.
fn answer(key: KeyEvent, view: &mut View) {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Esc => view.stop_asking(),
        KeyCode::Char('c') if control => view.stop_asking(),
        KeyCode::Char('u') if control => view.clear(),
        KeyCode::Char('h') if control => view.rub_out(),
        KeyCode::Enter => view.search(),
        KeyCode::Backspace => view.rub_out(),
        KeyCode::Char(c) if key.modifiers.difference(KeyModifiers::SHIFT).is_empty() => view.type_in(c.encode_utf8(&mut [0; 4])),
        _ => {}
    }
}
