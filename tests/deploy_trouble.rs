//! What can go wrong with `worker add`: it says what, why and what to do, and the same command brings the worker home.

#[path = "support/operator.rs"]
mod operator;
#[path = "deploy/site.rs"]
mod site;
mod support;

use kubesim::{Kubeconfig, Oddity, Stage};
use rstest::rstest;
use serde_json::Value;
use site::{AGENT_TOKEN, IMAGE, Site, worker_image};
use support::Ran;

#[track_caller]
fn assert_said(ran: &Ran, words: &[&str]) {
    for words in words {
        assert!(ran.stderr.contains(words), "{words:?} is missing in: {}", ran.stderr);
    }
}

#[rstest]
#[case::elsewhere(
    Stage::VolumeElsewhere,
    "not ready within 3s; scheduled: Multi-Attach error for volume",
    "let go minutes after that pod is gone; the same command goes on waiting",
    "event: FailedAttachVolume: Multi-Attach"
)]
#[case::unbound(
    Stage::VolumeUnbound,
    "waiting for a pod: on no node: 0/1 nodes are available: pod has unbound",
    " get storageclass` has to show a default one; the same command goes on waiting",
    "event: FailedScheduling: 0/1 nodes"
)]
fn a_volume_that_does_not_come_is_explained(#[case] stage: Stage, #[case] why: &str, #[case] remedy: &str, #[case] event: &str) {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).in_stage(stage).publish();
    let ran = site.add(&["worker-1", "--wait", "3s"]).expect(1);
    assert_said(&ran, &["factory-worker: worker-1: ", why, remedy, event]);
    assert_eq!(site.registry(), "");
}

#[test]
fn a_namespace_that_forbids_privileged_pods_says_so_and_what_to_do() {
    let site = Site::new();
    site.add(&["safe", "--restricted"]).expect(0);
    let ran = site.add(&["worker-1"]).expect(1);
    let why = "worker-1: the cluster refused it: pods \"factory-worker-1-";
    let remedy = " label --overwrite namespace factory pod-security.kubernetes.io/enforce=privileged";
    assert_said(&ran, &[why, "violates PodSecurity \"restricted:latest\": privileged", "use --restricted", remedy]);
    site.add(&["worker-1", "--dry-run"]).expect(1);
    assert!(site.object("secrets", "factory-worker-1-secrets").is_none());
    let said = ran.stderr.lines().find_map(|line| line.split_once("privileged pods: `kubectl ")).unwrap().1;
    let said = said.split_once('`').unwrap().0;
    site.cluster().kubectl(&said.split(' ').collect::<Vec<_>>()).expect(0);
    site.add(&["worker-1"]).expect(0);
    assert!(site.0.rows().iter().all(|row| row["status"] == "running"));
}

