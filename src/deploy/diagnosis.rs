//! What explains that a worker did not become ready: the cluster's warnings, and the last words of the container.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::Value;

use crate::cluster::Cluster;
use crate::cluster::objects::{Log, Part};
use crate::registry::names::ObjectName;
use crate::terminal::neutralise;

/// How many of each are shown, the newest.
const WARNINGS: usize = 5;
const LOG_LINES: u32 = 10;

/// Lines for a person, neutralised; none when nothing is known or may be seen.
pub fn explain(cluster: &Cluster, name: &str, pod: Option<&str>, container: &ObjectName, deadline: Instant) -> Vec<String> {
    let mut lines = warnings(&cluster.events(deadline).unwrap_or_default(), name);
    let Some(pod) = pod.and_then(|pod| pod.parse().ok()) else { return lines };
    let log = |previous| {
        let log = Log { part: Part::Last(LOG_LINES), previous, follow: false };
        cluster.log(&pod, Some(container), log, deadline).ok().filter(|said| !said.is_empty())
    };
    // A container that is between two tries has said nothing yet.
    if let Some(said) = log(false).or_else(|| log(true)) {
        lines.extend(neutralise::plain(&said).lines().map(|line| format!("log: {line}")));
    }
    lines
}

/// The warnings about objects of this name and those made from them, each once, the newest last.
fn warnings(events: &[Value], name: &str) -> Vec<String> {
    let ours = |event: &&Value| {
        let about = event["involvedObject"]["name"].as_str().unwrap_or_default();
        event["type"] == "Warning" && about.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    let time = |event: &Value| {
        let times = ["lastTimestamp", "eventTime"].map(|field| event[field].as_str().unwrap_or_default());
        times.into_iter().max().unwrap_or_default().to_owned()
    };
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for event in events.iter().filter(ours) {
        let text = |field: &str| neutralise::line(event[field].as_str().unwrap_or_default());
        let known = newest.entry(format!("event: {}: {}", text("reason"), text("message"))).or_default();
        *known = time(event).max(known.clone());
    }
    let mut lines: Vec<(String, String)> = newest.into_iter().map(|(line, time)| (time, line)).collect();
    lines.sort();
    lines.into_iter().rev().take(WARNINGS).rev().map(|(_, line)| line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(about: &str, kind: &str, message: &str, second: u32) -> Value {
        let time = format!("2025-01-01T00:00:{second:02}Z");
        json!({"involvedObject": {"name": about}, "type": kind, "reason": "Because", "message": message, "lastTimestamp": time})
    }

    #[test]
    fn warnings_of_the_worker_are_shown_once_the_newest_last() {
        let events = [
            event("factory-w-5c6d-x", "Warning", "second", 20),
            event("factory-w", "Warning", "first", 10),
            event("factory-w-5c6d-x", "Warning", "second", 30),
            event("factory-w-5c6d-x", "Normal", "fine", 40),
            event("factory-w2", "Warning", "of another", 50),
        ];
        assert_eq!(warnings(&events, "factory-w"), ["event: Because: first", "event: Because: second"]);
    }

    #[test]
    fn what_the_cluster_says_moves_no_cursor() {
        let lines = warnings(&[event("w", "Warning", "\u{1b}[2J\nx", 1)], "w");
        assert!(!lines[0].contains('\u{1b}') && !lines[0].contains('\n'), "{lines:?}");
    }
}
