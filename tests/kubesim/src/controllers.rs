//! The controllers: Deployments make ReplicaSets, these and StatefulSets make pods, and what has lost its owner goes.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::admission;
use crate::core::Core;
use crate::events::{Weight, tell};
use crate::resources::Kind;
use crate::stage::is_ready;
use crate::status::Status;
use crate::store::{now, suffix};

/// How long a controller waits for a change before it looks again anyway: also the grain of the replacement delay.
const LOOK_EVERY: Duration = Duration::from_millis(500);
const GRAIN: Duration = Duration::from_millis(5);

/// All controllers of a cluster.
pub struct Controllers {
    core: Arc<Core>,
    /// How many pods an owner had when it was last looked at, and since when it has been missing one.
    had: HashMap<String, usize>,
    missing_since: HashMap<String, Instant>,
}

impl Controllers {
    pub fn new(core: Arc<Core>) -> Self {
        Self { core, had: HashMap::new(), missing_since: HashMap::new() }
    }

    /// Work until the cluster ends.
    pub fn run(mut self) {
        while !self.core.store.is_closed() {
            let revision = self.core.store.revision();
            self.look();
            let wait = if self.missing_since.is_empty() { LOOK_EVERY } else { GRAIN };
            let _ = self.core.store.changes_after(revision, Instant::now() + wait);
        }
    }

    fn look(&mut self) {
        let core = Arc::clone(&self.core);
        for deployment in core.store.list(&core.deployments, "").0 {
            self.deployment(&deployment);
        }
        for set in core.store.list(&core.replica_sets, "").0 {
            self.replica_set(&set);
        }
        for set in core.store.list(&core.stateful_sets, "").0 {
            self.stateful_set(&set);
        }
        self.collect_garbage();
    }

    /// One ReplicaSet per state of the template; the newest has the pods, the others lose theirs once it is ready.
    fn deployment(&self, deployment: &Value) {
        let core = &self.core;
        let hash = template_hash(deployment);
        let name = format!("{}-{hash}", name_of(deployment));
        let namespace = namespace_of(deployment);
        let replicas = replicas(deployment);
        let sets = owned(core, &core.replica_sets, deployment);
        let old: Vec<_> = sets.iter().filter(|set| name_of(set) != name).collect();
        let recreate = deployment["spec"]["strategy"]["type"] == "Recreate";
        let old_pods: usize = old.iter().map(|set| owned(core, &core.pods, set).len()).sum();
        if !recreate || old_pods == 0 {
            match sets.iter().find(|set| name_of(set) == name) {
                None => create_replica_set(core, deployment, &name, &hash),
                Some(set) => scale(core, &core.replica_sets, set, replicas),
            }
        }
        let pods = owned_by_name(core, namespace, &name);
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        if recreate || ready >= replicas {
            old.iter().for_each(|set| scale(core, &core.replica_sets, set, 0));
        }
        let newest = core.store.get(&core.replica_sets, namespace, &name).ok();
        let failure = newest.and_then(|set| set["status"]["conditions"].as_array()?.first().cloned());
        let all_ready = ready + old.iter().flat_map(|set| owned(core, &core.pods, set)).filter(|pod| is_ready(pod)).count();
        let status = json!({
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": pods.len() + old_pods,
            "updatedReplicas": pods.len(),
            "readyReplicas": all_ready,
            "availableReplicas": all_ready,
            "unavailableReplicas": replicas.saturating_sub(all_ready),
            "conditions": deployment_conditions(deployment, all_ready >= replicas, failure),
        });
        set_status(core, &core.deployments, deployment, &status);
    }

    fn replica_set(&mut self, set: &Value) {
        let core = Arc::clone(&self.core);
        let pods: Vec<_> = owned(&core, &core.pods, set).into_iter().filter(|pod| !is_ending(pod)).collect();
        let wanted = replicas(set);
        let mut failure = None;
        for _ in 0..self.count_to_create(set, pods.len(), wanted) {
            let made = create_pod(&core, set, &format!("{}-{}", name_of(set), suffix(5)), json!({}));
            failure = made.err().map(|status| replica_failure(&core, set, &status.message));
        }
        for pod in pods.iter().skip(wanted) {
            delete_pod(&core, pod);
        }
        let status = json!({
            "observedGeneration": set["metadata"]["generation"],
            "replicas": pods.len(),
            "readyReplicas": pods.iter().filter(|pod| is_ready(pod)).count(),
            "conditions": failure.into_iter().collect::<Vec<_>>(),
        });
        set_status(&core, &core.replica_sets, set, &status);
    }

