//! The files of `deploy/k8s`, in the binary: there is one source for `kubectl apply -k` and for us.

use anyhow::{Context, Result};
use serde_json::Value;

use super::merge;

macro_rules! file {
    ($path:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/k8s/", $path))
    };
}

/// Base and overlay of each object, in the order in which they are applied: the volume first, since of all of them a cluster
/// refuses it most easily, and then nothing has become another.
const OBJECTS: [(&str, &str); 4] = [
    (file!("base/pvc.yaml"), file!("worker-1/pvc.yaml")),
    (file!("base/serviceaccount.yaml"), file!("worker-1/serviceaccount.yaml")),
    (file!("base/networkpolicy.yaml"), file!("worker-1/networkpolicy.yaml")),
    (file!("base/deployment.yaml"), file!("worker-1/deployment.yaml")),
];
const DOCKER: &str = file!("components/docker/deployment.yaml");
const RESTRICTED: &str = file!("components/restricted/deployment.yaml");
const SECRET: &str = file!("worker-1/secret.template.yaml");
const NAMESPACE: &str = file!("namespace.yaml");

/// The worker for which the overlay is written.
const EXAMPLE: &str = "worker-1";

/// The objects of the worker called `name`, but its Secret: the base, the component, and the overlay with its name.
///
/// # Errors
/// A file is no YAML; the tests prove that none is not.
pub fn objects(name: &str, restricted: bool) -> Result<Vec<Value>> {
    let component = parse(if restricted { RESTRICTED } else { DOCKER })?;
    let made = OBJECTS.iter().map(|(base, overlay)| {
        let mut object = parse(base)?;
        if object["kind"] == component["kind"] {
            // Its name is only there because kubectl wants a patch to have one.
            merge::strategic(&mut object, without_name(component.clone()));
        }
        merge::strategic(&mut object, renamed(parse(overlay)?, name));
        Ok(object)
    });
    made.collect()
}

/// The Secret's template, with its placeholders.
///
/// # Errors
/// As [`objects`].
pub fn secret(name: &str) -> Result<Value> {
    Ok(renamed(parse(SECRET)?, name))
}

/// The namespace.
///
/// # Errors
/// As [`objects`].
pub fn namespace() -> Result<Value> {
    parse(NAMESPACE)
}

fn parse(text: &str) -> Result<Value> {
    serde_yaml::from_str(text).with_context(|| format!("an embedded manifest is no YAML: {text}"))
}

fn without_name(mut patch: Value) -> Value {
    if let Some(fields) = patch.as_object_mut() {
        fields.remove("metadata");
    }
    patch
}

/// What a copy of the example's directory becomes when its name is replaced.
fn renamed(value: Value, name: &str) -> Value {
    match value {
        Value::String(text) => text.replace(EXAMPLE, name).into(),
        Value::Array(list) => list.into_iter().map(|item| renamed(item, name)).collect(),
        Value::Object(fields) => fields.into_iter().map(|(key, value)| (key, renamed(value, name))).collect(),
        other => other,
    }
}
