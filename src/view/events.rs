//! What a view's threads tell it.

use std::io;

use nix::sys::signal::Signal;

use super::connection::probe::Sight;
use super::plan::Answer;
use super::terminal::input::InputEvent;
use crate::cluster::login::Turn;
use crate::cluster::pod::Start;
use crate::failure::Failure;

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
    /// Whether the worker has let the client draw its screen anew over a child's connection; `None`: it could not be asked.
    Redrawn(u32, Option<bool>),
    /// Whether a child's client is in the session.
    There(u32, Result<bool, Failure>),
    /// Of the way to the API server.
    Seen(Sight),
    /// Leave to log in, or why there is none.
    Turn(u32, Result<Turn, Failure>),
    /// Which start of its container a child's command runs in.
    In(u32, Result<Start, Failure>),
}