    /// Pods that keep their names; a new one comes only when the old one of its name is wholly gone.
    fn stateful_set(&mut self, set: &Value) {
        let core = Arc::clone(&self.core);
        let pods = owned(&core, &core.pods, set);
        let hash = template_hash(set);
        let wanted = replicas(set);
        let name = |ordinal: usize| format!("{}-{ordinal}", name_of(set));
        let is_there = |name: &str| pods.iter().any(|pod| name_of(pod) == name);
        let absent: Vec<String> = (0..wanted).map(name).filter(|name| !is_there(name)).collect();
        for name in absent.iter().take(self.count_to_create(set, wanted - absent.len(), wanted)) {
            let labels = json!({ "controller-revision-hash": hash, "statefulset.kubernetes.io/pod-name": name });
            let _ = create_pod(&core, set, name, labels);
        }
        let is_wanted = |pod: &Value| (0..wanted).any(|ordinal| name_of(pod) == name(ordinal));
        let is_current = |pod: &Value| pod["metadata"]["labels"]["controller-revision-hash"] == json!(hash);
        for pod in pods.iter().filter(|pod| !is_ending(pod) && (!is_wanted(pod) || !is_current(pod))) {
            delete_pod(&core, pod);
        }
        let ready = pods.iter().filter(|pod| is_ready(pod)).count();
        let current = pods.iter().filter(|pod| is_current(pod)).count();
        let status = json!({
            "observedGeneration": set["metadata"]["generation"],
            "replicas": pods.len(),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "currentReplicas": current,
            "updatedReplicas": current,
            "currentRevision": format!("{}-{hash}", name_of(set)),
            "updateRevision": format!("{}-{hash}", name_of(set)),
        });
        set_status(&core, &core.stateful_sets, set, &status);
    }

    /// How many pods an owner creates now: all that it lacks, unless one was lost less than the replacement delay ago.
    fn count_to_create(&mut self, owner: &Value, there: usize, wanted: usize) -> usize {
        let owner = uid_of(owner);
        let had = self.had.insert(owner.to_owned(), there).unwrap_or(0);
        if there >= wanted {
            self.missing_since.remove(owner);
            return 0;
        }
        if there < had {
            self.missing_since.insert(owner.to_owned(), Instant::now());
        }
        let takes = self.core.settings().replacing_takes;
        if self.missing_since.get(owner).is_some_and(|since| since.elapsed() < takes) {
            return 0;
        }
        self.missing_since.remove(owner);
        // They count from now on: one that is deleted before we look again was lost as well.
        self.had.insert(owner.to_owned(), wanted);
        wanted - there
    }

    /// What belongs to an owner that is gone, and what is in a namespace that is being deleted.
    fn collect_garbage(&self) {
        let core = &self.core;
        let kinds = core.resources.all();
        let everything = kinds.iter().flat_map(|kind| core.store.list(kind, "").0).collect::<Vec<_>>();
        let alive: HashSet<&str> = everything.iter().map(|object| uid_of(object)).collect();
        let is_alive = |owner: &Value| owner["uid"].as_str().is_some_and(|uid| alive.contains(uid));
        let ending: Vec<&str> = everything
            .iter()
            .filter(|object| object["kind"] == "Namespace" && is_ending(object))
            .map(|object| name_of(object))
            .collect();
        for kind in &kinds {
            for object in core.store.list(kind, "").0 {
                let owners = object["metadata"]["ownerReferences"].as_array();
                let orphan = owners.is_some_and(|owners| !owners.is_empty() && !owners.iter().any(is_alive));
                if orphan || ending.contains(&namespace_of(&object)) {
                    delete(core, kind, &object);
                }
            }
        }
        for namespace in ending {
            if core.store.everything_in(namespace).is_empty() {
                let _ = core.store.remove(&core.namespaces, "", namespace);
            }
        }
    }
}

fn create_replica_set(core: &Core, deployment: &Value, name: &str, hash: &str) {
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"]["pod-template-hash"] = json!(hash);
    let set = json!({
        "metadata": {
            "name": name,
            "labels": template["metadata"]["labels"],
            "ownerReferences": [reference(deployment)],
        },
        "spec": { "replicas": replicas(deployment), "selector": selector, "template": template },
    });
    let _ = core.store.create(&core.replica_sets, namespace_of(deployment), set);
}

fn create_pod(core: &Core, owner: &Value, name: &str, labels: Value) -> Result<(), Status> {
    let template = &owner["spec"]["template"];
    let mut metadata = template["metadata"].clone();
    metadata["name"] = json!(name);
    metadata["ownerReferences"] = json!([reference(owner)]);
    for (label, value) in labels.as_object().into_iter().flatten() {
        metadata["labels"][label] = value.clone();
    }
    let pod = json!({ "metadata": metadata, "spec": template["spec"], "status": { "phase": "Pending" } });
    admission::admit(core, &core.pods, namespace_of(owner), &pod)?;
    // Whoever made one of this name meanwhile has made what was wanted.
    let _ = core.store.create(&core.pods, namespace_of(owner), pod);
    Ok(())
}

