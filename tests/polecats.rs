//! Polecats without tmux: their log is a session that can be read, and nobody can type into it.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/town.rs"]
mod town;

use kubesim::{Cluster, execs, requests_for};
use operator::Operator;
use serde_json::{Value, json};
use town::{TOWN, ended, polecat, polecat_pod, resource, says, town as a_town};

fn operator_of(cluster: Cluster) -> Operator {
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    operator.run(&["list"]).expect(0);
    operator
}

#[test]
fn the_log_is_read_without_an_exec_also_when_the_polecat_has_ended() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    for address in ["pc-furiosa/log", "pc-furiosa"] {
        let (ran, calls) = operator.watched(&["peek", address]);
        assert_eq!(ran.expect(0).stdout, "the answer is 42\n");
        assert_eq!((calls.execs().len(), calls.matching(&requests_for("pods/log")).len()), (0, 1));
    }
    says(&operator.cluster, "furiosa", ended(0));
    operator.run(&["list"]).expect(0);
    assert_eq!(operator.run(&["peek", "pc-furiosa/log", "--lines", "1"]).expect(0).stdout, "the answer is 42\n");
    let json: Value = serde_json::from_str(&operator.run(&["peek", "pc-furiosa/log", "--json"]).expect(0).stdout).unwrap();
    assert_eq!(json["lines"], json!(["the answer is 42"]));
    let ran = operator.run(&["peek", "pc-furiosa/main"]).expect(4);
    assert!(ran.stderr.contains("has no tmux, and so one session only: log"), "{}", ran.stderr);
}

#[test]
fn nothing_can_be_typed_into_it_and_the_reason_is_told_without_asking() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    for arguments in [["nudge", "pc-furiosa/log", "faster"].as_slice(), &["interrupt", "pc-furiosa/log"]] {
        let (ran, calls) = operator.watched(arguments);
        let told = ran.expect(1).stderr;
        assert!(told.contains("polecat furiosa takes no input") && told.contains("polecat stop"), "{told}");
        assert!(calls.is_empty());
    }
}

#[test]
fn an_own_image_without_tmux_is_asked_and_then_read_by_its_log() {
    let cluster = a_town();
    // What has no tmux: the image of a workload that says so.
    let bare = cluster
        .pod("bare")
        .in_namespace("images")
        .without("tmux")
        .runs(&["sh", "-c", "echo bare words; exec sleep 1000"])
        .start();
    resource(&cluster, "nux", json!({}));
    polecat_pod(&cluster, "nux", "kubesim.example/images/bare/worker");
    let operator = operator_of(cluster);
    let rows = operator.rows();
    assert_eq!((&rows[0]["status"], &rows[0]["sessions"][0]["name"]), (&json!("working"), &json!("log")));
    let (ran, calls) = operator.watched(&["peek", "pc-nux/log"]);
    assert_eq!(ran.expect(0).stdout, "bare words\n");
    assert_eq!(calls.matching(&execs()).execs().len(), 1, "whether there is a tmux, only its container can say");
    assert!(operator.run(&["nudge", "pc-nux/log", "faster"]).expect(1).stderr.contains("takes no input"));
    assert!(operator.run(&["peek", "pc-nux/main"]).code != 0);
    drop(bare);
}

