//! Kubernetes as we reach it: kubectl's command line and its words, `kubectl proxy`, logins, proxies on the way, and which
//! pod a worker means.

mod endpoint;
pub mod gateway;
mod http_proxy;
pub mod kubectl;
pub mod kubectl_error;
mod kubectl_questions;
pub mod login;
pub mod objects;
pub mod pod;
pub mod refusal;
mod remedies;
pub mod resource;
mod run;

pub use kubectl::Cluster;
pub use run::{Input, learn_from};
