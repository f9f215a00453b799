//! Entries of `workers.yaml` that cannot be used: each costs itself alone, and is told of where workers are shown.

mod support;

use std::fs;
use std::process::Stdio;

use rstest::rstest;
use serde_json::{Value, json};
use support::{BIN, World, eventually};

/// Two that work, and between and behind them one with an unknown key, one that is no mapping, and a name that is there already.
fn world() -> World {
    let world = World::new()
        .worker("first")
        .entry("  - {name: bad, local: x, contxt: y}\n  - just text\n")
        .worker("last")
        .entry("  - {name: first, local: z}\n");
    world.session("first", "s", "exec cat");
    world
}

/// What stands in front of every fault, and a line of `config check` for each.
fn faults(world: &World) -> [String; 3] {
    let path = world.registry_path();
    [
        format!("worker bad is invalid: {}:5:27: unknown key \"contxt\" in a worker; did you mean \"context\"?", path.display()),
        format!("worker workers#3 is invalid: {}:6:5: a worker is a mapping with the keys name, pod, local", path.display()),
        format!("worker first is invalid: {}:10:12: \"name\": there is a worker \"first\" already, in line 2", path.display()),
    ]
}

#[test]
fn config_check_fails_and_names_each() {
    let world = world();
    let ran = world.run(&["config", "check"]).expect(1);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.stderr);
    for (line, fault) in lines.iter().zip(faults(&world)) {
        assert!(line.starts_with(&format!("factory-worker: {fault}")), "{line}\n{fault}");
    }
    assert!(ran.stdout.starts_with("3 entries of ") && ran.stdout.ends_with("the rest is right: 2 workers\n"), "{}", ran.stdout);
}

#[test]
fn list_has_a_row_for_each_in_the_files_order_with_the_reason() {
    let world = world();
    let ran = world.run(&["list"]).expect(0);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let begins: Vec<_> = rows.iter().map(|row| (row[0], row[2])).collect();
    let [running, invalid] = ["running", "invalid"];
    let expected = [("first", running), ("bad", invalid), ("workers#3", invalid), ("last", running), ("first", invalid)];
    assert_eq!(begins, expected, "{}", ran.stdout);
    assert!(ran.stdout.contains(":5:27: unknown key \"contxt\" in a worker"), "{}", ran.stdout);
    // The rows say it.
    assert_eq!(ran.stderr, "");
    let wide = world.run(&["list", "--wide"]).expect(0).stdout;
    assert!(wide.lines().any(|line| line.split_whitespace().take(6).eq(["bad", "-", "-", "-", "-", "invalid"])), "{wide}");

    let ran = world.run(&["list", "--json"]).expect(0);
    let listed: Value = serde_json::from_str(&ran.stdout).unwrap();
    let row = &listed["workers"][1];
    assert_eq!((&row["name"], &row["status"]), (&json!("bad"), &json!("invalid")));
    for absent in ["kind", "pod", "container", "context", "namespace", "facts", "sessions", "queue"] {
        assert_eq!(row[absent], Value::Null, "{absent}");
    }
    assert!(row["reason"].as_str().is_some_and(|reason| reason.contains(":5:27: unknown key \"contxt\"")), "{row}");
}

#[test]
fn list_of_some_has_their_rows_and_says_that_there_are_others() {
    let world = world();
    let ran = world.run(&["list", "last"]).expect(0);
    assert!(ran.stdout.lines().count() == 2 && ran.stderr.lines().count() == 1, "{}{}", ran.stdout, ran.stderr);
    let ran = world.run(&["list", "bad"]).expect(0);
    assert!(ran.stdout.lines().nth(1).unwrap().starts_with("bad"), "{}", ran.stdout);
    // Both that are called so.
    assert_eq!(world.run(&["list", "first"]).expect(0).stdout.lines().count(), 3);
}

#[rstest]
#[case(&["status", "bad"])]
#[case(&["peek", "bad/s"])]
#[case(&["attach", "bad/s"])]
#[case(&["nudge", "bad/s", "hello"])]
#[case(&["interrupt", "bad/s"])]
#[case(&["dispatch", "bad", "--project", "p", "--issue", "1"])]
#[case(&["doctor", "bad"])]
#[case(&["worker", "restart", "bad"])]
#[case(&["worker", "logs", "bad"])]
#[case(&["worker", "add", "bad", "--image", "x"])]
fn a_command_about_one_is_wrong_and_says_why_once(#[case] arguments: &[&str]) {
    let ran = world().run(arguments).expect(2);
    let told = ran.stderr.matches(":5:27: unknown key \"contxt\" in a worker").count();
    assert!(told == 1 && ran.stderr.matches("invalid").count() == 1, "{}", ran.stderr);
}

