//! Every kind that the manifests of this repository use, and a custom one, through every verb.

mod support;

use kubesim::{Cluster, eventually};
use rstest::rstest;
use serde_json::{Value, json};
use support::client::{Answer, Client};

/// A kind and an object of it; `change` is a merge patch that any server accepts for it.
struct Sample {
    /// `apps/v1`
    api_version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
    object: Value,
}

fn sample(plural: &'static str) -> Sample {
    let worker = json!({ "containers": [{ "name": "main", "image": "one" }] });
    let template = json!({ "metadata": { "labels": { "app": "x" } }, "spec": worker });
    let selector = json!({ "matchLabels": { "app": "x" } });
    let workload = |more: Value| {
        let mut spec = json!({ "replicas": 0, "selector": selector, "template": template });
        spec.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "spec": spec })
    };
    let (api_version, kind, namespaced, object) = match plural {
        "namespaces" => ("v1", "Namespace", false, json!({})),
        "pods" => ("v1", "Pod", true, json!({ "spec": worker })),
        "deployments" => ("apps/v1", "Deployment", true, workload(json!({}))),
        "replicasets" => ("apps/v1", "ReplicaSet", true, workload(json!({}))),
        "statefulsets" => ("apps/v1", "StatefulSet", true, workload(json!({ "serviceName": "x" }))),
        "configmaps" => ("v1", "ConfigMap", true, json!({ "data": { "a": "1" } })),
        "secrets" => ("v1", "Secret", true, json!({ "data": { "a": "MQ==" }, "type": "Opaque" })),
        "serviceaccounts" => ("v1", "ServiceAccount", true, json!({})),
        "persistentvolumeclaims" => {
            let spec = json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
            ("v1", "PersistentVolumeClaim", true, json!({ "spec": spec }))
        }
        "roles" => {
            let rule = json!({ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] });
            ("rbac.authorization.k8s.io/v1", "Role", true, json!({ "rules": [rule] }))
        }
        "rolebindings" => {
            let role = json!({ "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x" });
            ("rbac.authorization.k8s.io/v1", "RoleBinding", true, json!({ "roleRef": role }))
        }
        "networkpolicies" => {
            ("networking.k8s.io/v1", "NetworkPolicy", true, json!({ "spec": { "podSelector": {}, "policyTypes": ["Ingress"] } }))
        }
        "events" => {
            let about = json!({ "kind": "Pod", "name": "p", "namespace": "default" });
            ("v1", "Event", true, json!({ "involvedObject": about, "reason": "Tested", "message": "for a test" }))
        }
        "widgets" => ("example.com/v1", "Widget", true, json!({ "spec": { "size": 1 } })),
        other => panic!("{other}"),
    };
    Sample { api_version, kind, plural, namespaced, object }
}

/// A cluster, and where the objects of a kind are in it.
struct Shop {
    cluster: Cluster,
    sample: Sample,
}

impl Shop {
    fn of(plural: &'static str) -> Self {
        let (cluster, sample) = (Cluster::start(), sample(plural));
        cluster.registers("example.com/v1", "Widget", "widgets");
        Self { cluster, sample }
    }

    fn path(&self, name: &str) -> String {
        let root = if self.sample.api_version == "v1" { "/api" } else { "/apis" };
        let namespace = if self.sample.namespaced { "/namespaces/default" } else { "" };
        let name = if name.is_empty() { String::new() } else { format!("/{name}") };
        format!("{root}/{}{namespace}/{}{name}", self.sample.api_version, self.sample.plural)
    }

    /// The sample under a name and with a label.
    fn object(&self, name: &str, tier: &str) -> Value {
        let mut object = self.sample.object.clone();
        object["apiVersion"] = self.sample.api_version.into();
        object["kind"] = self.sample.kind.into();
        object["metadata"] = json!({ "name": name, "labels": { "tier": tier } });
        object
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        Client::of(&self.cluster).ask(method, path, &body)
    }

    fn patch(&self, name: &str, kind: &str, query: &str, patch: &Value) -> Answer {
        let headers = [("Content-Type", kind), ("Accept", "application/json")];
        Client::of(&self.cluster).send("PATCH", &format!("{}{query}", self.path(name)), &headers, &patch.to_string()).answer()
    }

    fn tier(&self, name: &str) -> Option<String> {
        let answer = self.ask("GET", &self.path(name), &Value::Null);
        (answer.status == 200).then(|| answer.json()["metadata"]["labels"]["tier"].as_str().unwrap_or("none").to_owned())
    }

