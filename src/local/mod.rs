//! The operator's tmux: every call, and which window shows which session.

pub mod escape;
pub mod ids;
pub mod popup;
pub mod tmux;
pub mod version;
pub mod windows;
