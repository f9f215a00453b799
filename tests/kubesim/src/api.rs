//! The API: a request in, what becomes of it out.

use std::sync::Arc;

use serde_json::Value;

use crate::core::Core;
use crate::discovery;
use crate::exec::Exec;
use crate::faults::Fault;
use crate::http::{Request, Response};
use crate::logs;
use crate::objects;
use crate::openapi;
use crate::outgoing::Outgoing;
use crate::reply::Reply;
use crate::route::{Route, Target};
use crate::status::Status;
use crate::watch;
use crate::wire::Wire;

/// Answer a request.
///
/// # Errors
/// The API server refuses.
pub fn answer(core: &Arc<Core>, request: &Request, route: &Route, user: &str, faults: &[Fault]) -> Result<Reply, Status> {
    let target = match route {
        Route::About(path) => return about(core, request, path),
        Route::Review(review) => return review.answer(core, request, user),
        Route::Objects(target) => target,
        Route::Nowhere => return Err(Status::no_such_path()),
    };
    accepts_something_else_than_protobuf(request)?;
    if core.settings().rehearsals_fail && request.parameter("dryRun") == Some("All") {
        return Err(Status::bad_request("admission webhook \"policy.example.com\" does not support dry run"));
    }
    match (request.method.as_str(), target.subresource.as_str()) {
        ("GET" | "POST", "exec") => exec(core, request, target, faults),
        ("GET", "log") => logs::answer(core, request, target),
        ("GET", "" | "status") if request.flag("watch") => watch::answer(core, request, target),
        ("GET", "" | "status") if target.name.is_empty() => objects::list(core, request, target),
        ("GET", "" | "status" | "scale") => objects::get(core, request, target),
        ("POST", "") => objects::create(core, request, target),
        ("PUT", "" | "status" | "scale") => objects::replace(core, request, target),
        ("PATCH", "" | "status" | "scale") => objects::patch(core, request, target),
        ("DELETE", "") => objects::delete(core, request, target),
        _ => Err(Status::method_not_allowed()),
    }
}

/// No object is served as protobuf: a client that takes nothing else is told so.
fn accepts_something_else_than_protobuf(request: &Request) -> Result<(), Status> {
    let mut accepted = request.header_words("accept").peekable();
    let nothing_else = accepted.peek().is_some() && accepted.all(|kind| kind.contains("protobuf"));
    if nothing_else { Err(Status::not_acceptable()) } else { Ok(()) }
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
        ["openapi", "v2"] => openapi::version_two(),
        ["openapi", "v3"] => openapi::index(&core.resources),
        ["openapi", "v3", "api", version] => openapi::schema(&core.resources, "", version).ok_or_else(Status::no_such_path)?,
        ["openapi", "v3", "apis", group, version] => {
            openapi::schema(&core.resources, group, version).ok_or_else(Status::no_such_path)?
        }
        _ => return Err(Status::no_such_path()),
    };
    Ok(response.into())
}

fn exec(core: &Arc<Core>, request: &Request, target: &Target, faults: &[Fault]) -> Result<Reply, Status> {
    let pod = core.store.get(&target.kind, &target.namespace, &target.name)?;
    let name = container_name(&pod, &target.name, request.parameter("container").unwrap_or_default())?;
    if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
        return Err(Status::bad_request(format!("pod {} does not have a host assigned", target.name)));
    }
    let exec = Exec::of(request, core.settings().only_v4)?;
    let (container, faults) = (core.node.container(&pod, &name), faults.to_vec());
    let (core, pod) = (Arc::clone(core), target.name.clone());
    let handshake = exec.handshake();
    let serve = move |reader, wire: Wire| {
        let outgoing = Outgoing::start(wire, &faults);
        core.links.add(&pod, &outgoing);
        exec.serve(container, &name, &faults, reader, outgoing);
    };
    Ok(Reply::Upgrade(handshake, Box::new(serve)))
}

/// The container that is meant: the one that is named, or the only one.
pub fn container_name(pod: &Value, pod_name: &str, given: &str) -> Result<String, Status> {
    let names_in = |list: &str| {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers.filter_map(|container| container["name"].as_str()).collect::<Vec<_>>()
    };
    let names = names_in("containers");
    match names[..] {
        [only] if given.is_empty() => Ok(only.to_owned()),
        _ if given.is_empty() => Err(Status::bad_request(format!(
            "a container name must be specified for pod {pod_name}, choose one of: [{}]",
            names.join(" ")
        ))),
        _ if names.contains(&given) || names_in("initContainers").contains(&given) => Ok(given.to_owned()),
        _ => Err(Status::bad_request(format!("container {given} is not valid for pod {pod_name}"))),
    }
}
