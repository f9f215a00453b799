//! Claims of volumes: bound at once with the size that is asked for, never to shrink, and to grow when the volumes can.

use serde_json::{Value, json};

use crate::core::Core;
use crate::resources::Kind;
use crate::status::Status;

/// What a new claim has got.
pub fn bind(claim: &mut Value) {
    claim["status"] = json!({ "phase": "Bound", "capacity": { "storage": asked(claim) } });
}

/// Let a claim ask for another size than before.
///
/// # Errors
/// 403 and 422 with the words of a real API server (1.32): the order of the checks is its own, too.
pub fn resize(core: &Core, kind: &Kind, before: &Value, after: &Value) -> Result<(), Status> {
    let name = after["metadata"]["name"].as_str().unwrap_or_default();
    let size = |value: &Value| bytes(value.as_str().unwrap_or_default());
    let (old, new) = (size(&asked(before)), size(&asked(after)));
    if new > old && !core.settings().volumes_grow {
        let why =
            "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
        return Err(Status::not_admitted(kind, name, why));
    }
    if new < size(&before["status"]["capacity"]["storage"]) {
        let why = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity";
        return Err(Status::invalid(kind, name, why));
    }
    Ok(())
}

fn asked(claim: &Value) -> Value {
    claim["spec"]["resources"]["requests"]["storage"].clone()
}

/// `20Gi`; what is not written so is nothing.
fn bytes(quantity: &str) -> u64 {
    let end = quantity.find(|c: char| !c.is_ascii_digit()).unwrap_or(quantity.len());
    let (number, suffix) = quantity.split_at(end);
    let power = ["", "Ki", "Mi", "Gi", "Ti"].iter().position(|known| *known == suffix).unwrap_or(0);
    number.parse::<u64>().unwrap_or(0) << (10 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_by_what_they_mean() {
        assert!(bytes("20Gi") < bytes("50Gi") && bytes("1Gi") == bytes("1024Mi") && bytes("5Mi") < bytes("1Gi"));
    }
}
