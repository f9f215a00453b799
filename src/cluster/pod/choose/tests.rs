use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn name(text: &str) -> ObjectName {
    text.parse().unwrap()
}

/// A running pod of a Deployment's ReplicaSet, or of a StatefulSet.
fn owned(pod: &str, owner: (&str, &str), created: &str, ready: bool) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {
            "name": pod, "creationTimestamp": created, "labels": {"app": "dev", "tier": "a"},
            "ownerReferences": [{"kind": owner.0, "name": owner.1, "controller": true}],
        },
        "spec": {"containers": [{"name": "worker"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}],
            "containerStatuses": [{"name": "worker", "state": {"running": {"startedAt": created}}}],
        },
    })
}

fn deployment(name: &str, selector: Value) -> Value {
    json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"replicas": 1, "selector": selector}})
}

fn dev() -> Value {
    deployment("dev", json!({"matchLabels": {"app": "dev"}}))
}

fn listing(items: &[Value]) -> Listing {
    Listing::parse(json!({"kind": "List", "items": items}).to_string().as_bytes()).unwrap()
}

fn choose(items: &[Value], wanted: &PodRef) -> Result<String, Failure> {
    pod(&listing(items), wanted, None, Some("factory")).map(String::from)
}

fn any(text: &str) -> PodRef {
    PodRef::Any(name(text))
}

const RS: (&str, &str) = ("ReplicaSet", "dev-5c6d");

#[test]
fn a_bare_name_is_a_pod_before_it_is_anything_else() {
    let items = [
        owned("dev", ("StatefulSet", "x"), "2025-01-01T00:00:00Z", true),
        owned("dev-1", RS, "2025-01-02T00:00:00Z", true),
        dev(),
    ];
    assert_eq!(choose(&items, &any("dev")).unwrap(), "dev");
    assert_eq!(choose(&items, &PodRef::Deployment(name("dev"))).unwrap(), "dev-1");
}

#[test]
fn the_newest_ready_pod_that_is_not_terminating_is_chosen() {
    let mut dying = owned("dev-4", RS, "2025-01-04T00:00:00Z", true);
    dying["metadata"]["deletionTimestamp"] = json!("2025-01-05T00:00:00Z");
    let items = [
        dev(),
        owned("dev-1", RS, "2025-01-01T00:00:00Z", true),
        owned("dev-2", RS, "2025-01-02T00:00:00Z", true),
        owned("dev-3", RS, "2025-01-03T00:00:00Z", false),
        dying,
    ];
    assert_eq!(choose(&items, &any("dev")).unwrap(), "dev-2");
}

#[test]
fn a_running_pod_that_is_not_ready_is_better_than_none() {
    let items = [dev(), owned("dev-3", RS, "2025-01-03T00:00:00Z", false)];
    assert_eq!(choose(&items, &any("dev")).unwrap(), "dev-3");
}

#[test]
fn a_name_that_only_begins_alike_is_another_deployments() {
    let mut other = owned("dev-tools-1", ("ReplicaSet", "dev-tools-77"), "2025-02-01T00:00:00Z", true);
    other["metadata"]["labels"] = json!({"app": "dev-tools"});
    let items = [dev(), other, owned("dev-1", RS, "2025-01-01T00:00:00Z", true)];
    assert_eq!(choose(&items, &any("dev")).unwrap(), "dev-1");
}

#[rstest]
#[case(json!([{"key": "tier", "operator": "In", "values": ["a", "b"]}]), true)]
#[case(json!([{"key": "tier", "operator": "In", "values": ["b"]}]), false)]
#[case(json!([{"key": "tier", "operator": "NotIn", "values": ["b"]}]), true)]
#[case(json!([{"key": "tier", "operator": "Exists"}]), true)]
#[case(json!([{"key": "tier", "operator": "DoesNotExist"}]), false)]
#[case(json!([{"key": "tier", "operator": "Exists"}, {"key": "none", "operator": "Exists"}]), false)]
fn match_expressions_select_too(#[case] expressions: Value, #[case] selected: bool) {
    let items = [deployment("dev", json!({"matchExpressions": expressions})), owned("dev-1", RS, "2025-01-01T00:00:00Z", true)];
    assert_eq!(choose(&items, &any("dev")).is_ok(), selected);
}