/// Where the containers are asked through a gateway, their logs are.
#[test]
fn whether_old_ones_still_say_something_is_asked_through_the_gateway_that_is_there() {
    let cluster = a_town();
    let bare = |name: &str, script: &str| {
        cluster.pod(name).in_namespace("images").without("tmux").runs(&["sh", "-c", script]).start();
        resource(&cluster, name, json!({}));
        polecat_pod(&cluster, name, &format!("kubesim.example/images/{name}/worker"));
        says(&cluster, name, json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
    };
    bare("talks", "while :; do echo a line; sleep 0.5; done");
    bare("silent", "exec sleep 1000");
    let operator = operator_of(cluster);
    let (ran, calls) = operator.watched(&["list", "--json"]);
    let answer: Value = serde_json::from_str(&ran.expect(0).stdout).unwrap();
    let states: Vec<_> = answer["workers"].as_array().unwrap().iter().map(|row| (&row["name"], &row["status"])).collect();
    assert_eq!(states, [(&json!("pc-silent"), &json!("stuck")), (&json!("pc-talks"), &json!("working"))]);
    let logs = calls.matching(&requests_for("pods/log"));
    assert_eq!(logs.len(), 2);
    assert!(logs.iter().all(|call| call.user_agent.starts_with("factory-worker/")), "{logs:?}");
}

#[test]
fn status_tells_the_truth_with_the_systems_own_facts() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    let text = operator.run(&["status", "pc-furiosa"]).expect(0).stdout;
    assert!(text.starts_with("pc-furiosa  polecat-furiosa  working ("), "{text}");
    assert!(text.contains("bead      gt-furiosa\n") && text.contains("branch    feature/gt-furiosa\n"), "{text}");
    // What was kept is not what is true now.
    says(&operator.cluster, "furiosa", ended(3));
    let row: Value = serde_json::from_str(&operator.run(&["status", "pc-furiosa", "--json"]).expect(0).stdout).unwrap();
    assert_eq!((&row["status"], &row["sessions"][0]["state"]), (&json!("failed"), &json!("failed")));
    operator.cluster.kubectl(&["delete", "polecats.gastown.gastown.io", "furiosa", "--namespace", TOWN]).expect(0);
    let ran = operator.run(&["status", "pc-furiosa"]).expect(4);
    assert!(ran.stderr.contains("there is no polecat furiosa any more"), "{}", ran.stderr);
}

#[test]
fn what_a_polecat_says_is_harmless() {
    let cluster = a_town();
    let hostile = "printf '\\033]0;pwned\\007\\033[2Jred \\033[31mtext\\n'; trap 'exit 0' TERM; while :; do sleep 0.1; done";
    cluster.image(town::STOCK_IMAGE).runs(&["sh", "-c", hostile]).publish();
    polecat(&cluster, "ace");
    let operator = operator_of(cluster);
    let seen = operator.run(&["peek", "pc-ace/log"]).expect(0).stdout;
    assert!(seen.contains("red text") && !seen.contains('\u{1b}') && !seen.contains('\u{7}'), "{seen:?}");
}

#[test]
fn the_picker_shows_what_sources_find_and_looks_into_the_log() {
    let cluster = a_town();
    cluster.deployment("fleet").session("qa", "cat").start();
    polecat(&cluster, "furiosa");
    let operator =
        Operator::of(cluster).worker("own", "deploy/fleet", "").discovers(&["gastown: {}", "gascity: {namespace: gc}"]);
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("own/qa");
    screen.wait("pc-furiosa/log");
    screen.type_text("furiosa");
    screen.wait("the answer is 42");
    let text = screen.text();
    assert!(text.contains("working"), "{text}");
    screen.keys(&["M-n"]);
    screen.wait("takes no input");
    screen.keys(&["Escape"]);
    screen.wait_gone("takes no input");
    // Found while the picker was open, and known to whoever names it afterwards.
    let (ran, calls) = operator.watched(&["peek", "pc-furiosa/log"]);
    ran.expect(0);
    assert_eq!(calls.matching(&kubesim::lists()).len(), 0);
}

#[test]
fn the_picker_has_a_row_for_a_source_that_does_not_answer() {
    let cluster = Cluster::start();
    cluster.deployment("fleet").session("qa", "cat").start();
    let operator = Operator::of(cluster).worker("own", "deploy/fleet", "").discovers(&["gastown: {}"]);
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("own/qa");
    screen.wait("discover:gastown");
    screen.wait("1 session on 1 worker, 1 did not answer");
    // Its definition comes, and so does its row.
    operator.cluster.registers("gastown.gastown.io/v1alpha1", "Polecat", "polecats");
    operator.cluster.namespace(TOWN);
    screen.keys(&["C-r"]);
    screen.wait_gone("discover:gastown");
}

#[test]
fn completion_offers_what_sources_have_found() {
    let cluster = a_town();
    polecat(&cluster, "furiosa");
    let operator = operator_of(cluster);
    let offered = |words: &[&str]| {
        let index = (words.len() - 1).to_string();
        let arguments = [&["complete", "--index", &index, "--"], words].concat();
        operator.run(&arguments).expect(0).stdout
    };
    assert_eq!(offered(&["factory-worker", "status", ""]), "pc-furiosa\n");
    assert_eq!(offered(&["factory-worker", "peek", "pc-"]), "pc-furiosa/log\n");
    assert_eq!(offered(&["factory-worker", "polecat", "stop", "p"]), "pc-furiosa\n");
}
