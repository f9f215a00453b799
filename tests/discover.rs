//! `discover:`: pods, Gas City's agents and Gas Town's polecats as workers, through the real kubectl.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/town.rs"]
mod town;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use kubesim::{Cluster, Kubeconfig, lists};
use operator::{Operator, resolutions};
use serde_json::{Value, json};
use town::{STOCK_IMAGE, TOWN, agent, ended, polecat, polecat_pod, resource, says, town as a_town};

/// Name, kind and status of each row.
fn summary(rows: &[Value]) -> Vec<String> {
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    rows.iter().map(|row| ["name", "kind", "status"].map(|key| word(row, key)).join(" ")).collect()
}

/// How many lists the gateway was asked for, by what `-v` says.
fn listings(stderr: &str) -> usize {
    stderr.lines().filter(|line| line.starts_with("+ GET ") && line.contains("?limit=")).count()
}

#[test]
fn three_sources_are_listed_behind_the_file_with_their_facts_through_one_kubectl() {
    let cluster = a_town();
    cluster.deployment("fleet").session("qa", "cat").start();
    agent(&cluster, "mayor", "mayor", "/cities/one");
    polecat(&cluster, "furiosa");
    let entries = ["pods: {selector: app=fleet, prefix: f-}", "gascity: {}", "gastown: {}"];
    let operator = Operator::of(cluster).worker("own", "deploy/fleet", "").discovers(&entries);
    let rows = operator.rows();
    assert_eq!(
        summary(&rows),
        ["own pod running", "f-fleet pods running", "gc-mayor gascity running", "pc-furiosa gastown working"]
    );
    assert_eq!(rows[1]["sessions"][0]["address"], "f-fleet/qa");
    assert_eq!(rows[2]["sessions"][0]["address"], "gc-mayor/main");
    assert_eq!(rows[2]["facts"], json!({"session": "mayor", "agent": "rig/mayor", "city": "/cities/one"}));
    assert_eq!((&rows[2]["container"], &rows[2]["namespace"]), (&json!("agent"), &json!("gc")));
    let facts = &rows[3]["facts"];
    assert_eq!((&facts["rig"], &facts["bead"]), (&json!("rig-1"), &json!("gt-furiosa")));
    assert_eq!(facts["branch"], "feature/gt-furiosa");
    assert!(facts["deadline"].as_str().is_some_and(|time| time.ends_with('Z')), "{facts}");
    assert_eq!(rows[3]["sessions"][0]["address"], "pc-furiosa/log");
    assert_eq!((&rows[3]["sessions"][0]["state"], &rows[3]["sessions"][0]["id"]), (&json!("working"), &Value::Null));
    assert_eq!((&rows[0]["facts"], &rows[1]["facts"]), (&Value::Null, &Value::Null));
    let ran = operator.run(&["-v", "list"]).expect(0);
    assert_eq!(ran.stderr.lines().filter(|line| line.contains("kubectl")).count(), 1, "{}", ran.stderr);
    assert_eq!(listings(&ran.stderr), 4, "polecats and their pods apart: {}", ran.stderr);
}

