//! Several clusters side by side: one of them dead, or all of them with the same names.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::collections::BTreeMap;

use kubesim::{Call, Cluster, Kubeconfig, Running, lists, requests_for};
use operator::{FACTORY, Operator, resolutions};
use rstest::rstest;
use serde_json::Value;
use support::{World, eventually};

const LONG: &str = "--timeout=60s";
const COMMANDS: &str = "commands: {queue: factory queue list, status: factory status}";

/// The worker `w` in a context that lives, and beside it the worker `gone` in one that does not.
fn beside_a_dead_one() -> (Operator, Running) {
    let cluster = Cluster::start();
    let says = ["sh", "-c", "echo a line of the log; exec sleep 600"];
    let fleet = cluster.deployment("fleet").script("factory", FACTORY).runs(&says);
    let worker = fleet.session("qa", "echo I am qa; exec bash --norc").start();
    let kubeconfig = cluster.directory().join("two");
    Kubeconfig::new().context("alive", &cluster).dead_context("dead").write(&kubeconfig);
    let mut operator = Operator::of(cluster);
    operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    eventually("the prompt", || worker.pod().pane("qa").contains("bash-").then_some(()));
    (operator.worker("w", "fleet", COMMANDS).worker("gone", "fleet", &format!("context: dead\n{COMMANDS}")), worker)
}

