//! What there is of a worker already, and that it is nobody else's.

use std::time::Instant;

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::names::Names;
use super::render::{self, CONTAINER};
use crate::cluster::Cluster;
use crate::exit::{Code, Problem};
use crate::failure::Failure;

/// The objects of a worker that are there. It holds the values of its Secret and cannot be printed.
#[derive(Default)]
pub struct Present {
    objects: Vec<Value>,
    /// The `data` of its Secret; `None` when there is no Secret.
    pub secret: Option<Map<String, Value>>,
}

impl Present {
    /// Look at what there is under the names of a worker's objects.
    ///
    /// # Errors
    /// Something of that name is somebody else's; or the cluster did not say.
    pub fn look(cluster: &Cluster, names: &Names, deadline: Instant) -> Result<Self> {
        let objects = cluster.present(&render::targets(names), deadline)?;
        if let Some(theirs) = objects.iter().find(|object| !names.has(object)) {
            return Err(not_ours(cluster, &target(theirs), names).into());
        }
        let secret = match secret(cluster, names, deadline)? {
            Secret::Theirs => return Err(not_ours(cluster, &format!("secret/{}", names.secrets()), names).into()),
            Secret::Ours(data) => Some(data),
            Secret::Nobodys => None,
        };
        Ok(Self { objects, secret })
    }

    pub fn of_kind(&self, kind: &Value) -> Option<&Value> {
        self.objects.iter().find(|object| object["kind"] == *kind)
    }

    pub fn deployment(&self) -> Option<&Value> {
        self.of_kind(&json!("Deployment"))
    }

    /// Whether it is without privileges; `None` when there is none yet.
    pub fn restricted(&self) -> Option<bool> {
        let containers = self.deployment()?["spec"]["template"]["spec"]["containers"].as_array()?;
        let container = containers.iter().find(|container| container["name"] == CONTAINER)?;
        Some(container["securityContext"]["privileged"] != true)
    }
}

/// Whose a Secret is.
pub enum Secret {
    /// There is none.
    Nobodys,
    /// With its `data`.
    Ours(Map<String, Value>),
    Theirs,
}

/// Whose the Secret of a worker is.
///
/// Who makes workers may write Secrets and not read them.
///
/// # Errors
/// The cluster refuses it, or did not say.
pub fn secret(cluster: &Cluster, names: &Names, deadline: Instant) -> Result<Secret, Failure> {
    Ok(match cluster.look_at("Secret", &names.secrets(), deadline)? {
        None => Secret::Nobodys,
        Some(object) if names.has(&object) => Secret::Ours(object["data"].as_object().cloned().unwrap_or_default()),
        Some(_) => Secret::Theirs,
    })
}

/// `deployment/NAME`
pub fn target(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]).to_lowercase(), text(&object["metadata"]["name"]))
}

fn not_ours(cluster: &Cluster, target: &str, names: &Names) -> Problem {
    let label = names.label();
    let what = format!("{target} is there already and somebody else's: it lacks the label {label}");
    let kubectl = cluster.words();
    let remedy =
        format!("choose another name; or, if it is yours to give, `{kubectl} label {target} {label}` makes it the worker's");
    Problem::new(Code::Failed, what, remedy)
}
