//! What clients ask first: which version, which groups, which resources.

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::resources::{Kind, Resources};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const VERBS: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

/// Whether the client takes everything in one answer.
fn wants_all_at_once(request: &Request) -> bool {
    request.header_words("accept").any(|word| word.contains("g=apidiscovery.k8s.io") && word.contains("v=v2;"))
}

/// `/version`. `minor` is that of kubectl: some builds hand over to a kubectl of the server's version when theirs differs.
pub fn version(minor: &str) -> Value {
    json!({
        "major": "1",
        "minor": minor,
        "gitVersion": format!("v1.{minor}.0"),
        "gitCommit": "0000000000000000000000000000000000000000",
        "gitTreeState": "clean",
        "buildDate": "2025-01-01T00:00:00Z",
        "goVersion": "go1.23",
        "compiler": "gc",
        "platform": "linux/amd64",
    })
}

/// `/api`: the core group.
pub fn core(resources: &Resources, request: &Request, aggregated: bool) -> Response {
    if aggregated && wants_all_at_once(request) {
        return all_at_once(resources, |group| group.is_empty());
    }
    Response::json(200, &json!({ "kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [] }))
}

/// `/apis`: every other group.
pub fn groups(resources: &Resources, request: &Request, aggregated: bool) -> Response {
    if aggregated && wants_all_at_once(request) {
        return all_at_once(resources, |group| !group.is_empty());
    }
    let group_versions = resources.group_versions();
    let groups = group_versions.iter().filter(|(group, _)| !group.is_empty()).map(|(group, version)| {
        let version = json!({ "groupVersion": format!("{group}/{version}"), "version": version });
        json!({ "name": group, "versions": [version], "preferredVersion": version })
    });
    Response::json(200, &json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>() }))
}

/// `/api/v1` and `/apis/GROUP/VERSION`; `None` when there is no such group version.
pub fn resource_list(resources: &Resources, group: &str, version: &str) -> Option<Response> {
    let mut list = Vec::new();
    for kind in resources.all().iter().filter(|kind| kind.group == group && kind.version == version) {
        list.push(json!({
            "name": kind.plural,
            "singularName": kind.singular(),
            "namespaced": kind.namespaced,
            "kind": kind.kind,
            "verbs": VERBS,
            "shortNames": kind.short,
            "categories": categories(kind),
        }));
        for subresource in &kind.subresources {
            list.push(json!({
                "name": format!("{}/{subresource}", kind.plural),
                "singularName": "",
                "namespaced": kind.namespaced,
                "kind": subresource_kind(kind, subresource),
                "verbs": subresource_verbs(subresource),
            }));
        }
    }
    if list.is_empty() {
        return None;
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    let answer = json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list });
    Some(Response::json(200, &answer))
}

fn all_at_once(resources: &Resources, wanted: impl Fn(&str) -> bool) -> Response {
    let group_versions = resources.group_versions();
    let items = group_versions.iter().filter(|(group, _)| wanted(group)).map(|(group, version)| {
        let kinds = resources.all();
        let kinds = kinds.iter().filter(|kind| kind.group == *group && kind.version == *version);
        let version = json!({
            "version": version,
            "freshness": "Current",
            "resources": kinds.map(|kind| aggregated_kind(kind)).collect::<Vec<_>>(),
        });
        json!({ "metadata": { "name": group, "creationTimestamp": null }, "versions": [version] })
    });
    let answer = json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": items.collect::<Vec<_>>(),
    });
    Response::json(200, &answer).header("Content-Type", AGGREGATED)
}

fn aggregated_kind(kind: &Kind) -> Value {
    let response_kind = |name: &str| json!({ "group": kind.group, "version": kind.version, "kind": name });
    let subresources = kind.subresources.iter().map(|subresource| {
        json!({
            "subresource": subresource,
            "responseKind": response_kind(&subresource_kind(kind, subresource)),
            "verbs": subresource_verbs(subresource),
        })
    });
    json!({
        "resource": kind.plural,
        "responseKind": response_kind(&kind.kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular(),
        "verbs": VERBS,
        "shortNames": kind.short,
        "categories": categories(kind),
        "subresources": subresources.collect::<Vec<_>>(),
    })
}

fn categories(kind: &Kind) -> Vec<&'static str> {
    match kind.plural.as_str() {
        "pods" | "services" | "deployments" | "replicasets" | "statefulsets" => vec!["all"],
        _ => Vec::new(),
    }
}

fn subresource_kind(kind: &Kind, subresource: &str) -> String {
    match subresource {
        "exec" => "PodExecOptions".to_owned(),
        "scale" => "Scale".to_owned(),
        _ => kind.kind.clone(),
    }
}

fn subresource_verbs(subresource: &str) -> &'static [&'static str] {
    match subresource {
        "exec" => &["create", "get"],
        "log" => &["get"],
        _ => &["get", "patch", "update"],
    }
}
