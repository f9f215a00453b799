//! Workers that are pods, from the outside: how many kubectl processes they cost, and what their failures are called.
//! kubectl is a stand-in here that runs commands on this machine; its words are those of the real one, and the last
//! tests ask the real one.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use rstest::rstest;
use serde_json::{Value, json};
use support::{World, eventually};

/// A cluster in a directory: `list.json` is what it holds, `pods/NAME` are the pods one can exec into, and `calls` has a
/// line for every kubectl process.
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
struct Cluster {
    world: World,
}

impl Cluster {
    fn new() -> Self {
        let world = World::new();
        let place = world.path("cluster");
        fs::create_dir_all(place.join("pods")).unwrap();
        world.script("kubectl", STAND_IN);
        let world = world.env("CLUSTER", place.to_str().unwrap());
        let cluster = Self { world };
        cluster.holds(&[]);
        cluster
    }

    fn worker(self, name: &str, pod: &str) -> Self {
        let socket = self.world.path("pod.sock");
        let entry = format!(
            "  - {{name: {name}, pod: {pod}, namespace: factory, tmux: tmux -S {}, commands: {{queue: \"\"}}}}\n",
            socket.display()
        );
        Self { world: self.world.entry(&entry) }
    }

    /// What the namespace holds from now on; one can exec into the pods that run.
    fn holds(&self, items: &[Value]) {
        let place = self.world.path("cluster");
        let _ = fs::remove_dir_all(place.join("pods"));
        fs::create_dir_all(place.join("pods")).unwrap();
        for item in items.iter().filter(|item| item["status"]["containerStatuses"][0]["state"]["running"].is_object()) {
            fs::write(place.join("pods").join(item["metadata"]["name"].as_str().unwrap()), "").unwrap();
        }
        fs::write(place.join("list.json"), json!({"kind": "List", "items": items}).to_string()).unwrap();
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.world.path("cluster").join(name), text).unwrap();
    }

    /// The kubectl processes since the last time this was asked, by their verb: (get, exec).
    fn calls(&self) -> (usize, usize) {
        let path = self.world.path("cluster/calls");
        let calls = fs::read_to_string(&path).unwrap_or_default();
        let _ = fs::remove_file(&path);
        let count = |verb: &str| calls.lines().filter(|call| call.starts_with(verb)).count();
        (count("get "), count("exec "))
    }

    fn list(&self) -> Vec<Value> {
        let ran = self.world.run(&["list", "--json"]).expect(0);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        answer["workers"].as_array().unwrap().clone()
    }

    #[track_caller]
    fn status(&self, status: &str, reason: &str) {
        let worker = &self.list()[0];
        assert_eq!(worker["status"], status, "{worker}");
        assert!(worker["reason"].as_str().unwrap_or_default().contains(reason), "{worker}");
    }
}

fn running(name: &str, owner: Value) -> Value {
    in_state(name, owner, json!({"running": {}}))
}