    fn names(&self, query: &str) -> Vec<String> {
        let list = self.ask("GET", &format!("{}{query}", self.path("")), &Value::Null).json();
        assert_eq!(list["kind"], format!("{}List", self.sample.kind));
        assert_eq!(list["apiVersion"], self.sample.api_version);
        let names = list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned());
        names.filter(|name| name != "default").collect()
    }
}

#[rstest]
fn every_verb(
    #[values(
        "namespaces",
        "pods",
        "deployments",
        "replicasets",
        "statefulsets",
        "configmaps",
        "secrets",
        "serviceaccounts",
        "persistentvolumeclaims",
        "roles",
        "rolebindings",
        "networkpolicies",
        "events",
        "widgets"
    )]
    plural: &'static str,
) {
    let shop = Shop::of(plural);
    creates(&shop);
    gets_and_lists(&shop);
    replaces(&shop);
    patches(&shop);
    applies(&shop);
    watches(&shop);
    deletes(&shop);
}

fn creates(shop: &Shop) {
    let rehearsed = shop.ask("POST", &format!("{}?dryRun=All", shop.path("")), &shop.object("one", "a"));
    assert_eq!(rehearsed.status, 201);
    assert!(rehearsed.json()["metadata"]["uid"].is_string());
    assert_eq!(shop.tier("one"), None, "a rehearsal changes nothing");
    let made = shop.ask("POST", &shop.path(""), &shop.object("one", "a"));
    assert_eq!(made.status, 201, "{made:?}");
    let made = made.json();
    assert_eq!((&made["kind"], &made["apiVersion"]), (&shop.sample.kind.into(), &shop.sample.api_version.into()));
    for field in ["uid", "resourceVersion", "creationTimestamp"] {
        assert!(made["metadata"][field].is_string(), "{field}: {made}");
    }
    for (field, value) in shop.sample.object.as_object().unwrap() {
        let there = serde_json::to_string(&made[field]).unwrap();
        assert!(made[field].is_object() != value.is_object() || contains(&made[field], value), "{field}: {there}");
    }
    let (code, reason, message) = shop.ask("POST", &shop.path(""), &shop.object("one", "b")).refusal();
    assert_eq!((code, reason.as_str()), (409, "AlreadyExists"));
    assert!(message.ends_with(" \"one\" already exists") && message.starts_with(shop.sample.plural), "{message}");
}

/// Whether everything of `part` is in `whole`.
fn contains(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|there| contains(there, value)))
        }
        _ => whole == part,
    }
}

fn gets_and_lists(shop: &Shop) {
    assert_eq!(shop.ask("POST", &shop.path(""), &shop.object("two", "b")).status, 201);
    assert_eq!(shop.tier("one").as_deref(), Some("a"));
    assert_eq!(shop.names(""), ["one", "two"]);
    assert_eq!(shop.names("?labelSelector=tier%3Db"), ["two"]);
    assert_eq!(shop.names("?fieldSelector=metadata.name%3Done"), ["one"]);
    let (code, reason, message) = shop.ask("GET", &shop.path("nobody"), &Value::Null).refusal();
    assert_eq!((code, reason.as_str()), (404, "NotFound"));
    assert!(message.starts_with(shop.sample.plural) && message.ends_with(" \"nobody\" not found"), "{message}");
}

fn replaces(shop: &Shop) {
    // A controller may have its own word between reading and writing, as long as it has something to do.
    let replace = |query: &str| {
        eventually("an object that nobody else changes", || {
            let old = shop.ask("GET", &shop.path("one"), &Value::Null).json();
            let mut new = old.clone();
            new["metadata"]["labels"]["tier"] = "replaced".into();
            (shop.ask("PUT", &format!("{}{query}", shop.path("one")), &new).status == 200).then_some(old)
        })
    };
    replace("?dryRun=All");
    assert_eq!(shop.tier("one").as_deref(), Some("a"), "a rehearsal changes nothing");
    let old = replace("");
    assert_eq!(shop.tier("one").as_deref(), Some("replaced"));
    // The version that was read is no longer the one that is there.
    let (code, reason, message) = shop.ask("PUT", &shop.path("one"), &old).refusal();
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert!(message.contains("the object has been modified; please apply your changes to the latest version"), "{message}");
    assert_eq!(shop.tier("one").as_deref(), Some("replaced"));
    assert_eq!(shop.ask("PUT", &shop.path("nobody"), &shop.object("nobody", "x")).status, 404);
}

