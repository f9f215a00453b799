//! Objects through the real kubectl: created, patched, applied, watched, deleted.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kubesim::{Cluster, Fault, Ran, eventually, watches};

fn apply(cluster: &Cluster, more: &[&str], manifest: &str) -> Ran {
    Ran::with_input(cluster.kubectl_command(&[&["apply", "-f", "-"], more].concat()), manifest.as_bytes())
}

/// Make the ConfigMap `c`.
fn create(cluster: &Cluster, more: &[&str]) -> Ran {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: '1'}\n";
    Ran::with_input(cluster.kubectl_command(&[&["create", "-f", "-"], more].concat()), manifest.as_bytes())
}

const MANIFEST: &str = "
apiVersion: v1
kind: Namespace
metadata: {name: factory}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: factory}
data: {colour: green, size: big}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: worker, namespace: factory}
spec:
  replicas: 2
  selector: {matchLabels: {app: worker}}
  template:
    metadata: {labels: {app: worker}}
    spec:
      containers:
      - {name: main, image: one, env: [{name: A, value: '1'}, {name: B, value: '2'}]}
      - {name: side, image: two}
";

#[test]
fn apply_creates_then_changes_only_what_differs() {
    let cluster = Cluster::start();
    let ran = apply(&cluster, &[], MANIFEST).expect(0);
    assert_eq!(ran.stdout, "namespace/factory created\nconfigmap/settings created\ndeployment.apps/worker created\n");
    let ran = apply(&cluster, &[], MANIFEST).expect(0);
    assert_eq!(ran.stdout.matches(" unchanged").count(), 3, "{}", ran.stdout);
    let changed = MANIFEST.replace("green, size: big", "red").replace("{name: B, value: '2'}", "{name: C, value: '3'}");
    let ran = apply(&cluster, &[], &changed).expect(0);
    assert_eq!(ran.stdout, "namespace/factory unchanged\nconfigmap/settings configured\ndeployment.apps/worker configured\n");
    let data = &cluster.object("configmaps", "factory", "settings").unwrap()["data"];
    assert_eq!(data.to_string(), "{\"colour\":\"red\"}");
    let worker = cluster.object("deployments", "factory", "worker").unwrap();
    let env = worker.pointer("/spec/template/spec/containers/0/env").unwrap();
    assert_eq!(env.to_string(), r#"[{"name":"A","value":"1"},{"name":"C","value":"3"}]"#);
    cluster.kubectl(&["rollout", "status", "deploy/worker", "-n", "factory", "--timeout=20s"]).expect(0);
}

#[test]
fn server_side_apply_keeps_owners_apart() {
    let cluster = Cluster::start();
    let server_side = ["--server-side", "--field-manager=one"];
    let ran = apply(&cluster, &server_side, MANIFEST).expect(0);
    assert!(ran.stdout.contains("deployment.apps/worker serverside-applied"), "{}", ran.stdout);
    cluster.kubectl(&["scale", "deploy/worker", "-n", "factory", "--replicas=3"]).expect(0);
    let ran = apply(&cluster, &server_side, MANIFEST).expect(1);
    assert!(ran.stderr.contains("conflict with \"kubectl\"") && ran.stderr.contains(".spec.replicas"), "{}", ran.stderr);
    let silent = MANIFEST.replace("  replicas: 2\n", "").replace("      - {name: side, image: two}\n", "");
    apply(&cluster, &server_side, &silent).expect(0);
    let worker = cluster.object("deployments", "factory", "worker").unwrap();
    assert_eq!(worker["spec"]["replicas"], 3);
    assert_eq!(worker.pointer("/spec/template/spec/containers").unwrap().as_array().unwrap().len(), 1);
    apply(&cluster, &[&server_side[..], &["--force-conflicts"]].concat(), MANIFEST).expect(0);
    assert_eq!(cluster.object("deployments", "factory", "worker").unwrap()["spec"]["replicas"], 2);
}

#[test]
fn a_rehearsal_changes_nothing() {
    let cluster = Cluster::start();
    cluster.namespace("factory");
    apply(&cluster, &["--dry-run=server"], MANIFEST).expect(0);
    assert!(cluster.object("configmaps", "factory", "settings").is_none());
}

#[test]
fn objects_are_labelled_patched_and_deleted() {
    let cluster = Cluster::start();
    create(&cluster, &[]).expect(0);
    cluster.kubectl(&["label", "configmap", "c", "tier=one"]).expect(0);
    cluster.kubectl(&["patch", "configmap", "c", "--type=merge", "-p", r#"{"data":{"b":"2"}}"#]).expect(0);
    let json = r#"[{"op":"replace","path":"/data/a","value":"3"}]"#;
    cluster.kubectl(&["patch", "configmap", "c", "--type=json", "-p", json]).expect(0);
    let ran = cluster.kubectl(&["get", "configmap", "-l", "tier=one", "-o", "jsonpath={.items[0].data}"]).expect(0);
    assert_eq!(ran.stdout, r#"{"a":"3","b":"2"}"#);
    let ran = create(&cluster, &[]).expect(1);
    assert!(ran.stderr.contains("configmaps \"c\" already exists"), "{}", ran.stderr);
    cluster.kubectl(&["delete", "configmap", "c"]).expect(0);
    assert!(cluster.object("configmaps", "default", "c").is_none());
    let ran = create(&cluster, &["-n", "nowhere"]).expect(1);
    assert!(ran.stderr.contains("namespaces \"nowhere\" not found"), "{}", ran.stderr);
}

#[test]
fn somebody_elses_change_is_a_conflict() {
    let cluster = Cluster::start();
    create(&cluster, &[]).expect(0);
    let old = cluster.kubectl(&["get", "configmap", "c", "-o", "json"]).expect(0).stdout;
    cluster.kubectl(&["label", "configmap", "c", "x=y"]).expect(0);
    let ran = Ran::with_input(cluster.kubectl_command(&["replace", "-f", "-"]), old.as_bytes()).expect(1);
    assert!(
        ran.stderr.contains("Operation cannot be fulfilled on configmaps \"c\": the object has been modified"),
        "{}",
        ran.stderr
    );
}

#[test]
fn deleting_waits_until_the_pod_is_gone_and_takes_what_it_owns() {
    let cluster = Cluster::start();
    cluster.stopping_takes(Duration::from_millis(200));
    cluster.deployment("d").start();
    cluster.pod("p").start();
    cluster.kubectl(&["delete", "pod", "p"]).expect(0);
    assert!(cluster.object("pods", "default", "p").is_none());
    cluster.kubectl(&["delete", "deploy", "d"]).expect(0);
    cluster.kubectl(&["wait", "--for=delete", "pod", "-l", "app=d", "--timeout=20s"]).expect(0);
    let ran = cluster.kubectl(&["get", "all", "-o", "name"]).expect(0);
    assert_eq!(ran.stdout, "");
}

#[test]
fn deleting_a_namespace_takes_what_is_in_it() {
    let cluster = Cluster::start();
    cluster.deployment("d").in_namespace("n").start();
    cluster.kubectl(&["delete", "namespace", "n"]).expect(0);
    assert!(cluster.object("deployments", "n", "d").is_none() && cluster.object("namespaces", "", "n").is_none());
}

#[test]
fn a_rollout_is_followed_to_its_end() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("d").replicas(2).start();
    let before: Vec<String> = worker.pods().iter().map(|pod| pod.name().to_owned()).collect();
    cluster.kubectl(&["rollout", "restart", "deploy/d"]).expect(0);
    cluster.kubectl(&["rollout", "status", "deploy/d", "--timeout=20s"]).expect(0);
    eventually("the old pods to go", || worker.pods().iter().all(|pod| !before.contains(&pod.name().to_owned())).then_some(()));
    cluster.kubectl(&["wait", "--for=condition=Available", "deploy/d", "--timeout=20s"]).expect(0);
    cluster.kubectl(&["wait", "--for=condition=Ready", "pod", "-l", "app=d", "--timeout=20s"]).expect(0);
}

struct Lines {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Lines {
    fn of(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn next(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_watch_sees_what_changes_for_its_selector() {
    let cluster = Cluster::start();
    let one = cluster.pod("one").start().pod();
    let format = "-o=jsonpath={.type} {.object.metadata.name}{\"\\n\"}";
    let mut watch =
        Lines::of(cluster.kubectl_command(&["get", "pods", "-l", "tier", "--watch", "--output-watch-events", format]));
    eventually("the watch", || (!cluster.calls().matching(&watches()).is_empty()).then_some(()));
    one.label("tier", "a");
    assert_eq!(watch.next(), "ADDED one");
    one.label("tier", "b");
    assert_eq!(watch.next(), "MODIFIED one");
    one.begin_to_delete();
    assert_eq!(watch.next(), "MODIFIED one");
    assert_eq!(watch.next(), "DELETED one");
}

#[test]
fn a_watch_can_be_cut_and_frozen() {
    let cluster = Cluster::start();
    cluster.pod("one").start();
    cluster.when(watches().once()).then(Fault::cut_after(Duration::from_millis(100)));
    cluster.kubectl(&["get", "pods", "--watch", "-o", "name"]).expect(0);
    cluster.when(watches().once()).then(Fault::freeze_after_bytes(0));
    let mut watch = Lines::of(cluster.kubectl_command(&["get", "pods", "--watch", "-o", "name"]));
    assert_eq!(watch.next(), "pod/one");
    eventually("the watch", || (cluster.calls().matching(&watches()).len() == 2).then_some(()));
    cluster.pod("two").start();
    assert!(watch.child.try_wait().unwrap().is_none());
}

#[test]
fn a_watch_from_a_forgotten_version_is_told_so() {
    let cluster = Cluster::start();
    cluster.pod("one").start();
    cluster.compact();
    let path = "/api/v1/namespaces/default/pods?watch=true&resourceVersion=1&timeoutSeconds=5";
    let ran = cluster.kubectl(&["get", "--raw", path]).expect(0);
    assert!(ran.stdout.contains(r#""code":410"#) && ran.stdout.contains(r#""type":"ERROR""#), "{}", ran.stdout);
}

#[test]
fn logs_are_kept_cut_and_followed() {
    let cluster = Cluster::start();
    let script = "for i in 1 2 3; do echo line $i; done; while [ ! -e go ]; do sleep 0.01; done; echo last";
    let pod = cluster.pod("p").runs(&["sh", "-c", script]).start().pod();
    eventually("the lines", || (cluster.kubectl(&["logs", "p"]).expect(0).stdout == "line 1\nline 2\nline 3\n").then_some(()));
    assert_eq!(cluster.kubectl(&["logs", "p", "--tail=2"]).expect(0).stdout, "line 2\nline 3\n");
    let mut follow = Lines::of(cluster.kubectl_command(&["logs", "-f", "p", "--tail=1"]));
    assert_eq!(follow.next(), "line 3");
    std::fs::write(pod.home().join("go"), "").unwrap();
    assert_eq!(follow.next(), "last");
    eventually("the end", || (pod.object()["status"]["phase"] == "Running").then_some(()));
}

#[test]
fn people_get_tables() {
    let cluster = Cluster::start();
    cluster.deployment("d").start();
    let ran = cluster.kubectl(&["get", "deploy,pods"]).expect(0);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE"]);
    assert_eq!(rows[1][..4], ["deployment.apps/d", "1/1", "1", "1"]);
    assert_eq!(rows[4][1..3], ["1/1", "Running"]);
}

#[test]
fn custom_kinds_are_objects_like_others() {
    let cluster = Cluster::start();
    cluster.registers("example.com/v1", "Widget", "widgets");
    let widget = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 1}\n";
    apply(&cluster, &[], widget).expect(0);
    apply(&cluster, &[], &widget.replace("size: 1", "size: 2")).expect(0);
    let ran = cluster.kubectl(&["get", "widgets.example.com", "w", "-o", "jsonpath={.kind} {.spec.size}"]).expect(0);
    assert_eq!(ran.stdout, "Widget 2");
}

#[test]
fn more_pods_than_fit_a_page() {
    let cluster = Cluster::start();
    cluster.deployment("many").replicas(12).start();
    let ran = cluster.kubectl(&["get", "pods", "--chunk-size=5", "-o", "name"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 12);
    assert_eq!(cluster.calls().about_objects().len(), 3);
}
