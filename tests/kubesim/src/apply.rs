//! Server-side apply: who owns which field, what an applied configuration changes, and with whom it conflicts.

use serde_json::{Value, json};

use crate::fields;
use crate::patch::strategic;
use crate::resources::Kind;
use crate::status::Status;
use crate::store::now;

/// Apply a configuration to an object (or to an empty one) on behalf of a manager.
///
/// # Errors
/// 409: it sets fields otherwise than another manager, and `force` is not given.
pub fn apply(kind: &Kind, live: &mut Value, configuration: &Value, manager: &str, force: bool) -> Result<(), Status> {
    let wanted = fields::of_object(configuration);
    let had = owned(live, manager, "Apply");
    let conflicts = conflicts(live, configuration, &wanted, manager);
    if !conflicts.is_empty() && !force {
        return Err(Status::apply_conflict(kind, configuration["metadata"]["name"].as_str().unwrap_or_default(), &conflicts));
    }
    for conflict in &conflicts {
        let taken = fields::filter_leaves(&wanted, &mut Vec::new(), &|path| path == conflict.path);
        let left = fields::difference(&owned(live, &conflict.manager, &conflict.operation), &taken);
        own(live, kind, &conflict.manager, &conflict.operation, &left);
    }
    for path in fields::leaves(&fields::difference(&had, &wanted)) {
        if !anyone_else_owns(live, &path, manager) {
            fields::remove(live, &path);
        }
    }
    let mut change = configuration.clone();
    change["metadata"].as_object_mut().into_iter().for_each(|metadata| drop(metadata.remove("managedFields")));
    strategic(live, &change);
    own(live, kind, manager, "Apply", &wanted);
    Ok(())
}

/// Note that a manager has changed an object in another way: what it changed is its own now, and nobody else's.
pub fn note_update(kind: &Kind, before: &Value, after: &mut Value, manager: &str) {
    let changed = fields::changed(before, after);
    if fields::is_leaf(&changed) {
        return;
    }
    let others: Vec<(String, String)> =
        managers(after).filter(|(name, operation)| !(name == manager && operation == "Update")).collect();
    for (name, operation) in others {
        let left = fields::difference(&owned(after, &name, &operation), &changed);
        own(after, kind, &name, &operation, &left);
    }
    let mine = fields::union(&owned(after, manager, "Update"), &changed);
    // What is gone belongs to nobody.
    let there = fields::filter_leaves(&mine, &mut Vec::new(), &|path| fields::get(after, path).is_some());
    own(after, kind, manager, "Update", &there);
}

/// A field that another manager has set otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    pub manager: String,
    operation: String,
    pub version: String,
    path: Vec<String>,
}

impl Conflict {
    pub fn field(&self) -> String {
        fields::spelled(&self.path)
    }
}

fn conflicts(live: &Value, configuration: &Value, wanted: &Value, manager: &str) -> Vec<Conflict> {
    let paths = fields::leaves(wanted);
    let differing = paths.into_iter().filter(|path| fields::get(live, path) != fields::get(configuration, path));
    let mut found = Vec::new();
    for path in differing {
        for entry in entries(live) {
            let (name, operation) = name_of(entry);
            if name != manager && fields::contains(&entry["fieldsV1"], &path) {
                let version = entry["apiVersion"].as_str().unwrap_or_default().to_owned();
                found.push(Conflict { manager: name, operation, version, path: path.clone() });
            }
        }
    }
    found
}

fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["managedFields"].as_array().into_iter().flatten()
}

fn name_of(entry: &Value) -> (String, String) {
    let word = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    (word("manager"), word("operation"))
}

fn managers(object: &Value) -> impl Iterator<Item = (String, String)> {
    entries(object).map(name_of)
}

fn owned(object: &Value, manager: &str, operation: &str) -> Value {
    let mine = |entry: &&Value| name_of(entry) == (manager.to_owned(), operation.to_owned());
    entries(object).find(mine).map_or_else(|| json!({}), |entry| entry["fieldsV1"].clone())
}

fn anyone_else_owns(object: &Value, path: &[String], manager: &str) -> bool {
    entries(object).any(|entry| name_of(entry).0 != manager && fields::contains(&entry["fieldsV1"], path))
}

/// Write down what a manager owns; nothing is left of one that owns nothing.
fn own(object: &mut Value, kind: &Kind, manager: &str, operation: &str, set: &Value) {
    let before = owned(object, manager, operation);
    if before == *set && !fields::is_leaf(set) {
        return; // not even the time changes
    }
    let mut all: Vec<Value> =
        entries(object).filter(|entry| name_of(entry) != (manager.to_owned(), operation.to_owned())).cloned().collect();
    if !fields::is_leaf(set) {
        all.push(json!({
            "manager": manager,
            "operation": operation,
            "apiVersion": kind.api_version(),
            "time": now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": set,
        }));
    }
    object["metadata"]["managedFields"] = Value::Array(all);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resources::Resources;

    fn kind() -> std::sync::Arc<Kind> {
        Resources::default().get("deployments")
    }

    #[test]
    fn what_is_no_longer_applied_goes_and_what_others_set_stays() {
        let kind = kind();
        let mut live = json!({});
        let first = json!({"metadata": {"name": "x", "labels": {"a": "1", "b": "2"}}, "spec": {"replicas": 1}});
        apply(&kind, &mut live, &first, "me", false).unwrap();
        let mut changed = live.clone();
        changed["metadata"]["annotations"] = json!({"other": "1"});
        note_update(&kind, &live, &mut changed, "you");
        let second = json!({"metadata": {"name": "x", "labels": {"a": "1"}}, "spec": {"replicas": 1}});
        apply(&kind, &mut changed, &second, "me", false).unwrap();
        assert_eq!(changed["metadata"]["labels"], json!({"a": "1"}));
        assert_eq!(changed["metadata"]["annotations"], json!({"other": "1"}));
    }

    #[test]
    fn another_value_than_somebody_elses_is_a_conflict() {
        let kind = kind();
        let mut live = json!({});
        let containers = |image: &str| json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
        apply(&kind, &mut live, &containers("1"), "me", false).unwrap();
        let conflict = apply(&kind, &mut live.clone(), &containers("2"), "you", false).unwrap_err();
        assert_eq!(conflict.code, 409);
        assert!(
            conflict.message.contains("conflict with \"me\" using apps/v1: .spec.template.spec.containers[name=\"a\"].image")
        );
        apply(&kind, &mut live.clone(), &containers("1"), "you", false).unwrap();
        apply(&kind, &mut live, &containers("2"), "you", true).unwrap();
        assert!(apply(&kind, &mut live, &containers("1"), "me", false).is_err(), "it is theirs now");
    }
}
