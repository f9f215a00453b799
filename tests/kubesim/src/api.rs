//! The API: a request in, what becomes of it out.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::controllers;
use crate::core::Core;
use crate::discovery;
use crate::exec::Exec;
use crate::faults::Fault;
use crate::http::{Request, Response};
use crate::reply::Reply;
use crate::route::{Route, Target};
use crate::selectors::Selector;
use crate::status::Status;

/// Answer a request.
///
/// # Errors
/// The API server refuses.
pub fn answer(core: &Arc<Core>, request: &Request, route: &Route, faults: Vec<Fault>) -> Result<Reply, Status> {
    let target = match route {
        Route::About(path) => return about(core, request, path),
        Route::Objects(target) => target,
    };
    match (request.method.as_str(), target.subresource.as_str()) {
        ("GET" | "POST", "exec") => exec(core, request, target, faults),
        ("GET", "" | "status") if target.name.is_empty() => list(core, request, target),
        ("GET", "" | "status") => {
            let object = core.store.get(&target.kind, &target.namespace, &target.name)?;
            Ok(Response::json(200, &object).into())
        }
        ("POST", "") => create(core, request, target),
        ("DELETE", "") => delete(core, request, target),
        _ => Err(Status::method_not_allowed()),
    }
}

/// What the API says of itself.
fn about(core: &Core, request: &Request, path: &[String]) -> Result<Reply, Status> {
    let settings = core.settings().clone();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let response = match path[..] {
        ["version"] => Response::json(200, &discovery::version(&settings.minor)),
        ["livez" | "readyz" | "healthz", ..] => Response::text(200, "ok"),
        ["api"] => discovery::core(&core.resources, request, settings.aggregated_discovery),
        ["apis"] => discovery::groups(&core.resources, request, settings.aggregated_discovery),
        ["api", version] => discovery::resource_list(&core.resources, "", version).ok_or_else(Status::no_such_path)?,
        ["apis", group, version] => discovery::resource_list(&core.resources, group, version).ok_or_else(Status::no_such_path)?,
        _ => return Err(Status::no_such_path()),
    };
    Ok(response.into())
}

fn list(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let selector = Selector::parse(request.parameter("labelSelector"), request.parameter("fieldSelector"))?;
    let (objects, revision) = core.store.list(&target.kind, &target.namespace);
    let items: Vec<Value> = objects.iter().filter(|object| selector.matches(object)).map(|object| item(target, object)).collect();
    let list = json!({
        "kind": format!("{}List", target.kind.kind),
        "apiVersion": target.kind.api_version(),
        "metadata": { "resourceVersion": revision.to_string() },
        "items": items,
    });
    Ok(Response::json(200, &list).into())
}

/// In a list, objects of the built-in kinds do not repeat what kind they are.
fn item(target: &Target, object: &Value) -> Value {
    let mut item = object.clone();
    if let (false, Some(fields)) = (target.kind.custom, item.as_object_mut()) {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    item
}

fn create(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let object = body(request)?;
    if target.kind.namespaced {
        core.store.get(&core.namespaces, "", &target.namespace)?;
    }
    let created = core.store.create(&target.kind, &target.namespace, object)?;
    Ok(Response::json(201, &created).into())
}

/// The object in a request's body, as JSON or YAML's JSON subset.
fn body(request: &Request) -> Result<Value, Status> {
    serde_json::from_slice(&request.body).map_err(|error| Status::bad_request(format!("the body is no JSON: {error}")))
}

fn delete(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let options: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let object = core.store.get(&target.kind, &target.namespace, &target.name)?;
    let at_once = options["gracePeriodSeconds"] == 0 || request.parameter("gracePeriodSeconds") == Some("0");
    controllers::delete(core, &target.kind, &object);
    if at_once && target.kind.plural == "pods" {
        let _ = core.store.remove(&target.kind, &target.namespace, &target.name);
    }
    match core.store.get(&target.kind, &target.namespace, &target.name) {
        Ok(ending) => Ok(Response::json(200, &ending).into()),
        Err(_) => {
            let details = json!({ "name": target.name, "kind": target.kind.plural, "uid": object["metadata"]["uid"] });
            let done = json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details });
            Ok(Response::json(200, &done).into())
        }
    }
}

fn exec(core: &Arc<Core>, request: &Request, target: &Target, faults: Vec<Fault>) -> Result<Reply, Status> {
    let pod = core.store.get(&target.kind, &target.namespace, &target.name)?;
    let name = container_name(&pod, &target.name, request.parameter("container").unwrap_or_default())?;
    if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
        return Err(Status::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    let exec = Exec::of(request)?;
    let container = core.node.container(&pod, &name);
    Ok(Reply::Upgrade(exec.handshake(), Box::new(move |reader, wire| exec.serve(container, &name, &faults, reader, wire))))
}

/// The container that is meant: the one that is named, or the only one.
pub fn container_name(pod: &Value, pod_name: &str, given: &str) -> Result<String, Status> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let names: Vec<&str> = containers.filter_map(|container| container["name"].as_str()).collect();
    match names[..] {
        [only] if given.is_empty() => Ok(only.to_owned()),
        _ if given.is_empty() => Err(Status::bad_request(format!(
            "a container name must be specified for pod {pod_name}, choose one of: [{}]",
            names.join(" ")
        ))),
        _ if names.contains(&given) => Ok(given.to_owned()),
        _ => Err(Status::bad_request(format!("container {given} is not valid for pod {pod_name}"))),
    }
}
