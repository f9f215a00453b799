//! What stays of an object that is there: its sizes, and whatever somebody else has set.
//!
//! Who has set a field is in `metadata.managedFields`: a tree with `f:NAME` for a field and `k:{"name":"x"}` for an item of a
//! list whose items have a key (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management).

use serde_json::{Map, Value, json};

use super::render::CONTAINER;
use crate::cluster::objects::MANAGER;

/// Let `wanted` have what `live` has in the fields that others have set.
pub fn what_others_set(wanted: &mut Value, live: &Value) {
    for entry in live["metadata"]["managedFields"].as_array().into_iter().flatten() {
        let ours = entry["manager"] == MANAGER && entry["operation"] == "Apply";
        if !ours && entry["subresource"].as_str().unwrap_or_default().is_empty() {
            fields(wanted, live, &entry["fieldsV1"]);
        }
    }
}

/// Let `wanted` have the image and the sizes of `live`, whoever has set them.
pub fn sizes(wanted: &mut Value, live: &Value) {
    let container = format!("k:{}", json!({ "name": CONTAINER }));
    let pod = json!({ "f:containers": { container: { "f:image": {}, "f:resources": {} } } });
    fields(wanted, live, &json!({ "f:spec": { "f:resources": {}, "f:template": { "f:spec": pod } } }));
}

fn fields(wanted: &mut Value, live: &Value, set: &Value) {
    for (name, below) in set.as_object().into_iter().flatten() {
        if let Some(field) = name.strip_prefix("f:") {
            if let (Some(wanted), Some(live)) = (wanted.get_mut(field), live.get(field)) {
                value(wanted, live, below);
            }
        } else if let Some(key) = name.strip_prefix("k:").and_then(|key| serde_json::from_str(key).ok())
            && let (Some(wanted), Some(live)) = (item_mut(wanted, &key), item(live, &key))
        {
            value(wanted, live, below);
        }
    }
}

fn value(wanted: &mut Value, live: &Value, below: &Value) {
    // `.` below a field says only that somebody wants it to be there.
    match below.as_object().is_none_or(Map::is_empty) {
        true => *wanted = live.clone(),
        false => fields(wanted, live, below),
    }
}

fn is_item(item: &Value, key: &Map<String, Value>) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}

fn item<'a>(list: &'a Value, key: &Map<String, Value>) -> Option<&'a Value> {
    list.as_array()?.iter().find(|item| is_item(item, key))
}

fn item_mut<'a>(list: &'a mut Value, key: &Map<String, Value>) -> Option<&'a mut Value> {
    list.as_array_mut()?.iter_mut().find(|item| is_item(item, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(image: &str, grace: &str) -> Value {
        let env = json!([{"name": "FACTORY_GRACE", "value": grace}]);
        json!({"name": "worker", "image": image, "env": env, "resources": {"limits": {"cpu": image}}})
    }

    fn deployment(container: &Value, managed: &Value) -> Value {
        json!({
            "metadata": {"managedFields": managed},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [container]}}},
        })
    }

    #[test]
    fn what_others_set_stays_and_what_we_set_does_not() {
        let theirs = json!({"f:spec": {"f:template": {"f:spec": {"f:containers": {r#"k:{"name":"worker"}"#: {
            ".": {}, "f:env": {".": {}, r#"k:{"name":"FACTORY_GRACE"}"#: {".": {}, "f:name": {}, "f:value": {}}},
        }}}}}});
        let ours = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            r#"k:{"name":"worker"}"#: {"f:image": {}},
        }}}}});
        let managed = json!([
            {"manager": "kubectl-set", "operation": "Update", "fieldsV1": theirs},
            {"manager": MANAGER, "operation": "Apply", "fieldsV1": ours},
            {"manager": "kubectl", "operation": "Update", "subresource": "scale", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
        ]);
        let mut live = deployment(&container("theirs", "120"), &managed);
        live["spec"]["replicas"] = json!(0);
        let mut wanted = deployment(&container("ours", "30"), &json!([]));
        what_others_set(&mut wanted, &live);
        assert_eq!(wanted, deployment(&container("ours", "120"), &json!([])));
    }

    #[test]
    fn sizes_stay_whoever_has_set_them() {
        let mut wanted = deployment(&container("ours", "30"), &json!([]));
        sizes(&mut wanted, &deployment(&container("theirs", "120"), &json!([])));
        assert_eq!(wanted, deployment(&container("theirs", "30"), &json!([])));
        let claim = |size: &str| json!({"spec": {"resources": {"requests": {"storage": size}}}});
        let mut wanted = claim("20Gi");
        sizes(&mut wanted, &claim("50Gi"));
        assert_eq!(wanted, claim("50Gi"));
    }
}
