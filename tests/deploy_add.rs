//! `worker add` on a simulated cluster, with the real kubectl and the real entrypoint.

#[path = "support/operator.rs"]
mod operator;
#[path = "deploy/site.rs"]
mod site;
mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use kubesim::{Kubeconfig, Oddity, Stage};
use rstest::rstest;
use serde_json::{Value, json};
use site::{AGENT_TOKEN, GITHUB_TOKEN, IMAGE, Site, worker_image};
use support::eventually;

#[test]
fn from_nothing_to_a_worker_that_shows_in_list() {
    let site = Site::new();
    let ran = site.add(&["worker-1"]).expect(0);
    let pod = site.pod("worker-1");
    let registry = site.world().registry_path();
    assert_eq!(ran.stdout, format!("worker-1 is ready as pod {}, and in {}\n", pod.name(), registry.display()));
    assert_eq!(ran.stderr, "");
    assert_eq!(
        site.registry(),
        "workers:\n  - name: worker-1\n    pod: factory-worker-1\n    namespace: factory\n    context: kubesim\n"
    );
    let rows = site.0.rows();
    assert_eq!((rows[0]["status"].as_str(), rows[0]["pod"].as_str()), (Some("running"), Some(pod.name())));
    let sessions: Vec<_> =
        rows[0]["sessions"].as_array().unwrap().iter().map(|session| session["name"].as_str().unwrap()).collect();
    assert_eq!(sessions, ["dev", "orchestrator"]);
    for (resource, name) in [
        ("deployments", "factory-worker-1"),
        ("networkpolicies", "factory-worker-1"),
        ("serviceaccounts", "factory-worker-1"),
        ("persistentvolumeclaims", "factory-worker-1-data"),
        ("secrets", "factory-worker-1-secrets"),
    ] {
        let object = site.object(resource, name).unwrap_or_else(|| panic!("there is no {resource} {name}"));
        assert_eq!(object["metadata"]["labels"]["factory-worker/name"], "worker-1", "{object:#}");
    }
    let namespace = site.cluster().object("namespaces", "", "factory").unwrap();
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "privileged");
}

