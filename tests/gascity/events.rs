//! Events of a city: recorded by us, or as Gas City's own script records them.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;

use serde_json::{Value, json};

use crate::city::{City, Lines, NAMESPACE};
use crate::support::{Ran, eventually};

pub const PROVIDER: &str = "gc-events-k8s";
/// The filter that Gas City sends when it wants everything.
pub const EVERYTHING: &str = r#"{"Type":"","Actor":"","Since":"0001-01-01T00:00:00Z","AfterSeq":0}"#;

impl City {
    pub fn events(&self, words: &[&str], input: &str) -> Ran {
        self.call(PROVIDER, words, input)
    }

    #[track_caller]
    pub fn record(&self, kind: &str, actor: &str) {
        let event = json!({"seq": 0, "type": kind, "ts": "0001-01-01T00:00:00Z", "actor": actor});
        assert_eq!(self.events(&["record"], &event.to_string()).expect(0).stdout, "");
    }

    #[track_caller]
    pub fn list(&self, filter: &str) -> Vec<Value> {
        serde_json::from_str(&self.events(&["list"], filter).expect(0).stdout).unwrap()
    }

    #[track_caller]
    pub fn latest(&self) -> u64 {
        self.events(&["latest-seq"], "").expect(0).stdout.trim().parse().unwrap()
    }

    pub fn watch(&self, after: u64) -> Lines {
        Lines::of(self.command(PROVIDER, &["watch", &after.to_string()]))
    }

    /// Two events, from the first call to the end of whoever watches.
    #[track_caller]
    pub fn assert_records_and_watches(&self) {
        let watch = self.watch(0);
        self.record("first", "me");
        self.record("second", "me");
        assert_eq!(self.list(EVERYTHING).len(), 2);
        eventually("both events", || (seqs_of(&watch) == [1, 2]).then_some(()));
        drop(watch);
        self.assert_nothing_left();
    }

    pub fn map(&self, name: &str) -> Option<Value> {
        self.cluster.object("configmaps", NAMESPACE, name)
    }

    /// What the script's `kubectl apply -f -` makes.
    #[track_caller]
    pub fn apply(&self, verb: &str, object: &Value) -> kubesim::Ran {
        static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let file = self.world.path(&format!("object-{number}"));
        fs::write(&file, object.to_string()).unwrap();
        self.cluster.kubectl(&["--namespace=gc", verb, "--filename", file.to_str().unwrap()])
    }

    /// Record as the script does: count by compare-and-swap, then apply.
    pub fn script_records(&self, kind: &str, actor: &str) {
        let seq = self.script_counts();
        self.script_applies(seq, kind, actor);
    }

    pub fn script_applies(&self, seq: u64, kind: &str, actor: &str) {
        let event = json!({"type": kind, "actor": actor, "seq": seq, "ts": "2026-04-01T10:00:00Z"});
        let applied = self.apply("apply", &script_event(seq, kind, actor, &event.to_string()));
        assert_eq!(applied.code, 0, "{}", applied.stderr);
    }

    pub fn script_counts(&self) -> u64 {
        loop {
            let got = self.cluster.kubectl(&["--namespace=gc", "get", "configmap", "gc-events-seq", "--output=json"]);
            let mut counter: Value = serde_json::from_str(&got.stdout).unwrap();
            let seq: u64 = counter["data"]["seq"].as_str().unwrap().parse::<u64>().unwrap() + 1;
            counter["data"]["seq"] = json!(seq.to_string());
            if self.apply("replace", &counter).code == 0 {
                return seq;
            }
        }
    }
}

pub fn script_counter(seq: u64) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": "gc-events-seq",
            "labels": {"app.kubernetes.io/managed-by": "gascity", "gc/component": "event-seq"},
        },
        "data": {"seq": seq.to_string()},
    })
}

pub fn script_event(seq: u64, kind: &str, actor: &str, text: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": format!("gc-evt-{seq:010}"),
            "labels": {"app.kubernetes.io/managed-by": "gascity", "gc/component": "event", "gc/type": kind, "gc/actor": actor},
        },
        "data": {"event": text},
    })
}

pub fn seqs(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["seq"].as_u64().unwrap()).collect()
}

pub fn seqs_of(lines: &Lines) -> Vec<u64> {
    let parsed: Vec<Value> = lines.so_far().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    seqs(&parsed)
}
