use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn pod(extra: Value) -> PodObject {
    let mut pod = json!({
        "metadata": {"name": "w1"},
        "spec": {"containers": [{"name": "worker"}, {"name": "side"}], "initContainers": [{"name": "setup"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "worker", "state": {"running": {"startedAt": "2025-01-01T00:00:00Z"}}},
            {"name": "side", "state": {"waiting": {"reason": "CrashLoopBackOff"}}},
        ]},
    });
    merge(&mut pod, extra);
    serde_json::from_value(pod).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

fn container(state: Value) -> Value {
    json!({"status": {"phase": "Pending", "containerStatuses": [{"name": "worker", "state": state}]}})
}

#[rstest]
#[case::deleted(json!({"metadata": {"deletionTimestamp": "2025-01-01T00:00:00Z"}}), "terminating", "being deleted")]
#[case::succeeded(json!({"status": {"phase": "Succeeded"}}), "completed", "Succeeded")]
#[case::evicted(json!({"status": {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}}), "completed", "Evicted, low on memory")]
#[case::creating(container(json!({"waiting": {"reason": "ContainerCreating"}})), "starting", "ContainerCreating")]
#[case::initialising(container(json!({"waiting": {"reason": "PodInitializing"}})), "starting", "PodInitializing")]
#[case::image(container(json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}})), "pending", "ImagePullBackOff: no such image")]
#[case::config(container(json!({"waiting": {"reason": "CreateContainerConfigError"}})), "pending", "CreateContainerConfigError")]
#[case::crash(container(json!({"waiting": {"reason": "CrashLoopBackOff"}})), "crashing", "CrashLoopBackOff")]
#[case::died(container(json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})), "crashing", "OOMKilled, exit 137")]
#[case::finished(container(json!({"terminated": {"exitCode": 0, "reason": "Completed"}})), "completed", "exit 0")]
#[case::unschedulable(json!({"status": {"phase": "Pending", "containerStatuses": [], "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available"}]}}), "pending", "0/3 nodes")]
#[case::no_status(json!({"status": {"phase": "Pending", "containerStatuses": []}}), "pending", "is pending")]
#[case::lost(json!({"status": {"phase": "Unknown", "containerStatuses": []}}), "unreachable", "node")]
#[case::hostile(container(json!({"waiting": {"reason": "\u{1b}[31mX\n"}})), "pending", "X")]
fn a_pod_that_cannot_be_asked_says_why(#[case] extra: Value, #[case] status: &str, #[case] reason: &str) {
    let failure = of(&pod(extra), None).unwrap_err();
    assert_eq!(failure.status(), status, "{failure:?}");
    assert!(failure.reason.contains(reason), "{failure:?}");
    assert!(failure.reason.chars().all(|c| !c.is_control()), "{failure:?}");
}

#[test]
fn the_last_end_is_told_while_it_waits_for_its_next_start() {
    let extra = json!({"status": {"containerStatuses": [{
        "name": "worker", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
    }]}});
    assert_eq!(of(&pod(extra), None).unwrap_err().reason, "pod w1: CrashLoopBackOff (Error, exit 2)");
}

#[test]
fn an_init_container_that_crashes_is_the_reason() {
    let extra = json!({"status": {
        "phase": "Pending",
        "initContainerStatuses": [{"name": "setup", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
        "containerStatuses": [{"name": "worker", "state": {"waiting": {"reason": "PodInitializing"}}}],
    }});
    let failure = of(&pod(extra), None).unwrap_err();
    assert_eq!((failure.status(), failure.reason.contains("setup")), ("crashing", true));
}

#[test]
fn running_is_good_and_ready_is_better() {
    assert_eq!(of(&pod(json!({})), None), Ok(Good::Running));
    let ready = json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}});
    assert_eq!(of(&pod(ready), None), Ok(Good::Ready));
}

#[test]
fn the_container_is_the_named_one_else_the_annotated_one_else_the_first() {
    let side: ObjectName = "side".parse().unwrap();
    assert_eq!(of(&pod(json!({})), Some(&side)).unwrap_err().status(), "crashing");
    let annotated = json!({"metadata": {"annotations": {(DEFAULT_CONTAINER): "side"}}});
    assert_eq!(of(&pod(annotated), None).unwrap_err().status(), "crashing");
    let none: ObjectName = "nope".parse().unwrap();
    let failure = of(&pod(json!({})), Some(&none)).unwrap_err();
    assert_eq!(failure.status(), "no container");
    assert!(failure.reason.contains("worker, side"), "{failure}");
}