#[test]
fn a_stateful_sets_pods_are_those_it_controls() {
    let set = json!({"kind": "StatefulSet", "metadata": {"name": "agent"}, "spec": {"replicas": 1}});
    let items = [
        set,
        owned("agent-0", ("StatefulSet", "agent"), "2025-01-01T00:00:00Z", true),
        owned("x-0", ("StatefulSet", "x"), "2025-01-02T00:00:00Z", true),
    ];
    assert_eq!(choose(&items, &any("agent")).unwrap(), "agent-0");
    assert_eq!(choose(&items, &PodRef::StatefulSet(name("agent"))).unwrap(), "agent-0");
    assert_eq!(choose(&items, &PodRef::Deployment(name("agent"))).unwrap_err().status(), "missing");
}

#[test]
fn nothing_of_that_name_is_missing_and_says_where() {
    let failure = choose(&[], &any("dev")).unwrap_err();
    assert_eq!(failure.status(), "missing");
    assert_eq!(failure.reason, "there is no pod, Deployment or StatefulSet dev in namespace factory");
}

#[test]
fn a_deployment_without_pods_is_pending_or_scaled_down() {
    assert_eq!(choose(&[dev()], &any("dev")).unwrap_err().status(), "pending");
    let mut down = dev();
    down["spec"]["replicas"] = json!(0);
    let failure = choose(&[down], &any("dev")).unwrap_err();
    assert_eq!((failure.status(), failure.reason.contains("scaled to 0")), ("missing", true));
}

#[test]
fn whoever_may_list_pods_only_still_has_pods() {
    let mut listing = listing(&[owned("w", RS, "2025-01-01T00:00:00Z", true)]);
    listing.lacking = Some(Failure::new(Kind::Forbidden, "bob may not list deployments"));
    assert_eq!(pod(&listing, &any("w"), None, None).unwrap().as_str(), "w");
    assert_eq!(pod(&listing, &any("dev"), None, None).unwrap_err().status(), "forbidden");
    listing.pods_hidden = true;
    assert_eq!(pod(&listing, &any("dev"), None, None).unwrap().as_str(), "dev");
}

#[test]
fn half_a_list_is_no_list() {
    assert_eq!(Listing::parse(b"{\"items\": [{\"kind\": \"Pod\"").unwrap_err().status(), "incomplete");
}

/// A list that kubectl would print, and some of it spoilt: cut, or with something else in a value's place.
fn spoilt() -> impl Strategy<Value = String> {
    let whole = json!({"kind": "List", "items": [
        deployment("dev", json!({"matchLabels": {"app": "dev"}})),
        owned("dev-1", RS, "2025-01-01T00:00:00Z", true),
    ]});
    let text = whole.to_string();
    let other = prop_oneof![Just("null"), Just("7"), Just("\"\u{1b}\""), Just("[]"), Just("{}"), Just("[[")];
    (prop::arbitrary::any::<prop::sample::Index>(), prop::arbitrary::any::<prop::sample::Index>(), other).prop_map(
        move |(from, to, other)| {
            let places: Vec<usize> = text.match_indices(['{', '}', '[', ']', ',', ':']).map(|(at, _)| at + 1).collect();
            let (from, to) = (*from.get(&places), *to.get(&places));
            format!("{}{other}{}", &text[..from.min(to)], &text[from.max(to)..])
        },
    )
}

proptest! {
    #[test]
    fn a_spoilt_list_is_understood_or_refused_in_one_line(text in spoilt()) {
        let result = Listing::parse(text.as_bytes());
        let wanted = PodRef::Any("dev".parse().unwrap());
        let reason = result.and_then(|listing| pod(&listing, &wanted, None, None)).map_err(|failure| failure.reason);
        prop_assert!(!reason.is_err_and(|reason| reason.contains(char::is_control)));
    }
}