#[rstest]
#[case(&["status", "first"])]
#[case(&["peek", "first/s"])]
#[case(&["config", "show"])]
#[case(&["dispatch", "first", "--project", "p", "--issue", "1", "--dry-run"])]
#[case(&["nudge", "first/nosuch", "hello"])]
#[case(&["worker", "remove", "nosuch", "--dry-run"])]
fn other_commands_say_once_that_there_are_some(#[case] arguments: &[&str]) {
    let world = world();
    let ran = world.run(arguments);
    let told = format!("factory-worker: 3 entries of {} are invalid, the first in line 5: ", world.registry_path().display());
    assert_eq!(ran.stderr.matches(&told).count(), 1, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("invalid").count(), 1, "{}", ran.stderr);
}

#[test]
fn of_one_it_is_said_what_is_wrong() {
    let world = World::new().worker("first").entry("  - {name: bad}\n");
    world.session("first", "s", "exec cat");
    let path = world.registry_path();
    let ran = world.run(&["peek", "first/s"]).expect(0);
    let told = format!("worker bad is invalid: {}:5:5: worker \"bad\" has neither \"pod\" nor \"local\"", path.display());
    assert!(ran.stderr.starts_with(&format!("factory-worker: {told}")) && ran.stderr.lines().count() == 1, "{}", ran.stderr);
}

