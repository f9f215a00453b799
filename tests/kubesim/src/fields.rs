//! Sets of fields, as `metadata.managedFields` holds them: who has set what.
//!
//! A set is a tree: `f:NAME` for a field of an object, `k:{"name":"x"}` for an item of a list whose items have a key. A leaf is an
//! empty object. Lists without keys are leaves as a whole.

use serde_json::{Map, Value, json};

use crate::patch::merge_key;

/// Fields that belong to the server and are nobody's.
const NOBODYS: &[&str] = &[
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "resourceVersion",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

/// The fields that an object sets.
pub fn of_object(object: &Value) -> Value {
    let mut set = Map::new();
    for (name, value) in object.as_object().into_iter().flatten() {
        match name.as_str() {
            "apiVersion" | "kind" => {}
            "metadata" => {
                let mut metadata = value.clone();
                metadata
                    .as_object_mut()
                    .into_iter()
                    .for_each(|fields| fields.retain(|name, _| !NOBODYS.contains(&name.as_str())));
                let fields = of_value("metadata", &metadata);
                if fields != json!({}) {
                    set.insert("f:metadata".into(), fields);
                }
            }
            _ => drop(set.insert(format!("f:{name}"), of_value(name, value))),
        }
    }
    Value::Object(set)
}

fn of_value(name: &str, value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (format!("f:{name}"), of_value(name, value))).collect::<Map<_, _>>().into()
        }
        Value::Array(items) if !items.is_empty() => match merge_key(name, items) {
            Some(key) => items.iter().map(|item| (item_key(key, item), of_value("", item))).collect::<Map<_, _>>().into(),
            None => json!({}),
        },
        _ => json!({}),
    }
}

fn item_key(key: &str, item: &Value) -> String {
    format!("k:{}", json!({ key: item[key] }))
}

/// The part of `set` whose fields have another value in `before` than in `after`, or are in one of them only.
pub fn changed(before: &Value, after: &Value) -> Value {
    let all = union(&of_object(before), &of_object(after));
    filter_leaves(&all, &mut Vec::new(), &|path| get(before, path) != get(after, path))
}

/// Keep the leaves for which `keep` is true, by their path.
pub fn filter_leaves(set: &Value, path: &mut Vec<String>, keep: &dyn Fn(&[String]) -> bool) -> Value {
    let mut kept = Map::new();
    for (name, below) in set.as_object().into_iter().flatten() {
        path.push(name.clone());
        if is_leaf(below) {
            if keep(path) {
                kept.insert(name.clone(), below.clone());
            }
        } else {
            let below = filter_leaves(below, path, keep);
            if !is_leaf(&below) {
                kept.insert(name.clone(), below);
            }
        }
        path.pop();
    }
    Value::Object(kept)
}

/// Every leaf's path.
pub fn leaves(set: &Value) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for (name, below) in set.as_object().into_iter().flatten() {
        if is_leaf(below) {
            found.push(vec![name.clone()]);
        }
        for mut path in leaves(below) {
            path.insert(0, name.clone());
            found.push(path);
        }
    }
    found
}

pub fn is_leaf(set: &Value) -> bool {
    set.as_object().is_none_or(Map::is_empty)
}

/// Whether a path is in a set, as a leaf or on the way to one.
pub fn contains(set: &Value, path: &[String]) -> bool {
    path.iter().try_fold(set, |set, name| set.get(name)).is_some()
}

pub fn union(one: &Value, other: &Value) -> Value {
    let mut sum = one.as_object().cloned().unwrap_or_default();
    for (name, below) in other.as_object().into_iter().flatten() {
        let there = sum.get(name).cloned().unwrap_or_else(|| json!({}));
        sum.insert(name.clone(), union(&there, below));
    }
    Value::Object(sum)
}

/// What of `set` is not in `other`.
pub fn difference(set: &Value, other: &Value) -> Value {
    filter_leaves(set, &mut Vec::new(), &|path| !contains(other, path))
}

/// The value at a path.
pub fn get<'a>(object: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(object, |value, name| match name.strip_prefix("f:") {
        Some(field) => value.get(field),
        None => item(value, name),
    })
}

fn key_of(name: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(name.strip_prefix("k:")?).ok()
}

fn is_item(item: &Value, key: &Map<String, Value>) -> bool {
    key.iter().all(|(name, value)| item.get(name) == Some(value))
}

fn item<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    let key = key_of(name)?;
    list.as_array()?.iter().find(|item| is_item(item, &key))
}

/// Take the value at a path away, and the list item or object that is nothing any more without it.
pub fn remove(object: &mut Value, path: &[String]) {
    let [name, rest @ ..] = path else { return };
    match (name.strip_prefix("f:"), object) {
        (Some(field), Value::Object(fields)) => {
            if let (Some(below), false) = (fields.get_mut(field), rest.is_empty()) {
                remove(below, rest);
                let gone = below.as_object().is_some_and(Map::is_empty) || below.as_array().is_some_and(Vec::is_empty);
                if gone {
                    fields.remove(field);
                }
            } else {
                fields.remove(field);
            }
        }
        (None, Value::Array(items)) => {
            let Some(key) = key_of(name) else { return };
            for item in items.iter_mut().filter(|item| is_item(item, &key)) {
                remove(item, rest);
            }
            // Only items that still have their key are items.
            items.retain(|item| item.as_object().is_none_or(|fields| key.keys().any(|name| fields.contains_key(name))));
        }
        _ => {}
    }
}

/// `.spec.template.spec.containers[name="a"].image`, as messages spell a path.
pub fn spelled(path: &[String]) -> String {
    path.iter().fold(String::new(), |text, name| match (name.strip_prefix("f:"), key_of(name)) {
        (Some(field), _) => format!("{text}.{field}"),
        (None, Some(key)) => {
            let words: Vec<String> = key.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{text}[{}]", words.join(","))
        }
        (None, None) => format!("{text}.{name}"),
    })
}
