//! What the API does with objects: list, create, replace, patch, delete.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::admission;
use crate::apply;
use crate::claims;
use crate::controllers;
use crate::core::Core;
use crate::http::{Request, Response};
use crate::patch;
use crate::reply::Reply;
use crate::route::Target;
use crate::selectors::Selector;
use crate::status::Status;
use crate::table;

pub fn get(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let object = core.store.get(&target.kind, &target.namespace, &target.name)?;
    if target.subresource == "scale" {
        return Ok(Response::json(200, &scale_of(&object)).into());
    }
    if table::is_wanted(request) {
        return Ok(table::of(&target.kind, &[object], None).into());
    }
    Ok(Response::json(200, &object).into())
}

pub fn list(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let selector = Selector::of(request, &target.kind)?;
    let (mut objects, revision) = core.store.list(&target.kind, &target.namespace);
    objects.retain(|object| selector.matches(object));
    let (page, next) = page(&objects, request)?;
    if table::is_wanted(request) {
        return Ok(table::of(&target.kind, page, Some((revision, next))).into());
    }
    if table::is_about_metadata(request) {
        return Ok(table::metadata(page, revision, next).into());
    }
    let list = json!({
        "kind": format!("{}List", target.kind.kind),
        "apiVersion": target.kind.api_version(),
        "metadata": list_metadata(revision, next),
        "items": page.iter().map(|object| item(target, object)).collect::<Vec<_>>(),
    });
    Ok(Response::json(200, &list).into())
}

/// How a list goes on.
#[derive(Debug)]
pub struct Next {
    /// What to ask for.
    token: String,
    /// How many objects there are behind this page.
    left: usize,
}

pub fn list_metadata(revision: u64, next: Option<Next>) -> Value {
    match next {
        Some(Next { token, left }) => {
            json!({ "resourceVersion": revision.to_string(), "continue": token, "remainingItemCount": left })
        }
        None => json!({ "resourceVersion": revision.to_string() }),
    }
}

