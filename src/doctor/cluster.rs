//! kubectl, and what a cluster says of the operator: context, login, and the permissions that we need.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Check, gateway, relay};
use crate::cluster::{Cluster, kubectl, login};
use crate::failure::Failure;
use crate::local::version::Version;
use crate::registry::worker::{PodPlace, PodRef};
use crate::terminal::neutralise;

/// kubectl: there, and new enough. Its exec speaks websocket by default since 1.31, in 1.30 when a variable says so, and
/// SPDY before, which many proxies do not let through (kubernetes.io/blog/2024/08/20/websockets-transition).
pub fn kubectl(timeout: Duration) -> Check {
    const NAME: &str = "kubectl";
    let found = match kubectl::version(Instant::now() + timeout) {
        Ok(found) => found,
        Err(failure) => return Check::failed(NAME, &failure),
    };
    let version = Version::parse(found.trim_start_matches('v'));
    if version.at_least(1, 31) {
        return Check::ok(NAME, found);
    }
    let what = format!("{found} speaks SPDY, which some proxies do not let through");
    if version.at_least(1, 30) {
        Check::warn(NAME, what, "install 1.31 or newer, or set KUBECTL_REMOTE_COMMAND_WEBSOCKETS=true")
    } else {
        Check::warn(NAME, what, "install 1.31 or newer")
    }
}

/// A permission that we need, or are better off with.
struct Permission {
    verb: &'static str,
    resource: &'static str,
    /// What is lost without it; empty when nothing works then.
    otherwise: &'static str,
}

const fn permission(verb: &'static str, resource: &'static str, otherwise: &'static str) -> Permission {
    Permission { verb, resource, otherwise }
}

const EXEC: [Permission; 3] = [
    permission("get", "pods", ""),
    permission("create", "pods/exec", ""),
    permission("get", "pods/exec", "exec by websocket is refused and SPDY is tried instead"),
];

/// Needed to find out which pod a name means.
const LOOK_UP: [Permission; 3] = [
    permission("list", "pods", "pods of Deployments and StatefulSets are not found"),
    permission("list", "deployments.apps", "pods of Deployments are not found"),
    permission("list", "statefulsets.apps", "pods of StatefulSets are not found"),
];

/// Needed to hear of pods as they come and go.
const WATCH: Permission = permission("watch", "pods", "what becomes of pods is seen late, by lists, and `kubectl wait` fails");

/// How the section of a namespace is called before its kubeconfig was read.
pub fn name(cluster: &Cluster) -> String {
    let context = cluster.context.as_deref().unwrap_or("(current context)");
    let namespace = cluster.namespace.as_ref().map(|namespace| format!(", namespace {namespace}")).unwrap_or_default();
    let kubeconfig = cluster.kubeconfig.as_ref().map(|path| format!(", {}", path.display())).unwrap_or_default();
    neutralise::line(&format!("{context}{namespace}{kubeconfig}"))
}

/// Context, login, ways and permissions in a namespace of a cluster in which workers are at `places`.
pub fn checks(cluster: &Cluster, places: &[PodPlace], timeout: Duration) -> Vec<Check> {
    let deadline = || Instant::now() + timeout;
    let context = match cluster.config(deadline()) {
        Ok(config) => context(&config, &cluster.words()),
        Err(failure) => return vec![Check::failed("context", &failure)],
    };
    let looked_up = places.iter().any(|place| !matches!(place.pod, PodRef::Pod(_)));
    let mut permissions: Vec<&Permission> = EXEC.iter().collect();
    permissions.extend(LOOK_UP.iter().filter(|_| looked_up));
    permissions.push(&WATCH);
    // Somebody else's login is not waited for in the time for the answers.
    drop(login::turn(cluster, Some(deadline())));
    let answers = ask(cluster, &permissions, deadline());
    let login = match answers.iter().find_map(|answer| answer.as_ref().err()) {
        Some(failure) => return vec![context, Check::failed("login", failure)],
        None => Check::ok("login", "accepted"),
    };
    let mut checks = vec![context, login];
    checks.extend(cluster.server_version(deadline()).ok().and_then(|version| gateway::idle(&version)));
    checks.push(gateway::check(cluster, places, timeout));
    checks.push(relay::check(cluster, places, timeout));
    checks.extend(permissions.iter().zip(&answers).map(|(permission, answer)| permission.check(matches!(answer, Ok(true)))));
    checks
}

/// One kubectl process for each permission, all at the same time.
fn ask(cluster: &Cluster, permissions: &[&Permission], deadline: Instant) -> Vec<Result<bool, Failure>> {
    thread::scope(|scope| {
        let asked: Vec<_> = permissions
            .iter()
            .map(|permission| scope.spawn(move || cluster.can_i(permission.verb, permission.resource, deadline)))
            .collect();
        // A thread that is gone has asked nothing.
        asked.into_iter().map(|thread| thread.join().unwrap_or(Ok(false))).collect()
    })
}

impl Permission {
    fn check(&self, allowed: bool) -> Check {
        let Self { verb, resource, otherwise } = self;
        let name = format!("{verb} {resource}");
        match (allowed, otherwise.is_empty()) {
            (true, _) => Check::ok(name, "allowed"),
            (false, true) => Check::fail(name, "not allowed", format!("ask for a role that may {verb} {resource}")),
            (false, false) => {
                Check::warn(name, format!("not allowed: {otherwise}"), format!("ask for a role that may {verb} {resource}"))
            }
        }
    }
}

/// What `kubectl config view --minify` says: the context that is used, its server and its namespace.
fn context(config: &[u8], kubectl: &str) -> Check {
    const NAME: &str = "context";
    let config: Value = serde_json::from_slice(config).unwrap_or_default();
    let text = |pointer: &str| config.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let context = text("/contexts/0/name").or_else(|| text("/current-context"));
    match (context, text("/clusters/0/cluster/server")) {
        (Some(context), Some(server)) => {
            let namespace = text("/contexts/0/context/namespace").unwrap_or("default");
            Check::ok(NAME, format!("{context}, namespace {namespace}, server {server}"))
        }
        _ => {
            let remedy = format!("`{kubectl} config view --minify` shows what is there");
            Check::fail(NAME, "the kubeconfig names no server for this context", remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn the_context_is_shown_with_its_server() {
        let config = br#"{"clusters": [{"name": "c", "cluster": {"server": "https://k:6443"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "namespace": "factory"}}], "current-context": "x"}"#;
        assert_eq!(context(config, "kubectl"), Check::ok("context", "x, namespace factory, server https://k:6443"));
        assert_eq!(context(b"{}", "kubectl").verdict, Verdict::Fail);
    }
}