fn in_state(name: &str, owner: Value, state: Value) -> Value {
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

fn replica_set() -> Value {
    json!({"kind": "ReplicaSet", "name": "agent-5c6d", "controller": true})
}

fn deployment() -> Value {
    json!({"kind": "Deployment", "metadata": {"name": "agent"}, "spec": {"selector": {"matchLabels": {"app": "agent"}}}})
}

/// Twenty workers, which is more than are asked at the same time, with a Deployment each, and the pods of a generation.
fn many(cluster: &Cluster, generation: &str) {
    let mut items = Vec::new();
    for number in 0..20 {
        let name = format!("agent-{number}");
        let labels = json!({"app": name});
        items.push(json!({"kind": "Deployment", "metadata": {"name": name}, "spec": {"selector": {"matchLabels": labels}}}));
        let mut pod = running(&format!("{name}-{generation}"), replica_set());
        pod["metadata"]["labels"] = labels;
        items.push(pod);
    }
    cluster.holds(&items);
}

#[test]
fn many_workers_of_a_namespace_cost_one_listing_and_an_exec_each() {
    let mut cluster = Cluster::new();
    for number in 0..20 {
        cluster = cluster.worker(&format!("w{number}"), &format!("agent-{number}"));
    }
    many(&cluster, "first");
    let workers = cluster.list();
    assert_eq!((cluster.calls(), workers.len()), ((1, 20), 20));
    assert!(workers.iter().all(|worker| worker["status"] == "running"), "{workers:?}");
    assert_eq!(workers[7]["pod"], "agent-7-first");
    // The answer is kept for the next process.
    cluster.list();
    assert_eq!(cluster.calls(), (0, 20));
    // All pods are replaced: every exec finds that out, one listing tells all of them.
    many(&cluster, "second");
    let workers = cluster.list();
    let (listings, execs) = cluster.calls();
    assert!(workers.iter().all(|worker| worker["status"] == "running"), "{workers:?}");
    assert_eq!((listings, workers[7]["pod"].as_str()), (1, Some("agent-7-second")));
    assert!(execs <= 40, "{execs}");
    cluster.list();
    assert_eq!(cluster.calls(), (0, 20));
}

#[test]
fn a_pod_named_as_such_is_never_looked_up() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (0, 1));
}

#[test]
fn a_bare_name_that_is_a_pod_costs_the_listing_once() {
    let cluster = Cluster::new().worker("w", "plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (1, 1));
    cluster.status("running", "");
    assert_eq!(cluster.calls(), (0, 1));
}

#[test]
fn a_pod_that_crashes_is_found_again_when_it_runs() {
    let cluster = Cluster::new().worker("w", "agent");
    let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});
    cluster.holds(&[deployment(), running("agent-1", replica_set())]);
    cluster.status("running", "");
    cluster.holds(&[deployment(), in_state("agent-1", replica_set(), crashing)]);
    cluster.status("crashing", "CrashLoopBackOff");
    cluster.calls();
    // As long as it crashes, one process says so.
    cluster.status("crashing", "CrashLoopBackOff");
    assert_eq!(cluster.calls(), (1, 0));
    cluster.holds(&[deployment(), running("agent-2", replica_set())]);
    cluster.status("running", "");
}

#[test]
fn a_worker_without_a_pod_is_missing_and_the_command_exits_4() {
    let cluster = Cluster::new().worker("w", "nobody");
    cluster.status("missing", "there is no pod, Deployment or StatefulSet nobody in namespace factory");
    let ran = cluster.world.run(&["peek", "w/qa"]).expect(4);
    assert!(ran.stderr.contains("workers.yaml"), "{}", ran.stderr);
}

#[test]
fn whoever_may_only_see_pods_still_reaches_them() {
    let cluster = Cluster::new().worker("w", "plain").worker("d", "deploy/agent");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put(
        "refused",
        "Error from server (Forbidden): deployments.apps is forbidden: User \"bob\" cannot list resource \"deployments\" in \
         API group \"apps\" in the namespace \"factory\"\n",
    );
    let workers = cluster.list();
    assert_eq!(workers[0]["status"], "running", "{workers:?}");
    assert_eq!(workers[1]["status"], "forbidden", "{workers:?}");
    assert!(workers[1]["reason"].as_str().unwrap().contains("bob may not list deployments"), "{workers:?}");
}

#[test]
fn whoever_may_see_no_list_still_reaches_a_pod_by_its_name() {
    let cluster = Cluster::new().worker("w", "plain").worker("n", "nobody");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put("list.json", "{\"items\": []}");
    cluster.put(
        "refused",
        "Error from server (Forbidden): pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the \
         namespace \"factory\"\n",
    );
    let workers = cluster.list();
    assert_eq!((&workers[0]["status"], &workers[1]["status"]), (&json!("running"), &json!("missing")));
}