#[rstest]
#[case::status(&["status", "W"])]
#[case::peek(&["peek", "W/qa"])]
#[case::peek_by_worker(&["peek", "W"])]
#[case::dispatch(&["dispatch", "W", "--project", "shop", "--issue", "7"])]
#[case::nudge(&["nudge", "W/qa", "echo hello"])]
#[case::interrupt(&["interrupt", "W/qa"])]
#[case::logs(&["worker", "logs", "W"])]
#[case::restart(&["worker", "restart", "W", "--yes"])]
fn a_dead_context_is_said_and_the_living_one_is_not_asked(#[case] command: &[&str]) {
    let (operator, _worker) = beside_a_dead_one();
    let to = |worker: &str| {
        let words: Vec<String> = command.iter().map(|word| word.replace('W', worker)).collect();
        operator.watched(&[&[LONG][..], &words.iter().map(String::as_str).collect::<Vec<_>>()].concat())
    };
    let (ran, calls) = to("gone");
    assert_eq!((ran.code, ran.stdout.as_str()), (3, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("connection refused") && ran.stderr.contains("check the network"), "{}", ran.stderr);
    assert!(calls.is_empty(), "{calls:?}");
    let (ran, calls) = to("w");
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(!calls.is_empty());
}

#[test]
fn list_and_doctor_tell_the_two_apart() {
    let (operator, _worker) = beside_a_dead_one();
    let rows = operator.rows();
    assert_eq!((&rows[0]["status"], &rows[1]["status"]), (&"running".into(), &"unreachable".into()), "{rows:?}");
    let ran = operator.run(&[LONG, "doctor", "--json"]).expect(1);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    let failed: Vec<&str> = said["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["verdict"] == "fail")
        .map(|check| check["about"].as_str().unwrap())
        .collect();
    assert!(!failed.is_empty() && failed.iter().all(|about| about.contains("gone") || about.contains("dead")), "{said:#}");
    operator.run(&[LONG, "doctor", "w"]).expect(0);
}

#[test]
fn windows_of_the_living_one_open() {
    let (operator, worker) = beside_a_dead_one();
    let screen = operator.world.screen();
    let ran = screen.run(&[LONG, "open", "--all"]).expect(3);
    assert!(ran.stderr.contains("asking gone") && ran.stderr.contains("connection refused"), "{}", ran.stderr);
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
    eventually("the client", || (worker.pod().clients().len() == 1).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
}

#[test]
fn the_picker_has_a_row_for_each_and_opens_the_living_one() {
    let (operator, worker) = beside_a_dead_one();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("1 session on 1 worker, 1 did not answer");
    let text = screen.wait("│I am qa");
    assert!(text.lines().any(|line| line.contains("gone") && line.contains("unreachable")), "{text}");
    screen.type_text("gone");
    let text = screen.wait("│gone is unreachable");
    assert!(text.contains("│connection refused by 127.0.0.1:1"), "{text}");
    screen.keys(&["Enter"]);
    // Enter says why nothing is opened, beside the preview that says it already.
    screen.wait("gone is unreachable: ");
    screen.keys(&["C-u"]);
    screen.wait("w/qa");
    screen.type_text("qa");
    screen.wait_until("the row of qa", |text| text.contains("> w/qa") && text.contains("│I am qa"));
    screen.keys(&["Enter"]);
    eventually("the window", || (screen.windows() == ["|home", "w/qa|w/qa"]).then_some(()));
    eventually("the client", || (worker.pod().clients().len() == 1).then_some(()));
}

/// Two clusters with the same names, each with its kubeconfig in which everything is called the same too.
fn twins() -> ([Cluster; 2], [String; 2]) {
    let clusters = [Cluster::start(), Cluster::start()];
    let files = clusters.each_ref().map(|cluster| {
        cluster.deployment("fleet").in_namespace("factory").session("qa", "cat").start();
        let file = cluster.directory().join("twin");
        Kubeconfig::new().context("same", cluster).in_namespace("factory").write(&file);
        file.to_str().unwrap().to_owned()
    });
    (clusters, files)
}

fn pod_of(cluster: &Cluster) -> String {
    cluster.kubectl(&["get", "pods", "--namespace=factory", "-o", "name"]).expect(0).stdout.trim().replace("pod/", "")
}

#[test]
fn kubeconfigs_in_which_everything_has_the_same_name_are_told_apart() {
    let ([one, other], files) = twins();
    let pods = [pod_of(&one), pod_of(&other)];
    assert_ne!(pods[0], pods[1]);
    let entry = |name: &str, file: &str| {
        format!(
            "  - {{name: {name}, pod: fleet, context: same, namespace: factory, kubeconfig: {file}, commands: {{queue: \"\"}}}}\n"
        )
    };
    let world = World::new().entry(&entry("a", &files[0])).entry(&entry("b", &files[1]));
    for looks in [1, 0] {
        one.forget_calls();
        other.forget_calls();
        let ran = world.run(&["list", "--json"]).expect(0);
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        let chosen = [0, 1].map(|at| said["workers"][at]["pod"].as_str().unwrap().to_owned());
        assert_eq!(chosen, pods);
        for cluster in [&one, &other] {
            let calls = cluster.calls().about_objects();
            assert_eq!((calls.execs().len(), resolutions(&calls)), (1, looks));
        }
    }
}

#[test]
fn what_was_found_under_one_kubeconfig_variable_is_not_used_under_another() {
    let ([one, other], files) = twins();
    let world = World::new().entry("  - {name: w, pod: fleet, commands: {queue: \"\"}}\n");
    let mut looks = Vec::new();
    for at in [0, 1, 0, 1] {
        let cluster = [&one, &other][at];
        let pod = pod_of(cluster);
        cluster.forget_calls();
        let mut command = world.command(&["list", "--json"]);
        let ran = support::Ran::from(command.env("KUBECONFIG", &files[at]).output().unwrap()).expect(0);
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(said["workers"][0]["pod"], pod);
        let calls = cluster.calls().about_objects();
        assert_eq!(calls.execs().len(), 1);
        looks.push(resolutions(&calls));
    }
    assert_eq!(looks, [1, 1, 0, 0], "each was found once, and kept beside the other");
}

/// Everything that was known is wrong at once, as after an upgrade of all nodes.
#[test]
fn many_workers_that_have_moved_cost_one_look_for_each_place() {
    let ([one, other], files) = twins();
    let mut workers = Vec::new();
    for name in ["red", "green", "blue"] {
        workers.push(one.deployment(name).in_namespace("factory").start());
        workers.push(one.deployment(name).in_namespace("elsewhere").start());
        workers.push(other.deployment(name).in_namespace("factory").start());
    }
    let mut world = World::new();
    for (namespace, file, place) in [("factory", 0, "one"), ("elsewhere", 0, "two"), ("factory", 1, "three")] {
        for name in ["red", "green", "blue"] {
            world = world.entry(&format!(
                "  - {{name: {name}-{place}, pod: {name}, namespace: {namespace}, kubeconfig: {}, commands: {{queue: \"\"}}}}\n",
                files[file]
            ));
        }
    }
    world.run(&[LONG, "list"]).expect(0);
    let olds: Vec<_> = workers.iter().map(Running::pod).collect();
    olds.iter().for_each(kubesim::Pod::delete);
    workers.iter().zip(&olds).for_each(|(worker, old)| drop(worker.wait_replaced(old)));
    one.forget_calls();
    other.forget_calls();
    let ran = world.run(&[LONG, "list"]).expect(0);
    assert_eq!(ran.stdout.matches("running").count(), 9, "{}", ran.stdout);
    let looks = |cluster: &Cluster| {
        let calls = cluster.calls().about_objects().matching(&lists()).matching(&requests_for("pods"));
        calls.into_iter().fold(BTreeMap::new(), |mut counts, Call { namespace, .. }| {
            *counts.entry(namespace).or_insert(0) += 1;
            counts
        })
    };
    assert_eq!(looks(&one), BTreeMap::from([("elsewhere".to_owned(), 1), ("factory".to_owned(), 1)]));
    assert_eq!(looks(&other), BTreeMap::from([("factory".to_owned(), 1)]));
}
