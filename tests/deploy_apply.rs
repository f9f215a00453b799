//! The manifests, applied by the real kubectl to a simulated cluster, whose pods run the real entrypoint.

#[path = "support/operator.rs"]
mod operator;
#[path = "deploy/site.rs"]
mod site;
mod support;

use std::fs;
use std::process::Command;

use kubesim::{Fault, Oddity, Published, execs};
use rstest::rstest;
use site::{AGENT_TOKEN, GITHUB_TOKEN, Site, worker_image};
use support::{Ran, eventually};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The image of the example's overlay, before somebody puts their own there.
const EXAMPLE: &str = "registry.digitalocean.com/<your-registry>/factory-worker:latest";

/// A site with the namespace, and perhaps the Secret, but no worker yet.
fn prepared(change: impl FnOnce(Published<'_>) -> Published<'_>, with_secret: bool) -> Site {
    let site = Site::new();
    change(worker_image(site.cluster(), EXAMPLE)).publish();
    site.cluster().kubectl(&["apply", "-f", &format!("{ROOT}/deploy/k8s/namespace.yaml")]).expect(0);
    if with_secret {
        apply_secret(&site);
    }
    site
}

/// `cp secret.template.yaml secret.yaml`, edit, `kubectl apply`.
fn apply_secret(site: &Site) {
    let template = fs::read_to_string(format!("{ROOT}/deploy/k8s/worker-1/secret.template.yaml")).unwrap();
    let text = template.replace("<agent-token>", AGENT_TOKEN).replace("<github-token>", GITHUB_TOKEN);
    site.cluster().kubectl(&["apply", "--server-side", "-f", &site.write("secret.yaml", &text)]).expect(0);
}

fn apply_worker(site: &Site) -> kubesim::Ran {
    site.cluster().kubectl(&["apply", "-k", &format!("{ROOT}/deploy/k8s/worker-1")]).expect(0)
}

fn registered(Site(operator): Site) -> Site {
    Site(operator.worker("worker-1", "factory-worker-1", "namespace: factory\ncommands: {}"))
}

#[test]
fn five_commands_make_a_worker_that_is_found_by_its_original_entry() {
    let site = registered(prepared(|image| image, true));
    apply_worker(&site);
    let log = site.wait_for_log("worker-1", "Worker ready. Sessions: orchestrator, dev");
    assert!(log.starts_with("Docker ready.\nGitHub CLI authenticated as: taintfactory-bot\n"), "{log}");
    let rows = site.0.rows();
    assert_eq!(rows[0]["status"], "running", "{rows:?}");
    assert_eq!(rows[0]["sessions"].as_array().unwrap().len(), 2);
    // Twice is once.
    let again = apply_worker(&site);
    assert!(again.stdout.lines().all(|line| line.ends_with(" unchanged")), "{}", again.stdout);
    // And `worker add` takes it over as it is.
    let pod = site.pod("worker-1").uid().to_owned();
    worker_image(site.cluster(), site::IMAGE).publish();
    site.add(&["worker-1", "--dry-run"]).expect(0);
    assert_eq!(site.pod("worker-1").uid(), pod);
}

#[test]
fn every_kustomization_is_applied_as_it_is() {
    let site = prepared(|image| image, false);
    for below in ["base", "access", "worker-1"] {
        site.cluster().kubectl(&["apply", "-k", &format!("{ROOT}/deploy/k8s/{below}")]).expect(0);
    }
}

#[test]
fn every_rendering_is_applied_as_it_is() {
    let site = prepared(|image| image, false);
    for arguments in
        [&["w", "on"][..], &["r", "--restricted"], &["sized", "--cpu", "1", "--memory", "1Gi:2Gi", "--storage", "5Gi"]]
    {
        let text = site.run(&[&["worker", "render"], arguments].concat()).expect(0).stdout;
        site.cluster().kubectl(&["apply", "-f", &site.write("rendered.yaml", &text)]).expect(0);
    }
    for worker in ["w", "on", "r", "sized"] {
        assert!(site.object("deployments", &format!("factory-{worker}")).is_some());
    }
}

#[test]
fn sessions_restart_and_survive_in_the_pod() {
    let site = registered(prepared(
        |image| image.env("FACTORY_PAUSE", "1").env("FACTORY_SESSIONS", "one=echo $$ >pid; exec sleep 600\ndev"),
        true,
    ));
    apply_worker(&site);
    site.wait_for_log("worker-1", "Worker ready");
    let pod = site.pod("worker-1");
    let pid = || fs::read_to_string(pod.home().join("pid")).ok().filter(|text| text.ends_with('\n'));
    let first = eventually("the command", pid);
    assert!(Command::new("kill").args(["-KILL", first.trim()]).status().unwrap().success());
    eventually("another run", || pid().filter(|second| *second != first));
    let ran = site.run(&["peek", "worker-1/one", "--timeout", "60s"]).expect(0);
    assert!(ran.stdout.contains("[one: exit 137 at "), "{}", ran.stdout);
    assert_eq!(site.pod("worker-1").uid(), pod.uid());
}

#[test]
fn a_deleted_pod_ends_politely_within_its_grace_and_the_next_one_has_its_data() {
    let agent = "one=trap 'echo saved >.factory/saved; exit 0' TERM; echo up >up; while :; do sleep 0.1; done";
    let site = registered(prepared(|image| image.env("FACTORY_SESSIONS", agent), true));
    apply_worker(&site);
    site.wait_for_log("worker-1", "Worker ready");
    let pod = site.pod("worker-1");
    eventually("the agent", || pod.home().join("up").exists().then_some(()));
    pod.delete();
    assert_eq!(fs::read_to_string(site.data("worker-1").join("saved")).unwrap(), "saved\n");
    site.wait_for_log("worker-1", "Worker ready");
    assert_eq!(fs::read_to_string(site.pod("worker-1").home().join(".factory/saved")).unwrap(), "saved\n");
}

#[test]
fn data_of_before_is_kept() {
    let site = registered(prepared(|image| image, true));
    fs::create_dir_all(site.data("worker-1")).unwrap();
    fs::write(site.data("worker-1").join("queue.db"), "old").unwrap();
    apply_worker(&site);
    assert!(site.wait_for_log("worker-1", "Worker ready").contains("(with data of before)"));
    assert_eq!(fs::read_to_string(site.data("worker-1").join("queue.db")).unwrap(), "old");
}

#[track_caller]
fn status(site: &Site, expected: &str) {
    eventually(&format!("the worker to be {expected}"), || (site.0.rows()[0]["status"] == expected).then_some(()));
}

#[test]
fn a_missing_secret_is_a_pending_pod_with_the_reason_and_heals() {
    let site = registered(prepared(|image| image, false));
    apply_worker(&site);
    status(&site, "pending");
    let reason = site.0.rows()[0]["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("secret \"factory-worker-1-secrets\" not found"), "{reason}");
    apply_secret(&site);
    site.wait_for_log("worker-1", "Worker ready");
    status(&site, "running");
}

