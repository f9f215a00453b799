//! The operator's tmux: every call, and which window shows which session.

pub mod escape;
pub mod ids;
pub mod keys;
pub mod message;
pub mod tmux;
pub mod version;
pub mod windows;
