//! Reasons made from kubectl's own words, each from one form of a message; `None` when it is another form after all.

use super::stripped;

/// The text between two others.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0)
}

/// `pods "w" is forbidden: User "bob" cannot create resource "pods/exec" in API group "" in the namespace "factory"`
pub fn forbidden(message: &str) -> Option<String> {
    let user = between(message, "User \"", "\" cannot ")?;
    let verb = between(message, "\" cannot ", " resource \"")?;
    let resource = between(message, " resource \"", "\"")?;
    let place = between(message, " in the namespace \"", "\"").map(|namespace| format!(" in namespace {namespace}"));
    Some(format!("{user} may not {verb} {resource}{}", place.unwrap_or_default()))
}

/// `container NAME is not valid for pod POD`, `container NAME not found in pod POD`
pub fn no_container(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("container ")?;
    let container = rest.split(' ').next()?;
    let (_, pod) = rest.split_once(" pod ")?;
    Some(format!("there is no container {container} in pod {pod}"))
}

/// `cannot exec into a container in a completed pod; current phase is Succeeded`
pub fn completed(message: &str) -> Option<String> {
    let (_, phase) = message.split_once("current phase is ")?;
    Some(format!("the pod has ended ({phase})"))
}

/// `pod w does not have a host assigned`
pub fn no_node(message: &str) -> Option<String> {
    Some(format!("pod {} is on no node yet", between(message, "pod ", " does not have a host")?))
}

/// `unable to upgrade connection: container not found ("worker")`
pub fn not_running(message: &str) -> Option<String> {
    Some(format!("container {} is not running", between(message, "container not found (\"", "\")")?))
}

/// `container "worker" in pod "w" is waiting to start: ContainerCreating`
pub fn waiting(message: &str) -> Option<String> {
    let pod = between(message, " in pod \"", "\"")?;
    let (_, why) = message.split_once(" is waiting to start: ")?;
    Some(format!("pod {pod}: its container waits to start: {why}"))
}

/// `previous terminated container "worker" in pod "w" not found`
pub fn no_previous(message: &str) -> Option<String> {
    let container = between(message, "previous terminated container \"", "\"")?;
    let pod = between(message, " in pod \"", "\"")?;
    Some(format!("container {container} of pod {pod} has not ended before, so there is no previous log"))
}

/// What the role of those who make workers allows.
const ADMINS: [&str; 6] =
    ["secrets", "serviceaccounts", "persistentvolumeclaims", "networkpolicies", "deployments", "statefulsets"];

/// What would help who may not do what [`forbidden`] names; `None` when any role for workers allows that.
pub fn right(message: &str) -> Option<String> {
    let verb = between(message, "\" cannot ", " resource \"")?;
    let resource = between(message, " resource \"", "\"")?;
    if matches!((verb, resource), ("get" | "list" | "watch", "pods") | (_, "pods/exec")) {
        return None;
    }
    let group = between(message, " in API group \"", "\"").filter(|group| !group.is_empty());
    let group = group.map(|group| format!(" (API group {group})")).unwrap_or_default();
    let place = match between(message, " in the namespace \"", "\"") {
        Some(namespace) => format!("in namespace {namespace}"),
        None => "in the whole cluster".to_owned(),
    };
    let such_as = if ADMINS.contains(&resource) { ", such as the role factory-worker-admin of deploy/k8s/access" } else { "" };
    Some(format!("ask for a role that may {verb} {resource}{group} {place}{such_as}"))
}

/// Where a rule of the cluster forbids it: its words say which.
pub fn rule(message: &str) -> Option<String> {
    let by_rule = !message.contains(" cannot ");
    by_rule.then(|| "a rule of the cluster forbids it, and no lack of rights; whoever runs the cluster knows which".to_owned())
}

/// `Error from server (NotFound): pods "w" not found`, `deployments.apps "w" not found`, `namespaces "n" not found`
pub fn missing(message: &str) -> Option<String> {
    let (kind, rest) = stripped(message).split_once(" \"")?;
    let name = rest.split_once('"')?.0;
    let kind = match kind.split('.').next()? {
        "pods" => "pod",
        "deployments" => "Deployment",
        "statefulsets" => "StatefulSet",
        "namespaces" => "namespace",
        "secrets" => "Secret",
        "persistentvolumeclaims" => "PersistentVolumeClaim",
        "polecats" => "polecat",
        other => other,
    };
    Some(format!("there is no {kind} {name}"))
}

/// How to see what there is, where it is no pod's name, nor that of a pod's owner, which workers.yaml has.
pub fn which_there_are(message: &str) -> Option<String> {
    let (kind, _) = stripped(message).split_once(" \"")?;
    let is_word = !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'));
    let is_workers = ["pods", "deployments", "deployments.apps", "statefulsets", "statefulsets.apps"].contains(&kind);
    (is_word && !is_workers).then(|| format!("`kubectl get {kind}` lists those there are"))
}

/// `context was not found for specified context: NAME`, `cannot locate context NAME`, `context "NAME" does not exist`
pub fn no_context(message: &str) -> Option<String> {
    let name = message
        .split_once("specified context: ")
        .or_else(|| message.split_once("cannot locate context "))
        .map(|(_, name)| name)
        .or_else(|| between(message, "context \"", "\""))?;
    Some(format!("there is no context {} in the kubeconfig", name.trim_matches('"')))
}

pub fn no_kubeconfig(_message: &str) -> Option<String> {
    Some("kubectl has no kubeconfig, and no API server listens on localhost:8080".to_owned())
}

/// `The connection to the server HOST was refused - did you specify the right host or port?`
pub fn refused(message: &str) -> Option<String> {
    Some(format!("connection refused by {}", between(message, "The connection to the server ", " was refused")?))
}
