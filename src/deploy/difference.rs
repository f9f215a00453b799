//! What becomes different about an object, field by field.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::terminal::neutralise;

/// What the server notes about an object by itself.
const SERVERS: [&str; 4] = ["managedFields", "resourceVersion", "generation", "creationTimestamp"];
/// How the items of a list may be told apart.
const KEYS: [&str; 4] = ["name", "mountPath", "key", "port"];
/// Longer values than this are cut, in characters.
const SHOWN: usize = 80;

/// A line for each field that is another one in `after`: `spec.replicas: 0 → 1`. Neutralised.
pub fn lines(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<String>) {
    if before == after {
        return;
    }
    let mut names: BTreeSet<String> = [before, after].into_iter().flatten().flat_map(field_names).collect();
    if path.ends_with(']') && (before.is_none() || after.is_none()) && names.len() > 1 {
        // The path says it already.
        let key = KEYS.iter().find(|key| names.contains(**key));
        key.map(|key| names.remove(*key));
    }
    let nested = [before, after].into_iter().flatten().all(|value| value.is_object() || is_keyed(value));
    if !nested || names.is_empty() {
        return found.push(neutralise::line(&format!("{path}: {} → {}", shown(before), shown(after))));
    }
    for name in names.iter().filter(|name| !(path.is_empty() && *name == "status")) {
        let below = match path {
            "" => name.clone(),
            _ if name.starts_with('[') => format!("{path}{name}"),
            _ => format!("{path}.{name}"),
        };
        if path != "metadata" || !SERVERS.contains(&name.as_str()) {
            compare(&below, before.and_then(|value| at(value, name)), after.and_then(|value| at(value, name)), found);
        }
    }
}

/// What a mapping's fields are called; items of a list are `[KEY]`.
fn field_names(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => fields.keys().cloned().collect(),
        Value::Array(items) => items.iter().filter_map(key).collect(),
        _ => Vec::new(),
    }
}

fn at<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(name),
        Value::Array(items) => items.iter().find(|item| key(item).as_deref() == Some(name)),
        _ => None,
    }
}

fn is_keyed(value: &Value) -> bool {
    let Value::Array(items) = value else { return false };
    let keys: BTreeSet<_> = items.iter().filter_map(key).collect();
    !items.is_empty() && keys.len() == items.len()
}

fn key(item: &Value) -> Option<String> {
    let found = KEYS.iter().find_map(|key| item.get(key))?;
    Some(format!("[{}]", found.as_str().map_or_else(|| found.to_string(), str::to_owned)))
}

fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None => return "none".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
    };
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_field_that_differs_is_a_line() {
        let before = json!({"metadata": {"name": "x", "generation": 1}, "status": {"a": 1}, "spec": {"replicas": 1, "containers": [
            {"name": "a", "image": "1", "command": ["x"], "env": [{"name": "E", "value": "1"}, {"name": "F", "value": "2"}]},
        ]}});
        let after = json!({"metadata": {"name": "x", "generation": 2}, "status": {"a": 2}, "spec": {"containers": [
            {"name": "a", "image": "2", "command": ["y"], "env": [{"name": "F", "value": "3"}], "securityContext": {"privileged": true}},
        ]}});
        let expected = [
            r#"spec.containers[a].command: ["x"] → ["y"]"#,
            "spec.containers[a].env[E].value: 1 → none",
            "spec.containers[a].env[F].value: 2 → 3",
            "spec.containers[a].image: 1 → 2",
            "spec.containers[a].securityContext.privileged: none → true",
            "spec.replicas: 1 → none",
        ];
        assert_eq!(lines(&before, &after), expected);
        assert_eq!(lines(&before, &before), [""; 0]);
    }

    #[test]
    fn what_the_cluster_says_moves_no_cursor() {
        let lines = lines(&json!({"a": "\u{1b}[2J"}), &json!({"a": "x".repeat(200)}));
        assert!(lines[0].ends_with("x…") && !lines[0].contains('\u{1b}'), "{lines:?}");
    }
}
