//! Which of a namespace's pods a worker means: the pod of that name, else the newest good one of its Deployment or
//! StatefulSet.

use super::listing::{Listing, Owner, PodObject};
use super::state;
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::registry::worker::PodRef;
use crate::terminal::{neutralise, shell};

/// The pod to exec into.
///
/// # Errors
/// There is none, or none whose container runs; the failure says in which state the newest one is.
pub fn pod(
    listing: &Listing,
    wanted: &PodRef,
    container: Option<&ObjectName>,
    namespace: Option<&str>,
) -> Result<ObjectName, Failure> {
    let found = match wanted {
        PodRef::Any(name) => {
            by_name(listing, name).or_else(|| of_deployment(listing, name)).or_else(|| of_stateful_set(listing, name))
        }
        PodRef::Pod(name) => by_name(listing, name),
        PodRef::Deployment(name) => of_deployment(listing, name),
        PodRef::StatefulSet(name) => of_stateful_set(listing, name),
    };
    match found {
        Some(Candidates { pods, owner }) => best(&pods, container).unwrap_or_else(|| Err(without_pods(owner, wanted))),
        None => not_found(listing, wanted, namespace),
    }
}

/// The pods that may be meant, and the Deployment or StatefulSet that owns them, if one does, by its kind.
struct Candidates<'a> {
    pods: Vec<&'a PodObject>,
    owner: Option<(&'static str, &'a Owner)>,
}

fn by_name<'a>(listing: &'a Listing, name: &ObjectName) -> Option<Candidates<'a>> {
    let pod = listing.pods.iter().find(|pod| pod.metadata.name == name.as_str())?;
    Some(Candidates { pods: vec![pod], owner: None })
}

/// A Deployment owns ReplicaSets and these own the pods; the Deployment's selector is what ties them together.
fn of_deployment<'a>(listing: &'a Listing, name: &ObjectName) -> Option<Candidates<'a>> {
    let owner = listing.deployments.iter().find(|owner| owner.metadata.name == name.as_str())?;
    let owned = |pod: &&PodObject| {
        let references = &pod.metadata.owner_references;
        references.iter().any(|reference| reference.controller && reference.kind == "ReplicaSet")
            && owner.spec.selector.matches(&pod.metadata.labels)
    };
    Some(Candidates { pods: listing.pods.iter().filter(owned).collect(), owner: Some(("deployment", owner)) })
}

fn of_stateful_set<'a>(listing: &'a Listing, name: &ObjectName) -> Option<Candidates<'a>> {
    let owner = listing.stateful_sets.iter().find(|owner| owner.metadata.name == name.as_str())?;
    let owned = |pod: &&PodObject| {
        let references = &pod.metadata.owner_references;
        references
            .iter()
            .any(|reference| reference.controller && reference.kind == "StatefulSet" && reference.name == name.as_str())
    };
    Some(Candidates { pods: listing.pods.iter().filter(owned).collect(), owner: Some(("statefulset", owner)) })
}

/// The newest of the best: ready before running before anything else. `None` without any pod.
fn best(pods: &[&PodObject], container: Option<&ObjectName>) -> Option<Result<ObjectName, Failure>> {
    let judged = pods.iter().map(|pod| (pod, state::of(pod, container)));
    let (pod, state) = judged.max_by(|(one, first), (other, second)| {
        let newer = one.metadata.creation_timestamp.cmp(&other.metadata.creation_timestamp);
        rank(first).cmp(&rank(second)).then(newer)
    })?;
    Some(state.and_then(|_| {
        pod.metadata.name.parse().map_err(|error| Failure::new(Kind::Incomplete, format!("a pod's name makes no sense: {error}")))
    }))
}

fn rank(state: &Result<state::Good, Failure>) -> u8 {
    match state {
        Ok(state::Good::Ready) => 4,
        Ok(state::Good::Running) => 3,
        Err(failure) if failure.kind == Kind::Terminating => 0,
        Err(failure) if failure.kind == Kind::Completed => 1,
        Err(_) => 2,
    }
}

fn without_pods(owner: Option<(&str, &Owner)>, wanted: &PodRef) -> Failure {
    let what = describe(wanted);
    match owner {
        Some((kind, owner)) if owner.spec.replicas == Some(0) => {
            Failure::new(Kind::Missing, format!("{what} has no pods: it is scaled to 0"))
                .with_remedy(format!("scale it up: `kubectl scale --replicas=1 {kind}/{}`", shell::word(&owner.metadata.name)))
        }
        _ => Failure::new(Kind::Pending, format!("{what} has no pod yet")),
    }
}

fn not_found(listing: &Listing, wanted: &PodRef, namespace: Option<&str>) -> Result<ObjectName, Failure> {
    match (wanted, &listing.lacking) {
        // Whether there is such a pod is for the exec to say.
        (PodRef::Any(name) | PodRef::Pod(name), Some(_)) if listing.pods_hidden => Ok(name.clone()),
        (_, Some(lacking)) => Err(not_seen(lacking, wanted)),
        (_, None) => {
            let place = namespace.map_or_else(|| "the context's namespace".to_owned(), |name| format!("namespace {name}"));
            Err(Failure::new(Kind::Missing, format!("there is no {} in {place}", describe(wanted))))
        }
    }
}

/// What to say when the exec has found no pod of a name that the listing could not tell anything about; `None` when the
/// listing could, or the name can be nothing but a pod's.
pub fn guessed_wrong(listing: &Listing, wanted: &PodRef) -> Option<Failure> {
    let lacking = listing.lacking.as_ref().filter(|_| listing.pods_hidden && matches!(wanted, PodRef::Any(_)))?;
    Some(not_seen(lacking, wanted))
}

fn not_seen(lacking: &Failure, wanted: &PodRef) -> Failure {
    let mut failure = lacking.clone();
    failure.reason = format!("{} was not found, and {}", describe(wanted), failure.reason);
    if failure.kind == Kind::Forbidden {
        return failure
            .with_remedy("ask for a role that may list deployments, statefulsets and pods, or name a pod in workers.yaml");
    }
    failure
}

fn describe(wanted: &PodRef) -> String {
    let words = match wanted {
        PodRef::Any(name) => format!("pod, Deployment or StatefulSet {name}"),
        PodRef::Pod(name) => format!("pod {name}"),
        PodRef::Deployment(name) => format!("Deployment {name}"),
        PodRef::StatefulSet(name) => format!("StatefulSet {name}"),
    };
    neutralise::line(&words)
}

#[cfg(test)]
mod tests;
