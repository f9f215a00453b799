//! Lists as the API server lays them out for people: what `kubectl get` without `-o` asks for.

use std::sync::Arc;
use std::time::SystemTime;

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::objects::{Next, list_metadata};
use crate::resources::Kind;
use crate::stage::is_ready;

/// Whether the client would rather have a table.
pub fn is_wanted(request: &Request) -> bool {
    request.header_words("accept").next().is_some_and(|first| first.contains("as=Table") && first.contains("v=v1;"))
}

/// Whether the client would rather have nothing of each object but what every object has.
pub fn is_about_metadata(request: &Request) -> bool {
    request.header_words("accept").next().is_some_and(|first| {
        first.contains("as=PartialObjectMetadataList;") && first.contains("g=meta.k8s.io") && first.contains("v=v1")
    })
}

/// That of these objects.
pub fn metadata(objects: &[Arc<Value>], revision: u64, next: Option<Next>) -> Response {
    let items = objects.iter().map(|object| about(object));
    Response::json(
        200,
        &json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": list_metadata(revision, next),
            "items": items.collect::<Vec<_>>(),
        }),
    )
}

fn about(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}

/// A table of objects. `list`: the revision of the whole list, and how it goes on.
pub fn of(kind: &Kind, objects: &[Arc<Value>], list: Option<(u64, Option<Next>)>) -> Response {
    let columns = columns(kind);
    let rows = objects.iter().map(|object| {
        let cells: Vec<Value> = columns.iter().map(|column| cell(column, object)).collect();
        json!({ "cells": cells, "object": about(object) })
    });
    let definitions = columns.iter().map(|column| {
        let format = if *column == "Name" { "name" } else { "" };
        json!({ "name": column, "type": "string", "format": format, "description": "", "priority": 0 })
    });
    let (revision, next) = list.unwrap_or_default();
    let table = json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_metadata(revision, next),
        "columnDefinitions": definitions.collect::<Vec<_>>(),
        "rows": rows.collect::<Vec<_>>(),
    });
    Response::json(200, &table)
}

fn columns(kind: &Kind) -> &'static [&'static str] {
    match kind.plural.as_str() {
        "pods" => &["Name", "Ready", "Status", "Restarts", "Age"],
        "deployments" => &["Name", "Ready", "Up-to-date", "Available", "Age"],
        "replicasets" => &["Name", "Desired", "Current", "Ready", "Age"],
        "statefulsets" => &["Name", "Ready", "Age"],
        "namespaces" => &["Name", "Status", "Age"],
        _ => &["Name", "Age"],
    }
}

fn cell(column: &str, object: &Value) -> Value {
    let (spec, status) = (&object["spec"], &object["status"]);
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    match (column, object["kind"].as_str().unwrap_or_default()) {
        ("Name", _) => object["metadata"]["name"].clone(),
        ("Age", _) => json!(age(object["metadata"]["creationTimestamp"].as_str().unwrap_or_default())),
        ("Ready", "Pod") => {
            let all = spec["containers"].as_array().map_or(0, Vec::len);
            json!(format!("{}/{all}", if is_ready(object) { all } else { 0 }))
        }
        ("Status", "Pod") => json!(pod_status(object)),
        ("Restarts", "Pod") => json!(count(&status["containerStatuses"][0]["restartCount"]).to_string()),
        ("Ready", "ReplicaSet") => json!(count(&status["readyReplicas"])),
        ("Ready", _) => json!(format!("{}/{}", count(&status["readyReplicas"]), count(&spec["replicas"]))),
        ("Up-to-date", _) => json!(count(&status["updatedReplicas"])),
        ("Available", _) => json!(count(&status["availableReplicas"])),
        ("Desired", _) => json!(count(&spec["replicas"])),
        ("Current", _) => json!(count(&status["replicas"])),
        ("Status", _) => status["phase"].clone(),
        _ => Value::Null,
    }
}

fn pod_status(pod: &Value) -> &str {
    let state = &pod["status"]["containerStatuses"][0]["state"];
    let reason = state["waiting"]["reason"].as_str().or_else(|| state["terminated"]["reason"].as_str());
    match pod["metadata"].get("deletionTimestamp") {
        Some(_) => "Terminating",
        None => reason.or_else(|| pod["status"]["phase"].as_str()).unwrap_or("Unknown"),
    }
}

fn age(created: &str) -> String {
    let created = humantime::parse_rfc3339(created).unwrap_or(SystemTime::UNIX_EPOCH);
    match SystemTime::now().duration_since(created).unwrap_or_default().as_secs() {
        seconds @ 0..120 => format!("{seconds}s"),
        seconds @ 120..7200 => format!("{}m", seconds / 60),
        seconds => format!("{}h", seconds / 3600),
    }
}
