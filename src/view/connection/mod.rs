//! The connection of a view, without a byte of it passing through us: how old its last byte is, whether the way to the API
//! server is there, and whether the node behind a living one answers.

pub mod clock;
pub mod family;
mod inet_diag;
pub mod liveness;
pub mod probe;
pub mod socket_age;