#[test]
fn a_token_is_in_the_secret_and_nowhere_else() {
    let site = Site::new();
    let ran = site.add(&["worker-1", "-v"]).expect(0);
    assert!(ran.stderr.contains("'apply' ") || ran.stderr.contains(" apply "), "{}", ran.stderr);
    let secret = site.object("secrets", "factory-worker-1-secrets").unwrap();
    assert_eq!(secret["metadata"].get("annotations"), None, "{secret:#}");
    assert_eq!(
        secret["data"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["CLAUDE_CODE_OAUTH_TOKEN", "GH_TOKEN", "GH_USER"]
    );
    // In the container it is; gh has it from standard input.
    let pod = site.pod("worker-1");
    assert_eq!(std::fs::read_to_string(pod.home().join("gh-token")).unwrap(), GITHUB_TOKEN);
    let arguments = std::fs::read_to_string(pod.home().join("arguments")).unwrap();
    let log = site.wait_for_log("worker-1", "Worker ready");
    let calls = format!("{:?}", site.cluster().calls());
    let deployment = site.object("deployments", "factory-worker-1").unwrap().to_string();
    let mut seen = vec![ran.stdout, ran.stderr, log, arguments, calls, deployment, site.registry(), pod.object().to_string()];
    for entry in walkdir(&site.world().home()).into_iter().chain(walkdir(&site.world().path("state"))) {
        if !entry.ends_with("worker.env") {
            seen.push(String::from_utf8_lossy(&std::fs::read(entry).unwrap()).into_owned());
        }
    }
    for text in seen {
        for token in [AGENT_TOKEN, GITHUB_TOKEN] {
            assert!(!text.contains(token), "{text}");
        }
    }
}

fn walkdir(top: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(top).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(walkdir(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found
}

#[test]
fn the_environment_gives_tokens_too() {
    let mut site = Site::new();
    site.0.world = site.0.world.env("GITHUB_TOKEN", GITHUB_TOKEN).env("GH_USER", "my-bot");
    let ran = site.run(&["worker", "add", "w", "--image", IMAGE, "--timeout", "60s"]).expect(0);
    assert!(
        ran.stderr.starts_with("factory-worker: there is no CLAUDE_CODE_OAUTH_TOKEN: the worker goes without\n"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.ends_with("w says: CLAUDE_CODE_OAUTH_TOKEN is not set: agents will ask for a login.\n"), "{}", ran.stderr);
    let log = site.wait_for_log("w", "Worker ready");
    assert!(log.contains("Git identity: my-bot <") && log.contains("CLAUDE_CODE_OAUTH_TOKEN is not set"), "{log}");
}

#[test]
fn comments_and_order_of_the_registry_stay() {
    let site = Site::new();
    let before = "# my workers\nworkers:\n  - {name: z, pod: zz} # last letter\n\n  # the first\n  - name: a\n    pod: aa\n\nactive: 5m # patient\n";
    std::fs::write(site.world().registry_path(), before).unwrap();
    site.add(&["worker-1"]).expect(0);
    let entry = "  - name: worker-1\n    pod: factory-worker-1\n    namespace: factory\n    context: kubesim\n";
    assert_eq!(site.registry(), before.replace("    pod: aa\n", &format!("    pod: aa\n{entry}")));
}

#[test]
fn several_at_the_same_time() {
    let site = Site::new();
    let ran = site.add(&["a", "b", "c", "--json"]).expect(0);
    assert_eq!(ran.stderr, "factory-worker: 3 workers share one CLAUDE_CODE_OAUTH_TOKEN, and its limits\n");
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let names: Vec<_> =
        answer["workers"].as_array().unwrap().iter().map(|worker| (worker["name"].clone(), worker["status"].clone())).collect();
    assert_eq!(names, ["a", "b", "c"].map(|name| (json!(name), json!("ready"))));
    assert!(site.0.rows().iter().all(|row| row["status"] == "running"));
    assert_eq!(site.0.rows().len(), 3);
}

#[test]
fn twice_is_once() {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    let (pod, registry) = (site.pod("worker-1"), site.registry());
    site.add(&["worker-1"]).expect(0);
    assert_eq!((site.pod("worker-1").uid(), site.registry()), (pod.uid(), registry));
    // Somebody's change is set again: the same command has the same result.
    site.cluster().kubectl(&["scale", "--namespace=factory", "deployment/factory-worker-1", "--replicas=0"]).expect(0);
    site.add(&["worker-1"]).expect(0);
    assert_eq!(site.object("deployments", "factory-worker-1").unwrap()["spec"]["replicas"], 1);
    // Without tokens the Secret stays as it is.
    let ran = site.run(&["worker", "add", "worker-1", "--image", IMAGE, "--timeout", "60s"]).expect(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn what_was_interrupted_halfway_goes_on() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).starting_takes(Duration::from_secs(4)).publish();
    let file = site.world().home().join("worker.env");
    let arguments = ["worker", "add", "worker-1", "--image", IMAGE, "--from-env", file.to_str().unwrap(), "--timeout", "60s"];
    let mut child = site.world().command(&arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    eventually("the Deployment", || site.object("deployments", "factory-worker-1"));
    assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(site.registry(), "");
    site.add(&["worker-1"]).expect(0);
    assert!(site.registry().contains("name: worker-1"));
    assert_eq!(site.pods("worker-1").len(), 1);
}

#[test]
fn progress_is_shown_on_a_terminal() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).in_stage(Stage::ContainerCreating).publish();
    let screen = site.world().screen_with("");
    screen.enter(&format!("{} worker add w-1 w-2 --image {IMAGE} --from-env ~/worker.env --timeout 60s", support::BIN));
    // Each goes through its own steps; which of them both show at one moment is chance.
    let is_on_its_way = |text: &str, worker: &str| {
        ["scheduled", "pulling the image"].iter().any(|step| text.contains(&format!("{worker}  {step}")))
    };
    screen.wait_until("both to be on their way", |text| is_on_its_way(text, "w-1") && is_on_its_way(text, "w-2"));
    for worker in ["w-1", "w-2"] {
        site.pod(worker).becomes(Stage::Running);
    }
    let text = screen.wait_until("both to be ready", |text| text.matches(" is ready as pod ").count() == 2);
    assert!(!is_on_its_way(&text, "w-1") && !is_on_its_way(&text, "w-2"), "{text}");
}

#[test]
fn a_worker_without_tokens_is_not_begun() {
    let site = Site::new();
    let ran = site.run(&["worker", "add", "worker-1", "--image", IMAGE]).expect(2);
    assert!(
        ran.stderr.contains("worker-1: there are no tokens for it") && ran.stderr.contains("--from-env FILE"),
        "{}",
        ran.stderr
    );
    assert!(site.object("deployments", "factory-worker-1").is_none());
}

#[test]
fn an_image_must_be_named() {
    let site = Site::new();
    let ran = site.run(&["worker", "add", "worker-1"]).expect(2);
    assert!(ran.stderr.contains("which image") && ran.stderr.contains("--image"), "{}", ran.stderr);
}

#[rstest]
#[case::pull(
    Stage::ImagePullBackOff,
    "it does not start: ImagePullBackOff",
    "factory-registry",
    "event: Failed: Failed to pull image"
)]
#[case::no_room(
    Stage::Pending,
    "not ready within 3s; applied, waiting for a pod: on no node",
    "--wait",
    "event: FailedScheduling: 0/1 nodes"
)]
fn a_worker_that_does_not_come_is_explained_and_not_registered(
    #[case] stage: Stage,
    #[case] reason: &str,
    #[case] remedy: &str,
    #[case] event: &str,
) {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).in_stage(stage).publish();
    let ran = site.add(&["worker-1", "--wait", "3s"]).expect(1);
    for words in ["factory-worker: worker-1: ", reason, remedy, event] {
        assert!(ran.stderr.contains(words), "{words:?} is missing in: {}", ran.stderr);
    }
    assert_eq!((ran.stdout.as_str(), site.registry().as_str()), ("", ""));
    // It heals, and the same command brings it home.
    worker_image(site.cluster(), IMAGE).publish();
    site.cluster().kubectl(&["delete", "pods", "--namespace=factory", "--all"]).expect(0);
    site.add(&["worker-1"]).expect(0);
    assert!(site.registry().contains("worker-1"));
}