#[test]
fn doctor_finds_each() {
    let world = world();
    let ran = world.run(&["doctor", "--json"]).expect(1);
    let checks: Value = serde_json::from_str(&ran.stdout).unwrap();
    let failed = |name: &str| {
        let mut checks = checks["checks"].as_array().unwrap().iter();
        checks.any(|check| check["check"] == name && check["verdict"] == "fail" && check["remedy"].is_string())
    };
    assert!(["worker bad", "worker workers#3", "worker first"].into_iter().all(failed), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn a_source_that_is_wrong_costs_itself_alone() {
    let world = World::new().worker("own");
    let mut registry = fs::read_to_string(world.registry_path()).unwrap();
    registry += "discover:\n  - podz: {}\n  - gastown: {context: nosuch}\n  - pods: {}\n";
    fs::write(world.registry_path(), registry).unwrap();
    let kubectl = world.script("kubectl", "#!/bin/sh\necho 'error: context \"nosuch\" does not exist' >&2\nexit 1\n");
    let world = world.env("FACTORY_KUBECTL", kubectl.to_str().unwrap());
    let ran = world.run(&["list"]).expect(0);
    let rows: Vec<Vec<&str>> = ran.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    let begins: Vec<_> = rows.iter().map(|row| (row[0], row[2])).collect();
    let expected =
        [("own", "running"), ("discover#1", "invalid"), ("discover:gastown", "unreachable"), ("discover#3", "invalid")];
    assert_eq!(begins, expected, "{}", ran.stdout);
    let ran = world.run(&["config", "check"]).expect(1);
    assert!(
        ran.stderr.contains("source discover#3 is invalid: ") && ran.stderr.contains("has no \"selector\""),
        "{}",
        ran.stderr
    );
}

#[test]
fn one_can_be_removed_and_others_stay_as_they_are() {
    let world = world();
    let before = fs::read_to_string(world.registry_path()).unwrap();
    let ran = world.run(&["worker", "remove", "bad", "--dry-run"]).expect(0);
    assert!(ran.stdout.starts_with("bad would be taken out of "), "{}", ran.stdout);
    assert_eq!(fs::read_to_string(world.registry_path()).unwrap(), before);

    let ran = world.run(&["worker", "remove", "bad"]).expect(0);
    assert!(ran.stdout.starts_with("bad is taken out of ") && ran.stdout.contains("--context CONTEXT"), "{}", ran.stdout);
    let after = fs::read_to_string(world.registry_path()).unwrap();
    assert_eq!(after, before.replace("  - {name: bad, local: x, contxt: y}\n", ""));
}

#[test]
fn completion_offers_what_can_be_used_and_for_removal_all_that_have_a_name() {
    let world = world();
    let offered = |words: &[&str]| {
        let index = (words.len() - 1).to_string();
        let ran = world.run(&[&["complete", "--index", &index, "--"], words].concat()).expect(0);
        assert_eq!(ran.stderr, "");
        ran.stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(offered(&["factory-worker", "status", ""]), ["first", "last"]);
    assert_eq!(offered(&["factory-worker", "worker", "remove", ""]), ["first", "last", "bad"]);
}

#[test]
fn the_picker_has_a_row_for_each_that_nothing_can_be_done_with() {
    let world = world();
    let screen = world.screen();
    screen.resize(120, 40);
    screen.prefix("W");
    screen.wait_all(&["1 session on 2 workers, 3 invalid", "first/s", "bad ", "workers#3", "workers#5"]);
    screen.keys(&["b", "a", "d"]);
    // The preview says why, and what to do.
    screen.wait_all(&["> bad", "bad is invalid", ":5:27:", "config check"]);
    screen.keys(&["Enter"]);
    screen.wait("bad is invalid: ");
    assert!(screen.has_popup());
}

/// The threads of a process that is there.
fn threads(pid: u32) -> Option<usize> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Threads:"))?.trim().parse().ok()
}

/// Forty of something to be asked, four at a time, by a program that does not answer.
#[rstest]
#[case::workers("workers:\n", "  - {name: wNUMBER, pod: pod/p, context: cNUMBER, tmux: tmux}\n")]
#[case::sources("discover:\n", "  - pods: {selector: a=b, prefix: pNUMBER-, context: cNUMBER}\n")]
fn however_many_there_are_few_threads_ask(#[case] key: &str, #[case] entry: &str) {
    let world = World::new();
    let entries: String = (10..50).map(|number| entry.replace("NUMBER", &number.to_string())).collect();
    fs::write(world.registry_path(), format!("{key}{entries}")).unwrap();
    let log = world.path("asked");
    let silent = format!("#!/bin/sh\necho asked >>'{}'\nexec sleep 600\n", log.display());
    let kubectl = world.script("kubectl", &silent);
    let world = world.env("FACTORY_KUBECTL", kubectl.to_str().unwrap());
    let mut command = world.command(&["--parallel", "4", "--timeout", "600s", "list"]);
    let mut list = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let asked = || fs::read_to_string(&log).is_ok_and(|log| log.lines().count() >= 4).then_some(());
    eventually("four of them to be asked", asked);
    let threads = threads(list.id()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(list.id() as i32), nix::sys::signal::Signal::SIGINT).unwrap();
    list.wait().unwrap();
    // One for each that is asked and two for what it says, and few beside.
    assert!(threads <= 4 * 3 + 8, "{threads} threads");
}

/// Nothing of this is worth more than a moment or a few megabytes: in minutes or gigabytes this test would not end well.
#[test]
fn a_hostile_file_is_refused_by_every_command() {
    let world = World::new();
    let bombs = [
        "[".repeat(1_000_000),
        format!("workers: {}{}", "[".repeat(400_000), "]".repeat(400_000)),
        "- ".repeat(500_000),
        (1..9).fold("a0: &a0 [x,x,x,x,x,x,x,x]\n".to_owned(), |text, n| {
            format!("{text}a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(","))
        }),
        "a: 1\n".repeat(200_000),
        format!("{}: 1\n", "x".repeat(1_000)),
        format!("active: {}\n", "x".repeat(1_000_000)),
    ];
    for bomb in bombs {
        fs::write(world.registry_path(), &bomb).unwrap();
        let ran = world.run(&["list"]).expect(1);
        assert!(ran.stderr.lines().count() == 1 && ran.stderr.len() < 1_000, "{}", ran.stderr);
        assert!(ran.stderr.starts_with(&format!("factory-worker: {}:", world.registry_path().display())), "{}", ran.stderr);
    }
}

#[test]
fn a_tab_is_called_a_tab() {
    let world = World::new();
    fs::write(world.registry_path(), "workers:\n  - name: a\n\tlocal: b\n").unwrap();
    let ran = world.run(&["list"]).expect(1);
    assert!(ran.stderr.contains(":3:1: here is a tab; "), "{}", ran.stderr);
    assert!(world.program(BIN).args(["config", "check"]).output().unwrap().status.code() == Some(1));
}
