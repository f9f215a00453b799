//! Strategic merge, as kustomize does it with the patches that are used here.

use serde_json::{Map, Value};

/// The field by which the items of a list are told apart; other lists are replaced as a whole.
fn merge_key(list: &str) -> Option<&'static str> {
    match list {
        "containers" | "env" | "volumes" | "imagePullSecrets" => Some("name"),
        "volumeMounts" => Some("mountPath"),
        _ => None,
    }
}

/// Put `patch` over `target`: mappings field by field, lists with a merge key item by item (items of the patch first, and
/// those with `$patch: delete` taken out), everything else whole.
pub fn strategic(target: &mut Value, patch: Value) {
    match (target, patch) {
        (Value::Object(target), Value::Object(patch)) => fields(target, patch),
        (target, patch) => *target = patch,
    }
}

fn fields(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, value) in patch {
        match (target.get_mut(&name), value) {
            (_, Value::Null) => drop(target.remove(&name)),
            (Some(Value::Array(there)), Value::Array(items)) => match merge_key(&name) {
                Some(key) => list(there, items, key),
                None => *there = items,
            },
            (Some(there), value) => strategic(there, value),
            (None, value) => drop(target.insert(name, value)),
        }
    }
}

fn list(target: &mut Vec<Value>, patch: Vec<Value>, key: &str) {
    let mut first = Vec::new();
    for item in patch {
        let place = target.iter().position(|there| there[key] == item[key]);
        let there = place.map(|place| target.remove(place));
        if item["$patch"] == "delete" {
            continue;
        }
        first.push(match there {
            Some(mut there) => {
                strategic(&mut there, item);
                there
            }
            None => item,
        });
    }
    target.splice(0..0, first);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_with_a_key_are_merged_and_others_replaced() {
        let mut target = json!({"containers": [
            {"name": "other"},
            {"name": "worker", "image": "old", "command": ["a", "b"], "env": [{"name": "A", "value": "1"}]},
        ]});
        let patch = json!({"containers": [
            {"name": "worker", "image": "new", "command": ["c"], "env": [{"name": "B", "value": "2"}]},
        ]});
        strategic(&mut target, patch);
        let worker = json!({"name": "worker", "image": "new", "command": ["c"], "env": [
            {"name": "B", "value": "2"}, {"name": "A", "value": "1"},
        ]});
        assert_eq!(target, json!({"containers": [worker, {"name": "other"}]}));
    }

    #[test]
    fn what_is_deleted_is_gone() {
        let mut target = json!({"volumeMounts": [{"mountPath": "/a"}, {"mountPath": "/b"}], "x": 1});
        strategic(&mut target, json!({"volumeMounts": [{"mountPath": "/a", "$patch": "delete"}], "x": null}));
        assert_eq!(target, json!({"volumeMounts": [{"mountPath": "/b"}]}));
    }
}
