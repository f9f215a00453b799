//! Peek in a popup: fills the terminal, keeps looking, leaves at the first key.

use std::io::{self, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use crossterm::event::{self, Event, KeyEventKind};

use crate::commands::Context;
use crate::exit::Code;
use crate::failure::Failure;
use crate::registry::identity::SessionIdentity;
use crate::registry::names::{Address, SessionName};
use crate::registry::worker::Worker;
use crate::remote::{Remote, peek};
use crate::terminal::block::Block;
use crate::terminal::screen::FullScreen;
use crate::terminal::table::fit;
use crate::terminal::{neutralise, pane};

const EVERY: Duration = Duration::from_secs(1);
/// How long a key may wait to be noticed.
const KEY_CHECK: Duration = Duration::from_millis(30);
/// More lines than any popup has.
const LINES: u32 = 500;

/// Show the session's last lines, renewed every second, until a key is pressed. A failure is shown, with its remedy,
/// and stays until a key too. `meant` is which session that is, where that is known.
pub fn show_until_key(context: &Context, worker: &Worker, session: &SessionName, meant: Option<SessionIdentity>) -> Result<Code> {
    let address = Address { worker: worker.name.clone(), session: session.clone() };
    let looks = look_every_second(context.timeout(), context.remote(worker).meaning(meant), session.clone());
    let _screen = FullScreen::enter()?;
    let title = neutralise::line(&address.to_string());
    let mut shown = "asking…\n".to_owned();
    let mut code = Code::Done;
    draw(&title, &shown)?;
    loop {
        if event::poll(KEY_CHECK)? {
            match event::read()? {
                Event::Key(key) if key.kind == KeyEventKind::Press => return Ok(code),
                Event::Resize(..) => draw(&title, &shown)?,
                _ => {}
            }
        }
        if let Ok(look) = looks.try_recv() {
            (shown, code) = match look {
                Ok(pane) => (pane::text(&pane), Code::Done),
                Err(failure) => (failure.to_string(), failure.code()),
            };
            draw(&title, &shown)?;
        }
    }
}

/// One look a second from a thread of its own, so that a slow worker never delays a key.
fn look_every_second(timeout: Duration, remote: Remote, session: SessionName) -> Receiver<Result<Vec<u8>, Failure>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::spawn(move || {
        while sender.send(peek::capture(&remote, &session, LINES, std::time::Instant::now() + timeout)).is_ok() {
            thread::sleep(EVERY);
        }
    });
    receiver
}

fn draw(title: &str, text: &str) -> io::Result<()> {
    let (columns, rows) = Block::terminal_size().unwrap_or((80, 24));
    let lines: Vec<&str> = text.lines().collect();
    let first = lines.len().saturating_sub(rows.saturating_sub(2));
    let mut screen = String::from("\x1b[H");
    for line in &lines[first..] {
        screen.push_str(&neutralise::cut(line, columns));
        screen.push_str("\x1b[K\r\n");
    }
    let footer = fit(&format!("{title} · any key closes"), columns);
    screen.push_str(&format!("\x1b[J\x1b[{rows};1H\x1b[2m{footer}\x1b[0m"));
    let mut out = io::stdout().lock();
    out.write_all(screen.as_bytes())?;
    out.flush()
}
