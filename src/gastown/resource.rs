//! The custom resource of a new polecat. Only fields that the operator reads are in it.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::registry::names::ObjectName;

/// What a container asks for, and the most that it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// CPU and memory.
    pub requests: (&'static str, &'static str),
    pub limits: (&'static str, &'static str),
}

/// How its agent proves who it is: the Secret with a login, or the Secret and key with an API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Login {
    Claude(ObjectName),
    ApiKey(ObjectName, String),
}

/// A polecat that is to be. Its texts are checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    pub name: ObjectName,
    pub namespace: Option<ObjectName>,
    pub rig: String,
    pub bead: String,
    pub task: String,
    pub repository: String,
    pub branch: String,
    pub work_branch: Option<String>,
    pub git_secret: ObjectName,
    pub login: Login,
    pub image: Option<String>,
    pub resources: Resources,
    pub deadline: Duration,
}

/// As `polecats.gastown.gastown.io/v1alpha1` wants it.
pub fn resource(order: &Order) -> Value {
    let mut kubernetes = Map::new();
    let mut set = |key: &str, value: Value| drop(kubernetes.insert(key.to_owned(), value));
    set("gitRepository", json!(order.repository));
    set("gitBranch", json!(order.branch));
    if let Some(branch) = &order.work_branch {
        set("workBranch", json!(branch));
    }
    set("gitSecretRef", json!({ "name": order.git_secret }));
    match &order.login {
        Login::Claude(secret) => set("claudeCredsSecretRef", json!({ "name": secret })),
        Login::ApiKey(secret, key) => set("apiKeySecretRef", json!({ "name": secret, "key": key })),
    }
    if let Some(image) = &order.image {
        set("image", json!(image));
    }
    set("resources", resources(order.resources));
    set("activeDeadlineSeconds", json!(order.deadline.as_secs()));
    let mut metadata = Map::from_iter([("name".to_owned(), json!(order.name))]);
    metadata.extend(order.namespace.iter().map(|namespace| ("namespace".to_owned(), json!(namespace))));
    json!({
        "apiVersion": "gastown.gastown.io/v1alpha1",
        "kind": "Polecat",
        "metadata": metadata,
        "spec": {
            "rig": order.rig,
            "desiredState": "Working",
            "beadID": order.bead,
            "taskDescription": order.task,
            "executionMode": "kubernetes",
            "agent": "claude-code",
            "kubernetes": kubernetes,
        },
    })
}

fn resources(resources: Resources) -> Value {
    let pair = |(cpu, memory): (&str, &str)| json!({ "cpu": cpu, "memory": memory });
    json!({ "requests": pair(resources.requests), "limits": pair(resources.limits) })
}