/// The part of a long list that is asked for, and how it goes on: behind the last object of this part, whatever comes or goes meanwhile.
fn page<'a>(objects: &'a [Arc<Value>], request: &Request) -> Result<(&'a [Arc<Value>], Option<Next>), Status> {
    let key = |object: &Value| {
        let text = |name: &str| object["metadata"][name].as_str().unwrap_or_default().to_owned();
        (text("namespace"), text("name"))
    };
    let start = match request.parameter("continue").filter(|token| !token.is_empty()) {
        Some(token) => {
            let last = STANDARD.decode(token).ok().and_then(|bytes| serde_json::from_slice::<(String, String)>(&bytes).ok());
            let last = last.ok_or_else(|| Status::bad_request("continue key is not valid"))?;
            objects.partition_point(|object| key(object) <= last)
        }
        None => 0,
    };
    let limit = request.parameter("limit").and_then(|text| text.parse::<usize>().ok());
    let limit = limit.filter(|&limit| limit > 0).unwrap_or(usize::MAX);
    let end = start.saturating_add(limit).min(objects.len());
    let page = &objects[start..end];
    let left = objects.len() - end;
    let next = page.last().filter(|_| left > 0).map(|last| Next { token: STANDARD.encode(json!(key(last)).to_string()), left });
    Ok((page, next))
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

pub fn create(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let created = create_object(core, request, target, body(request)?)?;
    Ok(Response::json(201, &created).into())
}

fn create_object(core: &Core, request: &Request, target: &Target, mut object: Value) -> Result<Arc<Value>, Status> {
    let (kind, namespace) = (&target.kind, target.namespace.as_str());
    if kind.namespaced {
        let there = core.store.get(&core.namespaces, "", namespace)?;
        if there["metadata"].get("deletionTimestamp").is_some() {
            return Err(Status::namespace_is_ending(kind, object["metadata"]["name"].as_str().unwrap_or_default(), namespace));
        }
    }
    if kind.has("status") {
        object.as_object_mut().into_iter().for_each(|fields| drop(fields.remove("status")));
    }
    add_defaults(&kind.plural, &mut object);
    admission::admit(core, kind, namespace, &object)?;
    if request.method == "POST" {
        apply::note_update(kind, &json!({}), &mut object, manager(request));
    }
    match is_rehearsal(request) {
        true => core.store.rehearse_create(kind, namespace, object),
        false => core.store.create(kind, namespace, object),
    }
}

/// What the API server fills in and the controllers rely on.
fn add_defaults(plural: &str, object: &mut Value) {
    match plural {
        "deployments" | "replicasets" | "statefulsets" if object["spec"]["replicas"].is_null() => {
            object["spec"]["replicas"] = json!(1);
        }
        "pods" => {
            object["status"] = json!({ "phase": "Pending" });
            if object["spec"]["restartPolicy"].is_null() {
                object["spec"]["restartPolicy"] = json!("Always");
            }
        }
        "persistentvolumeclaims" => claims::bind(object),
        "namespaces" => object["status"] = json!({ "phase": "Active" }),
        _ => {}
    }
}

pub fn replace(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let new = body(request)?;
    let replaced = edit(core, request, target, |object| {
        *object = new;
        Ok(())
    })?;
    Ok(Response::json(200, &replaced).into())
}

pub fn patch(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let kind = request.header("content-type").unwrap_or_default().split(';').next().unwrap_or_default().to_owned();
    let patch = body(request)?;
    if kind == "application/apply-patch+yaml" {
        return server_side_apply(core, request, target, &patch);
    }
    let patched = edit(core, request, target, |object| match kind.as_str() {
        "application/merge-patch+json" => {
            patch::merge(object, &patch);
            Ok(())
        }
        "application/strategic-merge-patch+json" if !target.kind.custom => {
            patch::strategic(object, &patch);
            Ok(())
        }
        "application/json-patch+json" => patch::steps(object, &patch),
        other => Err(Status::unsupported_media_type(
            other,
            "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
        )),
    })?;
    Ok(Response::json(200, &patched).into())
}

/// Whether a request applies an object that is not there: that takes the right to create it, too.
pub fn would_create(core: &Core, request: &Request, target: &Target) -> bool {
    let applies = request.header("content-type").is_some_and(|kind| kind.starts_with("application/apply-patch"));
    applies && core.store.get(&target.kind, &target.namespace, &target.name).is_err()
}

fn server_side_apply(core: &Core, request: &Request, target: &Target, configuration: &Value) -> Result<Reply, Status> {
    let force = request.flag("force");
    let manager = request.parameter("fieldManager").filter(|name| !name.is_empty());
    let manager = manager.ok_or_else(|| Status::bad_request("fieldManager is required for apply patch"))?;
    if core.store.get(&target.kind, &target.namespace, &target.name).is_err() {
        let mut object = json!({});
        apply::apply(&target.kind, &mut object, configuration, manager, force)?;
        object["metadata"]["name"] = json!(target.name);
        let created = create_object(core, request, target, object)?;
        return Ok(Response::json(201, &created).into());
    }
    let applied = change(core, request, target, |object| {
        let status = object["status"].clone();
        apply::apply(&target.kind, object, configuration, manager, force)?;
        if target.kind.has("status") && target.subresource.is_empty() {
            object["status"] = status;
        }
        Ok(())
    })?;
    Ok(Response::json(200, &applied).into())
}

/// Change an object on behalf of a manager, as far as the addressed part of it goes.
fn edit(
    core: &Core,
    request: &Request,
    target: &Target,
    do_it: impl FnOnce(&mut Value) -> Result<(), Status>,
) -> Result<Arc<Value>, Status> {
    let edited = change(core, request, target, |object| {
        let before = object.clone();
        match target.subresource.as_str() {
            "scale" => {
                let mut scale = scale_of(object);
                do_it(&mut scale)?;
                object["spec"]["replicas"] = scale["spec"]["replicas"].clone();
            }
            part => {
                do_it(object)?;
                keep_the_other_part(target, part, &before, object);
            }
        }
        let (given, there) = (&object["metadata"]["resourceVersion"], &before["metadata"]["resourceVersion"]);
        if !given.is_null() && given != there {
            return Err(Status::conflict(&target.kind, &target.name));
        }
        object["metadata"]["managedFields"] = before["metadata"]["managedFields"].clone();
        if target.subresource != "status" {
            apply::note_update(&target.kind, &before, object, manager(request));
        }
        Ok(())
    })?;
    Ok(if target.subresource == "scale" { Arc::new(scale_of(&edited)) } else { edited })
}

/// Through `status` only the status can be changed, and otherwise everything else.
fn keep_the_other_part(target: &Target, part: &str, before: &Value, object: &mut Value) {
    if part == "status" {
        let status = object["status"].take();
        *object = before.clone();
        object["status"] = status;
    } else if target.kind.has("status") {
        object["status"] = before["status"].clone();
    }
}

fn change(
    core: &Core,
    request: &Request,
    target: &Target,
    do_it: impl FnOnce(&mut Value) -> Result<(), Status>,
) -> Result<Arc<Value>, Status> {
    let do_it = |object: &mut Value| {
        let before = object.clone();
        do_it(object)?;
        admission::admit_change(core, &target.kind, &before, object)
    };
    match is_rehearsal(request) {
        true => core.store.rehearse_edit(&target.kind, &target.namespace, &target.name, do_it),
        false => core.store.edit(&target.kind, &target.namespace, &target.name, do_it),
    }
}

pub fn delete(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let options: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    if target.name.is_empty() {
        return delete_all(core, request, target);
    }
    let object = core.store.get(&target.kind, &target.namespace, &target.name)?;
    let expected = &options["preconditions"]["uid"];
    if !expected.is_null() && *expected != object["metadata"]["uid"] {
        return Err(Status::conflict(&target.kind, &target.name));
    }
    let rehearsal = is_rehearsal(request) || options["dryRun"].as_array().is_some_and(|words| !words.is_empty());
    if !rehearsal {
        controllers::delete(core, &target.kind, &object);
        let at_once = options["gracePeriodSeconds"] == 0 || request.parameter("gracePeriodSeconds") == Some("0");
        if at_once && target.kind.plural == "pods" {
            let _ = core.store.remove(&target.kind, &target.namespace, &target.name);
        }
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

fn delete_all(core: &Core, request: &Request, target: &Target) -> Result<Reply, Status> {
    let selector = Selector::of(request, &target.kind)?;
    for object in core.store.list(&target.kind, &target.namespace).0 {
        if selector.matches(&object) {
            controllers::delete(core, &target.kind, &object);
        }
    }
    list(core, request, target)
}

fn scale_of(object: &Value) -> Value {
    let metadata = &object["metadata"];
    json!({
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": object["status"]["replicas"].as_u64().unwrap_or(0) },
    })
}

/// The object in a request's body. Clients send JSON, also where YAML would be allowed; the few that insist on protobuf
/// (`kubectl create configmap`) are not understood here.
fn body(request: &Request) -> Result<Value, Status> {
    if let Some(kind) = request.header("content-type").filter(|kind| kind.contains("protobuf")) {
        return Err(Status::unsupported_media_type(kind, "application/json"));
    }
    serde_json::from_slice(&request.body).map_err(|error| Status::bad_request(format!("the body is no JSON: {error}")))
}

fn is_rehearsal(request: &Request) -> bool {
    request.parameter("dryRun") == Some("All")
}

/// On whose behalf fields are set: the one that is named, else the program that asks.
fn manager(request: &Request) -> &str {
    let program = || request.header("user-agent").and_then(|agent| agent.split('/').next());
    request.parameter("fieldManager").filter(|name| !name.is_empty()).or_else(program).unwrap_or("unknown")
}
