//! In which state a pod is: good to exec into, or why not.

use super::Start;
use super::listing::{ContainerStatus, PodObject, PodStatus, Terminated, Waiting};
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::terminal::{neutralise, shell};

/// How good a pod is whose container runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Good {
    Ready,
    /// It runs and is not ready: a probe fails, or has not been asked yet. An exec works.
    Running,
}

/// The annotation by which a pod names the container that kubectl takes when none is named.
const DEFAULT_CONTAINER: &str = "kubectl.kubernetes.io/default-container";

/// The state of a pod, seen from the container that a worker means: the named one, else the pod's default.
///
/// # Errors
/// Its container does not run; the failure's kind is the word for that.
pub fn of(pod: &PodObject, container: Option<&ObjectName>) -> Result<Good, Failure> {
    let name = neutralise::line(&pod.metadata.name);
    judged(pod, &name, container).map_err(|failure| match failure.kind {
        Kind::Pending => failure.with_remedy(format!("`kubectl describe pod {}` says what it waits for", shell::word(&name))),
        Kind::Completed => failure
            .with_remedy(format!("restart it: `kubectl delete pod {}`, so that its owner makes a new one", shell::word(&name))),
        _ => failure,
    })
}

fn judged(pod: &PodObject, name: &str, container: Option<&ObjectName>) -> Result<Good, Failure> {
    let status = &pod.status;
    if pod.metadata.deletion_timestamp.is_some() {
        return Err(Failure::new(Kind::Terminating, format!("pod {name} is being deleted")));
    }
    if let "Succeeded" | "Failed" = status.phase.as_str() {
        return Err(completed(name, pod));
    }
    let container = match container {
        Some(container) => {
            has(pod, container.as_str()).then(|| container.as_str()).ok_or_else(|| no_container(pod, container))?
        }
        None => default_container(pod),
    };
    match status_of(status, container) {
        Some(found) if found.state.running.is_some() => Ok(if is_ready(status) { Good::Ready } else { Good::Running }),
        Some(ContainerStatus { state, .. }) if state.terminated.is_some() => {
            Err(ended(name, container, state.terminated.as_ref()))
        }
        Some(ContainerStatus { state, last_state, .. }) if state.waiting.is_some() => {
            Err(waiting(name, container, status, state.waiting.as_ref(), last_state.terminated.as_ref()))
        }
        _ => Err(pending(name, status)),
    }
}

/// Which start of that container it is.
///
/// # Errors
/// As [`of`].
pub fn start(pod: &PodObject, container: Option<&ObjectName>) -> Result<Start, Failure> {
    of(pod, container)?;
    let container = container.map_or_else(|| default_container(pod), ObjectName::as_str);
    let restarts = status_of(&pod.status, container).map_or(0, |status| status.restart_count);
    Ok(Start { uid: pod.metadata.uid.clone(), restarts })
}

fn names(pod: &PodObject) -> impl Iterator<Item = &str> {
    let spec = &pod.spec;
    let all = spec.containers.iter().chain(&spec.init_containers).chain(&spec.ephemeral_containers);
    all.map(|container| container.name.as_str())
}

fn has(pod: &PodObject, container: &str) -> bool {
    names(pod).any(|name| name == container)
}

/// The names of those that run.
pub fn running(pod: &PodObject) -> impl Iterator<Item = &str> {
    names(pod).filter(|name| status_of(&pod.status, name).is_some_and(|status| status.state.running.is_some()))
}

/// The container that kubectl takes when none is named; empty when the pod has none.
pub fn default_container(pod: &PodObject) -> &str {
    let annotated = pod.metadata.annotations.get(DEFAULT_CONTAINER).map(String::as_str);
    let first = || pod.spec.containers.first().map_or("", |container| container.name.as_str());
    annotated.filter(|name| has(pod, name)).unwrap_or_else(first)
}

fn no_container(pod: &PodObject, wanted: &ObjectName) -> Failure {
    let there = neutralise::line(&names(pod).collect::<Vec<_>>().join(", "));
    let name = neutralise::line(&pod.metadata.name);
    Failure::new(Kind::NoContainer, format!("there is no container {wanted} in pod {name}; it has {there}"))
}

fn status_of<'a>(status: &'a PodStatus, container: &str) -> Option<&'a ContainerStatus> {
    let all = status.container_statuses.iter().chain(&status.init_container_statuses);
    all.chain(&status.ephemeral_container_statuses).find(|status| status.name == container)
}

fn is_ready(status: &PodStatus) -> bool {
    status.conditions.iter().any(|condition| condition.kind == "Ready" && condition.status == "True")
}

