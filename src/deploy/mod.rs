//! Workers on Kubernetes: what `deploy/k8s` describes, rendered, applied and watched until it runs.

pub mod diagnosis;
pub mod difference;
pub mod env_file;
mod files;
mod keep;
pub mod leftovers;
pub mod merge;
pub mod names;
pub mod present;
pub mod quantity;
pub mod render;
pub mod rollout;
pub mod secret;
pub mod yaml;
