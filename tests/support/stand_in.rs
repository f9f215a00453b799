//! A stand-in for kubectl and a cluster: commands "in pods" run on this machine, and every kubectl process is counted.

#![allow(dead_code)] // every test binary uses its own part

use std::fs;

use serde_json::{Value, json};

use crate::support::World;

/// A cluster in a directory: `list.json` is what it holds, `pods/NAME` are the pods one can exec into, `refused` is what
/// it says against a listing, `denied` are the permissions the operator lacks, one per line, and `calls` has a line for
/// every kubectl process.
const STAND_IN: &str = r#"#!/bin/sh
while :; do
	case $1 in
	--*) shift ;;
	*) break ;;
	esac
done
verb=$1 what=$2
echo "$verb $what" >>"$CLUSTER/calls"
case $verb in
version)
	echo "{\"clientVersion\": {\"gitVersion\": \"${KUBECTL_VERSION:-v1.32.4}\"}}"
	;;
config)
	echo '{"clusters": [{"cluster": {"server": "https://k:6443"}}], "contexts": [{"name": "here", "context": {}}]}'
	;;
auth)
	if [ -e "$CLUSTER/logged-out" ]; then
		echo 'error: You must be logged in to the server (Unauthorized)' >&2
		exit 1
	fi
	case ${5:-} in
	--subresource=*) set -- "$1" "$2" "$3" "$4/${5#*=}" ;;
	esac
	if grep -qx "$3 $4" "$CLUSTER/denied" 2>/dev/null; then
		echo no
		exit 1
	fi
	echo yes
	;;
get)
	cat "$CLUSTER/list.json"
	if [ -e "$CLUSTER/refused" ]; then
		cat "$CLUSTER/refused" >&2
		exit 1
	fi
	;;
exec)
	pod=${what#pod/}
	if ! [ -e "$CLUSTER/pods/$pod" ]; then
		echo "Error from server (NotFound): pods \"$pod\" not found" >&2
		exit 1
	fi
	while [ "$1" != -- ]; do shift; done
	shift
	if [ -e "$CLUSTER/cut" ]; then
		"$@" | head -c 30
		exit 0
	fi
	if [ -e "$CLUSTER/hang" ]; then
		echo $$ >"$CLUSTER/hanging"
		sleep 600
	fi
	"$@"
	status=$?
	if [ "$status" -ne 0 ]; then
		echo "command terminated with exit code $status" >&2
		exit "$status"
	fi
	;;
esac
"#;

/// A world whose kubectl is the stand-in.
pub struct Cluster {
    pub world: World,
}

impl Cluster {
    pub fn new() -> Self {
        let world = World::new();
        let place = world.path("cluster");
        fs::create_dir_all(place.join("pods")).unwrap();
        world.script("kubectl", STAND_IN);
        let world = world.env("CLUSTER", place.to_str().unwrap());
        let cluster = Self { world };
        cluster.holds(&[]);
        cluster
    }

    /// A worker that means this pod, without a queue.
    pub fn worker(self, name: &str, pod: &str) -> Self {
        self.worker_with(name, &format!("pod: {pod}, namespace: factory"), "commands: {queue: \"\"}")
    }

    /// A worker with these YAML keys of a flow mapping.
    pub fn worker_with(self, name: &str, place: &str, more: &str) -> Self {
        let socket = self.world.path("pod.sock");
        let entry = format!("  - {{name: {name}, {place}, tmux: tmux -S {}, {more}}}\n", socket.display());
        Self { world: self.world.entry(&entry) }
    }

    /// What the namespace holds from now on; one can exec into the pods that run.
    pub fn holds(&self, items: &[Value]) {
        let place = self.world.path("cluster");
        let _ = fs::remove_dir_all(place.join("pods"));
        fs::create_dir_all(place.join("pods")).unwrap();
        for item in items.iter().filter(|item| item["status"]["containerStatuses"][0]["state"]["running"].is_object()) {
            fs::write(place.join("pods").join(item["metadata"]["name"].as_str().unwrap()), "").unwrap();
        }
        fs::write(place.join("list.json"), json!({"kind": "List", "items": items}).to_string()).unwrap();
    }

    pub fn put(&self, name: &str, text: &str) {
        fs::write(self.world.path("cluster").join(name), text).unwrap();
    }

    /// The kubectl processes since the last time this was asked, by their verb: (get, exec).
    pub fn calls(&self) -> (usize, usize) {
        let path = self.world.path("cluster/calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        let count = |verb: &str| calls.lines().filter(|call| call.starts_with(verb)).count();
        (count("get "), count("exec "))
    }

    pub fn list(&self) -> Vec<Value> {
        let ran = self.world.run(&["list", "--json"]).expect(0);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        answer["workers"].as_array().unwrap().clone()
    }

    #[track_caller]
    pub fn status(&self, status: &str, reason: &str) {
        let worker = &self.list()[0];
        assert_eq!(worker["status"], status, "{worker}");
        assert!(worker["reason"].as_str().unwrap_or_default().contains(reason), "{worker}");
    }
}

pub fn running(name: &str, owner: Value) -> Value {
    in_state(name, owner, json!({"running": {}}))
}

pub fn in_state(name: &str, owner: Value, state: Value) -> Value {
    json!({
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": "agent"}, "ownerReferences": [owner], "creationTimestamp": "2025-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "worker"}]},
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "worker", "state": state}],
        },
    })
}

pub fn replica_set() -> Value {
    json!({"kind": "ReplicaSet", "name": "agent-5c6d", "controller": true})
}

pub fn deployment() -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "agent"}, "spec": {"selector": {"matchLabels": {"app": "agent"}}}})
}