#[test]
fn what_is_known_is_used_and_what_is_not_is_looked_for() {
    let cluster = a_town();
    agent(&cluster, "mayor", "mayor", "/c");
    let operator = Operator::of(cluster).discovers(&["gascity: {}"]);
    // The first time it has to be looked for.
    let (ran, calls) = operator.watched(&["peek", "gc-mayor/main"]);
    assert!(ran.expect(0).stdout.contains("I am mayor"));
    assert_eq!((resolutions(&calls), calls.execs().len()), (1, 1));
    let (ran, calls) = operator.watched(&["peek", "gc-mayor"]);
    assert!(ran.expect(0).stdout.contains("I am mayor"));
    assert_eq!((resolutions(&calls), calls.execs().len()), (0, 2));
    agent(&operator.cluster, "deacon", "deacon", "/c");
    let (ran, calls) = operator.watched(&["interrupt", "gc-deacon/main"]);
    ran.expect(0);
    assert_eq!(resolutions(&calls), 1);
    let (ran, calls) = operator.watched(&["peek", "gc-nobody/main"]);
    assert!(ran.expect(4).stderr.contains("no worker \"gc-nobody\""));
    assert_eq!(resolutions(&calls), 1);
    let kept = operator.world.path("state/factory-worker/discovered.json");
    assert_eq!(fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_source_that_does_not_answer_is_one_row_and_harms_nobody() {
    let cluster = Cluster::start();
    cluster.namespace(TOWN);
    cluster.deployment("fleet").session("qa", "cat").start();
    let kubeconfig = cluster.directory().join("two");
    Kubeconfig::new().context("alive", &cluster).dead_context("dead").write(&kubeconfig);
    let mut operator = Operator::of(cluster);
    operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    let entries = ["gascity: {context: dead}", "gastown: {}", "pods: {selector: app=fleet}"];
    let operator = operator.worker("own", "deploy/fleet", "").discovers(&entries);
    let rows = operator.rows();
    assert_eq!(
        summary(&rows),
        ["own pod running", "discover:gascity gascity unreachable", "discover:gastown gastown missing", "fleet pods running",]
    );
    assert!(rows[1]["reason"].as_str().unwrap().contains("connection refused"), "{rows:?}");
    assert!(rows[2]["reason"].as_str().unwrap().contains("no polecats"), "{rows:?}");
    let table = operator.run(&["list"]).expect(0).stdout;
    assert!(table.contains("discover:gascity  -") && table.contains("own "), "{table}");
    // Who is not found may be where nobody answers.
    let ran = operator.run(&["peek", "gc-mayor/main"]).expect(3);
    assert!(ran.stderr.contains("discover:gascity is unreachable"), "{}", ran.stderr);
    let ran = operator.run(&["list", "gc-mayor"]).expect(3);
    assert!(ran.stderr.contains("no worker \"gc-mayor\""), "{}", ran.stderr);
    operator.run(&["peek", "own/qa"]).expect(0);
}

#[test]
fn a_forbidden_source_says_so_and_its_known_workers_stay_reachable() {
    let cluster = a_town();
    agent(&cluster, "mayor", "mayor", "/c");
    let operator = Operator::of(cluster).discovers(&["gascity: {}"]);
    assert_eq!(summary(&operator.rows()), ["gc-mayor gascity running"]);
    operator.cluster.forbid("list", "pods");
    let rows = operator.rows();
    assert_eq!(summary(&rows), ["discover:gascity gascity forbidden"]);
    assert!(operator.run(&["peek", "gc-mayor/main"]).expect(0).stdout.contains("I am mayor"));
}

#[test]
fn a_configured_name_wins_and_the_other_is_told() {
    let cluster = a_town();
    cluster.deployment("fleet").session("on-fleet", "cat").start();
    agent(&cluster, "mayor", "mayor", "/c");
    let operator = Operator::of(cluster).worker("gc-mayor", "deploy/fleet", "").discovers(&["gascity: {}"]);
    assert_eq!(summary(&operator.rows()), ["gc-mayor pod running"]);
    let ran = operator.run(&["list"]).expect(0);
    assert!(ran.stderr.contains("gc-mayor (mayor) of discover:gascity is left out"), "{}", ran.stderr);
    assert!(operator.run(&["peek", "gc-mayor/on-fleet"]).code == 0);
}

#[test]
fn names_that_are_none_are_mapped_and_kept_apart() {
    let cluster = a_town();
    agent(&cluster, "one", "rig/a", "/c");
    agent(&cluster, "two", "rig_a", "/c");
    agent(&cluster, "three", "\u{1b}[31m#(touch pwned)", "/c");
    let operator = Operator::of(cluster).discovers(&["gascity: {}"]);
    let rows = operator.rows();
    let name_of = |session: &str| {
        let row = rows.iter().find(|row| row["facts"]["session"] == session).unwrap();
        row["name"].as_str().unwrap().to_owned()
    };
    let names = ["rig/a", "rig_a", "\u{1b}[31m#(touch pwned)"].map(name_of);
    assert!(names[0].starts_with("gc-rig-a-") && names[1].starts_with("gc-rig-a-") && names[0] != names[1], "{names:?}");
    // Each is its own, whoever else is there.
    operator.cluster.find_pod("gc", "one").delete();
    let without: Vec<_> = operator.rows().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    assert!(without.len() == 2 && without.contains(&names[1]) && without.contains(&names[2]), "{without:?} of {names:?}");
    for (name, who) in names.iter().zip(["one", "two", "three"]).skip(1) {
        assert!(operator.run(&["peek", name]).expect(0).stdout.contains(&format!("I am {who}")));
    }
    assert!(!operator.run(&["list", "--wide"]).expect(0).stdout.contains('\u{1b}'));
    operator.world.assert_nothing_executed();
}

#[test]
fn a_replaced_pod_of_a_fleet_keeps_its_workers_name() {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "cat").start();
    cluster.deployment("many").replicas(2).session("qa", "cat").start();
    let operator = Operator::of(cluster).discovers(&["pods: {selector: 'app in (fleet, many)'}"]);
    let ran = operator.run(&["-v", "list"]).expect(0);
    assert_eq!(listings(&ran.stderr), 1, "nobody looks for a pod that the source has just seen: {}", ran.stderr);
    let rows = operator.rows();
    assert_eq!((rows.len(), &rows[0]["name"]), (3, &json!("fleet")));
    assert!(rows[1]["name"].as_str().unwrap().starts_with("many-") && rows[1]["name"] == rows[1]["pod"], "{rows:?}");
    let old = worker.pod();
    old.delete();
    let new = worker.wait_replaced(&old);
    operator.run(&["peek", "fleet/qa"]).expect(0);
    assert_eq!(operator.rows()[0]["pod"], new.name());
}

#[test]
fn the_status_of_a_polecat_is_what_its_container_says() {
    let cluster = a_town();
    for name in ["works", "done", "fails"] {
        polecat(&cluster, name);
    }
    // It says nothing.
    cluster.image(STOCK_IMAGE).runs(&["sh", "-c", "trap 'exit 143' TERM; while :; do sleep 0.1; done"]).publish();
    polecat(&cluster, "hangs");
    resource(&cluster, "idle", json!({"desiredState": "Idle"}));
    resource(&cluster, "waits", json!({}));
    says(&cluster, "done", ended(0));
    says(&cluster, "fails", ended(7));
    says(&cluster, "hangs", json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    let (_, calls) = operator.watched(&["list"]);
    assert_eq!((calls.execs().len(), calls.matching(&lists()).len()), (0, 2), "polecats and pods, and no exec");
    let rows = operator.rows();
    let status = summary(&rows);
    assert_eq!(
        status,
        ["done", "fails", "hangs", "idle", "waits", "works"]
            .iter()
            .zip(["done", "failed", "stuck", "idle", "pending", "working"])
            .map(|(name, status)| format!("pc-{name} gastown {status}"))
            .collect::<Vec<_>>()
    );
    assert!(rows[1]["facts"]["detail"].as_str().unwrap().starts_with("exit 7"), "{rows:?}");
    assert!(rows[4]["reason"].as_str().unwrap().contains("no pod yet"), "{rows:?}");
    let table = operator.run(&["list"]).expect(0).stdout;
    assert!(table.contains("working (") && table.contains("left)"), "{table}");
}

#[test]
fn polecats_whose_pods_are_hidden_are_listed_all_the_same() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    cluster.forbid("list", "pods");
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    assert_eq!(summary(&operator.rows()), ["pc-furiosa gastown forbidden"]);
}

#[test]
fn a_polecat_with_tmux_in_its_image_has_ordinary_sessions() {
    let cluster = a_town();
    let start = "tmux new-session -d -s work 'echo at work; cat'; trap 'exit 0' TERM; while :; do sleep 0.1; done";
    cluster.image("own/agent:1").runs(&["sh", "-c", start]).publish();
    resource(&cluster, "max", json!({}));
    polecat_pod(&cluster, "max", "own/agent:1");
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    let rows =
        support::eventually("its session", || Some(operator.rows()).filter(|rows| rows[0]["sessions"][0]["name"] == "work"));
    assert_eq!(summary(&rows), ["pc-max gastown working"]);
    assert!(operator.run(&["peek", "pc-max"]).expect(0).stdout.contains("at work"));
}
