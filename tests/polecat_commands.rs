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
use support::{Ran, eventually};
use town::{STOCK_IMAGE, TOWN, ended, operated, polecat, polecat_without_repository, resource, says, town as a_town};

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

/// Old enough to count as stuck, were it not for what comes from it.
#[test]
fn a_polecat_that_says_something_is_not_stuck_however_old_it_is() {
    let cluster = a_town();
    cluster.image(STOCK_IMAGE).runs(&["sh", "-c", "while :; do echo a line; sleep 0.5; done"]).publish();
    polecat(&cluster, "talks");
    cluster.image(STOCK_IMAGE).runs(&["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done"]).publish();
    polecat(&cluster, "silent");
    let since = json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}});
    says(&cluster, "talks", since.clone());
    says(&cluster, "silent", since);
    let operator = operator_of(cluster);
    let states = |answer: &Ran, of: &str| {
        let answer: Value = serde_json::from_str(&answer.stdout).unwrap();
        let rows = answer[of].as_array().unwrap().clone();
        let state = |row: &Value| (row["name"].as_str().unwrap().replace("pc-", ""), row["status"].as_str().unwrap().to_owned());
        rows.iter().map(state).collect::<Vec<_>>()
    };
    let expected = [("silent".to_owned(), "stuck".to_owned()), ("talks".to_owned(), "working".to_owned())];
    assert_eq!(states(&operator.run(&["polecat", "list", "--json"]).expect(0), "polecats"), expected);
    assert_eq!(states(&operator.run(&["list", "--json"]).expect(0), "workers"), expected);
    for (name, state) in expected {
        assert!(operator.run(&["polecat", "status", &name]).expect(0).stdout.contains(&state));
        assert!(operator.run(&["status", &format!("pc-{name}")]).expect(0).stdout.contains(&state));
    }
    let told = operator.run(&["polecat", "retry", "talks"]).expect(1).stderr;
    assert!(told.contains("polecat talks is still working") && told.contains("--force"), "{told}");
    assert_eq!(spec(&operator, "talks")["desiredState"], "Working");
    // Who cannot be asked may be working.
    let rule = operator.cluster.when(requests_for("pods/log")).then(Fault::Status(503));
    let told = operator.run(&["polecat", "retry", "silent"]).expect(3).stderr;
    assert!(told.contains("nobody can tell whether polecat silent still works") && told.contains("--force"), "{told}");
    assert_eq!(spec(&operator, "silent")["desiredState"], "Working");
    rule.lift();
    operator.run(&["polecat", "retry", "silent", "--dry-run"]).expect(0);
}

/// What came long ago is no sign of life.
#[test]
fn a_polecat_that_has_fallen_silent_is_stuck() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    says(&cluster, "furiosa", json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
    let operator = Operator::of(cluster).discovers(&["gastown: {stuck: 2s}"]);
    eventually("it to be stuck", || operator.run(&["polecat", "list"]).expect(0).stdout.contains("stuck (").then_some(()));
    operator.run(&["polecat", "retry", "furiosa", "--dry-run"]).expect(0);
}

/// Its log is empty for ever: kubectl says that it waits to start.
#[test]
fn a_polecat_whose_init_container_failed_says_so() {
    let cluster = a_town();
    polecat_without_repository(&cluster, "furiosa");
    let operator = operator_of(cluster);
    operator.run(&["list"]).expect(0);
    for arguments in [&["polecat", "logs", "furiosa"][..], &["peek", "pc-furiosa/log"], &["peek", "pc-furiosa"]] {
        let told = operator.run(arguments).expect(3).stderr;
        assert!(told.contains("init container git-init has failed (Error, exit 128)"), "{told}");
        assert!(told.contains("`kubectl --namespace=gastown logs polecat-furiosa --container=git-init` shows"), "{told}");
    }
    let said = operator.run(&["polecat", "logs", "furiosa", "--container", "git-init"]).expect(0).stdout;
    assert_eq!(said, "fatal: repository not found\n");
}

