use rstest::rstest;
use serde_json::json;

use super::*;

fn pod(status: Value) -> Value {
    json!({"metadata": {"name": "w-1", "uid": "u"}, "spec": {"nodeName": "n"}, "status": status})
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": reason, "message": message}}}]})
}

fn running(started: bool) -> Value {
    json!({"containerStatuses": [{"name": "worker", "started": started, "state": {"running": {}}}]})
}

#[rstest]
#[case(json!({"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]}), Stage::Applied, "on no node: 0/3 nodes")]
#[case(json!({}), Stage::Scheduled, "")]
#[case(waiting("ContainerCreating", ""), Stage::Scheduled, "")]
#[case(waiting("ErrImagePull", "not found"), Stage::Pulling, "not found")]
#[case(running(false), Stage::Starting, "")]
#[case(running(true), Stage::TmuxUp, "")]
#[case(json!({"containerStatuses": [{"name": "worker", "state": {"terminated": {"exitCode": 1}}}]}), Stage::Starting, "it ended with status 1")]
fn the_stage_is_read_from_the_status(#[case] status: Value, #[case] stage: Stage, #[case] detail: &str) {
    let look = stage_of(&pod(status), "worker").unwrap();
    assert_eq!((look.stage, look.detail.as_str(), look.pod.as_deref()), (stage, detail, Some("w-1")));
}

#[rstest]
#[case("ImagePullBackOff", "Back-off pulling image", "factory-registry")]
#[case("InvalidImageName", "invalid reference format", "image's name")]
#[case("CreateContainerConfigError", "secret \"factory-w-secrets\" not found", "--from-env")]
#[case("CrashLoopBackOff", "back-off 10s", "its log")]
fn what_does_not_heal_by_itself_ends_the_waiting(#[case] reason: &str, #[case] message: &str, #[case] remedy: &str) {
    let (failure, look) = stage_of(&pod(waiting(reason, message)), "worker").unwrap_err();
    assert!(failure.reason.contains(reason) && failure.reason.contains(message), "{failure}");
    assert!(failure.remedy().contains(remedy), "{}", failure.remedy());
    assert!(ends_it(&failure) && look.stuck);
}

fn owner(generation: u64, observed: u64, updated: u64) -> Value {
    json!({"metadata": {"generation": generation}, "status": {"observedGeneration": observed, "updatedReplicas": updated}})
}

fn made(uid: &str, second: u32) -> Value {
    json!({"metadata": {"uid": uid, "creationTimestamp": format!("2025-01-01T00:00:{second:02}Z")}})
}

#[test]
fn only_a_pod_of_the_present_template_counts() {
    let pods = [made("one", 1), made("two", 2)];
    let uid = |owner: &Value, pods: &[Value], old: &[&str]| {
        let old: Vec<_> = old.iter().map(|&uid| uid.to_owned()).collect();
        current(owner, pods, &old).map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned())
    };
    assert_eq!(uid(&owner(2, 2, 1), &pods, &[]).as_deref(), Some("two"));
    assert_eq!(uid(&owner(2, 1, 1), &pods, &[]), None, "the controller has not seen the change");
    assert_eq!(uid(&owner(2, 2, 0), &pods, &[]), None, "no pod is made from the new template yet");
    assert_eq!(uid(&owner(2, 2, 1), &pods, &["one", "two"]), None, "both were there before");
    let mut dying = pods.clone();
    dying[1]["metadata"]["deletionTimestamp"] = json!("2025-01-01T00:01:00Z");
    assert_eq!(uid(&owner(2, 2, 1), &dying, &[]).as_deref(), Some("one"));
}

#[rstest]
#[case(
    "pods \"w\" is forbidden: violates PodSecurity \"baseline:latest\": privileged",
    "or let the namespace have privileged pods: `kubectl label --overwrite namespace ours "
)]
#[case("pods \"w\" is forbidden: exceeded quota: small, requested: pods=1", "`kubectl describe quota`")]
#[case("something new", "")]
fn a_cluster_that_makes_no_pod_says_so_with_a_remedy(#[case] message: &str, #[case] remedy: &str) {
    let condition = json!({"type": "ReplicaFailure", "status": "True", "message": message});
    let owner = json!({"metadata": {"namespace": "ours"}, "status": {"conditions": [condition]}});
    let failure = remedies::cannot_create(&owner).unwrap();
    assert_eq!(failure.reason, format!("the cluster makes no pod: {message}"));
    assert!(failure.remedy().contains(remedy) && failure.remedy().is_empty() == remedy.is_empty(), "{}", failure.remedy());
}

#[rstest]
#[case("Multi-Attach error for volume \"pvc-1\"", "attached to another pod's node")]
#[case("on no node: 0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "`kubectl get storageclass`")]
#[case("on no node: 0/3 nodes are available: 3 Insufficient cpu.", "--cpu and --memory")]
#[case("MountVolume.SetUp failed for volume \"x\"", "`kubectl describe pod`")]
#[case("", "it may still come")]
fn what_it_waits_for_has_a_remedy(#[case] detail: &str, #[case] remedy: &str) {
    let said = remedies::while_waiting(detail, GO_ON);
    assert!(said.contains(remedy) && said.ends_with(GO_ON), "{said}");
}

#[test]
fn what_a_ready_worker_lacks_is_told() {
    let log = "Docker is off.\nGitHub CLI is not authenticated: no\x1b[2J\nGit identity: a <b>\nWARNING: the volume\nWorker ready. Sessions: dev\nlater is not told";
    let told = remarks(log.as_bytes()).unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("GitHub CLI is not authenticated: no") && !told[0].contains('\u{1b}'), "{told:?}");
    assert_eq!(remarks(b"Docker is not ready: x\n"), None);
}
