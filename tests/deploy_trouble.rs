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
    "`kubectl get storageclass` has to show a default one; the same command goes on waiting",
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
    let why = "worker-1: the cluster makes no pod: pods \"factory-worker-1-";
    let remedy = "kubectl label --overwrite namespace factory pod-security.kubernetes.io/enforce=privileged";
    assert_said(
        &ran,
        &[why, "violates PodSecurity \"restricted:latest\": privileged", "use --restricted", remedy, "event: FailedCreate"],
    );
    let said = ran.stderr.lines().find_map(|line| line.split_once("privileged pods: kubectl ")).unwrap().1;
    site.cluster().kubectl(&said.split(' ').collect::<Vec<_>>()).expect(0);
    site.add(&["worker-1"]).expect(0);
    assert!(site.0.rows().iter().all(|row| row["status"] == "running"));
}

#[rstest]
#[case("persistentvolumeclaims", "worker-2: the cluster refused it: ", "`kubectl describe quota`")]
#[case("pods", "worker-2: the cluster makes no pod: pods ", "`kubectl --namespace=factory describe quota`")]
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
    site.add(&["worker-1", "--memory", "8Gi"]).expect(0);
    let container = &site.object("deployments", "factory-worker-1").unwrap()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((container["image"].as_str(), container["resources"]["limits"]["memory"].as_str()), (Some(IMAGE), Some("16Gi")));
    assert_eq!(std::fs::read_to_string(site.pod("worker-1").home().join(".factory/queue.db")).unwrap(), "precious");
}

#[test]
fn a_cluster_that_nobody_named_is_said() {
    let mut site = Site::new();
    let ran = site.add(&["worker-1", "--context", "nowhere"]).expect(3);
    assert_said(&ran, &["there is no context nowhere", "`kubectl config get-contexts`"]);
    let file = site.write("none", "");
    Kubeconfig::new().write(std::path::Path::new(&file));
    site.0.world = site.0.world.env("KUBECONFIG", &file);
    let ran = site.add(&["worker-1"]).expect(3);
    assert_said(&ran, &["kubeconfig"]);
    assert_eq!(site.registry(), "");
}

#[test]
fn who_may_not_make_workers_is_told_which_role_may() {
    let site = Site::new();
    site.cluster().namespace("factory");
    for verb in ["patch", "create"] {
        site.cluster().forbid(verb, "secrets");
    }
    let ran = site.add(&["worker-1"]).expect(3);
    assert_said(&ran, &["secrets", "the role factory-worker-admin of deploy/k8s/access"]);
    assert!(site.object("deployments", "factory-worker-1").is_none());
}
