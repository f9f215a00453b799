//! Login plugins: one login at a time, none that nobody asked for, and none that reaches the operator's terminal unasked.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, Running};
use login_plugin::{LoginPlugin, end, start};
use operator::{FACTORY, Operator};
use pty::Pty;
use serde_json::Value;
use support::{BIN, eventually};

/// A deadline for what comes, however busy the machine is.
const LONG: &str = "--timeout=60s";

/// The worker `w` of an operator who logs in with a plugin.
fn factory(way: &str, mode: &str) -> (Operator, LoginPlugin, Running) {
    let cluster = Cluster::start();
    let worker =
        cluster.deployment("fleet").session("qa", "trap '' INT; echo I am qa; exec cat").script("factory", FACTORY).start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}");
    let plugin = LoginPlugin::of(&mut operator, way, mode);
    (operator, plugin, worker)
}

/// `count` workers `w0`, `w1` … of one namespace, beside `w`.
fn many(count: usize, way: &str) -> (Operator, LoginPlugin, Vec<Running>) {
    many_with(count, way, "")
}

/// The same, with more lines for each of them.
fn many_with(count: usize, way: &str, more: &str) -> (Operator, LoginPlugin, Vec<Running>) {
    let cluster = Cluster::start();
    let fleets: Vec<Running> =
        (0..count).map(|number| cluster.deployment(&format!("fleet{number}")).session("qa", "cat").start()).collect();
    let mut operator = Operator::of(cluster);
    for number in 0..count {
        operator = operator.worker(&format!("w{number}"), &format!("fleet{number}"), more);
    }
    let plugin = LoginPlugin::of(&mut operator, way, "Never");
    (operator, plugin, fleets)
}

fn statuses(stdout: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(stdout).unwrap();
    answer["workers"].as_array().unwrap().iter().map(|row| row["status"].as_str().unwrap().to_owned()).collect()
}

/// Once all of these have nothing better to do than to wait for their person.
fn wait_for_a_login(plugin: &LoginPlugin) {
    eventually("somebody to log in", || (plugin.logins() > 0).then_some(()));
}

#[test]
fn six_workers_cost_one_login_whether_their_pods_are_known_or_not() {
    let (operator, plugin, _fleets) = many(6, "browser");
    for known in [false, true] {
        plugin.expires();
        let before = plugin.logins();
        let list = start(&operator, &["list", "--json", LONG]);
        eventually("somebody to log in", || (plugin.logins() > before).then_some(()));
        plugin.grant();
        assert_eq!(statuses(&end(list).expect(0).stdout), ["running"; 6]);
        assert_eq!((plugin.logins() - before, plugin.at_the_same_time()), (1, 1), "known: {known}");
    }
}