#[test]
fn a_worker_that_crashes_is_explained_by_its_log() {
    let site = Site::new();
    worker_image(site.cluster(), IMAGE).with(Oddity::VolumeReadOnly).publish();
    let ran = site.add(&["worker-1"]).expect(1);
    for words in ["it does not start: CrashLoopBackOff", "its log says why it ends", "  log: The volume at "] {
        assert!(ran.stderr.contains(words), "{words:?} is missing in: {}", ran.stderr);
    }
}

#[test]
fn a_missing_secret_is_explained() {
    let site = Site::new();
    site.add(&["worker-1"]).expect(0);
    site.cluster().kubectl(&["delete", "secret", "--namespace=factory", "factory-worker-1-secrets"]).expect(0);
    site.cluster().kubectl(&["delete", "pods", "--namespace=factory", "--all"]).expect(0);
    let ran = site.run(&["worker", "add", "worker-1", "--image", IMAGE, "--timeout", "60s"]).expect(1);
    let expected = "it does not start: CreateContainerConfigError: secret \"factory-worker-1-secrets\" not found";
    assert!(ran.stderr.contains(expected) && ran.stderr.contains("--from-env"), "{}", ran.stderr);
    assert_eq!(site.0.rows()[0]["status"], "pending");
    // The Secret comes, and the pod goes on by itself.
    site.add(&["worker-1"]).expect(0);
}

