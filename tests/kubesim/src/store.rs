//! The objects of a cluster, their versions, and the history that watches read.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::resources::Kind;
use crate::status::Status;

/// Where an object is. The order is that of a list: by namespace, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// `deployments.apps`
    resource: String,
    pub namespace: String,
    pub name: String,
}

impl Key {
    /// `namespace` is empty for kinds that live in none.
    pub fn new(kind: &Kind, namespace: &str, name: &str) -> Self {
        Self { resource: kind.qualified(), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// One step of the history.
#[derive(Debug, Clone)]
pub struct Change {
    pub revision: u64,
    key: Key,
    pub before: Option<Arc<Value>>,
    pub after: Option<Arc<Value>>,
}

impl Change {
    /// Whether this is about a kind of object, in one namespace unless that is empty.
    pub fn concerns(&self, kind: &Kind, namespace: &str) -> bool {
        self.key.resource == kind.qualified() && (namespace.is_empty() || self.key.namespace == namespace)
    }
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<Key, Arc<Value>>,
    revision: u64,
    history: Vec<Change>,
    /// Watches from before this revision are told that it is gone.
    forgotten: u64,
    closed: bool,
}

impl State {
    fn put(&mut self, key: &Key, after: Option<Value>) -> Option<Arc<Value>> {
        self.revision += 1;
        let before = self.objects.remove(key);
        let after = after.map(|mut object| {
            object["metadata"]["resourceVersion"] = json!(self.revision.to_string());
            Arc::new(object)
        });
        if let Some(object) = &after {
            self.objects.insert(key.clone(), Arc::clone(object));
        }
        self.history.push(Change { revision: self.revision, key: key.clone(), before, after: after.clone() });
        after
    }
}

/// All objects, and who waits for a change of them.
#[derive(Debug, Default)]
pub struct Store {
    state: Mutex<State>,
    changed: Condvar,
}

impl Store {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub fn get(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        let key = Key::new(kind, namespace, name);
        self.state().objects.get(&key).cloned().ok_or_else(|| Status::not_found(kind, name))
    }

    /// The objects of a kind, in one namespace unless that is empty, and the revision of this picture.
    pub fn list(&self, kind: &Kind, namespace: &str) -> (Vec<Arc<Value>>, u64) {
        let state = self.state();
        let resource = kind.qualified();
        let wanted = |key: &Key| key.resource == resource && (namespace.is_empty() || key.namespace == namespace);
        let objects = state.objects.iter().filter(|(key, _)| wanted(key)).map(|(_, object)| Arc::clone(object)).collect();
        (objects, state.revision)
    }

    /// Add an object; its metadata is completed as the API server does.
    pub fn create(&self, kind: &Kind, namespace: &str, mut object: Value) -> Result<Arc<Value>, Status> {
        let name = complete(kind, namespace, &mut object)?;
        let key = Key::new(kind, namespace, &name);
        let mut state = self.state();
        if state.objects.contains_key(&key) {
            return Err(Status::already_exists(kind, &name));
        }
        let created = state.put(&key, Some(object));
        self.changed.notify_all();
        Ok(created.expect("just put"))
    }

    /// Change an object under the lock. Nothing happens, and no version is made, when `change` leaves it as it was.
    pub fn edit(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Arc<Value>, Status> {
        let key = Key::new(kind, namespace, name);
        let mut state = self.state();
        let before = state.objects.get(&key).cloned().ok_or_else(|| Status::not_found(kind, name))?;
        let after = changed(&before, change)?;
        if after == *before {
            return Ok(before);
        }
        let stored = state.put(&key, Some(after));
        self.changed.notify_all();
        Ok(stored.expect("just put"))
    }

    /// Let an object have been made that much earlier, which nobody can ask for.
    pub fn backdate(&self, kind: &Kind, namespace: &str, name: &str, by: Duration) -> Result<(), Status> {
        let key = Key::new(kind, namespace, name);
        let mut state = self.state();
        let mut object =
            state.objects.get(&key).map(|object| Value::clone(object)).ok_or_else(|| Status::not_found(kind, name))?;
        let made = object["metadata"]["creationTimestamp"].as_str().and_then(|time| humantime::parse_rfc3339(time).ok());
        let made = made.unwrap_or_else(SystemTime::now) - by;
        object["metadata"]["creationTimestamp"] = json!(humantime::format_rfc3339_seconds(made).to_string());
        state.put(&key, Some(object));
        self.changed.notify_all();
        Ok(())
    }

    /// What [`Self::create`] would make of an object, and nothing more.
    pub fn rehearse_create(&self, kind: &Kind, namespace: &str, mut object: Value) -> Result<Arc<Value>, Status> {
        let name = complete(kind, namespace, &mut object)?;
        match self.get(kind, namespace, &name) {
            Ok(_) => Err(Status::already_exists(kind, &name)),
            Err(_) => Ok(Arc::new(object)),
        }
    }

    /// What [`Self::edit`] would make of an object, and nothing more.
    pub fn rehearse_edit(
        &self,
        kind: &Kind,
        namespace: &str,
        name: &str,
        change: impl FnOnce(&mut Value) -> Result<(), Status>,
    ) -> Result<Arc<Value>, Status> {
        changed(&*self.get(kind, namespace, name)?, change).map(Arc::new)
    }

    /// Take an object away; gives its last state.
    pub fn remove(&self, kind: &Kind, namespace: &str, name: &str) -> Result<Arc<Value>, Status> {
        let key = Key::new(kind, namespace, name);
        let mut state = self.state();
        let last = state.objects.get(&key).cloned().ok_or_else(|| Status::not_found(kind, name))?;
        state.put(&key, None);
        self.changed.notify_all();
        Ok(last)
    }

    pub fn revision(&self) -> u64 {
        self.state().revision
    }

    /// Every object of every kind in a namespace, with the plural and group of its kind as `deployments.apps`.
    pub fn everything_in(&self, namespace: &str) -> Vec<(String, String)> {
        let state = self.state();
        let keys = state.objects.keys().filter(|key| key.namespace == namespace);
        keys.map(|key| (key.resource.clone(), key.name.clone())).collect()
    }

    /// What happened after `revision`, waiting until something did or `until` has passed (then it is empty).
    ///
    /// # Errors
    /// That part of the history is no longer kept.
    pub fn changes_after(&self, revision: u64, until: Instant) -> Result<Vec<Change>, Status> {
        let mut state = self.state();
        loop {
            if revision < state.forgotten {
                return Err(Status::gone(revision, state.forgotten));
            }
            let first = state.history.partition_point(|change| change.revision <= revision);
            let left = until.saturating_duration_since(Instant::now());
            if first < state.history.len() || left.is_zero() || state.closed {
                return Ok(state.history[first..].to_vec());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    /// Forget the history so far: a watch that continues from it is told 410.
    pub fn compact(&self) {
        let mut state = self.state();
        state.forgotten = state.revision;
        state.history.clear();
    }

    /// Count versions from the beginning again, with the objects as they are and no history.
    pub fn restart(&self) {
        let mut state = self.state();
        (state.revision, state.forgotten) = (0, 0);
        let objects = std::mem::take(&mut state.objects);
        for (key, object) in objects {
            state.put(&key, Some(Value::clone(&object)));
        }
        state.history.clear();
        self.changed.notify_all();
    }

    /// Nobody waits here any longer.
    pub fn close(&self) {
        self.state().closed = true;
        self.changed.notify_all();
    }

    pub fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Wait until `look` finds something, looking again after each change, at most for `patience`.
    pub fn wait_for<T>(&self, patience: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let end = Instant::now() + patience;
        loop {
            let revision = self.revision();
            if let Some(found) = look() {
                return Some(found);
            }
            if Instant::now() >= end || self.is_closed() {
                return None;
            }
            let _ = self.changes_after(revision, end);
        }
    }
}

/// Fill in what the server decides: name, namespace, uid, time, generation.
fn complete(kind: &Kind, namespace: &str, object: &mut Value) -> Result<String, Status> {
    let Some(fields) = object.as_object_mut() else {
        return Err(Status::bad_request("the body is no object"));
    };
    fields.insert("apiVersion".into(), json!(kind.api_version()));
    fields.insert("kind".into(), json!(kind.kind));
    let metadata = fields.entry("metadata").or_insert_with(|| json!({}));
    let given = metadata["name"].as_str().unwrap_or_default();
    let name = match metadata["generateName"].as_str() {
        Some(prefix) if given.is_empty() => format!("{prefix}{}", suffix(5)),
        _ => given.to_owned(),
    };
    if name.is_empty() {
        return Err(Status::invalid(kind, "", "metadata.name: Required value: name or generateName is required"));
    }
    metadata["name"] = json!(name);
    if kind.namespaced {
        metadata["namespace"] = json!(namespace);
    }
    metadata["uid"] = json!(uid());
    metadata["creationTimestamp"] = json!(now());
    if object.get("spec").is_some() {
        object["metadata"]["generation"] = json!(1);
    }
    leave_out_empty_lists(object);
    Ok(name)
}

/// An object after a change, as far as the server lets it change.
fn changed(before: &Value, change: impl FnOnce(&mut Value) -> Result<(), Status>) -> Result<Value, Status> {
    let mut after = before.clone();
    change(&mut after)?;
    keep_identity(before, &mut after);
    if after["spec"] != before["spec"]
        && let Some(generation) = before["metadata"]["generation"].as_u64()
    {
        after["metadata"]["generation"] = json!(generation + 1);
    }
    leave_out_empty_lists(&mut after);
    Ok(after)
}

/// What the API's own types leave out when they are written: lists that may be missing, and are empty. To the server that is a
/// difference all the same, each time that it is applied.
fn leave_out_empty_lists(object: &mut Value) {
    if object["kind"] == "NetworkPolicy"
        && let Some(spec) = object["spec"].as_object_mut()
    {
        spec.retain(|field, value| !matches!(field.as_str(), "ingress" | "egress" | "policyTypes") || *value != json!([]));
    }
}

/// What no change can touch.
fn keep_identity(before: &Value, after: &mut Value) {
    for field in ["apiVersion", "kind"] {
        after[field] = before[field].clone();
    }
    for field in ["name", "namespace", "uid", "creationTimestamp", "resourceVersion", "generation", "deletionTimestamp"] {
        match before["metadata"].get(field) {
            Some(value) => after["metadata"][field] = value.clone(),
            // A deletion is the one thing of these that may begin.
            None if field != "deletionTimestamp" => {
                after["metadata"].as_object_mut().map(|metadata| metadata.remove(field));
            }
            None => {}
        }
    }
}

/// Now, as the API writes times.
pub fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

fn counter() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn uid() -> String {
    format!("00000000-0000-4000-8000-{:012x}", counter())
}

/// Letters and digits such as generated names end with; never the same twice.
pub fn suffix(length: usize) -> String {
    // The alphabet of Kubernetes: no vowels, so no words.
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    // A full-period walk through all suffixes, so that consecutive ones do not look alike.
    let mut number = counter().wrapping_mul(7_368_787).wrapping_add(5_381);
    let mut text = String::new();
    for _ in 0..length {
        text.push(ALPHABET[(number % ALPHABET.len() as u64) as usize] as char);
        number /= ALPHABET.len() as u64;
    }
    text
}
