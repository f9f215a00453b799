//! `/openapi`, as far as `kubectl apply` needs it: that the server checks fields by itself, for every kind.

use serde_json::{Value, json};

use crate::http::Response;
use crate::resources::{Kind, Resources};

/// The older schema, which kubectl takes as protobuf and asks for when the newer one does not know a kind: a document that
/// knows none, `swagger: "2.0"` and nothing else.
pub fn version_two() -> Response {
    let kind = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
    Response { body: b"\x0a\x032.0".to_vec(), ..Response::text(200, "").header("Content-Type", kind) }
}

/// Where the schema of each group version is.
pub fn index(resources: &Resources) -> Response {
    let group_versions = resources.group_versions();
    let paths = group_versions.iter().map(|(group, version)| {
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        (path.clone(), json!({ "serverRelativeURL": format!("/openapi/v3/{path}?hash=kubesim") }))
    });
    Response::json(200, &json!({ "paths": paths.collect::<serde_json::Map<_, _>>() }))
}

/// The schema of a group version; `None` when there is none.
pub fn schema(resources: &Resources, group: &str, version: &str) -> Option<Response> {
    let kinds = resources.all();
    let kinds: Vec<_> = kinds.iter().filter(|kind| kind.group == group && kind.version == version).collect();
    if kinds.is_empty() {
        return None;
    }
    let prefix = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let paths = kinds.iter().map(|kind| {
        let scope = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
        (format!("{prefix}{scope}/{}/{{name}}", kind.plural), json!({ "patch": patch_of(kind) }))
    });
    let document = json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": "kubesim" },
        "paths": paths.collect::<serde_json::Map<_, _>>(),
        "components": { "schemas": {} },
    });
    Some(Response::json(200, &document))
}

/// Without the strategic merge among its content types: kubectl then knows from its own types how to merge.
fn patch_of(kind: &Kind) -> Value {
    let parameter = |name: &str| json!({ "name": name, "in": "query", "schema": { "type": "string", "uniqueItems": true } });
    let body = json!({ "schema": { "type": "object" } });
    json!({
        "operationId": format!("patch{}", kind.kind),
        "parameters": [parameter("dryRun"), parameter("fieldManager"), parameter("fieldValidation"), parameter("force")],
        "requestBody": { "content": { "application/merge-patch+json": body, "application/apply-patch+yaml": body } },
        "responses": { "200": { "description": "OK" } },
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": { "group": kind.group, "kind": kind.kind, "version": kind.version },
    })
}
