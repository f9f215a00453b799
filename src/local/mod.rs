//! The operator's tmux: every call, and which window shows which session.

pub mod escape;
mod exact;
pub mod hand_on;
pub mod ids;
pub mod keys;
pub mod message;
pub mod program;
pub mod replay;
pub mod shown_in;
pub mod tmux;
pub mod version;
mod window_name;
pub mod windows;
