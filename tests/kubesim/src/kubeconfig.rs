//! kubeconfig files for simulated clusters.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::access::Login;
use crate::cluster::Cluster;

/// A kubeconfig with as many contexts as a test needs; the first one is the current one.
#[derive(Debug, Clone, Default)]
#[must_use = "it is not written yet"]
pub struct Kubeconfig {
    contexts: Vec<Value>,
    clusters: Vec<Value>,
    users: Vec<Value>,
}

impl Kubeconfig {
    pub fn new() -> Self {
        Self::default()
    }

    /// A context on a cluster, over plain HTTP, in the namespace `default`.
    pub fn context(self, name: &str, cluster: &Cluster) -> Self {
        self.entry(name, json!({ "server": cluster.url() }), json!({}))
    }

    /// A context on a cluster over TLS, with somebody's token.
    pub fn login(self, name: &str, cluster: &Cluster, login: &Login) -> Self {
        self.secure(name, cluster, json!({ "token": login.token }))
    }

    /// A context on a cluster over TLS, with any `user`, e.g. one whose login plugin fails.
    pub fn secure(self, name: &str, cluster: &Cluster, user: Value) -> Self {
        let authority = STANDARD.encode(cluster.authority());
        self.entry(name, json!({ "server": cluster.secure_url(), "certificate-authority-data": authority }), user)
    }

    /// Let the namespace of the latest context be this one.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        if let Some(context) = self.contexts.last_mut() {
            context["context"]["namespace"] = json!(namespace);
        }
        self
    }

    /// A context whose cluster is gone: connections to it are refused.
    pub fn dead_context(self, name: &str) -> Self {
        // A port that only root could listen on, and nobody does; a free one might be another test's a moment later.
        self.entry(name, json!({ "server": "http://127.0.0.1:1" }), json!({}))
    }

    /// A context with any `cluster` and `user`.
    pub fn entry(mut self, name: &str, cluster: Value, user: Value) -> Self {
        self.clusters.push(json!({ "name": name, "cluster": cluster }));
        self.users.push(json!({ "name": name, "user": user }));
        self.contexts.push(json!({ "name": name, "context": { "cluster": name, "user": name } }));
        self
    }

    /// # Panics
    /// The file cannot be written.
    pub fn write(&self, path: &Path) {
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": self.contexts.first().map(|context| &context["name"]),
            "clusters": self.clusters,
            "users": self.users,
            "contexts": self.contexts,
        });
        fs::write(path, format!("{text:#}\n")).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}
