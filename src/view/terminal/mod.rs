//! The operator's terminal while a view is down: what is shown, which keys count, and how it is put back.

pub mod down;
pub mod input;
pub mod keys;
mod notice;
mod overlay;
pub mod restore;