#[test]
fn commands_that_wait_for_the_same_login_cost_no_other() {
    let (operator, plugin, _fleets) = many(3, "browser");
    let lists: Vec<Child> = (0..3).map(|_| start(&operator, &["list", "--json", LONG])).collect();
    wait_for_a_login(&plugin);
    let peek = start(&operator, &["peek", "w0/qa", LONG]);
    // Whoever comes later has no way to tell us that it waits.
    std::thread::sleep(Duration::from_millis(500));
    plugin.grant();
    for list in lists {
        assert_eq!(statuses(&end(list).expect(0).stdout), ["running"; 3]);
    }
    end(peek).expect(0);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn a_login_takes_nothing_from_the_time_that_another_worker_has() {
    let (operator, plugin, _fleets) = many_with(4, "browser", "commands: {queue: \"sh -c 'sleep 4; echo [[]]'\"}");
    plugin.is_logged_in();
    operator.run(&["list", LONG]).expect(0);
    plugin.expires();
    let before = plugin.logins();
    // Half of what a worker may take is what it does take, and more than half of it is the login.
    let list = start(&operator, &["list", "--json", "--timeout=8s"]);
    eventually("somebody to log in", || (plugin.logins() > before).then_some(()));
    std::thread::sleep(Duration::from_secs(6));
    plugin.grant();
    let others = statuses(&end(list).expect(0).stdout).into_iter().filter(|status| status == "running").count();
    assert!(others >= 3, "the one that logged in may be late: {others}");
}

#[test]
fn a_login_that_nobody_finishes_is_tried_once_and_said_of_every_worker() {
    let (operator, plugin, _fleets) = many(6, "browser");
    let ran = operator.run(&["list", "--json", "--timeout=2s", "--parallel=2"]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    for row in answer["workers"].as_array().unwrap() {
        assert!(["unauthorized", "unreachable"].contains(&row["status"].as_str().unwrap()), "{row}");
    }
    let first = answer["workers"].as_array().unwrap().iter().find(|row| row["status"] == "unauthorized").unwrap();
    let reason = first["reason"].as_str().unwrap();
    assert!(reason.contains("the login plugin had not finished") && reason.contains("login.example.com"), "{reason}");
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn a_login_that_fails_is_tried_once_for_all_who_wait() {
    let (operator, plugin, _fleets) = many(6, "fail");
    let ran = operator.run(&["list", "--json", LONG]).expect(0);
    assert_eq!(statuses(&ran.stdout), ["unauthorized"; 6]);
    assert!(ran.stdout.contains("your session is over"), "{}", ran.stdout);
    assert_eq!(plugin.logins(), 1);
    // Another command is another question.
    operator.run(&["list", LONG]).expect(0);
    assert_eq!(plugin.logins(), 2);
}

#[test]
fn a_lock_that_cannot_be_had_is_no_lock() {
    let (mut operator, plugin, _fleets) = many(3, "browser");
    plugin.is_logged_in();
    let nowhere = operator.world.path("nowhere");
    fs::write(&nowhere, "no directory").unwrap();
    operator.world = operator.world.env("XDG_STATE_HOME", nowhere.to_str().unwrap());
    assert_eq!(statuses(&operator.run(&["list", "--json", LONG]).expect(0).stdout), ["running"; 3]);
    // One that is held by nobody who could give it back.
    let (operator, plugin, _fleets) = many(1, "browser");
    plugin.is_logged_in();
    operator.run(&["list", LONG]).expect(0);
    for file in fs::read_dir(operator.world.path("state/factory-worker")).unwrap().flatten() {
        if file.path().extension().is_some_and(|extension| extension == "turn") {
            fs::remove_file(file.path()).unwrap();
            fs::create_dir(file.path()).unwrap();
        }
    }
    assert_eq!(statuses(&operator.run(&["list", "--json", LONG]).expect(0).stdout), ["running"]);
}

#[test]
fn who_dies_while_logging_in_leaves_the_turn_to_the_next() {
    let (operator, plugin, _fleets) = many(1, "browser");
    let mut killed = start(&operator, &["peek", "w0/qa", LONG]);
    wait_for_a_login(&plugin);
    let list = start(&operator, &["list", "--json", LONG]);
    killed.kill().unwrap();
    killed.wait().unwrap();
    plugin.grant();
    assert_eq!(statuses(&end(list).expect(0).stdout), ["running"]);
}

#[test]
fn a_node_that_froze_keeps_nobody_from_the_other_workers() {
    let (operator, plugin, _fleets) = many(3, "browser");
    plugin.is_logged_in();
    operator.run(&["list", LONG]).expect(0);
    operator.cluster.when(kubesim::execs().of("fleet0")).then(Fault::Silence);
    // It is asked first, as it stands first.
    let ran = operator.run(&["list", "--json", "--timeout=6s", "--parallel=1"]).expect(0);
    assert_eq!(statuses(&ran.stdout), ["unreachable", "running", "running"]);
    let began = Instant::now();
    let list = start(&operator, &["list", "w0", "--timeout=120s"]);
    eventually("the frozen one to be asked", || {
        let execs = operator.cluster.calls().execs();
        (execs.matching(&kubesim::execs().of("fleet0")).len() > 1).then_some(())
    });
    operator.run(&["list", "w1", LONG]).expect(0);
    assert!(began.elapsed() < Duration::from_secs(100), "it waited for the frozen one");
    let mut list = list;
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(list.id() as i32), nix::sys::signal::Signal::SIGTERM).unwrap();
    list.wait().unwrap();
}

#[test]
fn completion_starts_no_login() {
    let (operator, plugin, _fleets) = many(3, "browser");
    for _ in 0..3 {
        operator.run(&["complete", "--index=2", "--", "factory-worker", "peek", ""]).expect(0);
    }
    // What is asked behind the back of whoever pressed TAB has had its time.
    operator.run(&["complete", "--refresh"]).expect(0);
    assert_eq!(plugin.runs(), 0);
    // Once somebody was answered, an old answer is renewed as for everybody else.
    plugin.is_logged_in();
    operator.run(&["peek", "w0/qa", LONG]).expect(0);
    operator.run(&["complete", "--refresh"]).expect(0);
    let known = operator.run(&["complete", "--index=2", "--", "factory-worker", "peek", "w1"]).expect(0).stdout;
    assert_eq!(known, "w1/qa\n");
}

/// A shell on a terminal: it runs commands, and says how each of them has left the terminal.
fn shell(operator: &Operator, arguments: &str) -> Pty {
    let script = format!("trap : INT; stty -a >before; {BIN} {arguments}; echo \"left with $?\"; stty -a >after");
    let mut shell = operator.world.program("sh");
    shell.args(["-c", &script]);
    Pty::run(shell)
}

fn assert_left_as_it_was(operator: &Operator) {
    let read = |when: &str| fs::read_to_string(operator.world.home().join(when)).ok().filter(|text| !text.is_empty());
    let after = eventually("the terminal's modes", || read("after"));
    assert_eq!(read("before"), Some(after));
}

/// Answer what the plugin asks once more, behind this mark.
fn log_in(terminal: &mut Pty, mark: usize) -> usize {
    let asked = terminal.wait_behind(mark, b"Name: ");
    terminal.type_bytes(b"ann\r");
    let asked = terminal.wait_behind(asked, b"Password: ");
    terminal.type_bytes(b"sesame\r");
    asked
}

#[test]
fn a_plugin_that_insists_on_a_terminal_is_answered_on_one() {
    let (operator, plugin, worker) = factory("ask", "Always");
    let mut terminal = shell(&operator, "list");
    let answered = log_in(&mut terminal, 0);
    terminal.wait_behind(answered, b"running");
    terminal.wait("left with 0");
    assert_left_as_it_was(&operator);
    let said = String::from_utf8_lossy(&terminal.written()).into_owned();
    assert!(said.contains("ann") && !said.contains("sesame"), "{said:?}");
    assert_eq!(plugin.logins(), 1);
    // What it has kept will do, also for what goes over standard input.
    let before = plugin.runs();
    let terminal = shell(&operator, "nudge w/qa 'a prompt'");
    terminal.wait("left with ");
    eventually("the prompt to arrive", || worker.pod().pane("qa").contains("a prompt").then_some(()));
    assert!(plugin.runs() > before && plugin.logins() == 1);
}

#[test]
fn a_plugin_that_keeps_nothing_is_answered_each_time_one_after_the_other() {
    let (operator, plugin, worker) = factory("ask", "Always");
    plugin.keeps_nothing();
    // A look-up, and the text, which goes over standard input: nothing of it is taken for an answer.
    let mut terminal = shell(&operator, "nudge w/qa 'ann sesame'");
    let answered = log_in(&mut terminal, 0);
    // Longer than a worker may take.
    std::thread::sleep(Duration::from_secs(11));
    log_in(&mut terminal, answered);
    terminal.wait("left with ");
    eventually("the prompt to arrive", || worker.pod().pane("qa").contains("ann sesame").then_some(()));
    assert_left_as_it_was(&operator);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (2, 1));
}

#[test]
fn ctrl_c_leaves_whoever_is_asked_and_the_terminal_as_it_was() {
    let (operator, plugin, _worker) = factory("ask", "Always");
    let mut terminal = shell(&operator, "list");
    let asked = terminal.wait("Name: ");
    terminal.type_bytes(b"ann\r");
    terminal.wait_behind(asked, b"Password: ");
    terminal.type_bytes(b"\x03");
    terminal.wait("left with 130");
    assert_left_as_it_was(&operator);
    eventually("nobody to be left", || traces::running(&operator.world).is_empty().then_some(()));
    assert_eq!(plugin.logins(), 1);
}

#[test]
fn without_a_terminal_it_is_said_why_there_is_no_login() {
    let (operator, plugin, _worker) = factory("ask", "Always");
    let ran = operator.run(&["list", "--json", LONG]).expect(0);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(answer["workers"][0]["status"], "unauthorized");
    assert!(answer["workers"][0]["reason"].as_str().unwrap().contains("interactiveMode: Always"), "{answer}");
    let ran = operator.run(&["peek", "w/qa", LONG]).expect(3);
    assert!(ran.stderr.contains("interactiveMode: Always") && ran.stderr.contains("IfAvailable"), "{}", ran.stderr);
    assert_eq!(plugin.runs(), 0);
}
