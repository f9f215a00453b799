//! `worker add` on a worker that is there: what is not said stays as it is, and nobody's sessions end unasked.

#[path = "support/operator.rs"]
mod operator;
#[path = "deploy/site.rs"]
mod site;
mod support;

use rstest::rstest;
use serde_json::{Value, json};
use site::{IMAGE, Site, worker_image};
use support::Ran;

const NEXT: &str = "registry.example.com/me/factory-worker:2";

/// A site with a worker that is not as one would be by default.
fn with_worker() -> Site {
    let site = Site::new();
    worker_image(site.cluster(), NEXT).publish();
    let sizes = ["--cpu", "1:3", "--memory", "1Gi:3Gi", "--storage", "5Gi"];
    site.add(&[&["worker-1", "--restricted"], &sizes[..]].concat()).expect(0);
    site
}

impl Site {
    /// `worker add worker-1` with what is said, and nothing else.
    fn change(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["worker", "add", "worker-1", "--timeout", "60s"], arguments].concat())
    }

    fn deployment(&self) -> Value {
        self.object("deployments", "factory-worker-1").unwrap()
    }

    fn container(&self) -> Value {
        self.deployment()["spec"]["template"]["spec"]["containers"][0].clone()
    }

    fn versions(&self) -> Vec<Value> {
        let objects = [
            ("deployments", "factory-worker-1"),
            ("networkpolicies", "factory-worker-1"),
            ("persistentvolumeclaims", "factory-worker-1-data"),
            ("secrets", "factory-worker-1-secrets"),
        ];
        objects.iter().map(|(kind, name)| self.object(kind, name).unwrap()["metadata"]["resourceVersion"].clone()).collect()
    }
}

