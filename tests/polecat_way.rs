//! What commands about polecats ask of a cluster, through one kubectl where they would take several: the same answers, the same
//! failures, and nothing done twice.

#[path = "support/kubectls.rs"]
mod kubectls;
#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/town.rs"]
mod town;
#[path = "support/traces.rs"]
mod traces;

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;

use kubectls::{note_kubectl, verbs, without_proxy, words};
use kubesim::{Cluster, Farewell, Fault, requests_for};
use login_plugin::LoginPlugin;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::Operator;
use rstest::rstest;
use serde_json::json;
use support::{Ran, eventually};
use town::{TOWN, ended, operated, polecat, says, town as a_town};

/// A polecat that works, one that counts as stuck by its age, and one that is done.
fn three() -> Cluster {
    let cluster = a_town();
    for name in ["works", "old", "done"] {
        polecat(&cluster, name);
    }
    says(&cluster, "old", json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
    says(&cluster, "done", ended(0));
    cluster
}

fn operator_of(cluster: Cluster) -> Operator {
    Operator::of(cluster).discovers(&["gastown: {}"])
}

/// Run with the kubectl that is there, and then with one that knows no proxy.
fn both(operator: &Operator, arguments: &[&str]) -> [Ran; 2] {
    let older = without_proxy(operator);
    let one_by_one = || {
        let mut command = operator.world.command(arguments);
        command.env("FACTORY_KUBECTL", &older);
        Ran::from(command.output().unwrap())
    };
    [operator.run(arguments), one_by_one()]
}

#[rstest]
#[case::list(&["list"], "working")]
#[case::status(&["status", "works"], "working")]
#[case::status_of_one_that_is_old(&["status", "old"], "working")]
#[case::logs(&["logs", "works"], "the answer is 42\n")]
#[case::rehearsed_stop(&["stop", "works", "--dry-run"], "would be stopped")]
#[case::stop(&["stop", "works"], "is stopped")]
#[case::rehearsed_retry(&["retry", "done", "--dry-run"], "would begin again")]
#[case::rehearsed_clean(&["clean", "--dry-run"], "1 polecat would be deleted")]
#[case::clean(&["clean", "--yes"], "deleted done\n")]
fn each_command_is_one_kubectl(#[case] arguments: &[&str], #[case] said: &str) {
    let operator = operator_of(three());
    let notes = note_kubectl(&operator);
    let stdout = operator.run(&[&["polecat"], arguments].concat()).expect(0).stdout;
    assert!(stdout.contains(said), "{stdout}");
    assert_eq!(verbs(&notes), ["proxy"]);
    let rehearsed = arguments.contains(&"--dry-run");
    let works = operator.cluster.object("polecats", TOWN, "works").unwrap();
    assert_eq!(works["spec"]["desiredState"] == "Working", rehearsed || arguments[0] != "stop");
    assert_eq!(operator.cluster.object("polecats", TOWN, "done").is_some(), rehearsed || arguments[0] != "clean");
    eventually("the last process to go", || traces::running(&operator.world).is_empty().then_some(()));
}

#[test]
fn a_retry_is_one_kubectl_from_its_beginning_to_its_end() {
    let operator = operator_of(three());
    let notes = note_kubectl(&operator);
    operated(&operator.cluster, "done", || operator.run(&["polecat", "retry", "done"]).expect(0));
    assert_eq!(verbs(&notes), ["proxy"]);
    assert_eq!(operator.cluster.object("polecats", TOWN, "done").unwrap()["spec"]["desiredState"], "Working");
}

#[test]
fn a_shell_is_found_by_the_kubectl_that_may_ask_on_its_terminal() {
    let operator = operator_of(three());
    let notes = note_kubectl(&operator);
    let screen = operator.world.screen();
    screen.enter(&format!("{} polecat shell works; echo ended $?", support::BIN));
    screen.wait_until("its prompt", |text| text.lines().skip(1).any(|line| line.trim_end().ends_with(['#', '$'])));
    screen.enter("exit 0");
    screen.wait("ended 0");
    assert!(!verbs(&notes).contains(&"proxy".to_owned()), "{:?}", verbs(&notes));
}

#[derive(Debug, Clone, Copy)]
enum Wrong {
    Forbidden(&'static str, &'static str),
    Unavailable(&'static str),
    Broken(&'static str, Farewell),
    Dead,
}

/// What is wrong with the cluster is told in the same words, with the same exit status.
#[rstest]
#[case::no_list(Wrong::Forbidden("list", "polecats"), 3, &["list"])]
#[case::no_pods(Wrong::Forbidden("list", "pods"), 0, &["list"])]
#[case::no_pods_to_look_at(Wrong::Forbidden("list", "pods"), 3, &["status", "works"])]
#[case::no_patch(Wrong::Forbidden("patch", "polecats"), 3, &["stop", "works"])]
#[case::no_patch_to_begin_with(Wrong::Forbidden("patch", "polecats"), 3, &["retry", "done"])]
#[case::no_delete(Wrong::Forbidden("delete", "polecats"), 3, &["clean", "--yes"])]
#[case::no_rehearsal(Wrong::Forbidden("delete", "polecats"), 3, &["clean", "--dry-run"])]
#[case::no_log(Wrong::Forbidden("get", "pods/log"), 3, &["logs", "works"])]
#[case::no_log_of_one_that_is_old(Wrong::Forbidden("get", "pods/log"), 3, &["retry", "old"])]
#[case::such_a_container(Wrong::Unavailable("nothing"), 4, &["logs", "works", "--container", "nobody"])]
#[case::no_former_container(Wrong::Unavailable("nothing"), 4, &["logs", "nobody"])]
#[case::list_for_a_moment(Wrong::Unavailable("polecats"), 3, &["list"])]
#[case::log_for_a_moment(Wrong::Unavailable("pods/log"), 3, &["logs", "works"])]
#[case::log_that_is_cut(Wrong::Broken("pods/log", Farewell::HangUp), 3, &["logs", "works"])]
#[case::dead(Wrong::Dead, 3, &["list"])]
#[case::dead_before_a_change(Wrong::Dead, 3, &["stop", "works"])]
fn what_is_wrong_is_told_the_same(#[case] wrong: Wrong, #[case] code: i32, #[case] arguments: &[&str]) {
    let operator = operator_of(three());
    note_kubectl(&operator);
    match wrong {
        Wrong::Forbidden(verb, kind) => operator.cluster.forbid(verb, kind),
        Wrong::Unavailable(kind) => {
            operator.cluster.when(requests_for(kind)).then(Fault::Status(503));
        }
        Wrong::Broken(kind, farewell) => {
            operator.cluster.when(requests_for(kind)).then(Fault::cut_after_bytes(5).saying(farewell));
        }
        Wrong::Dead => operator.cluster.refuse_connections(),
    }
    let [together, one_by_one] = both(&operator, &[&["polecat"], arguments].concat());
    assert_eq!((together.code, &together.stdout, &together.stderr), (one_by_one.code, &one_by_one.stdout, &one_by_one.stderr));
    assert_eq!(together.code, code, "{}", together.stderr);
}

#[test]
fn a_cluster_without_gas_town_is_told_the_same() {
    let cluster = Cluster::start();
    cluster.namespace(TOWN);
    let operator = operator_of(cluster);
    note_kubectl(&operator);
    let [together, one_by_one] = both(&operator, &["polecat", "list"]);
    assert!(together.stderr.contains("this cluster knows no polecats"), "{}", together.stderr);
    assert_eq!((together.code, together.stderr), (one_by_one.code, one_by_one.stderr));
}

/// It may have been heard, and is not sent again.
#[rstest]
#[case::stop("patch", 1, &["stop", "works"])]
#[case::clean("delete", 2, &["clean", "--yes"])]
fn a_change_whose_answer_is_lost_is_sent_once(#[case] verb: &str, #[case] lists: u32, #[case] arguments: &[&str]) {
    let operator = operator_of(three());
    operator.cluster.when(requests_for("polecats").passing(lists)).then(Fault::cut_after_bytes(0));
    let (ran, calls) = operator.watched(&[&["polecat"], arguments].concat());
    assert_eq!((ran.code, calls.iter().filter(|call| call.verb == verb).count()), (3, 1), "{}", ran.stderr);
}

/// Who logs in goes first, by a kubectl that is looked at.
#[test]
fn with_a_login_plugin_what_is_looked_at_goes_first() {
    let mut operator = Operator::of(three());
    let plugin = LoginPlugin::of(&mut operator, "browser", "IfAvailable");
    let operator = operator.discovers(&["gastown: {}"]);
    plugin.is_logged_in();
    let notes = note_kubectl(&operator);
    operated(&operator.cluster, "done", || operator.run(&["polecat", "retry", "done", "--timeout=60s"]).expect(0));
    assert_eq!(verbs(&notes), words("get proxy"));
}

/// As where `list` has found that there can be no gateway, within a day.
#[test]
fn where_there_is_no_gateway_each_goes_by_itself() {
    let operator = operator_of(three());
    let notes = note_kubectl(&operator);
    let name = format!("{} {} ", operator.world.path("bin/kubectl").display(), operator.cluster.kubeconfig().display());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let state = operator.world.path("state/factory-worker");
    DirBuilder::new().recursive(true).mode(0o700).create(&state).unwrap();
    fs::write(state.join("gateways.json"), json!({ name: { "since": now, "why": "it was" } }).to_string()).unwrap();
    operator.run(&["polecat", "stop", "works"]).expect(0);
    assert_eq!(verbs(&notes), words("get patch"));
}

/// While somebody thinks about it, its kubectl may end; what it has not heard is told another one.
#[test]
fn a_gateway_that_has_gone_meanwhile_is_no_end() {
    let operator = operator_of(three());
    let notes = note_kubectl(&operator);
    let screen = operator.world.screen();
    screen.enter(&format!("{} polecat clean; echo ended $?", support::BIN));
    screen.wait("Delete 1 polecat? [y/N]");
    let is_proxy = |(_, words): &(i32, String)| words.contains(" proxy ") && !words.starts_with("sh ");
    let proxies: Vec<_> = traces::running(&operator.world).into_iter().filter(is_proxy).collect();
    assert_eq!(proxies.len(), 1, "{proxies:?}");
    kill(Pid::from_raw(proxies[0].0), Signal::SIGKILL).unwrap();
    eventually("it to be gone", || (!traces::running(&operator.world).iter().any(is_proxy)).then_some(()));
    screen.keys(&["y"]);
    screen.wait("ended 0");
    assert!(operator.cluster.object("polecats", TOWN, "done").is_none());
    assert_eq!(verbs(&notes), words("delete get proxy"));
}
