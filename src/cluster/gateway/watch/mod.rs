//! Watches through a gateway: what becomes of objects, as it happens.

mod following;
mod line;
pub mod pods;

pub use following::{Following, Told, Which};
pub use line::{Change, Over};
