//! The hub: one process of the operator's that follows all workers, so that nobody has to ask them; and how they are followed, with
//! or without it.

mod bell;
pub mod board;
pub mod client;
mod exec;
pub mod fleet;
pub mod guide;
mod link;
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

pub use serve::run;