/// The condition of a ReplicaSet whose pods the API server refuses. It is told once; later tries, whose pods have other names, leave it.
fn replica_failure(core: &Core, set: &Value, why: &str) -> Value {
    if let Some(known) = set["status"]["conditions"].as_array().and_then(|all| all.first()) {
        return known.clone();
    }
    tell(core, set, Weight::Warning, "FailedCreate", &format!("Error creating: {why}"));
    json!({ "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": why, "lastTransitionTime": now() })
}

fn delete_pod(core: &Core, pod: &Value) {
    delete(core, &core.pods, pod);
}

/// Delete an object as its kind wants it: pods and namespaces end in their own time.
pub fn delete(core: &Core, kind: &Kind, object: &Value) {
    let (namespace, name) = (namespace_of(object), name_of(object));
    if kind.plural == "pods" || kind.plural == "namespaces" {
        mark_ending(core, kind, namespace, name);
    } else {
        let _ = core.store.remove(kind, namespace, name);
    }
}

/// Let the end of an object begin.
pub fn mark_ending(core: &Core, kind: &Kind, namespace: &str, name: &str) {
    let _ = core.store.edit(kind, namespace, name, |object| {
        if object["metadata"].get("deletionTimestamp").is_none() {
            object["metadata"]["deletionTimestamp"] = json!(now());
            object["metadata"]["deletionGracePeriodSeconds"] = json!(30);
            if kind.plural == "namespaces" {
                object["status"]["phase"] = json!("Terminating");
            }
        }
        Ok(())
    });
}

fn scale(core: &Core, kind: &Kind, set: &Value, replicas: usize) {
    let _ = core.store.edit(kind, namespace_of(set), name_of(set), |set| {
        set["spec"]["replicas"] = json!(replicas);
        Ok(())
    });
}

fn set_status(core: &Core, kind: &Kind, object: &Value, status: &Value) {
    let _ = core.store.edit(kind, namespace_of(object), name_of(object), |object| {
        object["status"] = status.clone();
        Ok(())
    });
}

/// The times of the conditions stay as they are while nothing changes, or every look would be a change. `failure` is its
/// newest ReplicaSet's.
fn deployment_conditions(deployment: &Value, available: bool, failure: Option<Value>) -> Vec<Value> {
    let word = if available { "True" } else { "False" };
    let before = deployment["status"]["conditions"].as_array().filter(|before| before[0]["status"] == word);
    let reason = if available { "MinimumReplicasAvailable" } else { "MinimumReplicasUnavailable" };
    let mut conditions = before.map_or_else(
        || {
            vec![
                json!({ "type": "Available", "status": word, "reason": reason, "lastTransitionTime": now(), "lastUpdateTime": now() }),
                json!({ "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "lastTransitionTime": now(), "lastUpdateTime": now() }),
            ]
        },
        |before| before[..2].to_vec(),
    );
    conditions.extend(failure);
    conditions
}

fn owned(core: &Core, kind: &Kind, owner: &Value) -> Vec<Arc<Value>> {
    let uid = &owner["metadata"]["uid"];
    let all = core.store.list(kind, namespace_of(owner)).0;
    let is_owner = |reference: &Value| reference["uid"] == *uid;
    all.into_iter()
        .filter(|object| object["metadata"]["ownerReferences"].as_array().is_some_and(|all| all.iter().any(is_owner)))
        .collect()
}

fn owned_by_name(core: &Core, namespace: &str, set: &str) -> Vec<Arc<Value>> {
    match core.store.get(&core.replica_sets, namespace, set) {
        Ok(set) => owned(core, &core.pods, &set).into_iter().filter(|pod| !is_ending(pod)).collect(),
        Err(_) => Vec::new(),
    }
}

fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Ten letters and digits that change with the template, as in the names of a Deployment's pods.
fn template_hash(owner: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    owner["spec"]["template"].to_string().hash(&mut hasher);
    format!("{:010x}", hasher.finish() & 0xff_ffff_ffff)
}

fn replicas(owner: &Value) -> usize {
    owner["spec"]["replicas"].as_u64().unwrap_or(1) as usize
}

fn is_ending(object: &Value) -> bool {
    object["metadata"].get("deletionTimestamp").is_some()
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn namespace_of(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

fn uid_of(object: &Value) -> &str {
    object["metadata"]["uid"].as_str().unwrap_or_default()
}