#[rstest]
#[case("persistentvolumeclaims", "worker-2: the cluster refused it: ", " --namespace=factory describe quota`")]
#[case("pods", "worker-2: the cluster refused it: pods ", " --namespace=factory describe quota`")]
fn a_quota_that_is_used_up_is_named(#[case] what: &str, #[case] why: &str, #[case] remedy: &str) {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    let quota = |limit: u32| {
        let text = format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: small, namespace: factory}}\nspec: {{hard: {{{what}: \"{limit}\"}}}}\n"
        );
        site.cluster().kubectl(&["apply", "-f", &site.write("quota.yaml", &text)]).expect(0);
    };
    quota(1);
    let ran = site.add(&["worker-2"]).expect(1);
    let limits = format!("exceeded quota: small, requested: {what}=1, used: {what}=1, limited: {what}=1");
    assert_said(&ran, &[why, &limits, remedy]);
    assert!(!site.registry().contains("worker-2"));
    quota(2);
    site.add(&["worker-2"]).expect(0);
}

#[rstest]
#[case::image(|site: &Site| worker_image(site.cluster(), IMAGE).in_stage(Stage::ImagePullBackOff).publish(), "ImagePullBackOff")]
#[case::crash(|site: &Site| worker_image(site.cluster(), IMAGE).with(Oddity::VolumeReadOnly).publish(), "CrashLoopBackOff")]
fn what_was_put_right_is_tried_again_at_once(#[case] breaks: fn(&Site), #[case] why: &str) {
    let site = Site::new();
    breaks(&site);
    let ran = site.add(&["worker-1"]).expect(1);
    assert_said(&ran, &["it does not start: ", why]);
    // Nothing about the worker is another now: a cluster would look at its pod again after minutes.
    worker_image(site.cluster(), IMAGE).publish();
    site.add(&["worker-1"]).expect(0);
    assert_eq!(site.pods("worker-1").len(), 1);
    // One that runs is left alone.
    let pod = site.pod("worker-1").uid().to_owned();
    site.add(&["worker-1"]).expect(0);
    assert_eq!(site.pod("worker-1").uid(), pod);
}

#[test]
fn a_token_that_is_refused_is_said() {
    let site = Site::new();
    let file = site.write("wrong.env", &format!("CLAUDE_CODE_OAUTH_TOKEN={AGENT_TOKEN}\nGH_TOKEN=refused-5ecret\n"));
    let command = ["worker", "add", "worker-1", "--image", IMAGE, "--from-env", &file, "--timeout", "60s"];
    let ran = site.run(&command).expect(0);
    let said = "GitHub CLI is not authenticated: error validating token: HTTP 401: Bad credentials ([secret])";
    assert_eq!(ran.stderr, format!("factory-worker: worker-1 says: {said}\n"));
    let ran = site.run(&[&command[..], &["--json"]].concat()).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["workers"][0]["remarks"][0], said);
    // The right one comes with the next pod, which nobody makes unasked.
    assert_said(
        &site.add(&["worker-1"]).expect(0),
        &["tokens that are new come with its next pod, `factory-worker worker restart worker-1`"],
    );
    let ran = site.run(&["worker", "restart", "worker-1", "--yes", "--timeout", "60s"]).expect(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_worker_made_with_kubectl_is_taken_over_with_its_data() {
    let site = Site::new();
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/k8s");
    worker_image(site.cluster(), "registry.digitalocean.com/<your-registry>/factory-worker:latest").publish();
    site.cluster().kubectl(&["apply", "-f", &format!("{directory}/namespace.yaml")]).expect(0);
    site.cluster().kubectl(&["apply", "-f", &format!("{directory}/worker-1/secret.template.yaml")]).expect(0);
    site.cluster().kubectl(&["apply", "-k", &format!("{directory}/worker-1")]).expect(0);
    site.wait_for_log("worker-1", "Worker ready");
    std::fs::write(site.data("worker-1").join("queue.db"), "precious").unwrap();
    site.add(&["worker-1", "--memory", "8Gi", "--yes"]).expect(0);
    let container = &site.object("deployments", "factory-worker-1").unwrap()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((container["image"].as_str(), container["resources"]["limits"]["memory"].as_str()), (Some(IMAGE), Some("16Gi")));
    assert_eq!(std::fs::read_to_string(site.pod("worker-1").home().join(".factory/queue.db")).unwrap(), "precious");
}

#[test]
fn a_cluster_that_nobody_named_is_said() {
    let mut site = Site::new();
    let ran = site.add(&["worker-1", "--context", "nowhere"]).expect(3);
    assert_said(&ran, &["there is no context nowhere", " --context=nowhere --namespace=factory config get-contexts`"]);
    let file = site.write("none", "");
    Kubeconfig::new().write(std::path::Path::new(&file));
    site.0.world = site.0.world.env("KUBECONFIG", &file);
    let ran = site.add(&["worker-1"]).expect(3);
    assert_said(&ran, &["kubeconfig"]);
    assert_eq!(site.registry(), "");
}

/// A 403 that is no lack of rights.
#[rstest]
#[case(&[])]
#[case(&["--dry-run"])]
fn a_namespace_that_is_ending_says_so(#[case] more: &[&str]) {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    // While a pod is there its namespace is, too.
    site.cluster().stopping_takes(std::time::Duration::from_secs(600));
    site.cluster().kubectl(&["delete", "--wait=false", "namespace", "factory"]).expect(0);
    let ran = site.add(&[&["worker-2"], more].concat()).expect(1);
    let why = "worker-2: the cluster refused it: secrets \"factory-worker-2-secrets\" is forbidden: unable to create new content in \
               namespace factory because it is being terminated\n";
    assert_said(&ran, &[why, "the namespace is being deleted: try again when `kubectl", " get namespaces` no longer shows it"]);
}

#[rstest]
#[case("get", "pods", "may not get pods in namespace factory")]
#[case("get", "pods/log", "may not get pods/log in namespace factory")]
fn who_may_not_read_logs_is_told_which_right_that_takes(#[case] verb: &str, #[case] resource: &str, #[case] why: &str) {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    site.cluster().forbid(verb, resource);
    let ran = site.run(&["worker", "logs", "worker-1", "--timeout", "60s"]).expect(3);
    assert_said(&ran, &[why, "\n  ask for a role that may get pods and pods/log in this namespace\n"]);
}

#[rstest]
#[case(&["add", "worker-1"])]
#[case(&["restart", "worker-1", "--yes"])]
#[case(&["remove", "worker-1", "--force"])]
fn whoever_lacks_one_right_to_make_workers_is_told_of_all(#[case] arguments: &[&str]) {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    site.cluster().forbid("list", "pods");
    let ran = site.run(&[&["worker"], arguments, &["--timeout", "60s"]].concat()).expect(3);
    assert_said(
        &ran,
        &[
            "may not list pods in namespace factory",
            "; the role factory-worker-admin of deploy/k8s/access has all that this takes",
        ],
    );
}

#[test]
fn who_may_not_make_workers_is_told_which_role_may() {
    let site = Site::new();
    site.cluster().namespace("factory");
    for verb in ["patch", "create"] {
        site.cluster().forbid(verb, "secrets");
    }
    let ran = site.add(&["worker-1"]).expect(3);
    let remedy =
        "ask for a role that may patch secrets in namespace factory, such as the role factory-worker-admin of deploy/k8s/access";
    assert_said(&ran, &["may not patch secrets in namespace factory", remedy]);
    assert!(site.object("deployments", "factory-worker-1").is_none());
}
