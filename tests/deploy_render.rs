//! `worker render` prints what `kubectl kustomize` makes of deploy/k8s, needs nothing, and knows no secrets.

#[path = "deploy/kubernetes.rs"]
mod kubernetes;
#[path = "deploy/restricted.rs"]
mod restricted;
mod support;

use std::fs;
use std::process::Command;

use kubernetes::{Checkout, assert_in_schema, kustomize, objects, only, sorted};
use rstest::rstest;
use serde_json::{Value, json};
use support::{Ran, World};

/// In a world without kubectl, registry, cluster.
fn render(arguments: &[&str]) -> Ran {
    let world = World::new().env("PATH", "/nonexistent").env("GH_TOKEN", "five-5ecret");
    world.run(&[&["worker", "render"], arguments].concat())
}

#[track_caller]
fn rendered(arguments: &[&str]) -> Vec<Value> {
    objects(&render(arguments).expect(0).stdout)
}

#[rstest]
#[case("worker-1", false)]
#[case("worker-1", true)]
#[case("alpha.two", false)]
#[case("ten", true)]
fn the_rendering_is_what_kustomize_makes_of_a_copied_overlay(#[case] name: &str, #[case] restricted: bool) {
    let checkout = Checkout::new();
    let expected = kustomize(&checkout.copy_worker(name, restricted));
    let mut arguments = vec![name];
    arguments.extend(restricted.then_some("--restricted"));
    let ours = sorted(rendered(&arguments));
    assert_eq!(ours.len(), expected.len());
    for (ours, theirs) in ours.iter().zip(sorted(expected)) {
        assert_eq!(*ours, theirs);
    }
}

#[test]
fn every_rendering_is_in_the_schema() {
    for arguments in [&["a"][..], &["a", "b", "--restricted"], &["a", "--cpu", "500m", "--memory", "1Gi:3Gi", "--storage", "5Gi"]]
    {
        rendered(arguments).iter().for_each(assert_in_schema);
    }
}

#[test]
fn a_restricted_rendering_keeps_every_rule_of_the_level_restricted() {
    let objects = rendered(&["a", "--restricted"]);
    let pod = &only(&objects, "Deployment")["spec"]["template"]["spec"];
    let broken: Vec<_> = restricted::RULES.iter().filter(|(_, keeps)| !keeps(pod)).map(|(name, _)| name).collect();
    assert_eq!(broken, [&""; 0]);
}

#[test]
fn every_option_has_its_place() {
    let image = "registry.example.com/me/worker@sha256:abc";
    let objects = rendered(&[
        "a",
        "--image",
        image,
        "--namespace",
        "other",
        "--cpu",
        "1.5",
        "--memory",
        "2Gi:3Gi",
        "--storage",
        "100Gi",
        "--context",
        "c",
        "--wait",
        "1h",
        "--dry-run",
    ]);
    let container = &only(&objects, "Deployment")["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], image);
    let resources = json!({"requests": {"cpu": "1.5", "memory": "2Gi"}, "limits": {"cpu": "3", "memory": "3Gi"}});
    assert_eq!(container["resources"], resources);
    assert_eq!(only(&objects, "PersistentVolumeClaim")["spec"]["resources"]["requests"]["storage"], "100Gi");
    assert!(objects.iter().all(|object| object["metadata"]["namespace"] == "other"), "{objects:#?}");
}

/// Names that YAML could take for something else, as kubectl reads it.
#[test]
fn names_that_look_like_something_else_stay_text() {
    let names = ["on", "no", "y", "null", "true", "1", "012", "0x1f", "1e3", "1.5", "2025-01-01", "0b1", "1.2.3"];
    let world = World::new();
    let text = render(&names).expect(0).stdout;
    fs::write(world.path("all.yaml"), &text).unwrap();
    fs::write(world.path("kustomization.yaml"), "resources: [all.yaml]\n").unwrap();
    let read = kustomize(&world.path(""));
    assert!(sorted(read.clone()) == sorted(objects(&text)), "kubectl reads it differently");
    let labels: Vec<_> = read
        .iter()
        .filter(|object| object["kind"] == "Deployment")
        .map(|object| object["metadata"]["labels"]["factory-worker/name"].clone())
        .collect();
    let mut labels: Vec<_> = labels.iter().map(|label| label.as_str().unwrap()).collect();
    let mut expected = names.to_vec();
    labels.sort();
    expected.sort();
    assert_eq!(labels, expected);
}

#[test]
fn json_is_one_list() {
    let list: Value = serde_json::from_str(&render(&["a", "--json"]).expect(0).stdout).unwrap();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().unwrap().len()), (Some("List"), 4));
    assert_eq!(list["items"].as_array().unwrap().clone(), rendered(&["a"]));
}

#[test]
fn no_secret_value_is_printed() {
    let world = World::new();
    fs::write(world.path("env"), "GH_TOKEN=other-5ecret\n").unwrap();
    let text = render(&["a", "--from-env", world.path("env").to_str().unwrap()]).expect(0).stdout;
    assert!(!text.contains("5ecret") && !text.contains("kind: Secret"), "{text}");
}

#[rstest]
#[case(&["A"], "worker name \"A\" may not contain 'A'")]
#[case(&["a", "--cpu", "many"], "--cpu: \"many\" is no amount; write e.g. 2, 500m or 4Gi")]
#[case(&["a", "--storage", "0"], "--storage: \"0\" is no amount")]
#[case(&["a", "--namespace", "A_b"], "--namespace: name \"A_b\" may not contain")]
#[case(&["a", "--image", "registry.digitalocean.com/<your-registry>/factory-worker:latest"], "--image: ")]
#[case(&["a", "--context=-x"], "--context: \"-x\" is no name of a context")]
#[case(&[], "NAME")]
fn what_cannot_be_is_a_usage_error(#[case] arguments: &[&str], #[case] said: &str) {
    let ran = render(arguments).expect(2);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_name_that_no_label_can_hold_is_refused_before_anything_is_made() {
    let ran = render(&[&"a".repeat(56)]).expect(2);
    assert!(ran.stderr.contains("at most 55 characters"), "{}", ran.stderr);
}

#[test]
fn the_same_names_twice_are_one_worker() {
    assert_eq!(rendered(&["a", "b", "a"]).len(), 8);
}

#[test]
fn kubectl_is_there_for_these_tests() {
    assert!(Command::new("kubectl").args(["version", "--client"]).output().is_ok(), "kubectl is not installed");
}
