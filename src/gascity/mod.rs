//! Gas City's provider protocols: its agents' sessions and its events, kept in Kubernetes as its own scripts keep them.

pub mod events;
pub mod kubectl;
mod label;
pub mod session;
pub mod time;
pub mod variables;
