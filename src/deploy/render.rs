//! The objects of a worker, from the embedded files and the options of the command line.

use anyhow::Result;
use serde_json::{Map, Value, json};

use super::names::Names;
use super::present::Present;
use super::quantity::{Quantity, Share};
use super::{files, keep, merge};
use crate::registry::names::{ObjectName, WorkerName};

/// The container that the sessions are in.
pub const CONTAINER: &str = "worker";

/// The label of a namespace that says which pods it takes
/// (https://kubernetes.io/docs/concepts/security/pod-security-admission).
pub const LEVEL: &str = "pod-security.kubernetes.io/enforce";

/// How a worker is to be. What is `None` is as it is, or as the files say.
#[derive(Debug, Clone)]
pub struct Shape {
    pub namespace: ObjectName,
    pub image: Option<String>,
    pub storage: Option<Quantity>,
    pub cpu: Option<Share>,
    pub memory: Option<Share>,
    /// Without Docker and privileges, instead of with both.
    pub restricted: bool,
}

/// The objects of a worker in the order in which they are applied, without its Secret. What is there of it is the default of
/// what the shape does not say.
///
/// # Errors
/// An embedded file cannot be used; the tests prove that this does not happen.
pub fn objects(worker: &WorkerName, shape: &Shape, present: &Present) -> Result<Vec<Value>> {
    let mut objects = files::objects(worker.as_str(), shape.restricted)?;
    let same_variant = present.restricted().is_none_or(|restricted| restricted == shape.restricted);
    for object in &mut objects {
        object["metadata"]["namespace"] = json!(shape.namespace);
        if let Some(live) = present.of_kind(&object["kind"]) {
            let replicas = object["spec"].get("replicas").cloned();
            if same_variant {
                keep::what_others_set(object, live);
            }
            keep::sizes(object, live);
            if let Some(replicas) = replicas {
                // A worker that was parked is woken.
                object["spec"]["replicas"] = replicas;
            }
        }
        let patch = match object["kind"].as_str() {
            Some("Deployment") => deployment(shape),
            Some("PersistentVolumeClaim") => claim(shape),
            _ => continue,
        };
        merge::strategic(object, patch);
    }
    Ok(objects)
}

fn deployment(shape: &Shape) -> Value {
    let mut container = json!({ "name": CONTAINER });
    if let Some(image) = &shape.image {
        container["image"] = json!(image);
    }
    for (what, share) in [("cpu", &shape.cpu), ("memory", &shape.memory)] {
        if let Some(share) = share {
            container["resources"]["requests"][what] = json!(share.request.to_string());
            container["resources"]["limits"][what] = json!(share.limit.to_string());
        }
    }
    json!({ "spec": { "template": { "spec": { "containers": [container] } } } })
}

fn claim(shape: &Shape) -> Value {
    match &shape.storage {
        Some(storage) => json!({ "spec": { "resources": { "requests": { "storage": storage.to_string() } } } }),
        None => json!({}),
    }
}

/// The namespace. One that is made for restricted workers holds no others.
///
/// # Errors
/// As [`objects`].
pub fn namespace(shape: &Shape) -> Result<Value> {
    let mut namespace = files::namespace()?;
    namespace["metadata"]["name"] = json!(shape.namespace);
    if shape.restricted {
        namespace["metadata"]["labels"][LEVEL] = json!("restricted");
    }
    Ok(namespace)
}

/// The worker's Secret with these values, which are base64 already.
///
/// # Errors
/// As [`objects`].
pub fn secret(worker: &WorkerName, shape: &Shape, data: Map<String, Value>) -> Result<Value> {
    let mut secret = files::secret(worker.as_str())?;
    secret["metadata"]["namespace"] = json!(shape.namespace);
    if let Some(fields) = secret.as_object_mut() {
        fields.remove("stringData");
        fields.insert("data".to_owned(), data.into());
    }
    Ok(secret)
}

/// The values of the Secret that the template itself has: those that are no placeholders.
///
/// # Errors
/// As [`objects`].
pub fn default_secrets() -> Result<Vec<(String, String)>> {
    let template = files::secret("")?;
    let values = template["stringData"].as_object().into_iter().flatten();
    let given = values.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())));
    Ok(given.filter(|(_, value)| !value.starts_with('<')).collect())
}

/// What labels an object of ours has.
pub fn is_ours(object: &Value) -> bool {
    object["metadata"]["labels"].get(super::names::LABEL).is_some()
}

/// Names as kubectl takes them: `deployment/factory-worker-1`.
/// All but the Secret.
pub fn targets(names: &Names) -> Vec<String> {
    let name = &names.deployment;
    let mut targets = vec![format!("deployment/{name}"), format!("networkpolicy/{name}"), format!("serviceaccount/{name}")];
    targets.push(format!("persistentvolumeclaim/{}", names.data()));
    targets
}
