//! Kubernetes as we reach it: kubectl's command line and its words, `kubectl proxy`, logins, proxies on the way, and which
//! pod a worker means.

mod endpoint;
mod http_proxy;
pub mod kubectl;
pub mod kubectl_error;
pub mod kubectl_proxy;
pub mod login;
pub mod objects;
pub mod pod;
mod run;

pub use kubectl::Cluster;
pub use run::{Input, learn_from};
