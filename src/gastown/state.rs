//! How it is with a polecat, by its pod: done, failed, stuck, working, or not begun.

use std::time::{Duration, SystemTime};

use super::Object;
use crate::cluster::pod::listing::{ContainerState, PodObject, Terminated};
use crate::cluster::pod::state;
use crate::failure::{Failure, Kind};
use crate::registry::names::ObjectName;
use crate::registry::origin::Polecat;
use crate::remote::session::{Answer, Session, Standing, State};
use crate::terminal::{age, neutralise};

/// What is known of a polecat without asking its pod.
///
/// # Errors
/// Its container has not begun, or its pod is going; the failure's kind is the word for that.
pub fn of(object: &Object, pod: Option<&PodObject>, stuck_after: Duration, now: SystemTime) -> Result<Answer, Failure> {
    let Some(pod) = pod else { return without_pod(object) };
    let claude = claude(pod);
    if pod.metadata.deletion_timestamp.is_none()
        && let Some(end) = claude.and_then(|state| state.terminated.as_ref())
    {
        return Ok(ended(pod, end, now));
    }
    if pod.metadata.deletion_timestamp.is_none() && pod.status.phase == "Failed" {
        return Ok(answer(State::Failed, never_ran(pod), None, now));
    }
    let container: Option<ObjectName> = Polecat::CONTAINER.parse().ok();
    state::of(pod, container.as_ref())?;
    let since = claude.and_then(|state| state.running.as_ref()).and_then(|running| time(running.started_at.as_deref()));
    Ok(running(pod, since, stuck_after, now))
}

/// When Kubernetes ends the pod: its clock begins when the node takes it.
pub fn deadline(pod: &PodObject) -> Option<SystemTime> {
    let seconds = pod.spec.active_deadline_seconds?;
    time(pod.status.start_time.as_deref())?.checked_add(Duration::from_secs(seconds))
}

/// Whether the agent's container runs.
pub fn is_running(pod: &PodObject) -> bool {
    pod.metadata.deletion_timestamp.is_none() && claude(pod).is_some_and(|state| state.running.is_some())
}

fn claude(pod: &PodObject) -> Option<&ContainerState> {
    let found = pod.status.container_statuses.iter().find(|status| status.name == Polecat::CONTAINER);
    found.map(|status| &status.state)
}

fn without_pod(object: &Object) -> Result<Answer, Failure> {
    let name = neutralise::line(&object.metadata.name);
    let idle =
        |state| Ok(Answer { standing: Some(Standing { state, detail: String::new(), silence: None }), ..Answer::of(Vec::new()) });
    match object.spec.desired_state.as_str() {
        "Terminated" => idle(State::Stopped),
        "Idle" | "" => idle(State::Idle),
        _ => Err(Failure::new(Kind::Pending, format!("polecat {name} has no pod yet"))
            .with_remedy(format!("does the Gas Town operator run? `kubectl describe polecat {name}` says what it waits for"))),
    }
}

fn ended(pod: &PodObject, end: &Terminated, now: SystemTime) -> Answer {
    let at = time(end.finished_at.as_deref());
    let ago = at.map(|at| format!("{} ago", age::short(since(at, now)))).unwrap_or_default();
    if end.exit_code == 0 {
        return answer(State::Done, ago, at, now);
    }
    let reason = match (pod.status.reason.as_str(), end.reason.as_str()) {
        ("DeadlineExceeded", _) => Some("its deadline was over".to_owned()),
        (_, "" | "Error") => None,
        (_, reason) => Some(neutralise::line(reason)),
    };
    let parts = [Some(format!("exit {}", end.exit_code)), reason, Some(ago)];
    let detail: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    answer(State::Failed, detail.join(", "), at, now)
}

/// Why a pod failed whose agent never began.
fn never_ran(pod: &PodObject) -> String {
    let init = state::failed_init(pod).map(|status| {
        let code = status.state.terminated.as_ref().map_or(0, |end| end.exit_code);
        format!("{} exit {code}", neutralise::line(&status.name))
    });
    init.unwrap_or_else(|| match pod.status.reason.as_str() {
        "" => "it never began".to_owned(),
        "DeadlineExceeded" => "its deadline was over".to_owned(),
        reason => neutralise::line(reason),
    })
}

fn running(pod: &PodObject, began: Option<SystemTime>, stuck_after: Duration, now: SystemTime) -> Answer {
    let for_so_long = began.map(|began| since(began, now));
    let left = deadline(pod).map(|end| format!("{} left", age::short(end.duration_since(now).unwrap_or_default())));
    let old = for_so_long.is_some_and(|age| age > stuck_after);
    let state = if old { State::Stuck } else { State::Working };
    let detail: Vec<String> = for_so_long.map(age::short).into_iter().chain(left).collect();
    let mut answer = answer(state, detail.join(", "), began, now);
    if let Some(standing) = &mut answer.standing {
        // The pod says how old it is, and not whether anything comes.
        standing.silence = old.then_some(stuck_after);
    }
    answer
}

