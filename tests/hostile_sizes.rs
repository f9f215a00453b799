//! Pods that say too much, through the real kubectl: memory stays bounded, what is too large is called so, and rows stay
//! rows.

#[path = "support/liar.rs"]
mod liar;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;
mod support;

use std::fs;

use kubesim::Cluster;
use liar::Liar;
use operator::Operator;
use raw::peak_memory;
use rstest::rstest;
use support::BIN;

/// Answers of nearly 4 MiB that become as large as can be when they are understood. The bound is for the whole process.
#[rstest]
#[case::lists("said", &format!("[{}[]]", "[],".repeat(1_300_000)))]
#[case::small_objects("said", &format!("[{}0]", r#"{"a":0},"#.repeat(500_000)))]
#[case::one_object("said", &format!("[{{{}\"z\":0}}]", (0..300_000).map(|at| format!("\"{at}\":0,")).collect::<String>()))]
#[case::nested_objects("said", &format!("[[{}0]]", r#"{"a":{"":0}},"#.repeat(300_000)))]
#[case::sessions("listing", &(0..200_000).map(|at| format!("S ${at} 1 0 1 a\n")).collect::<String>())]
#[case::panes("listing", &("S $0 1 0 1 a\n".to_owned() + &"P $0 1 11 0\n".repeat(300_000)))]
#[case::a_long_name("listing", &format!("S $0 1 0 1 {}\n", "n".repeat(4_000_000)))]
#[case::marks("listing", &"\n0123456789abcdef x".repeat(200_000))]
fn memory_is_bounded(#[case] file: &str, #[case] text: &str) {
    const MIB: u64 = 1 << 20;
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write(file, text);
    for arguments in [&["list"][..], &["list", "--json"]] {
        let (ran, peak) = peak_memory(liar.operator.world.command(arguments));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(peak < 96 * MIB, "{arguments:?}: {} MiB", peak / MIB);
        eprintln!("peak {arguments:?}: {} MiB", peak / MIB);
    }
}

#[test]
fn an_answer_is_capped_and_says_so() {
    let liar = Liar::new();
    liar.has_session("qa");
    for (file, command) in [("said", "list"), ("listing", "list"), ("pane", "peek")] {
        let before = fs::read(liar.pod.home().join(file)).unwrap();
        liar.write(file, "x".repeat(40 << 20));
        let arguments = if command == "list" { vec!["list"] } else { vec!["peek", "w/qa"] };
        let (ran, peak) = peak_memory(liar.operator.world.command(&arguments));
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(said.contains("larger than 4 MiB"), "{said}");
        assert!(command != "list" || ran.stdout.contains("incomplete"), "{said}");
        assert_eq!(ran.code, if command == "list" { 0 } else { 3 });
        assert!(peak < 64 << 20, "{} MiB", peak >> 20);
        liar.write(file, before);
    }
}

/// A tmux and a queue that say more than is ever read, whatever they are asked.
const TALKATIVE: &str = "#!/bin/sh\nhead -c 6000000 /dev/zero | tr '\\0' x\nexit 1\n";
/// Enough for the largest answer that is read, and for understanding it.
const BOUND: u64 = 64 << 20;

#[rstest]
#[case::list(&["list"], 0, "incomplete")]
#[case::status(&["status", "w"], 3, "look on the worker at what makes it so long")]
#[case::peek(&["peek", "w/qa"], 3, "look on the worker at what makes it so long")]
#[case::only_session(&["peek", "w"], 3, "look on the worker at what makes it so long")]
#[case::follow(&["peek", "w/qa", "--follow"], 3, "look on the worker at what makes it so long")]
#[case::nudge(&["nudge", "w/qa", "hello"], 5, "look with `factory-worker peek w/qa` before you send it again")]
#[case::interrupt(&["interrupt", "w/qa"], 5, "look with `factory-worker peek w/qa` before you send it again")]
#[case::dispatch(&["dispatch", "w", "--project", "p", "--issue", "1"], 5, "see what is queued with `factory-worker list w`")]
#[case::doctor(&["doctor", "w"], 1, "look on the worker at what makes it so long")]
fn every_command_says_that_an_answer_is_too_large(#[case] command: &[&str], #[case] code: i32, #[case] remedy: &str) {
    let cluster = Cluster::start();
    cluster.deployment("fleet").script("tmux", TALKATIVE).script("factory", TALKATIVE).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let (ran, peak) = peak_memory(operator.world.command(&[&["--timeout=60s"], command].concat()));
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, code, "{said}");
    assert!(said.contains("larger than 4 MiB") && said.contains(remedy), "{said}");
    assert!(said.len() < 100_000 && peak < BOUND, "{} bytes, {} MiB", said.len(), peak >> 20);
}

