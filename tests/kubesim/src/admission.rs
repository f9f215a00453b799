//! What the API server has against an object that is well-formed: the Pod Security level of its namespace, quotas, and
//! changes that cannot be made.
//!
//! Of the levels the rules about privileges are here, of quotas those that count objects (`pods`, `persistentvolumeclaims`).

use serde_json::Value;

use crate::claims;
use crate::core::Core;
use crate::resources::Kind;
use crate::status::Status;

/// The label of a namespace that says which pods it takes.
const LEVEL: &str = "pod-security.kubernetes.io/enforce";

/// Let a new object into a namespace.
///
/// # Errors
/// 403 with the words of a real API server.
pub fn admit(core: &Core, kind: &Kind, namespace: &str, object: &Value) -> Result<(), Status> {
    let refused = match kind.plural.as_str() {
        "pods" => violation(core, namespace, object),
        _ => None,
    };
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    refused.or_else(|| excess(core, kind, namespace)).map_or(Ok(()), |why| Err(Status::not_admitted(kind, name, &why)))
}

/// Let an object change.
///
/// # Errors
/// As [`admit`], and 422.
pub fn admit_change(core: &Core, kind: &Kind, before: &Value, after: &Value) -> Result<(), Status> {
    match kind.plural.as_str() {
        "persistentvolumeclaims" => claims::resize(core, kind, before, after),
        _ => Ok(()),
    }
}

/// How a pod violates the level of its namespace.
fn violation(core: &Core, namespace: &str, pod: &Value) -> Option<String> {
    let there = core.store.get(&core.namespaces, "", namespace).ok()?;
    let level = there["metadata"]["labels"][LEVEL].as_str().filter(|level| matches!(*level, "baseline" | "restricted"))?;
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let broken = containers.flat_map(|container| {
        let (name, context) = (&container["name"], &container["securityContext"]);
        let privileged = (context["privileged"] == true)
            .then(|| format!("privileged (container {name} must not set securityContext.privileged=true)"));
        let escalates = (level == "restricted" && context["allowPrivilegeEscalation"] != false).then(|| {
            let must = format!("container {name} must set securityContext.allowPrivilegeEscalation=false");
            format!("allowPrivilegeEscalation != false ({must})")
        });
        privileged.into_iter().chain(escalates)
    });
    let broken: Vec<String> = broken.collect();
    (!broken.is_empty()).then(|| format!("violates PodSecurity \"{level}:latest\": {}", broken.join(", ")))
}

/// Which quota has no room for one more object of a kind.
fn excess(core: &Core, kind: &Kind, namespace: &str) -> Option<String> {
    let what = &kind.plural;
    let (quotas, _) = core.store.list(&core.resources.get("resourcequotas"), namespace);
    quotas.iter().find_map(|quota| {
        let hard = &quota["spec"]["hard"][what];
        let limit: usize = hard.as_str().map_or_else(|| hard.to_string(), str::to_owned).parse().ok()?;
        let used = core.store.list(kind, namespace).0.len();
        let name = quota["metadata"]["name"].as_str()?;
        (used >= limit)
            .then(|| format!("exceeded quota: {name}, requested: {what}=1, used: {what}={used}, limited: {what}={limit}"))
    })
}
