//! Where Gas City keeps its things, by the environment variables of its scripts.

use std::env;

use crate::cluster::Cluster;
use crate::exit::{Code, Problem};
use crate::registry::names::ObjectName;

const CONTEXT: &str = "GC_K8S_CONTEXT";
const NAMESPACE: &str = "GC_K8S_NAMESPACE";
const DEFAULT_NAMESPACE: &str = "gc";

/// A variable that is set to something.
pub fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The city's cluster and namespace.
///
/// # Errors
/// The namespace is no name of one.
pub fn cluster() -> Result<(Cluster, ObjectName), Problem> {
    let name = variable(NAMESPACE).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
    let namespace: ObjectName = name.parse().map_err(|error| {
        Problem::new(Code::Failed, format!("{NAMESPACE}: {error}"), format!("set {NAMESPACE} to a namespace"))
    })?;
    let cluster = Cluster { kubeconfig: None, context: variable(CONTEXT), namespace: Some(namespace.clone()) };
    Ok((cluster, namespace))
}
