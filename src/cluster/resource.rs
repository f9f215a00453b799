//! Kinds of objects, as the API has them in its paths and as kubectl is told of them.

use crate::registry::names::ObjectName;

/// A kind of objects that are in namespaces.
#[derive(Debug, PartialEq, Eq)]
pub struct Resource {
    /// Where its group and version are: `api/v1`.
    group: &'static str,
    /// What it is called there.
    pub plural: &'static str,
    /// The same with its group, so that kubectl takes no other for it.
    pub kubectl: &'static str,
}

pub const PODS: Resource = Resource { group: "api/v1", plural: "pods", kubectl: "pods" };
pub const DEPLOYMENTS: Resource = Resource { group: "apis/apps/v1", plural: "deployments", kubectl: "deployments" };
pub const STATEFUL_SETS: Resource = Resource { group: "apis/apps/v1", plural: "statefulsets", kubectl: "statefulsets" };
/// Gas Town's agents, in the version in which we make them.
pub const POLECATS: Resource =
    Resource { group: "apis/gastown.gastown.io/v1alpha1", plural: "polecats", kubectl: "polecats.gastown.gastown.io" };

impl Resource {
    /// Where all of them are in the API.
    pub fn path(&self, namespace: &ObjectName) -> String {
        format!("/{}", self.below(namespace.as_str()))
    }

    /// The same without the slash that begins it, of a namespace or of an expression for some.
    pub(super) fn below(&self, namespaces: &str) -> String {
        format!("{}/namespaces/{namespaces}/{}", self.group, self.plural)
    }

    /// What kubectl calls one of them.
    pub fn target(&self, name: &ObjectName) -> String {
        format!("{}/{name}", self.kubectl)
    }
}
