//! The hub: one process of the operator's that follows all workers, so that nobody has to ask them; and how they are followed, with
//! or without it.

mod bell;
pub mod board;
pub mod client;
mod exec;
pub mod fleet;
pub mod guide;
mod link;
mod lock;
mod lookout;
pub mod moment;
mod order;
mod patient;
mod plan;
mod pods;
mod request;
mod serve;
mod served;
mod socket;
pub mod start;
mod surroundings;
pub mod wire;

use crate::cluster::{gateway, login};
use crate::failure::Failure;

pub use serve::run;

/// Whether a failure is one of the hub alone, which holds nobody behind a login or by a kubectl of its own: who asks by himself may
/// well get an answer.
pub fn says_nothing(failure: &Failure) -> bool {
    login::is_unasked(failure) || gateway::is_not_held(failure)
}
