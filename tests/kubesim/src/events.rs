//! Events: what happens to a pod, told to whoever asks for it.

use serde_json::{Value, json};

use crate::core::Core;
use crate::store::now;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Normal,
    Warning,
}

/// Tell that something happened to an object. In a namespace that is gone nobody hears it.
pub fn tell(core: &Core, about: &Value, weight: Weight, reason: &str, message: &str) {
    let metadata = &about["metadata"];
    let namespace = metadata["namespace"].as_str().unwrap_or_default();
    let name = metadata["name"].as_str().unwrap_or_default();
    let now = now();
    let event = json!({
        "metadata": { "generateName": format!("{name}.") },
        "involvedObject": {
            "apiVersion": about["apiVersion"], "kind": about["kind"], "name": name, "namespace": namespace, "uid": metadata["uid"],
        },
        "type": match weight {
            Weight::Normal => "Normal",
            Weight::Warning => "Warning",
        },
        "reason": reason,
        "message": message,
        "count": 1,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "source": { "component": "kubelet", "host": "kubesim" },
    });
    let _ = core.store.create(&core.resources.get("events"), namespace, event);
}
