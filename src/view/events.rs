//! What a view's threads tell it.

use std::io;
use std::sync::mpsc::Sender;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::connection::probe::Sight;
use super::plan::Answer;
use super::terminal::input::InputEvent;
use crate::cluster::login::Turn;
use crate::cluster::pod::Start;
use crate::failure::Failure;
use crate::registry::identity::SessionIdentity;
use crate::registry::names::SessionName;

/// What a login plugin does on the terminal, of a question's.
#[derive(Debug)]
pub enum Borrowing {
    /// It may ask when it is told that it has it.
    Begins(Sender<()>),
    Says(Vec<u8>),
    Ends,
}

/// Something that happened outside. Numbers say of which child or question.
#[derive(Debug)]
pub enum ViewEvent {
    Signal(Signal),
    /// A child wrote on standard error.
    Said(u32, Vec<u8>),
    /// A child is gone; its exit status, 128 + N for signal N, as shells say it.
    Ended(u32, io::Result<i32>),
    /// From the terminal, while nobody else reads it.
    Input(InputEvent),
    Answered(u32, Answer),
    /// A question needs the terminal, has something to be shown on it, or needs it no more.
    Borrows(u32, Borrowing),
    /// Whether the worker has let the client draw its screen anew over a child's connection; `None`: it could not be asked.
    Redrawn(u32, Option<bool>),
    /// Whether a child's client is in the session.
    There(u32, Result<bool, Failure>),
    /// Of the way to the API server.
    Seen(Sight),
    /// Which session a child's client is in, and what that is called; `None`: in none.
    InSession(u32, Result<Option<(SessionIdentity, SessionName)>, Failure>),
    /// A worker on this machine was asked what its sessions are called; it took so long.
    Named(Duration),
    /// Leave to log in, or why there is none.
    Turn(u32, Result<Turn, Failure>),
    /// Which start of its container a child's command runs in.
    In(u32, Result<Start, Failure>),
}