#[test]
fn another_image_leaves_everything_else_as_it_is() {
    let site = with_worker();
    let (mut before, old) = (site.deployment()["spec"].clone(), site.pod("worker-1").uid().to_owned());
    let ran = site.change(&["--image", NEXT, "--yes"]).expect(0);
    before["template"]["spec"]["containers"][0]["image"] = json!(NEXT);
    assert_eq!(site.deployment()["spec"], before);
    assert_eq!(
        site.object("persistentvolumeclaims", "factory-worker-1-data").unwrap()["spec"]["resources"]["requests"]["storage"],
        "5Gi"
    );
    assert_ne!(site.pod("worker-1").uid(), old);
    let change = format!("deployment/factory-worker-1: spec.template.spec.containers[worker].image: {IMAGE} → {NEXT}\n");
    assert!(
        ran.stdout.starts_with(&format!("worker-1 changes:\n  {change}These sessions end: dev, orchestrator\n")),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_changes_nothing_asks_nothing_and_needs_no_image() {
    let site = with_worker();
    let (before, pod) = (site.versions(), site.pod("worker-1").uid().to_owned());
    let ran = site.change(&[]).expect(0);
    assert!(!ran.stdout.contains("changes:"), "{}", ran.stdout);
    assert_eq!((site.versions(), site.pod("worker-1").uid()), (before, pod.as_str()));
}

#[test]
fn only_what_is_said_of_the_sizes_changes() {
    let site = with_worker();
    site.change(&["--memory", "2Gi:4Gi", "--storage", "6Gi", "--yes"]).expect(0);
    let expected = json!({"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"cpu": "3", "memory": "4Gi"}});
    assert_eq!(site.container()["resources"], expected);
    assert_eq!(site.container()["securityContext"]["readOnlyRootFilesystem"], true);
}

#[test]
fn nobodys_sessions_end_unasked() {
    let site = with_worker();
    let before = site.versions();
    let ran = site.change(&["--image", NEXT]).expect(2);
    assert!(ran.stderr.contains("there is no terminal to ask on"), "{}", ran.stderr);
    assert!(ran.stderr.contains("These sessions end: dev, orchestrator; --yes changes it"), "{}", ran.stderr);
    let screen = site.world().screen_with("");
    let command = format!("clear; {} worker add worker-1 --image {NEXT} --timeout 60s", support::BIN);
    screen.enter(&command);
    screen.wait("These sessions end: dev, orchestrator");
    screen.wait("Change worker-1? [y/N]");
    screen.keys(&["n"]);
    screen.wait_until("the prompt", |text| text.lines().any(|line| line.trim() == "$"));
    assert_eq!(site.versions(), before);
    screen.enter(&command);
    screen.wait("Change worker-1? [y/N]");
    screen.keys(&["y"]);
    screen.wait("worker-1 is ready as pod ");
    assert_eq!(site.container()["image"], NEXT);
}

#[test]
fn a_rehearsal_says_what_would_change_and_which_sessions_would_end() {
    let site = with_worker();
    let before = site.versions();
    let ran = site.change(&["--image", NEXT, "--dry-run"]).expect(0);
    assert!(ran.stdout.contains(&format!("containers[worker].image: {IMAGE} → {NEXT}\n")), "{}", ran.stdout);
    assert!(ran.stdout.contains("These sessions end: dev, orchestrator\n"), "{}", ran.stdout);
    let ran = site.change(&["--image", NEXT, "--dry-run", "--json"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(answer["lines"].to_string().contains("containers[worker].image: "), "{answer:#}");
    assert_eq!(site.versions(), before);
}

#[test]
fn a_worker_without_sessions_is_changed_without_a_question() {
    let site = with_worker();
    site.cluster().kubectl(&["scale", "--namespace=factory", "deployment/factory-worker-1", "--replicas=0"]).expect(0);
    support::eventually("its pod to go", || site.pods("worker-1").is_empty().then_some(()));
    site.change(&["--image", NEXT]).expect(0);
    assert_eq!((&site.container()["image"], &site.deployment()["spec"]["replicas"]), (&json!(NEXT), &json!(1)));
}

#[test]
fn what_somebody_set_by_hand_stays() {
    let site = with_worker();
    let by_hand = |arguments: &[&str]| drop(site.cluster().kubectl(&[arguments, &["--namespace=factory"]].concat()).expect(0));
    by_hand(&["set", "env", "deployment/factory-worker-1", "FACTORY_GRACE=50", "THEIRS=1"]);
    let patch = r#"{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":90}}}}"#;
    by_hand(&["patch", "deployment/factory-worker-1", "--type=merge", "--patch", patch]);
    site.wait_for_log("worker-1", "Worker ready");
    site.change(&["--image", NEXT, "--yes"]).expect(0);
    let env = site.container()["env"].as_array().unwrap().clone();
    let value = |name: &str| env.iter().find(|one| one["name"] == name).map(|one| one["value"].clone());
    assert_eq!(
        (value("FACTORY_GRACE"), value("THEIRS"), value("FACTORY_DOCKER")),
        (Some(json!("50")), Some(json!("1")), Some(json!("off")))
    );
    assert_eq!(site.deployment()["spec"]["template"]["spec"]["terminationGracePeriodSeconds"], 90);
}

#[test]
fn docker_comes_only_when_it_is_asked_for() {
    let site = with_worker();
    let level = "pod-security.kubernetes.io/enforce=privileged";
    site.cluster().kubectl(&["label", "--overwrite", "namespace", "factory", level]).expect(0);
    let ran = site.change(&["--docker", "--yes"]).expect(0);
    assert!(ran.stdout.contains("securityContext.privileged: false → true\n"), "{}", ran.stdout);
    let container = site.container();
    assert_eq!(container["securityContext"], json!({"privileged": true}));
    assert_eq!(container["resources"]["limits"]["cpu"], "3");
    let ran = site.change(&["--restricted", "--yes"]).expect(0);
    assert!(ran.stdout.contains("securityContext.privileged: true → false\n"), "{}", ran.stdout);
}

#[rstest]
#[case::shrinks("1Gi", "field can not be less than status.capacity", "a volume cannot shrink")]
#[case::cannot_grow("9Gi", "only dynamically provisioned pvc can be resized", "allowVolumeExpansion")]
fn a_volume_that_is_refused_leaves_the_rest_as_it_was(#[case] size: &str, #[case] why: &str, #[case] remedy: &str) {
    let site = with_worker();
    site.cluster().volumes_cannot_grow();
    let before = site.versions();
    let file = site.write("new.env", "CLAUDE_CODE_OAUTH_TOKEN=another\n");
    let all = ["--storage", size, "--image", NEXT, "--from-env", &file, "--yes"];
    for arguments in [&all[..], &[&all[..], &["--dry-run"]].concat()] {
        let ran = site.change(arguments).expect(1);
        assert!(ran.stderr.contains("worker-1: the cluster refused it: ") && ran.stderr.contains(why), "{}", ran.stderr);
        assert!(ran.stderr.contains(remedy), "{}", ran.stderr);
        assert_eq!(site.versions(), before);
    }
}

/// What the command line does not name stays in the Secret; what our environment has is for a worker that lacks it.
#[test]
fn tokens_that_are_not_said_stay() {
    let mut site = Site::new();
    worker_image(site.cluster(), NEXT).publish();
    let key = site.write("key", "-----BEGIN OPENSSH PRIVATE KEY-----\nx\n-----END OPENSSH PRIVATE KEY-----\n");
    site.add(&["worker-1", "--ssh-key", &key]).expect(0);
    let data = |site: &Site| site.object("secrets", "factory-worker-1-secrets").unwrap()["data"].clone();
    let before = data(&site);
    assert_eq!(before.as_object().unwrap().len(), 4);
    site.0.world = site.0.world.env("GH_TOKEN", "of-the-operator");
    let ran = site.change(&["--image", NEXT, "--yes", "-v"]).expect(0);
    assert_eq!(data(&site), before);
    assert!(!ran.stderr.contains("there is no ") && !ran.stderr.contains("5ecret"), "{}", ran.stderr);
    let file = site.write("new.env", "GH_TOKEN=another\n");
    let ran = site.change(&["--from-env", &file, "-v"]).expect(0);
    let mut expected = before.clone();
    expected["GH_TOKEN"] = json!("YW5vdGhlcg==");
    assert_eq!(data(&site), expected);
    assert!(
        ran.stderr.contains("tokens that are new come with its next pod") && !ran.stderr.contains("5ecret"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("there is no "), "{}", ran.stderr);
}

/// The Deployment would be taken, and the pod of before be gone, when the next one is refused.
#[rstest]
#[case::who_may_ask(false, "the cluster refused it: pods \"factory-worker-1-rehearsal\" is forbidden: violates PodSecurity")]
#[case::by_the_level(true, "the cluster would make no pod: namespace factory forbids privileged pods")]
fn a_pod_that_is_refused_leaves_the_one_of_before(#[case] forbidden: bool, #[case] why: &str) {
    let site = with_worker();
    if forbidden {
        site.cluster().forbid("create", "pods");
    }
    let before = (site.versions(), site.pod("worker-1").uid().to_owned());
    for more in [&[][..], &["--dry-run"]] {
        let ran = site.change(&[&["--docker", "--yes"], more].concat()).expect(1);
        assert!(ran.stderr.contains(why) && ran.stderr.contains("label --overwrite namespace factory"), "{}", ran.stderr);
        assert_eq!((site.versions(), site.pod("worker-1").uid().to_owned()), before);
    }
}

/// A quota with room for the one pod there is.
#[test]
fn a_full_quota_forbids_no_replacement() {
    let site = with_worker();
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small, namespace: factory}\nspec: {hard: {pods: \"1\"}}\n";
    site.cluster().kubectl(&["apply", "-f", &site.write("quota.yaml", quota)]).expect(0);
    site.change(&["--image", NEXT, "--yes"]).expect(0);
}

/// A cluster whose webhooks take part in no rehearsal can be worked with all the same.
#[test]
fn what_cannot_be_rehearsed_is_done_and_asked_about() {
    let site = with_worker();
    site.cluster().rehearsals_fail();
    site.add(&["worker-2"]).expect(1); // privileged, in a namespace for restricted workers
    site.add(&["worker-2", "--restricted"]).expect(0);
    let ran = site.change(&["--image", NEXT, "--dry-run"]).expect(0);
    let why = "(not checked: the cluster refused it: admission webhook \"policy.example.com\" does not support dry run)\n";
    assert!(ran.stdout.contains(&format!("deployment/factory-worker-1 {why}")), "{}", ran.stdout);
    let ran = site.change(&["--image", NEXT]).expect(2);
    assert!(ran.stderr.contains("These sessions end: dev, orchestrator; --yes changes it"), "{}", ran.stderr);
    let ran = site.change(&["--image", NEXT, "--yes"]).expect(0);
    assert!(ran.stdout.contains(&format!("containers[worker].image: {IMAGE} → {NEXT}\n")), "{}", ran.stdout);
    site.change(&[]).expect(0);
    site.run(&["worker", "remove", "worker-2", "--force", "--timeout", "60s"]).expect(0);
    assert!(site.object("secrets", "factory-worker-2-secrets").is_none());
}

#[test]
fn it_is_found_where_the_registry_has_it() {
    let site = Site::new();
    worker_image(site.cluster(), NEXT).publish();
    site.add(&["worker-1", "--namespace", "ours"]).expect(0);
    site.change(&["--image", NEXT, "--yes"]).expect(0);
    let deployment = site.cluster().object("deployments", "ours", "factory-worker-1").unwrap();
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["image"], NEXT);
    assert!(site.object("deployments", "factory-worker-1").is_none());
}
