//! What `worker add` leaves when it fails or is interrupted, what takes that away, and what is nobody's to take.

#[path = "support/operator.rs"]
mod operator;
#[path = "deploy/site.rs"]
mod site;
mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use kubesim::Stage;
use rstest::rstest;
use serde_json::{Value, json};
use site::{IMAGE, Site, worker_image};
use support::{Ran, eventually};

/// The objects of `worker-1`.
const OBJECTS: [(&str, &str); 5] = [
    ("persistentvolumeclaims", "factory-worker-1-data"),
    ("secrets", "factory-worker-1-secrets"),
    ("serviceaccounts", "factory-worker-1"),
    ("networkpolicies", "factory-worker-1"),
    ("deployments", "factory-worker-1"),
];

impl Site {
    fn there(&self) -> Vec<&'static str> {
        OBJECTS.iter().filter(|(kind, name)| self.object(kind, name).is_some()).map(|(kind, _)| *kind).collect()
    }

    /// The command in backticks before these words, run as it is.
    #[track_caller]
    fn said(&self, text: &str, words: &str) -> Ran {
        let line =
            text.lines().find(|line| line.contains(&format!("` {words}"))).unwrap_or_else(|| panic!("no {words:?} in {text}"));
        let words = shell_words::split(line.split('`').nth(1).unwrap()).unwrap();
        assert_eq!(words[0], "factory-worker");
        self.run(&words[1..].iter().map(String::as_str).collect::<Vec<_>>())
    }
}

const LEFT: &str = "in namespace factory: persistentvolumeclaim/factory-worker-1-data, secret/factory-worker-1-secrets, \
                    serviceaccount/factory-worker-1, networkpolicy/factory-worker-1, deployment/factory-worker-1; nothing of it \
                    is in the registry";

#[test]
fn a_failed_add_says_what_it_left_and_what_takes_it_away() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).in_stage(Stage::ImagePullBackOff).publish();
    let ran = site.add(&["worker-1"]).expect(1);
    assert!(ran.stderr.contains(&format!("  there is now, {LEFT}\n")), "{}", ran.stderr);
    let ran = site.said(&ran.stderr, "takes it away").expect(0);
    assert!(ran.stdout.contains("secret \"factory-worker-1-secrets\" deleted"), "{}", ran.stdout);
    assert!(ran.stdout.contains("worker-1 was not in "), "{}", ran.stdout);
    assert!(ran.stdout.contains("delete persistentvolumeclaim/factory-worker-1-data` deletes it"), "{}", ran.stdout);
    assert_eq!(site.there(), ["persistentvolumeclaims"]);
    let ran = site.run(&["worker", "remove", "worker-1", "--delete-data", "--timeout", "60s"]).expect(0);
    assert_eq!((site.there().len(), ran.stderr.as_str()), (0, ""));
    let ran = site.run(&["worker", "remove", "worker-1", "--timeout", "60s"]).expect(0);
    let said = "and nothing of one in namespace factory of context kubesim; nothing to remove\n";
    assert!(ran.stderr.ends_with(said), "{}", ran.stderr);
}

#[test]
fn a_failed_add_goes_on_with_the_command_it_says() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).in_stage(Stage::ImagePullBackOff).publish();
    let ran = site.add(&["worker-1", "--json"]).expect(1);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let left = answer["workers"][0]["left"].as_array().unwrap();
    assert_eq!((left.len(), left[0].as_str().unwrap().contains("secret/factory-worker-1-secrets")), (3, true));
    worker_image(site.cluster(), IMAGE).publish();
    site.said(left[1].as_str().unwrap(), "goes on").expect(0);
    assert!(site.registry().contains("name: worker-1"));
}

#[test]
fn what_is_refused_halfway_is_left_to_be_known() {
    let site = Site::new();
    site.cluster().namespace("factory");
    site.cluster().forbid("create", "deployments");
    // No rehearsal tells who is asked for a right only when it is done.
    let ran = site.add(&["worker-1", "--namespace", "later"]).expect(3);
    let left = "there is now, in namespace later: persistentvolumeclaim/factory-worker-1-data, secret/factory-worker-1-secrets, ";
    assert!(ran.stderr.contains(left) && ran.stderr.contains("` takes it away"), "{}", ran.stderr);
    // Where it can be rehearsed, nothing is left.
    let ran = site.add(&["worker-1"]).expect(3);
    assert!(!ran.stderr.contains("there is now"), "{}", ran.stderr);
    assert_eq!(site.there(), [""; 0]);
}