fn answer(state: State, detail: String, moment: Option<SystemTime>, now: SystemTime) -> Answer {
    let log = Session::log(Some(state), moment.map(|moment| since(moment, now)));
    Answer { standing: Some(Standing { state, detail, silence: None }), ..Answer::of(log.into_iter().collect()) }
}

fn since(moment: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(moment).unwrap_or_default()
}

fn time(text: Option<&str>) -> Option<SystemTime> {
    humantime::parse_rfc3339(text?).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    const NOW: &str = "2026-01-01T12:00:00Z";

    fn told(desired: &str, pod: Option<Value>) -> Result<(String, String), (Kind, String)> {
        let object: Object =
            serde_json::from_value(json!({"metadata": {"name": "p"}, "spec": {"desiredState": desired}})).unwrap();
        let pod: Option<PodObject> = pod.map(|pod| serde_json::from_value(pod).unwrap());
        let answer = of(&object, pod.as_ref(), Duration::from_secs(900), time(Some(NOW)).unwrap());
        let words = |answer: Answer| answer.standing.map(|standing| (standing.state.word().to_owned(), standing.detail)).unwrap();
        answer.map(words).map_err(|failure| (failure.kind, failure.reason))
    }

    /// The pod as the operator builds it, with a sidecar that goes on.
    fn pod(phase: &str, reason: &str, claude: Value) -> Option<Value> {
        let running = json!({"running": {"startedAt": "2026-01-01T11:50:00Z"}});
        Some(json!({
            "metadata": {"name": "polecat-p"},
            "spec": {"activeDeadlineSeconds": 3600, "containers": [{"name": "claude"}, {"name": "telemetry"}]},
            "status": {"phase": phase, "reason": reason, "startTime": "2026-01-01T11:40:00Z", "containerStatuses": [
                {"name": "telemetry", "state": running}, {"name": "claude", "state": claude}]},
        }))
    }

    fn ended(code: i32, reason: &str) -> Value {
        json!({"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-01-01T11:55:00Z"}})
    }

    #[rstest]
    #[case::done_beside_a_living_sidecar("Running", "", ended(0, "Completed"), "done", "5m ago")]
    #[case::done_before_the_deadline_ended_the_sidecar("Failed", "DeadlineExceeded", ended(0, "Completed"), "done", "5m ago")]
    #[case::failed("Running", "", ended(3, "Error"), "failed", "exit 3, 5m ago")]
    #[case::out_of_memory("Running", "", ended(137, "OOMKilled"), "failed", "exit 137, OOMKilled, 5m ago")]
    #[case::out_of_time("Failed", "DeadlineExceeded", ended(137, "Error"), "failed", "exit 137, its deadline was over, 5m ago")]
    #[case::working("Running", "", json!({"running": {"startedAt": "2026-01-01T11:48:00Z"}}), "working", "12m, 40m left")]
    #[case::stuck("Running", "", json!({"running": {"startedAt": "2026-01-01T11:44:00Z"}}), "stuck", "16m, 40m left")]
    fn the_container_tells_the_truth(
        #[case] phase: &str,
        #[case] reason: &str,
        #[case] claude: Value,
        #[case] word: &str,
        #[case] detail: &str,
    ) {
        assert_eq!(told("Working", pod(phase, reason, claude)), Ok((word.to_owned(), detail.to_owned())));
    }

    #[test]
    fn what_kept_it_from_beginning_is_told() {
        let waiting = json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}});
        let told_of = |pod: Option<Value>| told("Working", pod);
        assert_eq!(told_of(pod("Pending", "", waiting)).unwrap_err().0, Kind::Pending);
        assert_eq!(told_of(None).unwrap_err(), (Kind::Pending, "polecat p has no pod yet".to_owned()));
        let mut failed = pod("Failed", "", json!({"waiting": {"reason": "PodInitializing"}}));
        failed.as_mut().unwrap()["status"]["initContainerStatuses"] = json!([{"name": "git-init", "state": ended(128, "Error")}]);
        assert_eq!(told_of(failed), Ok(("failed".to_owned(), "git-init exit 128".to_owned())));
    }

    #[rstest]
    #[case("Idle", "idle")]
    #[case("Terminated", "stopped")]
    fn a_polecat_that_shall_not_work_needs_no_pod(#[case] desired: &str, #[case] word: &str) {
        assert_eq!(told(desired, None), Ok((word.to_owned(), String::new())));
    }
}