#[rstest]
#[case("never", "Docker is not ready: no answer within 2 s: ")]
#[case("fails", "Docker is not ready: dockerd has ended: failed to start daemon")]
fn docker_that_does_not_come_leaves_a_running_worker(#[case] how: &str, #[case] said: &str) {
    let site = registered(prepared(|image| image.env("STAND_IN_DOCKER", how).env("FACTORY_DOCKER_WAIT", "2"), true));
    apply_worker(&site);
    let log = site.wait_for_log("worker-1", "Worker ready");
    assert!(log.starts_with(said), "{log}");
    status(&site, "running");
}

#[test]
fn a_full_volume_leaves_a_running_worker() {
    let site = registered(prepared(|image| image.with(Oddity::VolumeFull), true));
    apply_worker(&site);
    let log = site.wait_for_log("worker-1", "Worker ready");
    assert!(log.contains(".factory is full. Remove something in a session"), "{log}");
    status(&site, "running");
}

#[test]
fn a_read_only_volume_is_a_crashing_pod() {
    let site = registered(prepared(|image| image.with(Oddity::VolumeReadOnly), true));
    apply_worker(&site);
    site.wait_for_log("worker-1", "is read-only");
    status(&site, "crashing");
}

fn verify_in(site: &Site, arguments: &[&str]) -> Ran {
    let mut command = site.world().program(format!("{ROOT}/deploy/verify.sh"));
    Ran::from(command.env("FACTORY_WORKER", support::BIN).args(arguments).output().unwrap())
}

/// A site with a worker that verify.sh finds in order.
fn in_order() -> Site {
    let site = registered(prepared(|image| image, true));
    apply_worker(&site);
    site.wait_for_log("worker-1", "Worker ready");
    status(&site, "running");
    site
}

