//! `polecat list|status|logs|shell|stop|retry|create|clean`, through the real kubectl.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/town.rs"]
mod town;

use kubesim::{Cluster, Fault, requests_for};
use operator::Operator;
use rstest::rstest;
use serde_json::{Value, json};
use support::eventually;
use town::{TOWN, ended, operated, polecat, resource, says, town as a_town};

fn operator_of(cluster: Cluster) -> Operator {
    Operator::of(cluster).discovers(&["gastown: {}"])
}

fn spec(operator: &Operator, name: &str) -> Value {
    operator.cluster.object("polecats", TOWN, name).expect("the polecat")["spec"].clone()
}

const CREATE: &[&str] = &[
    "polecat",
    "create",
    "gt-7x",
    "--rig",
    "rig-1",
    "--repo",
    "git@example.com:a/b.git",
    "--task",
    "do it",
    "--deadline",
    "45m",
];

fn create(more: &[&str]) -> Vec<String> {
    CREATE.iter().chain(more).map(|&word| word.to_owned()).collect()
}

#[test]
fn list_and_status_tell_the_truth_without_a_registry_too() {
    let cluster = a_town();
    polecat(&cluster, "works");
    polecat(&cluster, "fails");
    resource(&cluster, "idle", json!({"desiredState": "Idle", "rig": "rig-2"}));
    says(&cluster, "fails", ended(9));
    let operator = Operator::of(cluster);
    let table = operator.run(&["polecat", "list"]).expect(0).stdout;
    let rows: Vec<&str> = table.lines().collect();
    assert!(rows[0].starts_with("NAME") && rows.len() == 4, "{table}");
    assert!(rows[1].starts_with("fails") && rows[1].contains("failed (exit 9"), "{table}");
    assert!(rows[3].starts_with("works") && rows[3].contains("working (") && rows[3].contains("feature/gt-works"), "{table}");
    let of_rig = operator.run(&["polecat", "list", "--rig", "rig-2", "--json"]).expect(0).stdout;
    let json: Value = serde_json::from_str(&of_rig).unwrap();
    assert_eq!(json["polecats"].as_array().unwrap().len(), 1);
    assert_eq!((&json["polecats"][0]["name"], &json["polecats"][0]["status"]), (&json!("idle"), &json!("idle")));
    for name in ["fails", "pc-fails"] {
        let text = operator.run(&["polecat", "status", name]).expect(0).stdout;
        assert!(text.starts_with("fails  polecat-fails  failed (exit 9") && text.contains("rig       rig-1"), "{text}");
    }
    assert!(operator.run(&["polecat", "status", "nobody"]).expect(4).stderr.contains("there is no polecat \"nobody\""));
    operator.cluster.forbid("list", "polecats");
    operator.run(&["polecat", "list"]).expect(3);
    operator.run(&["polecat", "status", "works"]).expect(3);
}

#[test]
fn logs_are_those_of_the_container_that_works_unless_another_is_named() {
    let cluster = a_town();
    cluster.image("telemetry").runs(&["sh", "-c", "echo beep; sleep 1000"]).publish();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    assert_eq!(operator.run(&["polecat", "logs", "furiosa"]).expect(0).stdout, "the answer is 42\n");
    assert_eq!(
        operator.run(&["polecat", "logs", "pc-furiosa", "--container", "telemetry", "--lines", "1"]).expect(0).stdout,
        "beep\n"
    );
    operator.run(&["polecat", "logs", "furiosa", "--container", "A B"]).expect(2);
}

#[test]
fn a_shell_is_opened_where_the_agent_works() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    assert!(operator.run(&["polecat", "shell", "furiosa"]).expect(2).stderr.contains("needs a terminal"));
    let screen = operator.world.screen();
    screen.enter(&format!("{} polecat shell furiosa; echo ended $?", support::BIN));
    screen.wait_until("its prompt", |text| text.lines().skip(1).any(|line| line.trim_end().ends_with(['#', '$'])));
    // Its other container has a home of its own.
    std::fs::write(operator.cluster.find_pod(TOWN, "polecat-furiosa").home().join("work"), "half done").unwrap();
    screen.enter("cat ~/work");
    screen.wait("half done");
    screen.enter("exit 0");
    screen.wait("ended 0");
}

#[test]
fn stop_says_what_it_wants_and_the_operator_deletes_the_pod() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    operator.run(&["polecat", "stop", "furiosa", "--dry-run"]).expect(0);
    assert_eq!(spec(&operator, "furiosa")["desiredState"], "Working");
    let before = spec(&operator, "furiosa");
    operator.run(&["polecat", "stop", "pc-furiosa"]).expect(0);
    let after = spec(&operator, "furiosa");
    assert_eq!(after["desiredState"], "Terminated");
    assert_eq!((&after["rig"], &after["beadID"]), (&before["rig"], &before["beadID"]), "nothing else is touched");
    operator.cluster.when(requests_for("polecats").passing(1)).then(Fault::Status(503));
    operator.run(&["polecat", "stop", "furiosa"]).expect(3);
}