#[test]
fn an_interrupted_add_says_what_it_left() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).starting_takes(Duration::from_secs(4)).publish();
    let file = site.world().home().join("worker.env");
    let arguments = ["worker", "add", "worker-1", "--image", IMAGE, "--from-env", file.to_str().unwrap(), "--timeout", "60s"];
    let child = site.world().command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("its pod", || (!site.pods("worker-1").is_empty()).then_some(()));
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
    let ran = Ran::from(child.wait_with_output().unwrap()).expect(130);
    let said = format!("factory-worker: worker-1 was interrupted\n  there is, or may be, {LEFT}\n");
    assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    site.said(&ran.stderr, "goes on").expect(0);
    assert!(site.registry().contains("name: worker-1"));
}

#[test]
fn a_change_that_fails_says_how_to_go_on_and_not_how_to_lose_the_worker() {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    let next = "registry.example.com/me/factory-worker:2";
    worker_image(site.cluster(), next).in_stage(Stage::ImagePullBackOff).publish();
    let ran = site.run(&["worker", "add", "worker-1", "--image", next, "--yes", "--timeout", "60s"]).expect(1);
    assert!(ran.stderr.contains("` goes on\n") && !ran.stderr.contains("takes it away"), "{}", ran.stderr);
}

/// An object of somebody else's.
fn theirs(site: &Site, kind: &str, name: &str, label: Option<&str>) -> Value {
    let mut object = match kind {
        "deployments" => {
            let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": IMAGE}]}});
            let spec = json!({"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template});
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": spec})
        }
        "persistentvolumeclaims" => {
            let spec = json!({"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": spec})
        }
        "networkpolicies" => json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "spec": {"podSelector": {}}}),
        "serviceaccounts" => json!({"apiVersion": "v1", "kind": "ServiceAccount"}),
        _ => json!({"apiVersion": "v1", "kind": "Secret", "data": {"theirs": "MQ=="}}),
    };
    object["metadata"] = json!({"name": name, "namespace": "factory"});
    if let Some(label) = label {
        object["metadata"]["labels"] = json!({"factory-worker/name": label});
    }
    site.cluster().kubectl(&["apply", "-f", &site.write("theirs.json", &object.to_string())]).expect(0);
    site.object(kind, name).unwrap()
}

#[rstest]
#[case::volume(0, None)]
#[case::secret(1, None)]
#[case::secret_of_another_worker(1, Some("another"))]
#[case::service_account(2, None)]
#[case::network_policy(3, None)]
#[case::deployment(4, None)]
fn what_is_somebody_elses_is_neither_taken_over_nor_deleted(#[case] which: usize, #[case] label: Option<&str>) {
    let site = Site::new();
    site.cluster().namespace("factory");
    let (kind, name) = OBJECTS[which];
    let before = theirs(&site, kind, name, label);
    for more in [&[][..], &["--dry-run"]] {
        let ran = site.add(&[&["worker-1"], more].concat()).expect(1);
        let said = format!("/{name} is there already and somebody else's: it lacks the label factory-worker/name=worker-1");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
    site.run(&["worker", "remove", "worker-1", "--delete-data", "--force", "--timeout", "60s"]).expect(0);
    assert_eq!((site.object(kind, name).as_ref(), site.there()), (Some(&before), vec![kind]));
}

#[test]
fn a_secret_of_that_name_that_is_somebody_elses_survives_the_worker() {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    let unlabel = |target: &str| {
        site.cluster().kubectl(&["label", "--namespace=factory", target, "factory-worker/name-"]).expect(0);
    };
    unlabel("secret/factory-worker-1-secrets");
    unlabel("persistentvolumeclaim/factory-worker-1-data");
    let ran = site.run(&["worker", "remove", "worker-1", "--force", "--delete-data", "--timeout", "60s"]).expect(0);
    assert!(ran.stderr.contains("secret/factory-worker-1-secrets is somebody else's and stays"), "{}", ran.stderr);
    assert_eq!(site.there(), ["persistentvolumeclaims", "secrets"]);
    assert_eq!(site.registry(), "workers:\n");
}
