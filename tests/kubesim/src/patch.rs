//! Patches: JSON merge (RFC 7386), JSON patch (RFC 6902) and Kubernetes' strategic merge.

use serde_json::{Map, Value};

use crate::status::Status;

/// Merge `patch` into `target`: `null` removes, objects merge, everything else replaces.
pub fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in changes {
        if change.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), change);
        }
    }
}

/// What tells the items of a list apart, by the list's name; `None` for lists that are replaced as a whole.
///
/// From the patchMergeKey marks of the API's types; the name and the items decide, since lists of one name mean the same here.
pub fn merge_key(list: &str, items: &[Value]) -> Option<&'static str> {
    let all_have = |key: &str| items.iter().all(|item| item.get(key).is_some());
    let key = match list {
        "containers" | "initContainers" | "ephemeralContainers" | "volumes" | "env" | "imagePullSecrets" | "secrets" => "name",
        "volumeMounts" => "mountPath",
        "volumeDevices" => "devicePath",
        "ownerReferences" => "uid",
        "conditions" => "type",
        "hostAliases" => "ip",
        "topologySpreadConstraints" => "topologyKey",
        "ports" if all_have("containerPort") => "containerPort",
        "ports" if items.iter().any(|item| item.get("targetPort").is_some()) => "port",
        _ => return None,
    };
    (items.iter().all(Value::is_object) && all_have(key)).then_some(key)
}

/// Merge `patch` into `target` as [`merge`] does, but lists whose items have a key item by item, and obey `$patch`.
pub fn strategic(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if changes.get("$patch").is_some_and(|word| word == "replace") || !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(fields) = target else { return };
    for (name, change) in changes {
        if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
            delete_from(fields.get_mut(list), change);
            continue;
        }
        if let Some(keys) = change.as_array().filter(|_| name == "$retainKeys") {
            fields.retain(|field, _| keys.iter().any(|key| key == field));
        }
        if name.starts_with('$') {
            continue; // $setElementOrder only says how a list is sorted
        }
        match change {
            Value::Null => drop(fields.remove(name)),
            Value::Object(_) => strategic(fields.entry(name.clone()).or_insert(Value::Null), change),
            Value::Array(items) => strategic_list(fields.entry(name.clone()).or_insert(Value::Null), name, items),
            _ => drop(fields.insert(name.clone(), change.clone())),
        }
    }
}

fn strategic_list(target: &mut Value, name: &str, changes: &[Value]) {
    let real: Vec<Value> = changes.iter().filter(|item| item.get("$patch").is_none()).cloned().collect();
    let replaces = changes.iter().any(|item| item.get("$patch").is_some_and(|word| word == "replace"));
    let key = merge_key(name, &real).or_else(|| changes.first().and_then(|item| merge_key(name, std::slice::from_ref(item))));
    let (Value::Array(items), Some(key), false) = (&mut *target, key, replaces) else {
        *target = merged_primitives(target, name, real);
        return;
    };
    for change in changes {
        let same = |item: &Value| item.get(key) == change.get(key);
        if change.get("$patch").is_some_and(|word| word == "delete") {
            items.retain(|item| !same(item));
        } else if let Some(item) = items.iter_mut().find(|item| same(item)) {
            strategic(item, change);
        } else {
            items.push(change.clone());
        }
    }
}

/// Finalizers are a set; other lists of plain values are replaced.
fn merged_primitives(target: &Value, name: &str, new: Vec<Value>) -> Value {
    let mut items = match target {
        Value::Array(items) if name == "finalizers" => items.clone(),
        _ => return Value::Array(new),
    };
    items.extend(new.into_iter().filter(|item| !target.as_array().is_some_and(|there| there.contains(item))));
    Value::Array(items)
}

fn delete_from(list: Option<&mut Value>, values: &Value) {
    if let (Some(Value::Array(items)), Value::Array(values)) = (list, values) {
        items.retain(|item| !values.contains(item));
    }
}

