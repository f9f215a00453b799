//! `worker restart`, `worker remove`, `worker logs` on a simulated cluster.

#[path = "support/operator.rs"]
mod operator;
#[path = "deploy/site.rs"]
mod site;
mod support;

use std::fs;
use std::process::Stdio;

use kubesim::Oddity;
use rstest::rstest;
use serde_json::{Value, json};
use site::{IMAGE, Site, worker_image};
use support::{Ran, World, eventually};

/// A site with the worker `worker-1` ready.
fn with_worker() -> Site {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    site
}

impl Site {
    fn worker(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["worker"], arguments, &["--timeout", "60s"]].concat())
    }
}

#[test]
fn restart_replaces_the_pod_and_the_data_stays() {
    let site = with_worker();
    let old = site.pod("worker-1");
    fs::write(site.data("worker-1").join("queue.db"), "precious").unwrap();
    let ran = site.worker(&["restart", "worker-1", "--yes"]).expect(0);
    let new = site.pod("worker-1");
    assert_ne!(old.uid(), new.uid());
    assert_eq!(ran.stdout, format!("worker-1 is ready again, as pod {}\n", new.name()));
    assert!(site.wait_for_log("worker-1", "Worker ready").contains("(with data of before)"));
    assert_eq!(fs::read_to_string(new.home().join(".factory/queue.db")).unwrap(), "precious");
    assert_eq!(site.0.rows()[0]["status"], "running");
}

#[test]
fn restart_asks_first_and_names_the_sessions() {
    let site = with_worker();
    let ran = site.worker(&["restart", "worker-1"]).expect(2);
    assert!(ran.stderr.contains("These sessions end: dev, orchestrator; --yes restarts it"), "{}", ran.stderr);
    let old = site.pod("worker-1").uid().to_owned();
    let screen = site.world().screen_with("");
    screen.enter(&format!("{} worker restart worker-1 --timeout 60s", support::BIN));
    screen.wait("These sessions end: dev, orchestrator");
    screen.wait("Restart worker-1? [y/N]");
    screen.keys(&["n"]);
    screen.wait_until("the prompt", |text| text.lines().any(|line| line.trim() == "$"));
    assert_eq!(site.pod("worker-1").uid(), old);
    screen.enter(&format!("clear; {} worker restart worker-1 --timeout 60s", support::BIN));
    screen.wait("Restart worker-1? [y/N]");
    screen.keys(&["y"]);
    screen.wait("worker-1 is ready again, as pod ");
    assert_ne!(site.pod("worker-1").uid(), old);
}