fn patches(shop: &Shop) {
    let label = |tier: &str| json!({ "metadata": { "labels": { "tier": tier } } });
    let merge = "application/merge-patch+json";
    assert_eq!(shop.patch("one", merge, "?dryRun=All", &label("rehearsed")).status, 200);
    assert_eq!(shop.tier("one").as_deref(), Some("replaced"), "a rehearsal changes nothing");
    assert_eq!(shop.patch("one", merge, "", &label("merged")).status, 200);
    assert_eq!(shop.tier("one").as_deref(), Some("merged"));
    assert_eq!(shop.patch("one", merge, "", &json!({ "metadata": { "labels": { "tier": null } } })).status, 200);
    assert_eq!(shop.tier("one").as_deref(), Some("none"));
    let strategic = shop.patch("one", "application/strategic-merge-patch+json", "", &label("strategic"));
    match shop.sample.plural {
        // Nobody knows how the lists of a custom kind are merged.
        "widgets" => assert_eq!(strategic.refusal().0, 415),
        _ => assert_eq!(shop.tier("one").as_deref(), Some("strategic")),
    }
    let step = json!([{ "op": "add", "path": "/metadata/labels", "value": { "tier": "steps" } }]);
    assert_eq!(shop.patch("one", "application/json-patch+json", "", &step).status, 200);
    assert_eq!(shop.tier("one").as_deref(), Some("steps"));
    let mut stale = label("stale");
    stale["metadata"]["resourceVersion"] = "1".into();
    assert_eq!(shop.patch("one", merge, "", &stale).refusal().0, 409);
    assert_eq!(shop.patch("one", "text/plain", "", &label("x")).refusal().0, 415);
    assert_eq!(shop.patch("nobody", merge, "", &label("x")).refusal().0, 404);
    assert_eq!(shop.tier("one").as_deref(), Some("steps"));
}

fn applies(shop: &Shop) {
    let apply = |name: &str, manager: &str, query: &str, tier: &str| {
        let query = format!("?fieldManager={manager}&fieldValidation=Strict{query}");
        shop.patch(name, "application/apply-patch+yaml", &query, &shop.object(name, tier))
    };
    assert_eq!(apply("three", "me", "&dryRun=All", "x").status, 201);
    assert_eq!(shop.tier("three"), None, "a rehearsal changes nothing");
    assert_eq!(apply("three", "me", "", "mine").status, 201);
    assert_eq!(shop.tier("three").as_deref(), Some("mine"));
    let (code, reason, message) = apply("three", "you", "", "yours").refusal();
    assert_eq!((code, reason.as_str()), (409, "Conflict"));
    assert!(message.contains("conflict with \"me\"") && message.contains(".metadata.labels.tier"), "{message}");
    assert_eq!(apply("three", "you", "&force=true&dryRun=All", "yours").status, 200);
    assert_eq!(shop.tier("three").as_deref(), Some("mine"));
    assert_eq!(apply("three", "you", "&force=true", "yours").status, 200);
    assert_eq!(shop.tier("three").as_deref(), Some("yours"));
}

fn watches(shop: &Shop) {
    let list = shop.ask("GET", &shop.path(""), &Value::Null).json();
    let from = list["metadata"]["resourceVersion"].as_str().unwrap();
    let label = json!({ "metadata": { "labels": { "tier": "seen" } } });
    assert_eq!(shop.patch("two", "application/merge-patch+json", "", &label).status, 200);
    assert_eq!(shop.ask("POST", &shop.path(""), &shop.object("four", "d")).status, 201);
    // What happened meanwhile, and nothing else.
    let path = format!("{}?watch=true&timeoutSeconds=0&resourceVersion={from}&labelSelector=tier", shop.path(""));
    let mut shown = shop.shown_until(&path, "four");
    // A pod's node may still have something to say of it.
    shown.retain(|(_, name)| shop.sample.plural != "pods" || matches!(name.as_str(), "two" | "four"));
    shown.dedup();
    assert_eq!(shown, [("MODIFIED".to_owned(), "two".to_owned()), ("ADDED".to_owned(), "four".to_owned())]);
}