#[test]
fn retry_waits_until_the_old_pod_is_gone() {
    let cluster = a_town();
    cluster.stopping_takes(std::time::Duration::from_secs(1));
    polecat(&cluster, "furiosa");
    let old = cluster.find_pod(TOWN, "polecat-furiosa").uid().to_owned();
    let operator = operator_of(cluster);
    let told = operator.run(&["polecat", "retry", "furiosa"]).expect(1).stderr;
    assert!(told.contains("still working") && told.contains("--force"), "{told}");
    says(&operator.cluster, "furiosa", ended(1));
    operated(&operator.cluster, "furiosa", || {
        operator.run(&["polecat", "retry", "furiosa"]).expect(0);
        assert_eq!(spec(&operator, "furiosa")["desiredState"], "Working");
        let gone = operator.cluster.object("pods", TOWN, "polecat-furiosa").is_none_or(|pod| pod["metadata"]["uid"] != *old);
        assert!(gone, "Working was wanted before the old pod was gone");
        eventually("a new pod", || {
            let pod = operator.cluster.object("pods", TOWN, "polecat-furiosa")?;
            (pod["metadata"]["uid"] != *old && pod["status"]["phase"] == "Running").then_some(())
        });
    });
}

#[test]
fn a_retry_whose_pod_does_not_go_says_so_and_goes_on_later() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    says(&cluster, "furiosa", ended(1));
    let operator = operator_of(cluster);
    let told = operator.run(&["polecat", "retry", "furiosa", "--wait", "1s"]).expect(3).stderr;
    assert!(told.contains("still there after 1s") && told.contains("polecat retry goes on"), "{told}");
    assert_eq!(spec(&operator, "furiosa")["desiredState"], "Idle");
    operator.cluster.find_pod(TOWN, "polecat-furiosa").delete();
    operator.run(&["polecat", "retry", "furiosa"]).expect(0);
    assert_eq!(spec(&operator, "furiosa")["desiredState"], "Working");
}

/// What the definition of the custom resource allows below `spec`, and what must be there.
fn assert_accepted(spec: &Value) {
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let known = ["rig", "desiredState", "beadID", "taskDescription", "executionMode", "agent", "kubernetes"];
    assert!(keys(spec).iter().all(|key| known.contains(&key.as_str())), "{spec}");
    assert!(spec["rig"].is_string() && spec["executionMode"] == "kubernetes" && spec["agent"] == "claude-code");
    let kubernetes = &spec["kubernetes"];
    let known = [
        "gitRepository",
        "gitBranch",
        "workBranch",
        "gitSecretRef",
        "claudeCredsSecretRef",
        "apiKeySecretRef",
        "image",
        "resources",
        "activeDeadlineSeconds",
    ];
    assert!(keys(kubernetes).iter().all(|key| known.contains(&key.as_str())), "{kubernetes}");
    assert!(kubernetes["gitRepository"].is_string() && kubernetes["gitSecretRef"]["name"].is_string());
    assert!(kubernetes["activeDeadlineSeconds"].as_u64().is_some_and(|seconds| seconds > 0));
}

