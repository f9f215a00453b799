//! The operator's tmux: every call, and which window shows which session.