/// As on a machine that has too much to do: the answer to `list` is late once, by its own default deadline.
#[test]
fn a_slow_answer_is_no_failed_step() {
    let site = in_order();
    let late = Fault::slow(std::time::Duration::from_secs(11));
    site.cluster().when(execs().once()).then(late);
    verify_in(&site, &["worker-1"]).expect(0);
}

#[test]
fn a_failed_step_says_why() {
    let site = in_order();
    site.cluster().forbid("create", "pods/exec");
    site.cluster().forbid("get", "pods/exec");
    site.cluster().kubectl(&["delete", "--namespace=factory", "secret/factory-worker-1-secrets"]).expect(0);
    let text = verify_in(&site, &["worker-1"]).expect(1).stdout;
    let lines: Vec<_> = text.lines().collect();
    let why = |step: &str| {
        let at = lines.iter().position(|line| line.starts_with(step)).unwrap_or_else(|| panic!("no {step:?} in {text}"));
        let more = lines[at + 1..].iter().take_while(|line| line.starts_with(' '));
        more.copied().collect::<Vec<_>>().join("\n")
    };
    assert!(why("FAIL   3  the Secret is there").contains("secrets \"factory-worker-1-secrets\" not found"), "{text}");
    assert!(
        why("FAIL   7  list shows it").contains("may not create pods/exec")
            || why("FAIL   7  list shows it").contains("may not get pods/exec"),
        "{text}"
    );
    for step in
        ["FAIL   8  status answers", "FAIL   9  a dispatched issue is in its queue", "FAIL  10  peek and attach show a session"]
    {
        assert!(!why(step).trim().is_empty(), "{text}");
    }
    // And without a pod.
    site.cluster().kubectl(&["scale", "--namespace=factory", "deployment/factory-worker-1", "--replicas=0"]).expect(0);
    eventually("its pod to go", || site.pods("worker-1").is_empty().then_some(()));
    let text = verify_in(&site, &["worker-1"]).expect(1).stdout;
    assert!(
        text.contains("FAIL   5  the pod is Running\n          there is no pod with the label app=factory-worker-1\n"),
        "{text}"
    );
}

#[test]
fn all_steps_of_verify_pass() {
    let site = in_order();
    let verify = |arguments: &[&str]| verify_in(&site, arguments);
    let ran = verify(&["worker-1"]).expect(0);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 11, "{}", ran.stdout);
    assert!(lines[..10].iter().all(|line| line.starts_with("pass  ")), "{}", ran.stdout);
    assert_eq!(lines[10], "all 10 steps passed");
    assert!(lines[8].contains("verify#1 is in the queue"), "{}", ran.stdout);
    // Again, with the issue in the queue already; then without what it needs.
    verify(&["worker-1", "verify", "1"]).expect(0);
    site.cluster().kubectl(&["delete", "--namespace=factory", "secret/factory-worker-1-secrets"]).expect(0);
    let ran = verify(&["worker-1"]).expect(1);
    assert!(
        ran.stdout.contains("FAIL   3  the Secret is there") && ran.stdout.contains("1 of 10 steps failed"),
        "{}",
        ran.stdout
    );
    let ran = verify(&["nobody"]).expect(1);
    assert!(ran.stderr.contains("there is no worker nobody"), "{}", ran.stderr);
    verify(&[]).expect(2);
}

/// What the API would write otherwise would be a difference for ever.
#[test]
fn kubectl_diff_rests_once_all_is_applied() {
    let site = prepared(|image| image, true);
    let directory = format!("{ROOT}/deploy/k8s");
    apply_worker(&site);
    let rests = |arguments: &[&str]| {
        let ran = site.cluster().kubectl(&[&["diff"], arguments].concat()).expect(0);
        assert_eq!(ran.stdout, "");
    };
    rests(&["-k", &format!("{directory}/worker-1")]);
    let polecats = format!("{directory}/gastown-networkpolicy.yaml");
    site.cluster().kubectl(&["apply", "--namespace=factory", "-f", &polecats]).expect(0);
    rests(&["--namespace=factory", "-f", &polecats]);
    let rendered = site.write("rendered.yaml", &site.run(&["worker", "render", "w", "--restricted"]).expect(0).stdout);
    site.cluster().kubectl(&["apply", "-f", &rendered]).expect(0);
    rests(&["-f", &rendered]);
}