#[test]
fn a_retry_whose_pod_does_not_go_says_so_and_goes_on_later() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    says(&cluster, "furiosa", ended(1));
    let operator = operator_of(cluster);
    let told = operator.run(&["polecat", "retry", "furiosa", "--wait", "1s"]).expect(3).stderr;
    assert!(told.contains("still there after 1s") && told.ends_with("\n  --wait gives it longer\n"), "{told}");
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
    // As a file from another system has it.
    let ran = operator.world.run_with_input(&arguments, format!("{task}\n").replace('\n', "\r\n").as_bytes()).expect(0);
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
fn a_dry_run_prints_the_resource_and_makes_none() {
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
        TOWN,
    ];
    let arguments = create(&more);
    let text = operator.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).expect(0).stdout;
    assert!(operator.cluster.object("polecats", TOWN, "max").is_none());
    let object: Value = serde_yaml::from_str(&text).unwrap();
    assert_eq!((&object["kind"], &object["metadata"]), (&json!("Polecat"), &json!({"name": "max", "namespace": TOWN})));
    assert_accepted(&object["spec"]);
    let kubernetes = &object["spec"]["kubernetes"];
    assert_eq!(kubernetes["resources"]["limits"], json!({"cpu": "4", "memory": "8Gi"}));
    assert_eq!(kubernetes["apiKeySecretRef"], json!({"name": "keys", "key": "anthropic"}));
    assert_eq!((&kubernetes["image"], &kubernetes["workBranch"]), (&json!("own:1"), &json!("fix/7")));
    assert!(kubernetes.get("claudeCredsSecretRef").is_none());
}

/// What would fail does so when it is rehearsed, too, and what cannot be reached is no reason to print nothing.
#[test]
fn a_dry_run_fails_where_the_real_one_would() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    let run = |more: &[&str]| {
        let arguments = create(more);
        operator.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    for (more, code, said) in [
        (&["--namespace", "elsewhere"][..], 4, "there is no namespace elsewhere"),
        (&["--name", "furiosa"], 1, "the cluster refused it: polecats.gastown.gastown.io \"furiosa\" already exists"),
    ] {
        for rehearsal in [&["--dry-run"][..], &[]] {
            let ran = run(&[more, rehearsal].concat()).expect(code);
            assert!(ran.stderr.contains(said), "{}", ran.stderr);
        }
    }
    operator.cluster.forbid("create", "polecats");
    for rehearsal in [&["--dry-run"][..], &[]] {
        let ran = run(rehearsal).expect(3);
        assert!(ran.stderr.contains("kubesim may not create polecats in namespace gastown"), "{}", ran.stderr);
        let remedy = "\n  ask for a role that may create polecats (API group gastown.gastown.io) in namespace gastown\n";
        assert!(ran.stderr.contains(remedy), "{}", ran.stderr);
    }
    let dead = operator.world.path("dead");
    kubesim::Kubeconfig::new().dead_context("gone").write(&dead);
    let ran = run(&["--dry-run", "--kubeconfig", dead.to_str().unwrap()]).expect(0);
    assert!(ran.stdout.contains("kind: Polecat\n") && ran.stderr.contains("not checked: "), "{}", ran.stderr);
}

#[test]
fn a_cluster_without_gas_town_says_so() {
    let cluster = kubesim::Cluster::start();
    cluster.namespace(TOWN);
    let operator = operator_of(cluster);
    for rehearsal in [&["--dry-run"][..], &[]] {
        let arguments = create(rehearsal);
        let ran = operator.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).expect(4);
        assert!(
            ran.stderr.contains("this cluster knows no polecats: Gas Town's operator is not installed in it"),
            "{}",
            ran.stderr
        );
    }
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
    operator.cluster.forbid("delete", "polecats");
    operator.run(&["polecat", "clean", "--dry-run"]).expect(3);
    operator.cluster.forbid_nothing();
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