/// The queue's own words cost what was asked with them, and no more than that.
#[rstest]
#[case::status(&["status", "w"], 3)]
#[case::list(&["list"], 0)]
#[case::dispatch(&["dispatch", "w", "--project", "p", "--issue", "1"], 5)]
fn a_queue_that_says_too_much_is_said(#[case] command: &[&str], #[case] code: i32) {
    let cluster = Cluster::start();
    cluster.deployment("fleet").script("factory", TALKATIVE).session("qa", "cat").start();
    let commands = "commands: {queue: factory queue list, status: factory status}";
    let operator = Operator::of(cluster).worker("w", "fleet", commands);
    let (ran, peak) = peak_memory(operator.world.command(&[&["--timeout=60s"], command].concat()));
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(ran.code, code, "{said}");
    assert!(said.contains("larger than 4 MiB") && peak < BOUND, "{said}: {} MiB", peak >> 20);
    operator.run(&["--timeout=60s", "peek", "w/qa"]).expect(0);
}

#[test]
fn a_line_of_a_megabyte_is_a_line() {
    let liar = Liar::new();
    liar.has_session("qa");
    let long = "y".repeat(1 << 20);
    liar.write("pane", format!("{long}\nend\n"));
    assert_eq!(liar.run(&["peek", "w/qa"]).expect(0).stdout, format!("{long}\nend\n"));
    liar.write("complained", &long);
    liar.write("exits", "1");
    assert_eq!(liar.rows().len(), 1);
    liar.run(&["status", "w"]).expect(1);
    // On a terminal it is cut to the row.
    let screen = liar.screen();
    // Cleared first: a screen that then shows the command is one on which it never ran.
    screen.enter(&format!("clear; {BIN} peek w/qa --follow"));
    let text = screen.wait("end");
    assert_eq!(text.lines().filter(|line| line.contains("yyyy")).count(), 1, "{text}");
    screen.keys(&["C-c"]);
    liar.assert_harmless_terminal(&screen);
}

#[test]
fn ten_thousand_sessions_are_listed_and_picked_from() {
    let liar = Liar::new();
    let names = (0..10_000).map(|at| format!("agent-{at:05}"));
    liar.write("listing", names.clone().enumerate().map(|(at, name)| format!("S ${at} 1 0 1 {name}\n")).collect::<String>());
    liar.write("ids", names.enumerate().map(|(at, name)| format!("${at} 7 17 18 {name}\n")).collect::<String>());
    liar.write("pane", "here\n");
    let rows = liar.rows();
    assert!(rows.len() == 1 && rows[0].matches(" (idle)").count() == 10_000);
    let ran = liar.run(&["status", "w"]).expect(0);
    assert!(ran.stdout.lines().count() >= 10_000, "{}", ran.stdout.lines().count());
    liar.run(&["peek", "w/agent-09999"]).expect(0);
    let (_, peak) = peak_memory(liar.operator.world.command(&["list"]));
    assert!(peak < 64 << 20, "{} MiB", peak >> 20);

    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} pick"));
    screen.wait("10000 sessions");
    screen.type_text("agent-07777");
    screen.wait_until("the one row", |text| text.lines().any(|line| line.starts_with("> w/agent-07777")));
    screen.wait("here");
    screen.keys(&["Escape"]);
    screen.wait_gone("10000 sessions");
    screen.enter(&format!("clear; {BIN} list"));
    let text = screen.wait("running");
    assert!(text.contains("agent-00000 (idle), ") && text.contains(" more"), "{text}");
    liar.assert_harmless_terminal(&screen);
}
