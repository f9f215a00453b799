//! `envFrom`: the values of Secrets as a container's environment.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::core::Core;

/// The variables that a container takes from Secrets. A key that is no name of a variable is left out, as kubelets before
/// 1.34 do.
///
/// # Errors
/// A Secret that is not optional is missing: the kubelet's words for it.
pub fn env_from(core: &Core, pod: &Value, container: &Value) -> Result<Vec<(String, String)>, String> {
    let namespace = pod["metadata"]["namespace"].as_str().unwrap_or_default();
    let mut variables = Vec::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let Some(name) = source.pointer("/secretRef/name").and_then(Value::as_str) else { continue };
        match core.store.get(&core.resources.get("secrets"), namespace, name) {
            Ok(secret) => variables.extend(values(&secret)),
            Err(_) if source["secretRef"]["optional"] == true => {}
            Err(_) => return Err(format!("secret \"{name}\" not found")),
        }
    }
    Ok(variables)
}

fn values(secret: &Value) -> Vec<(String, String)> {
    let list = |field: &str| secret[field].as_object().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let decoded = |value: &Value| String::from_utf8(STANDARD.decode(text(value)).unwrap_or_default()).unwrap_or_default();
    let encoded = list("data").into_iter().map(|(name, value)| (name, decoded(&value)));
    let plain = list("stringData").into_iter().map(|(name, value)| (name, text(&value)));
    encoded.chain(plain).filter(|(name, _)| is_variable(name)).collect()
}

fn is_variable(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
