//! Finding out which pod a worker means: what breaks while the cluster is asked, and a namespace of hundreds of pods.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/verdict.rs"]
mod verdict;

use std::time::Duration;

use kubesim::{Cluster, Farewell, Fault, Requests, lists, requests_for};
use operator::{Operator, resolutions};
use rstest::rstest;
use serde_json::Value;
use verdict::{CUT_OFF, FAILING, HIDDEN, NO_ANSWER, TOO_BUSY, UNAUTHORIZED, Verdict, assert_found};

/// A deadline for what never comes, and one for what comes, however busy the machine is.
const SHORT: &str = "--timeout=3s";
const LONG: &str = "--timeout=60s";

/// The worker `w`, the Deployment `fleet` with the session `qa`, which nobody has looked up yet.
fn unknown_worker() -> Operator {
    let cluster = Cluster::start();
    cluster.deployment("fleet").session("qa", "cat").start();
    Operator::of(cluster).worker("w", "fleet", "")
}

#[rstest]
#[case::unauthorized(lists(), Fault::Status(401), UNAUTHORIZED)]
#[case::forbidden(lists(), Fault::Status(403), HIDDEN)]
#[case::internal_error(lists(), Fault::Status(500), FAILING)]
#[case::unavailable(lists(), Fault::Status(503), FAILING)]
#[case::one_of_the_lists_is_unavailable(requests_for("deployments"), Fault::Status(503), FAILING)]
#[case::the_last_of_the_lists_is_unavailable(requests_for("pods"), Fault::Status(503), FAILING)]
#[case::cut(lists(), Fault::cut_after_bytes(100), CUT_OFF)]
#[case::cut_in_the_list_of_pods(requests_for("pods"), Fault::cut_after_bytes(300), CUT_OFF)]
fn a_fault_of_the_lists(#[case] which: Requests, #[case] fault: Fault, #[case] verdict: Verdict) {
    let operator = unknown_worker();
    let rule = operator.cluster.when(which).then(fault);
    assert_found(&operator, LONG, verdict);
    assert!(operator.cluster.calls().execs().is_empty(), "nobody knows where to");
    rule.lift();
    assert_eq!(operator.rows()[0]["status"], "running", "nothing wrong was kept");
}

/// kubectl itself tries again what only reads, so these last until the deadline.
#[rstest]
#[case::hang_up(lists(), Fault::HangUp)]
#[case::reset(lists(), Fault::Reset)]
#[case::silence(lists(), Fault::Silence)]
#[case::frozen(lists(), Fault::freeze_after_bytes(100))]
#[case::frozen_in_the_list_of_pods(requests_for("pods"), Fault::freeze_after_bytes(300))]
#[case::frozen_before_the_answer(lists(), Fault::freeze_after(Duration::ZERO))]
#[case::cut_before_the_answer(lists(), Fault::cut_after(Duration::ZERO).saying(Farewell::Reset))]
fn lists_that_do_not_come_are_waited_for_until_the_deadline(#[case] which: Requests, #[case] fault: Fault) {
    let operator = unknown_worker();
    let rule = operator.cluster.when(which).then(fault);
    assert_found(&operator, SHORT, NO_ANSWER);
    assert!(operator.cluster.calls().execs().is_empty());
    rule.lift();
    assert_eq!(operator.rows()[0]["status"], "running");
}

/// `Retry-After: 1`: kubectl does.
#[test]
fn too_many_requests_are_outlasted_when_they_end_in_time_and_named_when_they_do_not() {
    let operator = unknown_worker();
    operator.cluster.when(lists().once()).then(Fault::Status(429));
    let (ran, calls) = operator.watched(&[LONG, "list"]);
    assert!(ran.expect(0).stdout.contains("running"));
    assert_eq!((calls.matching(&lists()).len(), calls.execs().len()), (4, 1), "{calls:?}");
    let operator = Operator::of(operator.cluster).worker("w", "fleet", "");
    operator.cluster.when(lists()).then(Fault::Status(429));
    assert_found(&operator, LONG, TOO_BUSY);
}

/// A list that ends too early as if all had been said is not taken for the whole.
#[test]
fn a_list_cut_like_success_makes_no_worker_missing() {
    let operator = unknown_worker();
    let rule = operator.cluster.when(lists()).then(Fault::cut_after_bytes(100).looking_like_success());
    let row = &operator.rows()[0];
    assert_ne!(row["status"], "missing", "{row}");
    assert_eq!(row["sessions"], Value::Null, "{row}");
    rule.lift();
    assert_eq!(operator.rows()[0]["status"], "running");
}

/// More than one page of kubectl's lists, which have 500 objects each.
#[test]
fn a_worker_among_hundreds_of_pods() {
    let cluster = Cluster::start();
    cluster.deployment("a-crowd").replicas(520).start();
    cluster.deployment("needle").session("qa", "cat").start();
    cluster.pod("zz-last").session("dev", "cat").start();
    let operator = Operator::of(cluster).worker("n", "needle", "").worker("z", "zz-last", "").worker("c", "a-crowd", "");
    let (ran, calls) = operator.watched(&[LONG, "list", "--json"]);
    let answer: Value = serde_json::from_str(&ran.expect(0).stdout).unwrap();
    let shown = |number: usize| {
        let row = &answer["workers"][number];
        (row["status"].as_str().unwrap(), row["sessions"][0]["name"].as_str().unwrap_or("none"))
    };
    assert_eq!([shown(0), shown(1), shown(2)], [("running", "qa"), ("running", "dev"), ("running", "none")], "{answer}");
    assert_eq!((calls.execs().len(), resolutions(&calls)), (3, 2), "two pages of one look");
    let pages: Vec<&str> =
        calls.iter().filter(|call| call.verb == "list" && call.resource == "pods").map(|call| call.path.as_str()).collect();
    assert!(pages[0].contains("limit=500") && pages[1].contains("continue="), "{pages:?}");
    let (ran, calls) = operator.watched(&[LONG, "list"]);
    assert_eq!(ran.expect(0).stdout.matches("running").count(), 3);
    assert_eq!((calls.execs().len(), resolutions(&calls)), (3, 0), "what was found is known");
}