impl Shop {
    /// The first event about each object, until one about `last`.
    fn shown_until(&self, path: &str, last: &str) -> Vec<(String, String)> {
        let path = path.replace("timeoutSeconds=0", "timeoutSeconds=30");
        let mut client = Client::of(&self.cluster);
        client.send("GET", &path, &[], "").beginning(0);
        let mut shown: Vec<(String, String)> = Vec::new();
        while shown.last().is_none_or(|(_, name)| name != last) {
            let event = client.event().expect("an event");
            let name = event["object"]["metadata"]["name"].as_str().unwrap().to_owned();
            assert_eq!(event["object"]["kind"], self.sample.kind);
            if shown.iter().all(|(_, there)| *there != name) {
                shown.push((event["type"].as_str().unwrap().to_owned(), name));
            }
        }
        shown
    }
}

fn deletes(shop: &Shop) {
    let one = shop.path("one");
    assert_eq!(shop.ask("DELETE", &format!("{one}?dryRun=All"), &Value::Null).status, 200);
    assert_eq!(shop.tier("one").as_deref(), Some("steps"), "a rehearsal changes nothing");
    let another = json!({ "preconditions": { "uid": "00000000-0000-0000-0000-000000000000" } });
    assert_eq!(shop.ask("DELETE", &one, &another).refusal().0, 409);
    assert_eq!(shop.ask("DELETE", &one, &json!({ "gracePeriodSeconds": 0 })).status, 200);
    eventually("the object to go", || shop.tier("one").is_none().then_some(()));
    assert_eq!(shop.ask("DELETE", &one, &Value::Null).refusal().0, 404);
    assert_eq!(shop.ask("DELETE", &format!("{}?labelSelector=tier%3Dseen", shop.path("")), &Value::Null).status, 200);
    eventually("the selected ones to go", || (shop.names("") == ["four", "three"]).then_some(()));
}

/// The same kinds through the real kubectl: from one file, applied twice in either way, read back and deleted.
#[test]
fn kubectl_applies_reads_and_deletes_them_all() {
    let cluster = Cluster::start();
    cluster.registers("example.com/v1", "Widget", "widgets");
    let kinds = [
        "namespaces",
        "pods",
        "deployments",
        "replicasets",
        "statefulsets",
        "configmaps",
        "secrets",
        "serviceaccounts",
        "persistentvolumeclaims",
        "roles",
        "rolebindings",
        "networkpolicies",
        "events",
        "widgets",
    ];
    let documents: Vec<String> = kinds
        .map(|plural| {
            let Sample { api_version, kind, mut object, .. } = sample(plural);
            object["apiVersion"] = api_version.into();
            object["kind"] = kind.into();
            object["metadata"] = json!({ "name": "x", "labels": { "tier": "x" } });
            object.to_string()
        })
        .into();
    let file = cluster.directory().join("all.json");
    std::fs::write(&file, documents.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let count = |said: &str, word: &str| said.lines().filter(|line| line.ends_with(word)).count();
    let ran = cluster.kubectl(&["apply", "-f", file]).expect(0);
    assert_eq!(count(&ran.stdout, " created"), kinds.len(), "{}", ran.stdout);
    let ran = cluster.kubectl(&["apply", "-f", file]).expect(0);
    assert_eq!(count(&ran.stdout, " unchanged"), kinds.len(), "{}", ran.stdout);
    let ran = cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-f", file]).expect(0);
    assert_eq!(count(&ran.stdout, " serverside-applied"), kinds.len(), "{}", ran.stdout);
    for plural in kinds {
        let ran = cluster.kubectl(&["get", plural, "x", "-o", "jsonpath={.kind} {.metadata.labels.tier}"]).expect(0);
        assert_eq!(ran.stdout, format!("{} x", sample(plural).kind));
    }
    let ran = cluster.kubectl(&["replace", "-f", file]).expect(0);
    assert_eq!(count(&ran.stdout, " replaced"), kinds.len(), "{}", ran.stdout);
    let ran = cluster.kubectl(&["delete", "-f", file, "--dry-run=server"]).expect(0);
    assert_eq!(count(&ran.stdout, " deleted (server dry run)"), kinds.len(), "{}", ran.stdout);
    let ran = cluster.kubectl(&["delete", "-f", file]).expect(0);
    assert_eq!(ran.stdout.lines().count(), kinds.len(), "{}", ran.stdout);
    for plural in kinds {
        assert!(cluster.object(plural, if plural == "namespaces" { "" } else { "default" }, "x").is_none(), "{plural}");
    }
}