/// The init container that has failed, so that no container behind it begins; `None` when none has.
pub fn failed_init(pod: &PodObject) -> Option<&ContainerStatus> {
    let failed = |status: &&ContainerStatus| status.state.terminated.as_ref().is_some_and(|end| end.exit_code != 0);
    pod.status.init_container_statuses.iter().find(failed)
}

fn completed(name: &str, pod: &PodObject) -> Failure {
    let status = &pod.status;
    let init = failed_init(pod).map(|init| {
        let how = init.state.terminated.as_ref().map(how).unwrap_or_default();
        format!("init container {} has failed{how}", neutralise::line(&init.name))
    });
    let why = [&status.reason, &status.message].map(|text| neutralise::line(text));
    let why = why.iter().map(String::as_str).chain(init.as_deref());
    let why: Vec<&str> = why.filter(|text| !text.is_empty()).collect();
    let phase = neutralise::line(&status.phase);
    let why = if why.is_empty() { String::new() } else { format!(": {}", why.join(", ")) };
    Failure::new(Kind::Completed, format!("pod {name} has ended ({phase}){why}"))
}

/// The container has ended and was not started again yet.
fn ended(name: &str, container: &str, terminated: Option<&Terminated>) -> Failure {
    let how = terminated.map(how).unwrap_or_default();
    let kind = if terminated.is_some_and(|end| end.exit_code == 0) { Kind::Completed } else { Kind::Crashing };
    Failure::new(kind, format!("the container of pod {name} has ended{how}")).with_remedy(last_words(name, container, ""))
}

/// Where to read why a container ended: its log, or with `--previous ` that of its start before.
fn last_words(name: &str, container: &str, which: &str) -> String {
    let [name, container] = [name, container].map(shell::word);
    format!("`kubectl logs {which}{name} --container={container}` shows what it said before it ended")
}

fn how(end: &Terminated) -> String {
    format!(" ({}exit {})", word(&end.reason).map(|reason| format!("{reason}, ")).unwrap_or_default(), end.exit_code)
}

fn word(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| neutralise::line(text))
}

fn waiting(name: &str, container: &str, status: &PodStatus, waiting: Option<&Waiting>, last: Option<&Terminated>) -> Failure {
    let (reason, message) = waiting.map_or(("", ""), |waiting| (waiting.reason.as_str(), waiting.message.as_str()));
    match reason {
        // An init container may be what keeps it waiting, and may be crashing.
        "PodInitializing" | "ContainerCreating" | "" => stuck(name, status).unwrap_or_else(|| {
            Failure::new(Kind::Starting, format!("pod {name}: {}", word(reason).unwrap_or("starting".into())))
        }),
        "CrashLoopBackOff" | "RunContainerError" | "StartError" => {
            let how = last.map(how).unwrap_or_default();
            Failure::new(Kind::Crashing, format!("pod {name}: {reason}{how}")).with_remedy(last_words(
                name,
                container,
                "--previous ",
            ))
        }
        _ => {
            let message = word(message).map(|message| format!(": {message}")).unwrap_or_default();
            Failure::new(Kind::Pending, format!("pod {name}: {}{message}", neutralise::line(reason)))
        }
    }
}

/// An init container that does not get on, if one does not.
fn stuck(name: &str, status: &PodStatus) -> Option<Failure> {
    let stuck = status.init_container_statuses.iter().find_map(|init| {
        let reason = init.state.waiting.as_ref()?.reason.as_str();
        (!matches!(reason, "PodInitializing" | "ContainerCreating" | "")).then_some((init, reason))
    })?;
    let (init, reason) = stuck;
    let kind = if reason == "CrashLoopBackOff" { Kind::Crashing } else { Kind::Pending };
    let failure =
        Failure::new(kind, format!("pod {name}: init container {}: {}", neutralise::line(&init.name), neutralise::line(reason)));
    Some(failure.with_remedy(last_words(name, &init.name, "--previous ")))
}

/// No container has a state yet: the pod is on no node, or its node has not begun.
fn pending(name: &str, status: &PodStatus) -> Failure {
    let unscheduled = status.conditions.iter().find(|condition| condition.kind == "PodScheduled" && condition.status == "False");
    match unscheduled {
        Some(condition) => {
            let why = word(&condition.message).or_else(|| word(&condition.reason)).unwrap_or("not scheduled".into());
            Failure::new(Kind::Pending, format!("pod {name} is on no node: {why}"))
        }
        None if status.phase == "Unknown" => Failure::new(Kind::Unreachable, format!("the node of pod {name} is lost")),
        None => Failure::new(Kind::Pending, format!("pod {name} is pending")),
    }
}

#[cfg(test)]
mod tests;
