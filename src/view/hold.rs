//! A window that has something to say and no session to show: it stays until somebody who has read it presses a key.

use std::io;
use std::sync::mpsc;
use std::time::Duration;

use super::connection::clock::Clock;
use super::terminal::input::{Input, InputEvent};
use super::terminal::keys::{Key, Keys};
use super::terminal::restore::{Last, Terminal, write};
use crate::terminal::style::Style;

/// Which key it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Again,
    Close,
}

/// Say below what is on the terminal which keys there are, and wait for one that counts: `Q`, which closes, or Enter where
/// something can be tried `again`. Nothing that was typed before, or is typed meanwhile, goes anywhere.
///
/// # Errors
/// There is no terminal.
pub fn hold(again: bool) -> io::Result<Choice> {
    let terminal = Terminal::remember()?;
    terminal.keep_title();
    let hint = if again { "Enter tries again · Q closes this window" } else { "Q closes this window" };
    write(&format!("\n{}\n", Style::Dim.paint(&format!("[{hint}]"))));
    terminal.quiet();
    let choice = wait(again);
    terminal.restore(Last::Tidy);
    choice
}

fn wait(again: bool) -> io::Result<Choice> {
    let clock = Clock::start();
    let mut keys = Keys::new(clock.now());
    let (sender, heard) = mpsc::channel();
    let _input = Input::start(move |event| drop(sender.send(event)))?;
    loop {
        let pause = keys.due().map_or(Duration::from_secs(60), |due| due.saturating_sub(clock.now()));
        let key = match heard.recv_timeout(pause) {
            Ok(InputEvent::Keys(bytes)) => keys.hear(&bytes, clock.now()),
            Ok(InputEvent::Resized) | Err(mpsc::RecvTimeoutError::Timeout) => keys.settle_key(clock.now()),
            Err(mpsc::RecvTimeoutError::Disconnected) => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        match key {
            Some(Key::Close) => return Ok(Choice::Close),
            Some(Key::Now) if again => return Ok(Choice::Again),
            _ => {}
        }
    }
}
