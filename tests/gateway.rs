//! Several workers of one cluster, asked through one kubectl: what that costs, what it proves, and when it is left alone.

#[path = "support/kubectls.rs"]
mod kubectls;
#[path = "support/liar.rs"]
mod liar;
#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/proxy.rs"]
mod proxy;
#[path = "support/raw.rs"]
mod raw;
mod support;
#[path = "support/town.rs"]
mod town;
#[path = "support/traces.rs"]
mod traces;

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use kubectls::{note_kubectl, verbs, without_proxy, words};
use kubesim::{Cluster, Fault, Kubeconfig, Running, Stage, execs, requests_for};
use liar::{ATTACKS, Liar};
use login_plugin::{LoginPlugin, end, start};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::{Operator, resolutions};
use proxy::Proxy;
use raw::peak_memory;
use rstest::rstest;
use serde_json::{Value, json};
use support::{Ran, eventually};

/// So many pods, each a worker with the session `qa`.
fn factory(workers: usize) -> (Operator, Vec<Running>) {
    let cluster = Cluster::start();
    let running =
        (0..workers).map(|number| cluster.pod(&format!("w{number}")).session("qa", "echo I am qa; exec cat").start()).collect();
    let operator = Operator::of(cluster);
    let add = |operator: Operator, number: usize| operator.worker(&format!("w{number}"), &format!("pod/w{number}"), "");
    ((0..workers).fold(operator, add), running)
}

#[test]
fn several_workers_cost_one_kubectl_and_one_exec_each() {
    let (operator, _workers) = factory(5);
    let notes = note_kubectl(&operator);
    let (ran, calls) = operator.watched(&["list"]);
    let stdout = ran.expect(0).stdout;
    assert_eq!(stdout.matches("qa (").count(), 5, "{stdout}");
    assert_eq!(verbs(&notes), ["proxy"]);
    assert_eq!((calls.len(), calls.execs().len(), resolutions(&calls)), (5, 5, 0));
}

/// What it is known to be no use for, for a day.
fn kept(operator: &Operator) -> Value {
    let file = operator.world.path("state/factory-worker/gateways.json");
    fs::read(file).map_or(Value::Null, |text| serde_json::from_slice(&text).unwrap())
}

