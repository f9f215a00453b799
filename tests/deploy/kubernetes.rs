//! Kubernetes objects as values: from kustomizations by the real kubectl, and whether they are what they claim to be.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::{Namespace, PersistentVolumeClaim, Secret, ServiceAccount};
use k8s_openapi::api::networking::v1::NetworkPolicy;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use serde::Deserialize as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tempfile::TempDir;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The tracked files below `deploy/k8s`, in a directory of their own: what a fresh clone has.
pub struct Checkout(TempDir);

impl Checkout {
    pub fn new() -> Self {
        let directory = TempDir::new().unwrap();
        for path in tracked("deploy/k8s") {
            let target = directory.path().join(&path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::copy(Path::new(ROOT).join(&path), target).unwrap();
        }
        Self(directory)
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.0.path().join("deploy/k8s").join(below)
    }

    /// Every directory with a kustomization in it, components too.
    pub fn kustomizations(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let mut open = vec![self.path("")];
        while let Some(directory) = open.pop() {
            for entry in fs::read_dir(&directory).unwrap().map(Result::unwrap) {
                match entry.path() {
                    path if path.is_dir() => open.push(path),
                    path if path.ends_with("kustomization.yaml") => found.push(directory.clone()),
                    _ => {}
                }
            }
        }
        found
    }

    /// A second worker's overlay as the README makes one: a copy with another name, and the restricted component if wanted.
    pub fn copy_worker(&self, name: &str, restricted: bool) -> PathBuf {
        let target = self.path(name);
        fs::create_dir_all(&target).unwrap();
        for entry in fs::read_dir(self.path("worker-1")).unwrap().map(Result::unwrap) {
            let mut text = fs::read_to_string(entry.path()).unwrap().replace("worker-1", name);
            if restricted {
                text = text.replace("  - ../components/docker\n", "  - ../components/restricted\n");
            }
            fs::write(target.join(entry.file_name()), text).unwrap();
        }
        target
    }
}

/// git in this repository, whoever owns its directory.
pub fn git() -> Command {
    let mut git = Command::new("git");
    git.args(["-c", "safe.directory=*", "-C", ROOT]);
    git
}

/// The files below a directory of the repository that git knows, relative to its root.
pub fn tracked(below: &str) -> Vec<PathBuf> {
    let listing = git().args(["ls-files", "-z", "--", below]).output().unwrap();
    assert!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr));
    let text = String::from_utf8(listing.stdout).unwrap();
    text.split('\0').filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

/// What the real kubectl makes of a kustomization.
#[track_caller]
pub fn kustomize(directory: &Path) -> Vec<Value> {
    let built = Command::new("kubectl").arg("kustomize").arg(directory).output().expect("kubectl is installed");
    assert!(built.status.success(), "{}: {}", directory.display(), String::from_utf8_lossy(&built.stderr));
    objects(&String::from_utf8(built.stdout).unwrap())
}

/// The objects of a YAML text.
#[track_caller]
pub fn objects(yaml: &str) -> Vec<Value> {
    let documents = serde_yaml::Deserializer::from_str(yaml).map(|document| Value::deserialize(document).unwrap());
    documents.filter(|document| !document.is_null()).collect()
}

/// The object of a kind, of which there is one.
#[track_caller]
pub fn only<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut found = objects.iter().filter(|object| object["kind"] == kind);
    let first = found.next().unwrap_or_else(|| panic!("there is no {kind}"));
    assert!(found.next().is_none(), "there is more than one {kind}");
    first
}

/// In an order that does not depend on who wrote them.
pub fn sorted(mut objects: Vec<Value>) -> Vec<Value> {
    objects.sort_by_key(|object| format!("{} {}", object["kind"], object["metadata"]["name"]));
    objects
}

/// Fails when an object has a field that the Kubernetes API does not know, or a value of the wrong type: it is read as the
/// API's own type and written again, and must be the same: what the API leaves out would be a difference for ever.
#[track_caller]
pub fn assert_in_schema(object: &Value) {
    let again = match (object["apiVersion"].as_str(), object["kind"].as_str()) {
        (Some("v1"), Some("Namespace")) => round_trip::<Namespace>(object),
        (Some("v1"), Some("Secret")) => round_trip::<Secret>(object),
        (Some("v1"), Some("ServiceAccount")) => round_trip::<ServiceAccount>(object),
        (Some("v1"), Some("PersistentVolumeClaim")) => round_trip::<PersistentVolumeClaim>(object),
        (Some("apps/v1"), Some("Deployment")) => round_trip::<Deployment>(object),
        (Some("batch/v1"), Some("CronJob")) => round_trip::<CronJob>(object),
        (Some("networking.k8s.io/v1"), Some("NetworkPolicy")) => round_trip::<NetworkPolicy>(object),
        (Some("rbac.authorization.k8s.io/v1"), Some("Role")) => round_trip::<Role>(object),
        (Some("rbac.authorization.k8s.io/v1"), Some("RoleBinding")) => round_trip::<RoleBinding>(object),
        other => panic!("{other:?} is no kind that is used here"),
    };
    assert_eq!(object, &again);
}

#[track_caller]
fn round_trip<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    let typed: T = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{error} in {object:#}"));
    serde_json::to_value(typed).unwrap()
}
