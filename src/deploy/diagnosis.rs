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
    let mut newest: BTreeMap<String, (String, String)> = BTreeMap::new();
    for event in events.iter().filter(ours) {
        let text = |field: &str| neutralise::line(event[field].as_str().unwrap_or_default());
        let line = format!("event: {}: {}", text("reason"), text("message"));
        let known = newest.entry(alike(&line, name)).or_default();
        *known = (time(event), line).max(known.clone());
    }
    let mut lines: Vec<(String, String)> = newest.into_values().collect();
    lines.sort();
    lines.into_iter().rev().take(WARNINGS).rev().map(|(_, line)| line).collect()
}

/// What is the same for events that say the same of one try after another: without numbers, and without the names and ids of
/// what was made for each.
fn alike(line: &str, name: &str) -> String {
    let made = |word: &str| word.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
    let words = line.split_inclusive(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let alike =
        |word: &str| if made(word) || word.contains(|c: char| c.is_ascii_digit()) { "#".to_owned() } else { word.to_owned() };
    words.map(alike).collect()
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

    /// As controllers and the kubelet of 1.32 write them.
    #[test]
    fn one_event_is_not_told_for_each_try() {
        let forbidden = |pod: &str| format!("Error creating: pods \"factory-w-5c6d-{pod}\" is forbidden: violates PodSecurity");
        let pull = |seconds: u32| {
            format!("Back-off {seconds}s restarting failed container worker in pod factory-w-5c6d-x(0a{seconds}b)")
        };
        let mut events: Vec<_> =
            ["abcde", "fghkl", "zx4c2"].iter().map(|pod| event("factory-w-5c6d", "Warning", &forbidden(pod), 1)).collect();
        events.extend([10, 20, 40].map(|seconds| event("factory-w-5c6d-x", "Warning", &pull(seconds), seconds)));
        let lines = warnings(&events, "factory-w");
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[1].contains("Back-off 40s"), "{lines:#?}");
    }

    #[test]
    fn what_the_cluster_says_moves_no_cursor() {
        let lines = warnings(&[event("w", "Warning", "\u{1b}[2J\nx", 1)], "w");
        assert!(!lines[0].contains('\u{1b}') && !lines[0].contains('\n'), "{lines:?}");
    }
}