#[test]
fn create_makes_what_the_definition_accepts_and_never_over_another() {
    let operator = operator_of(a_town());
    let task = "line one\nit's \"$HOME\" `id` #(id) {{x}} é";
    let arguments: Vec<String> =
        create(&[]).into_iter().map(|word| if word == "do it" { "-".to_owned() } else { word }).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = operator.world.run_with_input(&arguments, format!("{task}\n").as_bytes()).expect(0);
    assert!(ran.stdout.contains("polecat gt-7x is to work on gt-7x"), "{}", ran.stdout);
    let made = spec(&operator, "gt-7x");
    assert_accepted(&made);
    assert_eq!(
        (&made["taskDescription"], &made["desiredState"], &made["beadID"]),
        (&json!(task), &json!("Working"), &json!("gt-7x"))
    );
    let kubernetes = &made["kubernetes"];
    assert_eq!(kubernetes["activeDeadlineSeconds"], 2700);
    assert_eq!((&kubernetes["gitBranch"], &kubernetes["claudeCredsSecretRef"]["name"]), (&json!("main"), &json!("claude-creds")));
    assert_eq!(
        kubernetes["resources"],
        json!({"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}})
    );
    let again = operator.world.run_with_input(&arguments, b"another").expect(1);
    assert!(again.stderr.contains("already exists"), "{}", again.stderr);
    assert_eq!(spec(&operator, "gt-7x")["taskDescription"], task);
}

#[test]
fn a_dry_run_prints_the_resource_and_asks_nobody() {
    let operator = operator_of(a_town());
    let more = [
        "--dry-run",
        "--size",
        "heavy",
        "--name",
        "max",
        "--work-branch",
        "fix/7",
        "--api-key",
        "keys/anthropic",
        "--image",
        "own:1",
        "--namespace",
        "elsewhere",
    ];
    let arguments = create(&more);
    let (ran, calls) = operator.watched(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let text = ran.expect(0).stdout;
    assert!(calls.is_empty());
    let object: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!((&object["kind"], &object["metadata"]), (&json!("Polecat"), &json!({"name": "max", "namespace": "elsewhere"})));
    assert_accepted(&object["spec"]);
    let kubernetes = &object["spec"]["kubernetes"];
    assert_eq!(kubernetes["resources"]["limits"], json!({"cpu": "4", "memory": "8Gi"}));
    assert_eq!(kubernetes["apiKeySecretRef"], json!({"name": "keys", "key": "anthropic"}));
    assert_eq!((&kubernetes["image"], &kubernetes["workBranch"]), (&json!("own:1"), &json!("fix/7")));
    assert!(kubernetes.get("claudeCredsSecretRef").is_none());
}

#[rstest]
#[case::no_deadline(&["--rig", "r", "--repo", "u", "--task", "t"], "--deadline")]
#[case::too_long(&["--rig", "r", "--repo", "u", "--task", "t", "--deadline", "241m"], "more than 4h")]
#[case::no_task(&["--rig", "r", "--repo", "u", "--task", " ", "--deadline", "1h"], "there is no task")]
#[case::option_as_url(&["--rig", "r", "--repo=--upload-pack=x", "--task", "t", "--deadline", "1h"], "may not begin with '-'")]
#[case::rig_that_is_no_label(&["--rig", "a b", "--repo", "u", "--task", "t", "--deadline", "1h"], "becomes a label")]
fn what_would_not_work_is_refused(#[case] arguments: &[&str], #[case] why: &str) {
    let operator = operator_of(a_town());
    let (ran, calls) = operator.watched(&[&["polecat", "create", "gt-1"], arguments].concat());
    let told = ran.expect(2).stderr;
    assert!(told.contains(why), "{told}");
    assert!(calls.is_empty());
}

#[test]
fn a_long_deadline_is_allowed_by_force() {
    let operator = operator_of(a_town());
    let arguments = ["polecat", "create", "GT.1", "--rig", "r", "--repo", "u", "--task", "t", "--deadline", "5h", "--force"];
    operator.run(&arguments).expect(0);
    assert_eq!(spec(&operator, "gt-1")["kubernetes"]["activeDeadlineSeconds"], 18000);
}

#[test]
fn clean_deletes_what_has_ended_and_nothing_else() {
    let cluster = a_town();
    for name in ["works", "done", "fails"] {
        polecat(&cluster, name);
    }
    resource(&cluster, "idle", json!({"desiredState": "Idle"}));
    resource(&cluster, "stopped", json!({"desiredState": "Terminated"}));
    says(&cluster, "done", ended(0));
    says(&cluster, "fails", ended(2));
    let operator = operator_of(cluster);
    let listed = operator.run(&["polecat", "clean", "--dry-run"]).expect(0).stdout;
    assert!(listed.contains("3 polecats would be deleted") && !listed.contains("works") && !listed.contains("idle"), "{listed}");
    let refused = operator.run(&["polecat", "clean"]).expect(2).stderr;
    assert!(refused.contains("no terminal to ask on") && refused.contains("--yes"), "{refused}");
    // On a terminal it asks; no is no.
    let screen = operator.world.screen();
    screen.enter(&format!("{} polecat clean", support::BIN));
    screen.wait("Delete 3 polecats? [y/N]");
    screen.keys(&["n"]);
    screen.wait("[y/N]\n$");
    assert!(operator.cluster.object("polecats", TOWN, "done").is_some());
    operator.run(&["polecat", "clean", "--yes"]).expect(0);
    let there = |name: &str| operator.cluster.object("polecats", TOWN, name).is_some();
    assert_eq!(["works", "idle", "done", "fails", "stopped"].map(there), [true, true, false, false, false]);
    assert_eq!(operator.run(&["polecat", "clean", "--yes"]).expect(0).stdout, "no polecat has ended\n");
}

#[test]
fn one_of_several_towns_is_told_by_its_workers_name() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    cluster.namespace("other");
    let operator = Operator::of(cluster).discovers(&["gastown: {}", "gastown: {namespace: other, prefix: o-}"]);
    assert!(operator.run(&["polecat", "status", "pc-furiosa"]).expect(0).stdout.starts_with("furiosa"));
    operator.run(&["polecat", "status", "o-furiosa"]).expect(4);
    let told = operator.run(&create(&[]).iter().map(String::as_str).collect::<Vec<_>>()).expect(2).stderr;
    assert!(told.contains("several gastown sources"), "{told}");
}