fn statuses(operator: &Operator, arguments: &[&str]) -> Vec<String> {
    let ran = operator.run(&[&["list", "--json", "--timeout=60s"], arguments].concat()).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    answer["workers"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn one_worker_costs_no_gateway() {
    let (operator, _workers) = factory(2);
    let notes = note_kubectl(&operator);
    assert_eq!(statuses(&operator, &["w1"]), ["running"]);
    assert_eq!(verbs(&notes), ["exec"]);
}

#[test]
fn workers_whose_pods_are_not_known_and_of_several_namespaces_go_through_it_too() {
    let cluster = Cluster::start();
    let _workers = ["here", "there"].map(|name| cluster.deployment(name).in_namespace(name).session("qa", "cat").start());
    let operator = Operator::of(cluster).worker("a", "here", "namespace: here").worker("b", "there", "namespace: there");
    let notes = note_kubectl(&operator);
    let (ran, calls) = operator.watched(&["list"]);
    assert_eq!(ran.expect(0).stdout.matches("qa (").count(), 2);
    assert_eq!((verbs(&notes), calls.execs().len(), resolutions(&calls)), (words("proxy"), 2, 2));
}

/// Also where they are found by their labels, by another system's resources, or by the Deployment or StatefulSet that they are of.
#[test]
fn looking_for_workers_and_asking_them_is_one_kubectl() {
    let cluster = town::town();
    let deployments = ["one", "two"].map(|name| cluster.deployment(name).session("qa", "cat").start());
    let _set = cluster.stateful_set("set").session("qa", "cat").start();
    let _fleet = cluster.deployment("fleet").replicas(3).session("qa", "cat").start();
    town::agent(&cluster, "mayor", "mayor", "/city");
    town::polecat(&cluster, "furiosa");
    drop(deployments);
    let operator = Operator::of(cluster).worker("one", "one", "").worker("two", "deployment/two", "").worker("set", "set", "");
    let operator = operator.discovers(&["pods: {selector: app=fleet}", "gascity: {}", "gastown: {}"]);
    let notes = note_kubectl(&operator);
    let (ran, calls) = operator.watched(&["list"]);
    let stdout = ran.expect(0).stdout;
    assert_eq!(
        (stdout.matches("qa (").count(), stdout.matches("main (").count(), stdout.matches("working").count()),
        (6, 1, 2),
        "{stdout}"
    );
    assert_eq!((verbs(&notes), calls.execs().len(), resolutions(&calls)), (words("proxy"), 7, 4));
}

/// Also which containers their pods have, and what those are asked where the one that is taken has no session.
#[test]
fn looking_into_other_containers_is_the_same_kubectl() {
    let cluster = Cluster::start();
    let _pods = ["one", "two"].map(|name| cluster.pod(name).container("agent").session("qa", "cat").start());
    let operator = Operator::of(cluster).worker("one", "pod/one", "").worker("two", "pod/two", "");
    let notes = note_kubectl(&operator);
    let rows = operator.rows();
    assert!(rows.iter().all(|row| row["reason"].as_str().unwrap().contains("agent has qa")), "{rows:?}");
    assert_eq!(verbs(&notes), ["proxy"]);
}

#[derive(Debug, Clone, Copy)]
enum Unlisted {
    Nothing,
    Forbidden(&'static [&'static str]),
    Unavailable(&'static str),
}

/// What may not be listed, and what is not there, is told as it is where each question is a kubectl.
#[rstest]
#[case::all_of_it(Unlisted::Nothing, "proxy")]
#[case::no_deployments(Unlisted::Forbidden(&["deployments"]), "proxy")]
#[case::no_pods(Unlisted::Forbidden(&["pods"]), "proxy")]
#[case::neither(Unlisted::Forbidden(&["deployments", "statefulsets", "pods"]), "proxy")]
#[case::none_for_a_moment(Unlisted::Unavailable("deployments"), "get proxy")]
fn what_keeps_a_pod_from_being_found_is_told_the_same(#[case] unlisted: Unlisted, #[case] kubectls: &str) {
    let cluster = Cluster::start();
    let _workers = ["one", "two"].map(|name| cluster.deployment(name).session("qa", "cat").start());
    let mut operator = Operator::of(cluster).worker("one", "one", "").worker("two", "deploy/two", "").worker("no", "nobody", "");
    match unlisted {
        Unlisted::Nothing => {}
        Unlisted::Forbidden(kinds) => kinds.iter().for_each(|kind| operator.cluster.forbid("list", kind)),
        Unlisted::Unavailable(kind) => {
            operator.cluster.when(requests_for(kind)).then(Fault::Status(503));
        }
    }
    let notes = note_kubectl(&operator);
    let together = operator.rows();
    assert_eq!(verbs(&notes), words(kubectls));
    let older = without_proxy(&operator);
    operator.world = operator.world.env("FACTORY_KUBECTL", older.to_str().unwrap());
    fs::remove_dir_all(operator.world.path("state")).unwrap();
    assert_eq!(timeless(together), timeless(operator.rows()));
}

#[test]
fn a_cluster_without_websockets_is_left_to_kubectl_exec_for_a_day() {
    let (operator, _workers) = factory(3);
    let rule = operator.cluster.when(execs().once()).then(Fault::NoWebsocket);
    assert_eq!(statuses(&operator, &["--parallel=1"]), ["running"; 3]);
    rule.lift();
    let kept = kept(&operator);
    let (_, found) = kept.as_object().unwrap().iter().next().unwrap();
    assert!(found["why"].as_str().unwrap().contains("no websocket for an exec (400) Upgrade request required"), "{kept}");
    // Named by its kubectl: another one may do better.
    let notes = note_kubectl(&operator);
    let file = operator.world.path("state/factory-worker/gateways.json");
    let name = format!("{} {} ", operator.world.path("bin/kubectl").display(), operator.cluster.kubeconfig().display());
    let known = |since: u64| fs::write(&file, json!({ name.as_str(): { "since": since, "why": "it was" } }).to_string()).unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    known(now);
    assert_eq!(statuses(&operator, &[]), ["running"; 3]);
    assert_eq!(verbs(&notes), ["exec"; 3]);
    fs::write(&notes, "").unwrap();
    known(now - 25 * 3600);
    assert_eq!(statuses(&operator, &[]), ["running"; 3]);
    assert_eq!(verbs(&notes), ["proxy"]);
}

#[test]
fn a_kubectl_that_knows_no_proxy_is_left_to_exec_for_a_day() {
    let (operator, _workers) = factory(3);
    let notes = note_kubectl(&operator);
    let older = without_proxy(&operator);
    let list = || {
        let mut list = operator.world.command(&["list"]);
        list.env("FACTORY_KUBECTL", &older);
        Ran::from(list.output().unwrap()).expect(0).stdout.matches("running").count()
    };
    assert_eq!((list(), verbs(&notes)), (3, words("exec exec exec")));
    assert!(kept(&operator).to_string().contains("unknown flag"), "{}", kept(&operator));
}

/// For kubectl's older protocol another right is needed (`create`, not `get`), so kubectl has the last word.
#[test]
fn who_may_not_is_told_so_by_kubectl_exec() {
    let (operator, _workers) = factory(3);
    operator.cluster.forbid("*", "pods/exec");
    assert_eq!(statuses(&operator, &[]), ["forbidden"; 3]);
    assert!(kept(&operator).to_string().contains("(403)"), "{}", kept(&operator));
}

#[rstest]
fn behind_a_proxy_each_goes_by_itself(#[values(false, true)] in_the_kubeconfig: bool) {
    let (mut operator, _workers) = factory(3);
    let proxy = Proxy::start();
    let login = operator.cluster.admin("ann");
    let server = operator.cluster.secure_url().replace("127.0.0.1", "api.invalid");
    let mut cluster = json!({ "server": server, "insecure-skip-tls-verify": true });
    let address = format!("http://{}", proxy.address);
    if in_the_kubeconfig {
        cluster["proxy-url"] = json!(address);
    } else {
        operator.world = operator.world.env("HTTPS_PROXY", &address);
    }
    let file = operator.cluster.directory().join("behind");
    Kubeconfig::new().entry("behind", cluster, json!({ "token": login.token })).write(&file);
    operator.world = operator.world.env("KUBECONFIG", file.to_str().unwrap());
    let notes = note_kubectl(&operator);
    let rows = operator.rows();
    assert_eq!(verbs(&notes), ["exec"; 3]);
    assert!(rows.iter().all(|row| row["status"] == "running"), "{rows:?}");
    assert!(proxy.tunnels() >= 3);
    let line = examined(&operator);
    assert!(line.contains("warn  gateway") && line.contains("HTTP or SOCKS proxy") && line.contains("NO_PROXY"), "{line}");
}

#[test]
fn a_dead_cluster_is_said_in_kubectls_words() {
    let (operator, _workers) = factory(3);
    operator.cluster.refuse_connections();
    let rows = operator.rows();
    let refused = format!("connection refused by {}", operator.cluster.address());
    assert!(rows.iter().all(|row| row["status"] == "unreachable" && row["reason"] == refused.as_str()), "{rows:?}");
}

#[test]
fn a_worker_that_never_answers_costs_the_others_nothing() {
    let (operator, _workers) = factory(12);
    for number in 0..9 {
        operator.cluster.when(execs().of(&format!("w{number}"))).then(Fault::Silence);
    }
    let ran = operator.run(&["list", "--json", "--timeout=8s"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let statuses: Vec<_> = answer["workers"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, [["unreachable"; 9].as_slice(), &["running"; 3]].concat());
}

/// Nothing of it reaches the terminal raw, and none of it takes more memory than it would by itself.
#[test]
fn what_a_hostile_pod_says_is_as_harmless() {
    let Liar { operator, pod } = Liar::new();
    let liar = Liar { operator: operator.worker("v", "pod/liar", "commands: {queue: factory queue}"), pod };
    let notes = note_kubectl(&liar.operator);
    for attack in ATTACKS {
        let session = [b"S $0 1 0 1 ", *attack, b"\n"].concat();
        liar.write("listing", session);
        liar.write("said", attack);
        liar.write("complained", attack);
        assert_eq!(liar.rows().len(), 2, "{}", attack.escape_ascii());
    }
    liar.has_session("qa");
    for (file, text) in [("said", "[]"), ("complained", "")] {
        liar.write(file, text);
    }
    for file in ["listing", "said", "complained"] {
        let before = fs::read(liar.pod.home().join(file)).unwrap();
        liar.write(file, vec![b'x'; 40 << 20]);
        let (ran, peak) = peak_memory(liar.operator.world.command(&["list"]));
        let incomplete = ran.expect(0).stdout.matches("incomplete").count();
        assert_eq!(incomplete, if file == "complained" { 0 } else { 2 }, "{file}");
        assert!(peak < 96 << 20, "{file}: {} MiB", peak >> 20);
        liar.write(file, before);
    }
    assert!(verbs(&notes).iter().all(|verb| verb == "proxy"), "{:?}", verbs(&notes));
}

/// Rows without when they were so.
fn timeless(mut rows: Vec<Value>) -> Vec<Value> {
    rows.iter_mut().for_each(|row| row["as_of"] = Value::Null);
    rows
}

/// As it is called when it is asked alone, by kubectl exec.
#[rstest]
fn a_stage_of_a_pod_is_called_the_same(
    #[values(Stage::Pending, Stage::ContainerCreating, Stage::CrashLoopBackOff, Stage::Completed, Stage::Failed)] stage: Stage,
) {
    let (operator, workers) = factory(3);
    workers[1].pod().becomes(stage);
    let alone = operator.run(&["list", "w1", "--json", "--timeout=60s"]).expect(0).stdout;
    let alone: Value = serde_json::from_str(&alone).unwrap();
    let rows = operator.rows();
    assert_eq!(timeless(vec![rows[1].clone()]), timeless(vec![alone["workers"][0].clone()]));
    assert_eq!([&rows[0]["status"], &rows[2]["status"]], ["running"; 2]);
    let others = kept(&operator);
    assert_eq!(others, Value::Null, "nothing is wrong with the way");
}

#[test]
fn a_pod_that_was_replaced_is_found_again() {
    let cluster = Cluster::start();
    let workers = ["one", "two", "three"].map(|name| cluster.deployment(name).session("qa", "cat").start());
    let operator = ["one", "two", "three"].iter().fold(Operator::of(cluster), |operator, name| operator.worker(name, name, ""));
    assert_eq!(statuses(&operator, &[]), ["running"; 3]);
    let olds = workers.each_ref().map(|worker| worker.pod());
    olds.iter().for_each(|old| old.delete());
    workers.iter().zip(&olds).for_each(|(worker, old)| drop(worker.wait_replaced(old)));
    let notes = note_kubectl(&operator);
    let (ran, calls) = operator.watched(&["list"]);
    assert_eq!(ran.expect(0).stdout.matches("running").count(), 3);
    assert_eq!((verbs(&notes), calls.execs().len(), resolutions(&calls)), (words("proxy"), 6, 1));
}

/// `list`, waiting for ever, once its gateway has asked.
fn waiting(operator: &Operator) -> Child {
    operator.cluster.when(execs()).then(Fault::Silence);
    let child =
        operator.world.command(&["list", "--timeout=600s"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("its execs", || (!operator.cluster.calls().execs().is_empty()).then_some(()));
    child
}

fn kubectl_proxy(operator: &Operator) -> (i32, String) {
    let proxies = |(_, words): &(i32, String)| words.contains(" proxy ") && !words.starts_with("sh ");
    traces::running(&operator.world).into_iter().find(proxies).unwrap()
}

#[test]
fn the_socket_takes_nothing_but_what_is_asked_through_it() {
    let (operator, _workers) = factory(2);
    let mut list = waiting(&operator);
    let (_, command) = kubectl_proxy(&operator);
    let socket = command.split(' ').find_map(|word| word.strip_prefix("--unix-socket=")).unwrap().to_owned();
    let ask = |line: &str| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        write!(stream, "{line} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().parse::<u16>().unwrap()
    };
    let pods = "/api/v1/namespaces/default/pods";
    assert_eq!(ask(&format!("GET {pods}")), 200);
    assert_eq!(ask(&format!("GET {pods}/w0")), 200);
    assert_eq!(ask("GET /apis/apps/v1/namespaces/default/deployments"), 200);
    for refused in [
        "GET /api/v1/namespaces/default/secrets",
        "GET /api/v1/namespaces/other/pods",
        "GET /api/v1/pods",
        "GET /api/v1/namespaces/default/pods/w0/attach",
        "GET /api/v1/namespaces/default/pods/w0/portforward",
        "GET /api/v1/namespaces/default/pods/w0/exec/more",
        "GET /version",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["POST", "PUT", "PATCH", "DELETE"].map(|method| format!("{method} {pods}/w0")))
    {
        assert_eq!(ask(&refused), 403, "{refused}");
    }
    let around = ask("GET /api/v1/namespaces/default/pods/../secrets");
    assert!(matches!(around, 301 | 307 | 403), "{around}");
    // Of another host's page in the operator's browser, were there a way to the socket.
    let mut stream = UnixStream::connect(&socket).unwrap();
    write!(stream, "GET {pods} HTTP/1.0\r\nHost: evil.example\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(" 403 "), "{answer}");
    kill(Pid::from_raw(list.id() as i32), Signal::SIGTERM).unwrap();
    list.wait().unwrap();
    assert_nothing_left(&operator);
}

fn assert_nothing_left(operator: &Operator) {
    eventually("the last process to go", || traces::running(&operator.world).is_empty().then_some(()));
    let sockets = operator.world.path("run/factory-worker");
    eventually("the last socket to go", || fs::read_dir(&sockets).map_or(0, Iterator::count).eq(&0).then_some(()));
}

#[rstest]
fn however_list_ends_nothing_of_it_is_left(
    #[values(Signal::SIGKILL, Signal::SIGTERM, Signal::SIGINT)] signal: Signal,
    #[values(false, true)] stands_still: bool,
) {
    let (operator, _workers) = factory(2);
    let mut list = waiting(&operator);
    if stands_still {
        kill(Pid::from_raw(kubectl_proxy(&operator).0), Signal::SIGSTOP).unwrap();
    }
    kill(Pid::from_raw(list.id() as i32), signal).unwrap();
    list.wait().unwrap();
    assert_nothing_left(&operator);
}

#[test]
fn a_gateway_that_dies_is_no_end() {
    let (operator, _workers) = factory(3);
    let list = waiting(&operator);
    operator.cluster.lift_all_faults();
    kill(Pid::from_raw(kubectl_proxy(&operator).0), Signal::SIGKILL).unwrap();
    let ran = Ran::from(list.wait_with_output().unwrap()).expect(0);
    // What was under way may have run, and is not run again.
    assert!(ran.stdout.contains("unreachable"), "{}", ran.stdout);
    assert_nothing_left(&operator);
    assert_eq!(statuses(&operator, &[]), ["running"; 3]);
}

/// Who logs in goes alone first, by a kubectl that is looked at; the others share one.
#[test]
fn with_a_login_plugin_the_first_goes_alone() {
    let (mut operator, _workers) = factory(6);
    let plugin = LoginPlugin::of(&mut operator, "browser", "IfAvailable");
    let notes = note_kubectl(&operator);
    let list = start(&operator, &["list", "--json", "--timeout=60s"]);
    eventually("somebody to log in", || (plugin.logins() == 1).then_some(()));
    assert_eq!(verbs(&notes), ["exec"]);
    plugin.grant();
    assert_eq!(end(list).expect(0).stdout.matches("\"running\"").count(), 6);
    assert_eq!((verbs(&notes), plugin.runs(), plugin.logins()), (words("exec proxy"), 2, 1));
}

/// Also where it has to be looked up which pods they are: nobody waits for who goes first within what that one does.
#[test]
fn with_a_login_plugin_who_goes_first_finds_the_pods() {
    let cluster = Cluster::start();
    let _workers = ["one", "two", "three"].map(|name| cluster.deployment(name).session("qa", "cat").start());
    let mut operator = Operator::of(cluster);
    let plugin = LoginPlugin::of(&mut operator, "browser", "IfAvailable");
    plugin.is_logged_in();
    let operator = ["one", "two", "three"].iter().fold(operator, |operator, name| operator.worker(name, name, ""));
    let notes = note_kubectl(&operator);
    assert_eq!(statuses(&operator, &[]), ["running"; 3]);
    assert_eq!(verbs(&notes), words("get proxy"));
}

/// The gateway's own kubectl runs the plugin, too, and what it got may be worth nothing by then.
#[test]
fn a_login_that_ends_under_way_is_said_as_kubectl_exec_says_it() {
    for (way, reason) in [("fail", "your session is over"), ("browser", "the login plugin had not finished")] {
        let (mut operator, _workers) = factory(6);
        let plugin = LoginPlugin::of(&mut operator, way, "IfAvailable");
        plugin.is_logged_in();
        // The first exec is kubectl's; when it is answered, what was kept is gone.
        let kubectl = which::which("kubectl").unwrap();
        let expiring = format!(
            "#!/bin/sh\ncase \" $* \" in *' proxy '*) rm -f '{}' ;; esac\nexec '{}' \"$@\"\n",
            plugin.place().join("kept").display(),
            kubectl.display()
        );
        operator.world.script("kubectl", &expiring);
        let ran = operator.run(&["list", "--json", "--timeout=5s"]).expect(0);
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        let rows = answer["workers"].as_array().unwrap();
        let others: Vec<_> = rows.iter().filter(|row| row["status"] != "running").collect();
        assert!(others.len() >= 4, "{answer}");
        assert!(others.iter().all(|row| row["status"] == "unauthorized"), "{answer}");
        assert!(others.iter().any(|row| row["reason"].as_str().unwrap().contains(reason)), "{answer}");
        assert_nothing_left(&operator);
    }
}

#[test]
fn a_plugin_that_insists_on_a_terminal_has_no_gateway() {
    let (mut operator, _workers) = factory(3);
    let plugin = LoginPlugin::of(&mut operator, "browser", "Always");
    plugin.is_logged_in();
    let notes = note_kubectl(&operator);
    operator.run(&["list"]).expect(0);
    assert!(!verbs(&notes).contains(&"proxy".to_owned()), "{:?}", verbs(&notes));
}

#[test]
fn nobody_asks_through_one_behind_tab() {
    let (operator, _workers) = factory(3);
    let notes = note_kubectl(&operator);
    operator.run(&["complete", "--index=2", "--", "factory-worker", "peek", ""]).expect(0);
    eventually("three execs", || (verbs(&notes) == ["exec"; 3]).then_some(()));
}

#[test]
fn verbose_says_what_goes_through() {
    let (operator, _workers) = factory(2);
    let said = operator.run(&["list", "-v"]).expect(0).stderr;
    assert!(said.contains(" proxy --append-server-path "), "{said}");
    assert_eq!(said.matches("+ GET /api/v1/namespaces/default/pods/w").count(), 2, "{said}");
}

/// The line of `doctor` about it.
fn examined(operator: &Operator) -> String {
    let said = operator.run(&["doctor", "--timeout=60s"]).stdout;
    said.lines().find(|line| line.contains("  gateway  ")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

#[test]
fn doctor_tries_it_and_says_what_helps() {
    let (operator, _workers) = factory(2);
    let good = examined(&operator);
    assert!(good.contains("ok    gateway") && good.contains("one kubectl for all workers"), "{good}");
    let rule = operator.cluster.when(execs()).then(Fault::NoWebsocket);
    let bad = examined(&operator);
    assert!(bad.contains("warn  gateway") && bad.contains("Upgrade request required") && bad.contains(" → "), "{bad}");
    assert!(kept(&operator).to_string().contains("Upgrade request required"));
    rule.lift();
    // What was found before is tried again, and forgotten when it works.
    assert!(examined(&operator).contains("ok    gateway"));
    assert_eq!(kept(&operator), json!({}));
    // A kubectl of 1.32 has an API server of 1.32 here.
    let said = operator.run(&["doctor", "--timeout=60s"]).stdout;
    let minor = operator.cluster.kubectl(&["version", "--output=json"]).stdout;
    let minor: Value = serde_json::from_str(&minor).unwrap();
    let ends = ["30", "31", "32"].contains(&minor["serverVersion"]["minor"].as_str().unwrap());
    assert_eq!(said.contains("kubernetes#128314"), ends, "{said}");
}

/// A token that is worth nothing any more while kubectl proxy has it kept: the plugin is run anew, and the exec sent again.
#[test]
fn a_token_that_expires_under_way_is_renewed() {
    let place = tempfile::tempdir().unwrap();
    let path = |name: &str| place.path().join(name);
    let token = path("token");
    let cluster = Cluster::start();
    // Each is under way until it may end.
    let waits = |name: &str| {
        let (reached, go) = (path(&format!("{name}-reached")), path(&format!("{name}-goes")));
        format!("#!/bin/sh\n: >'{}'\nwhile ! [ -e '{}' ]; do sleep 0.05; done\necho '[]'\n", reached.display(), go.display())
    };
    let _workers = ["w0", "w1", "w2"].map(|name| cluster.pod(name).session("qa", "cat").script("factory", &waits(name)).start());
    let (first, second) = (cluster.admin("ann"), cluster.admin("bob"));
    let mut operator = Operator::of(cluster);
    for name in ["w0", "w1", "w2"] {
        operator = operator.worker(name, &format!("pod/{name}"), "commands: {queue: factory queue}");
    }
    fs::write(&token, &first.token).unwrap();
    let plugin = r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"}}' "$(cat "$0")""#;
    let user = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", plugin, &token], "interactiveMode": "Never",
    }});
    let file = operator.cluster.directory().join("renewing");
    Kubeconfig::new().secure("renewing", &operator.cluster, user).write(&file);
    operator.world = operator.world.env("KUBECONFIG", file.to_str().unwrap());
    let notes = note_kubectl(&operator);
    let list = start(&operator, &["list", "--json", "--parallel=2", "--timeout=60s"]);
    // The first goes alone, by kubectl exec, and stays; the second has a gateway, and the third the same.
    eventually("two to be asked", || (path("w0-reached").exists() && path("w1-reached").exists()).then_some(()));
    operator.cluster.expire(&first);
    fs::write(&token, &second.token).unwrap();
    operator.cluster.forget_calls();
    for go in ["w1-goes", "w2-goes"] {
        fs::write(path(go), "").unwrap();
    }
    eventually("the third to be asked", || path("w2-reached").exists().then_some(()));
    fs::write(path("w0-goes"), "").unwrap();
    let listed = end(list).expect(0).stdout;
    assert_eq!(listed.matches("\"running\"").count(), 3, "{listed}");
    assert_eq!(verbs(&notes), words("exec proxy"));
    let execs = operator.cluster.calls().execs();
    let users: Vec<_> = execs.iter().map(|call| call.user.as_str()).collect();
    assert_eq!(users, ["", "bob"]);
}