/// Do the steps of a JSON patch.
///
/// # Errors
/// 422: a step names something that is not there, or a test fails.
pub fn steps(target: &mut Value, patch: &Value) -> Result<(), Status> {
    let steps = patch.as_array().ok_or_else(|| Status::bad_request("a JSON patch is a list"))?;
    for step in steps {
        let impossible =
            || Status::bad_request(format!("the server rejected our request due to an error in our request: {step}"));
        let path = step["path"].as_str().ok_or_else(impossible)?;
        let (parent, last) = path.rsplit_once('/').ok_or_else(impossible)?;
        let last = last.replace("~1", "/").replace("~0", "~");
        let parent = target.pointer_mut(parent).ok_or_else(impossible)?;
        let value = step.get("value").cloned().unwrap_or_default();
        match (step["op"].as_str().unwrap_or_default(), parent) {
            ("add" | "replace", Value::Object(fields)) => drop(fields.insert(last, value)),
            ("remove", Value::Object(fields)) => drop(fields.remove(&last).ok_or_else(impossible)?),
            ("test", parent) if field(parent, &last) == Some(&value) => {}
            ("add", Value::Array(items)) if last == "-" => items.push(value),
            (op, Value::Array(items)) => {
                let at: usize = last.parse().map_err(|_| impossible())?;
                match op {
                    "add" if at <= items.len() => items.insert(at, value),
                    "replace" if at < items.len() => items[at] = value,
                    "remove" if at < items.len() => drop(items.remove(at)),
                    _ => return Err(impossible()),
                }
            }
            _ => return Err(impossible()),
        }
    }
    Ok(())
}

fn field<'a>(parent: &'a Value, name: &str) -> Option<&'a Value> {
    match parent {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        parent => parent.get(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn merging_replaces_lists_and_removes_nulls() {
        let mut object = json!({"a": {"b": 1, "c": [1, 2]}, "d": 2});
        merge(&mut object, &json!({"a": {"b": null, "c": [3]}, "e": {"f": 1}}));
        assert_eq!(object, json!({"a": {"c": [3]}, "d": 2, "e": {"f": 1}}));
    }

    #[test]
    fn strategic_merging_knows_what_items_are_called() {
        let mut pod = json!({"spec": {
            "containers": [{"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}]}, {"name": "b"}],
            "tolerations": [{"key": "x"}],
        }, "metadata": {"finalizers": ["one"]}});
        strategic(
            &mut pod,
            &json!({"spec": {
            "$setElementOrder/containers": [{"name": "a"}],
            "containers": [{"name": "a", "env": [{"name": "Y", "value": "2"}]}, {"name": "b", "$patch": "delete"}, {"name": "c"}],
            "tolerations": [{"key": "y"}],
        }, "metadata": {"finalizers": ["two"]}}),
        );
        assert_eq!(
            pod,
            json!({"spec": {
            "containers": [
                {"name": "a", "image": "1", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}]},
                {"name": "c"},
            ],
            "tolerations": [{"key": "y"}],
        }, "metadata": {"finalizers": ["one", "two"]}})
        );
    }

    #[test]
    fn steps_are_done_in_order() {
        let mut object = json!({"metadata": {"labels": {"a/b": "1"}}, "items": [1, 2]});
        let patch = json!([
            {"op": "test", "path": "/metadata/labels/a~1b", "value": "1"},
            {"op": "remove", "path": "/metadata/labels/a~1b"},
            {"op": "add", "path": "/items/1", "value": 5},
            {"op": "add", "path": "/items/-", "value": 6},
        ]);
        steps(&mut object, &patch).unwrap();
        assert_eq!(object, json!({"metadata": {"labels": {}}, "items": [1, 5, 2, 6]}));
        assert!(steps(&mut object, &json!([{"op": "remove", "path": "/no/where"}])).is_err());
    }
}