#[test]
fn exit_0_of_a_broken_connection_is_no_answer() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put("cut", "");
    cluster.status("incomplete", "before its end");
}

#[test]
fn the_deadline_ends_kubectl_and_what_it_started() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    cluster.holds(&[running("plain", json!({}))]);
    cluster.put("hang", "");
    let began = Instant::now();
    let ran = cluster.world.run(&["peek", "w/qa", "--timeout", "700ms"]).expect(3);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    assert!(ran.stderr.contains("no answer within the deadline"), "{}", ran.stderr);
    let pid = fs::read_to_string(cluster.world.path("cluster/hanging")).unwrap();
    let gone = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.map_or(true, |stat| stat.contains(") Z")).then_some(())
    };
    eventually("kubectl to be gone", gone);
}

#[test]
fn the_kubectl_of_whoever_opened_a_window_is_used() {
    let cluster = Cluster::new().worker("w", "pod/plain");
    let other = cluster.world.script("other", "#!/bin/sh\necho 'error: this is the other one' >&2\nexit 1\n");
    let world = cluster.world.env("FACTORY_KUBECTL", other.to_str().unwrap());
    let ran = world.run(&["peek", "w/qa"]).expect(3);
    assert!(ran.stderr.contains("this is the other one"), "{}", ran.stderr);
}

#[rstest]
#[case("kubectl", "$FACTORY_KUBECTL is kubectl, which is no absolute path")]
#[case("/nowhere/kubectl", "cannot run /nowhere/kubectl")]
fn a_kubectl_that_is_not_there_says_how_to_get_one(#[case] path: &str, #[case] reason: &str) {
    let cluster = Cluster::new().worker("w", "plain");
    let world = cluster.world.env("FACTORY_KUBECTL", path);
    let ran = world.run(&["peek", "w/qa"]).expect(3);
    assert!(ran.stderr.contains(reason) && ran.stderr.contains("FACTORY_KUBECTL"), "{}", ran.stderr);
}

/// The kubectl of this machine, with a kubeconfig whose API server is a port on which nobody listens.
fn with_real_kubectl(worker: &str) -> World {
    let world = World::new();
    let kubeconfig = world.path("kubeconfig");
    let text = "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
                clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]\n\
                users: [{name: u, user: {token: t}}]\n\
                contexts: [{name: here, context: {cluster: c, user: u}}]\n";
    fs::write(&kubeconfig, text).unwrap();
    world.entry(&format!("  - {{name: w, kubeconfig: {}, {worker}}}\n", kubeconfig.display()))
}

#[rstest]
#[case("pod: agent", "connection refused by 127.0.0.1:1")]
#[case("pod: pod/agent", "connection refused by 127.0.0.1:1")]
#[case("pod: agent, context: nope", "there is no context nope in the kubeconfig")]
#[case("pod: pod/agent, context: nope", "there is no context nope in the kubeconfig")]
fn the_real_kubectl_that_cannot_connect_is_unreachable(#[case] worker: &str, #[case] reason: &str) {
    let world = with_real_kubectl(worker);
    let ran = world.run(&["list", "--json", "--timeout", "60s"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["workers"][0]["status"], "unreachable", "{answer}");
    assert_eq!(answer["workers"][0]["reason"], reason);
    let ran = world.run(&["peek", "w/qa", "--timeout", "60s"]).expect(3);
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    assert!(!ran.stderr.contains("memcache.go"), "{}", ran.stderr);
}

#[test]
fn verbose_prints_the_exact_argv() {
    let world = with_real_kubectl("pod: pod/agent, namespace: factory, container: worker");
    let ran = world.run(&["list", "-v", "--timeout", "60s"]).expect(0);
    let line = ran.stderr.lines().find(|line| line.starts_with("+ ")).unwrap();
    assert!(line.contains("--namespace=factory' exec pod/agent --quiet '--container=worker' -- sh -c"), "{line}");
}