#[test]
fn a_rehearsed_restart_changes_nothing() {
    let site = with_worker();
    let template = || site.object("deployments", "factory-worker-1").unwrap()["spec"]["template"].clone();
    let before = template();
    let ran = site.worker(&["restart", "worker-1", "--dry-run"]).expect(0);
    assert!(ran.stdout.contains("deployment.apps/factory-worker-1 patched (server dry run)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("These sessions end: dev, orchestrator"), "{}", ran.stdout);
    assert_eq!(template(), before);
}

#[test]
fn a_restart_that_fails_says_why() {
    let site = with_worker();
    worker_image(site.cluster(), IMAGE).with(Oddity::VolumeReadOnly).publish();
    let ran = site.worker(&["restart", "worker-1", "--yes"]).expect(1);
    assert!(ran.stderr.contains("worker-1 did not come back: it does not start: CrashLoopBackOff"), "{}", ran.stderr);
    assert!(ran.stderr.contains("log: The volume at"), "{}", ran.stderr);
}

#[test]
fn any_deployment_or_stateful_set_can_be_restarted() {
    let site = Site::new();
    let crew = site.cluster().stateful_set("crew").session("qa", "cat").start();
    let old = crew.pod();
    let Site(operator) = site;
    let site = Site(operator.worker("w", "crew", "").worker("p", "pod/crew-0", ""));
    let ran = site.worker(&["restart", "w", "--yes", "--json"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer, json!({"name": "w", "status": "ready", "pod": "crew-0", "ended": ["qa"]}));
    assert_ne!(crew.pod().uid(), old.uid());
    let ran = site.worker(&["restart", "p", "--yes"]).expect(4);
    assert!(ran.stderr.contains("there is no Deployment or StatefulSet pod/crew-0"), "{}", ran.stderr);
}

#[test]
fn remove_leaves_the_volume_and_nothing_else() {
    let site = with_worker();
    fs::write(site.data("worker-1").join("queue.db"), "precious").unwrap();
    let ran = site.worker(&["remove", "worker-1", "--force"]).expect(0);
    // In another cluster it might delete what is somebody else's.
    let told = "`kubectl --context=kubesim --namespace=factory delete persistentvolumeclaim/factory-worker-1-data` deletes it";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    for (resource, name) in [
        ("deployments", "factory-worker-1"),
        ("networkpolicies", "factory-worker-1"),
        ("serviceaccounts", "factory-worker-1"),
        ("secrets", "factory-worker-1-secrets"),
    ] {
        assert!(site.object(resource, name).is_none(), "{resource} {name} is still there");
    }
    assert!(site.pods("worker-1").is_empty());
    assert!(site.object("persistentvolumeclaims", "factory-worker-1-data").is_some());
    assert_eq!(site.registry(), "workers:\n");
    // Again: what was asked for is so already.
    let ran = site.worker(&["remove", "worker-1"]).expect(0);
    assert!(ran.stderr.contains("there is no worker worker-1") && ran.stderr.contains("nothing to remove"), "{}", ran.stderr);
    // And back, with the data of before.
    site.add(&["worker-1"]).expect(0);
    assert!(site.wait_for_log("worker-1", "Worker ready").contains("(with data of before)"));
}

#[test]
fn remove_refuses_while_somebody_is_at_work() {
    let site = with_worker();
    let ran = site.worker(&["remove", "worker-1"]).expect(1);
    assert!(ran.stderr.contains("worker-1 has been active in the last ten minutes: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("--force"), "{}", ran.stderr);
    assert!(site.object("deployments", "factory-worker-1").is_some() && site.registry().contains("worker-1"));
}

#[test]
fn remove_refuses_what_it_cannot_see() {
    let site = with_worker();
    site.cluster().forbid("create", "pods/exec");
    site.cluster().forbid("get", "pods/exec");
    let ran = site.worker(&["remove", "worker-1"]).expect(3);
    assert!(ran.stderr.contains("whether worker-1 is at work cannot be seen"), "{}", ran.stderr);
    assert!(site.object("deployments", "factory-worker-1").is_some());
}

#[test]
fn remove_with_the_data() {
    let site = with_worker();
    let ran = site.worker(&["remove", "worker-1", "--force", "--delete-data", "--json"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&answer["kept"], &answer["registered"]), (&json!([]), &json!(false)));
    assert!(site.object("persistentvolumeclaims", "factory-worker-1-data").is_none());
}

#[test]
fn a_rehearsed_removal_changes_nothing() {
    let site = with_worker();
    let registry = site.registry();
    let ran = site.worker(&["remove", "worker-1", "--force", "--dry-run"]).expect(0);
    assert!(ran.stdout.contains("deployment.apps \"factory-worker-1\" deleted (server dry run)"), "{}", ran.stdout);
    assert!(ran.stdout.contains("worker-1 would be taken out of "), "{}", ran.stdout);
    assert!(site.object("deployments", "factory-worker-1").is_some());
    assert_eq!(site.registry(), registry);
}

#[test]
fn a_removal_that_was_interrupted_goes_on() {
    let site = with_worker();
    site.cluster()
        .kubectl(&["delete", "--namespace=factory", "deployment/factory-worker-1", "networkpolicy/factory-worker-1"])
        .expect(0);
    eventually("its pods to go", || site.pods("worker-1").is_empty().then_some(()));
    site.worker(&["remove", "worker-1"]).expect(0);
    assert!(site.object("secrets", "factory-worker-1-secrets").is_none());
    assert_eq!(site.registry(), "workers:\n");
}

#[rstest]
#[case("deploy/theirs", "deployment/theirs of worker w was not made by `worker add`")]
#[case("statefulset/crew", "is registered as statefulset/crew, which `worker add` does not make")]
#[case("pod/plain", "is registered as pod/plain, which `worker add` does not make")]
fn what_others_made_is_not_removed(#[case] pod: &str, #[case] said: &str) {
    let site = Site::new();
    let theirs = site.cluster().deployment("theirs").start();
    let Site(operator) = site;
    let site = Site(operator.worker("w", pod, ""));
    let ran = site.worker(&["remove", "w", "--force"]).expect(1);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!theirs.pod().is_gone());
}

#[rstest]
#[case(&["restart", "w", "--yes"])]
#[case(&["remove", "w", "--force"])]
#[case(&["logs", "w"])]
fn a_directory_on_this_machine_is_no_pod(#[case] arguments: &[&str]) {
    let world = World::new().worker("w");
    let ran = world.run(&[&["worker"], arguments].concat()).expect(2);
    assert!(ran.stderr.contains("worker w is a directory on this machine"), "{}", ran.stderr);
}

#[rstest]
#[case(&["restart", "w", "--yes"])]
#[case(&["logs", "w"])]
fn a_worker_that_nobody_knows_is_missing(#[case] arguments: &[&str]) {
    let ran = World::new().worker("x").run(&[&["worker"], arguments].concat()).expect(4);
    assert!(ran.stderr.contains("there is no worker \"w\"") && ran.stderr.contains("there are: x"), "{}", ran.stderr);
}

#[test]
fn logs_are_printed_and_followed() {
    let site = with_worker();
    let ran = site.worker(&["logs", "worker-1"]).expect(0);
    assert!(ran.stdout.starts_with("Docker ready.\n") && ran.stdout.ends_with("Sessions: orchestrator, dev\n"), "{}", ran.stdout);
    let ran = site.worker(&["logs", "worker-1", "--lines", "1"]).expect(0);
    assert_eq!(ran.stdout, "Worker ready. Sessions: orchestrator, dev\n");
    let ran = site.worker(&["logs", "worker-1", "--json", "--lines", "1"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["log"], "Worker ready. Sessions: orchestrator, dev\n");
    let ran = site.worker(&["logs", "worker-1", "--dry-run"]).expect(0);
    assert!(ran.stdout.contains("logs pod/factory-worker-1-") && ran.stdout.contains("'--container=worker'"), "{}", ran.stdout);

    let path = site.world().path("followed");
    let file = fs::File::create(&path).unwrap();
    let mut child =
        site.world().command(&["worker", "logs", "worker-1", "-f"]).stdout(file).stderr(Stdio::null()).spawn().unwrap();
    let seen = || fs::read_to_string(&path).unwrap();
    eventually("what there is", || seen().contains("Worker ready").then_some(()));
    site.pod("worker-1").tmux(&["kill-session", "-t", "=dev:"]);
    eventually("what is new", || seen().contains("Session dev has ended").then_some(()));
    // It ends with the pod.
    site.pod("worker-1").begin_to_delete();
    let status = eventually("it to end", || child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    assert!(seen().contains("Stopping: sessions have 30 s to end."), "{}", seen());
}

#[test]
fn that_there_is_no_log_before_this_one_is_said() {
    let site = with_worker();
    for more in [&[][..], &["--lines", "3"], &["--json"]] {
        let ran = site.worker(&[&["logs", "worker-1", "--previous"], more].concat()).expect(4);
        let said =
            format!("container worker of pod {} has not ended before, so there is no previous log", site.pod("worker-1").name());
        assert!(ran.stderr.contains(&said) && ran.stderr.contains("leave --previous out"), "{}", ran.stderr);
    }
    site.pod("worker-1").restart();
    let ran =
        eventually("it to be there again", || Some(site.worker(&["logs", "worker-1", "--previous"])).filter(|ran| ran.code == 0));
    assert!(ran.stdout.starts_with("Docker ready.\n"), "{}", ran.stdout);
}

#[test]
fn a_crashing_pod_has_a_log_too() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).with(Oddity::VolumeReadOnly).publish();
    site.add(&["worker-1"]).expect(1);
    let Site(operator) = site;
    let site = Site(operator.worker("worker-1", "factory-worker-1", "namespace: factory"));
    let ran = site.worker(&["logs", "worker-1"]).expect(0);
    assert!(ran.stdout.contains("is read-only"), "{}", ran.stdout);
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let site = with_worker();
    let script = format!("{} worker logs worker-1 -f --timeout 60s | head -n 1", support::BIN);
    let ran = Ran::from(site.world().program("bash").args(["-c", &format!("set -o pipefail; {script}")]).output().unwrap());
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("Docker ready.\n", ""));
}