#[test]
fn a_rehearsal_is_checked_by_the_server_and_changes_nothing() {
    let site = Site::new();
    let ran = site.add(&["worker-1", "--dry-run"]).expect(0);
    assert!(ran.stdout.contains("namespace/factory serverside-applied (server dry run)"), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("deployment/factory-worker-1 (not checked: there is no namespace factory yet)"),
        "{}",
        ran.stdout
    );
    assert!(site.cluster().object("namespaces", "", "factory").is_none());
    site.cluster().namespace("factory");
    let ran = site.add(&["worker-1", "--dry-run"]).expect(0);
    for line in [
        "deployment.apps/factory-worker-1 serverside-applied (server dry run)",
        "secret/factory-worker-1-secrets with CLAUDE_CODE_OAUTH_TOKEN, GH_TOKEN (values not sent)",
        "worker-1 would be added to ",
    ] {
        assert!(ran.stdout.contains(line), "{line:?} is missing in: {}", ran.stdout);
    }
    assert!(site.object("deployments", "factory-worker-1").is_none() && site.registry().is_empty());
}

#[test]
fn a_rehearsal_needs_no_server() {
    let mut site = Site::new();
    let file = site.write("dead", "");
    Kubeconfig::new().dead_context("gone").write(std::path::Path::new(&file));
    site.0.world = site.0.world.env("KUBECONFIG", &file);
    let ran = site.add(&["worker-1", "--dry-run", "--timeout", "20s"]).expect(0);
    assert!(ran.stdout.contains("deployment/factory-worker-1 (not checked: "), "{}", ran.stdout);
    let ran = site.add(&["worker-1", "--timeout", "20s"]).expect(3);
    assert!(ran.stderr.contains("connection refused"), "{}", ran.stderr);
}

#[test]
fn a_name_that_is_taken_by_another_worker_is_refused_before_anything_is_made() {
    let site = Site::new();
    std::fs::write(site.world().registry_path(), "workers: [{name: worker-1, pod: other, namespace: factory}]\n").unwrap();
    let ran = site.add(&["worker-1"]).expect(1);
    assert!(ran.stderr.contains("already: other in namespace factory"), "{}", ran.stderr);
    assert!(site.object("secrets", "factory-worker-1-secrets").is_none());
}

#[test]
fn the_registrys_defaults_say_where_a_worker_goes() {
    let site = Site::new();
    std::fs::write(site.world().registry_path(), "defaults: {namespace: ours}\nworkers: []\n").unwrap();
    site.add(&["worker-1", "--restricted"]).expect(0);
    assert!(site.cluster().object("deployments", "ours", "factory-worker-1").is_some());
    let namespace = site.cluster().object("namespaces", "", "ours").unwrap();
    assert_eq!(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted");
    assert_eq!(site.0.rows()[0]["status"], "running");
}

#[test]
fn the_admins_role_is_enough() {
    let mut site = Site::new();
    let kubernetes = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/k8s");
    site.cluster().kubectl(&["apply", "-f", &format!("{kubernetes}/namespace.yaml")]).expect(0);
    site.cluster().kubectl(&["apply", "-k", &format!("{kubernetes}/access")]).expect(0);
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: me, namespace: factory}\n\
                   roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: factory-worker-admin}\n\
                   subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: alice}]\n";
    site.cluster().kubectl(&["apply", "-f", &site.write("binding.yaml", binding)]).expect(0);
    let alice = site.cluster().user("alice");
    let file = site.write("alice", "");
    Kubeconfig::new().login("secure", site.cluster(), &alice).write(std::path::Path::new(&file));
    site.0.world = site.0.world.env("KUBECONFIG", &file);
    site.add(&["worker-1"]).expect(0);
    site.add(&["worker-1", "--dry-run"]).expect(0);
    site.run(&["worker", "restart", "worker-1", "--yes", "--timeout", "60s"]).expect(0);
    site.run(&["worker", "logs", "worker-1", "--timeout", "60s"]).expect(0);
    site.run(&["worker", "remove", "worker-1", "--force", "--delete-data", "--timeout", "60s"]).expect(0);
    // And no more than that.
    let kubectl = |arguments: &[&str]| site.cluster().kubectl(&[&["--kubeconfig", &file], arguments].concat());
    assert!(kubectl(&["get", "secrets", "--namespace=factory"]).expect(1).stderr.contains("forbidden"));
    assert!(kubectl(&["get", "pods", "--namespace=default"]).expect(1).stderr.contains("forbidden"));
}
