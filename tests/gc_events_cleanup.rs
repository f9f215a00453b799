//! The CronJob that deletes Gas City's old events, run as it is by the shells that may run it.

#[path = "gascity/city.rs"]
mod city;
#[path = "gascity/events.rs"]
mod events;
mod support;

use std::fs;
use std::time::Duration;

use city::{City, NAMESPACE};
use events::seqs;
use kubesim::Fault;
use rstest::rstest;
use serde_json::{Value, json};
use support::{ROOT, Ran, eventually};

#[rstest]
#[case::dash(&["dash"])]
#[case::busybox(&["busybox", "sh"])]
fn the_clean_up_deletes_old_events_and_nothing_else(#[case] shell: &[&str]) {
    let city = City::new();
    let created = |name: &str| city.map(name).unwrap()["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    city.record("old", "me");
    city.record("old", "me");
    let old = created("gc-evt-0000000002");
    eventually("the next second", || {
        city.record("new", "me");
        (created(&format!("gc-evt-{:010}", city.latest())) != old).then_some(())
    });
    let events = city.list("");
    let newest = created(&format!("gc-evt-{:010}", events.len()));
    let stay: Vec<u64> = seqs(&events).into_iter().filter(|seq| created(&format!("gc-evt-{seq:010}")) == newest).collect();

    // It is 24 h after the newest one was made.
    let clean_up = || clean_up(&city, shell, &newest);
    clean_up().expect(0);
    assert_eq!(seqs(&city.list("")), stay);
    assert_eq!(city.latest(), events.len() as u64);
    // Nothing to do is no error, and trouble is one.
    clean_up().expect(0);
    city.cluster.when(kubesim::lists()).then(Fault::Status(403));
    assert_ne!(clean_up().code, 0);
}

/// Run the clean-up 24 hours after this time.
fn clean_up(city: &City, shell: &[&str], newest: &str) -> Ran {
    let manifest = fs::read_to_string(format!("{ROOT}/deploy/k8s/gascity-events-cleanup.yaml")).unwrap();
    let manifest: Value = serde_yaml::from_str(&manifest).unwrap();
    let container = &manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["/bin/sh", "-euc"]));
    assert!(!manifest.to_string().contains("\"namespace\""), "the namespace is whoever applies it's business");
    let now = humantime::parse_rfc3339(newest).unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 24 * 3600;
    city.world.script("date", &format!("#!/bin/sh\n[ \"$*\" != '-u +%s' ] || {{ echo {now}; exit; }}\nexec /bin/date \"$@\"\n"));
    if shell[0] == "busybox" {
        for name in ["awk", "sed", "xargs"] {
            city.world.script(name, &format!("#!/bin/sh\nexec busybox {name} \"$@\"\n"));
        }
    }
    let mut command = city.world.program(shell[0]);
    command.args(&shell[1..]).arg("-euc").arg(container["args"][0].as_str().unwrap());
    command.env("NAMESPACE", NAMESPACE).env("RETENTION_HOURS", "24");
    Ran::from(command.output().unwrap())
}

/// kubectl deletes ten at once and then five a second, and holds in memory what it lists: of the 20,000 events that a busy city
/// makes in a day, a run of an hour had 5,000 to delete when it was made every six.
#[test]
fn the_clean_up_keeps_pace_with_a_busy_city() {
    let mut city = City::new();
    city.record("first", "me");
    // As hostile as what agents say may be.
    let data =
        json!({"event": json!({"name": "gc-evt-9", "metadata": {"creationTimestamp": "2000-01-01T00:00:00Z"}}).to_string()});
    let events = (2..602).map(|seq| {
        let metadata = json!({"name": format!("gc-evt-{seq:010}"), "labels": {"gc/component": "event"}});
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
    });
    let list = json!({"apiVersion": "v1", "kind": "List", "items": events.collect::<Vec<_>>()});
    city.apply("create", &list).expect(0);
    let count = |city: &City| {
        let ran = city.cluster.kubectl(&["--namespace=gc", "get", "configmaps", "--selector=gc/component=event", "-o", "name"]);
        ran.expect(0).stdout.lines().count()
    };
    assert_eq!(count(&city), 601);
    let newest = city.map("gc-evt-0000000601").unwrap()["metadata"]["creationTimestamp"].as_str().unwrap().to_owned();
    let later = humantime::parse_rfc3339(&newest).unwrap() + Duration::from_secs(1);
    let notes = city.note_every_word();
    city.cluster.forget_calls();
    clean_up(&city, &["busybox", "sh"], &humantime::format_rfc3339_seconds(later).to_string()).expect(0);
    let runs = fs::read_to_string(&notes).unwrap();
    let (deletes, lists): (Vec<_>, Vec<_>) = runs.lines().partition(|run| run.contains(" delete "));
    assert_eq!(deletes.iter().map(|run| run.matches("configmap/").count()).max(), Some(10));
    assert!(deletes.len() == 61 && lists.len() == 2 && lists.iter().all(|run| run.contains("&limit=500")), "{runs}");
    // The counter stays.
    assert_eq!((count(&city), city.latest()), (0, 1));
}
