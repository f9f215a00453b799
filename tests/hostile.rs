//! Pods that mean harm, through the real kubectl: whatever their tmux, their programs and their panes say, nothing
//! executes, nobody is redirected to another session, nothing but colours reaches the operator's terminal, and rows stay
//! one line. How much they say is the matter of hostile_sizes.rs.

#[path = "support/liar.rs"]
mod liar;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;
mod support;

use std::fs;

use kubesim::Cluster;
use liar::{ATTACKS, Liar, attacks};
use operator::Operator;
use raw::assert_harmless;
use rstest::rstest;
use support::{BIN, HOSTILE_NAMES, eventually, long_name};

#[test]
fn names_that_a_lying_tmux_makes_up_stay_in_their_row() {
    let liar = Liar::new();
    for attack in ATTACKS {
        let listing = [b"S $0 1 0 1 ", *attack, b"\nS $1 1 0 1 qa\n"].concat();
        liar.write("listing", &listing);
        let rows = liar.rows();
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(rows[0].contains("running") || rows[0].contains("incomplete"), "{rows:?}");
        liar.run(&["list", "--json"]).expect(0);
        liar.run(&["status", "w"]);
        liar.run(&["peek", "w"]);
    }
}

#[test]
fn what_tmux_complains_of_stays_in_its_line() {
    let liar = Liar::new();
    liar.write("listing", attacks(b"\n"));
    for command in [&["list"][..], &["status", "w"], &["peek", "w"], &["peek", "w/qa"], &["nudge", "w/qa", "x"], &["doctor"]] {
        let ran = liar.run(command);
        assert!(command[0] == "doctor" || ran.stderr.lines().count() <= 3, "{}", ran.stderr);
    }
    // And with an exit status of its own.
    liar.write("ids", attacks(b" "));
    liar.run(&["peek", "w/qa"]);
    liar.run(&["interrupt", "w/qa"]);
}

#[test]
fn a_pane_is_shown_with_its_colours_and_nothing_else() {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("pane", [&b"\x1b[31mred\x1b[0m\n"[..], &attacks(b"\n"), b"\n\x1b[32mend\n"].concat());
    let ran = liar.run(&["peek", "w/qa"]).expect(0);
    assert!(ran.stdout.starts_with("\x1b[31mred\x1b[0m\n") && ran.stdout.ends_with("\x1b[32mend\x1b[0m\n"), "{:?}", ran.stdout);
    assert!(ran.stdout.contains("#(touch pwned) #{pane_id}"), "{:?}", ran.stdout);
    liar.run(&["peek", "w/qa", "--json"]).expect(0);
    // Each attack by itself too: one may swallow the next.
    for attack in ATTACKS {
        liar.write("pane", [*attack, b"\nbehind\n"].concat());
        let ran = liar.run(&["peek", "w/qa"]).expect(0);
        assert!(ran.stdout.ends_with("behind\n"), "{attack:?} hides what follows: {:?}", ran.stdout);
    }
}

#[test]
fn commands_of_the_worker_say_nothing_raw() {
    let liar = Liar::new();
    liar.has_session("qa");
    for exits in ["0", "9"] {
        liar.write("exits", exits);
        for attack in ATTACKS.iter().copied().chain([&attacks(b"\n")[..]]) {
            liar.write("said", attack);
            liar.write("complained", attack);
            let rows = liar.rows();
            assert!(rows.len() == 1 && rows[0].trim_end().ends_with('?'), "{rows:?}");
            liar.run(&["status", "w"]);
            liar.run(&["dispatch", "w", "--project", "p", "--issue", "1"]);
        }
        liar.run(&["list", "--json"]).expect(0);
        liar.run(&["status", "w", "--json"]);
    }
}

#[rstest]
#[case::escapes(r#"[{"Namespace":"\u001b]0;EVIL\u0007\u009b31m\u202e","Issue":"\n\r1","Status":"active"}]"#, "#")]
#[case::raw_c1("[{\"Namespace\":\"\u{9b}31mx\u{202e}\u{7f}\",\"Issue\":1}]", "#1")]
#[case::numbers(r#"[{"Namespace":"a","Issue":1e308},{"Issue":-0.0},{"Issue":123456789012345678901234567890}]"#, "+2")]
#[case::odd(r#"[null,true,[],{},"x",{"Status":{"a":[]}}]"#, "+5")]
#[case::in_lines("[\n {\"Issue\":\t1}\r\n]\n", "#1")]
#[case::twice(r#"[{"Issue":1,"Issue":2,"issue":3}]"#, "#")]
#[case::deep(&"[".repeat(100_000), "?")]
#[case::deep_objects(&r#"{"a":"#.repeat(50_000), "?")]
#[case::deep_in_a_list(&format!("[{}", r#"{"a":["#.repeat(50_000)), "?")]
#[case::no_list(r#"{"a":1}"#, "?")]
#[case::half(r#"[{"Namespace":"a""#, "?")]
fn a_queue_is_json_or_a_question_mark(#[case] queue: &str, #[case] cell: &str) {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("said", queue);
    let rows = liar.rows();
    assert!(rows.len() == 1 && rows[0].contains("running") && rows[0].contains("qa (idle)"), "{rows:?}");
    assert!(rows[0].contains(cell), "{rows:?}");
    liar.run(&["list", "--json"]).expect(0);
}

/// What a person looks at: every attack in the pane and in a name, on a terminal.
#[test]
fn the_picker_shows_text_and_colours() {
    let liar = Liar::new();
    let name = "#(touch pwned) #{pane_id} \u{202e}gnp\u{2066}";
    liar.has_session(name);
    liar.write("pane", [&attacks(b"\n")[..], b"\n\x1b[31mlast\x1b[0m\n"].concat());
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} pick"));
    screen.wait("w/#(touch pwned) #{pane_id}");
    screen.wait("last");
    // A tmux that fails is a row too.
    liar.write("listing", attacks(b" "));
    screen.keys(&["C-r"]);
    screen.wait("incomplete");
    screen.keys(&["Escape"]);
    screen.wait_gone("incomplete");
    liar.assert_harmless_terminal(&screen);
}

#[test]
fn a_followed_pane_and_a_list_on_a_terminal_are_text_and_colours() {
    let liar = Liar::new();
    liar.has_session("qa");
    liar.write("pane", [&attacks(b"\n")[..], b"\n\x1b[31mlast\x1b[0m\n"].concat());
    liar.write("said", r#"[{"Namespace":"\u001b]0;EVIL\u0007","Issue":1}]"#);
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} peek w/qa --follow"));
    screen.wait("last");
    liar.write("pane", [&attacks(b"\n")[..], b"\nnext\n"].concat());
    screen.wait("next");
    screen.keys(&["C-c"]);
    screen.enter(&format!("clear; {BIN} list; {BIN} list --json; {BIN} status w; echo done $?"));
    screen.wait("done 0");
    liar.assert_harmless_terminal(&screen);
}

#[test]
fn forms_show_text_only() {
    let liar = Liar::new();
    liar.has_session("\u{202e}#(touch pwned)");
    liar.write("state", attacks(b" "));
    liar.write("pane", attacks(b"\n"));
    let screen = liar.screen();
    screen.enter(&format!("clear; {BIN} nudge w"));
    screen.wait("Enter send");
    screen.type_text("hello");
    screen.keys(&["Enter"]);
    // tmux answers nonsense: the form says so, and keeps the text.
    screen.wait("nothing was typed");
    screen.keys(&["Escape"]);
    screen.wait_gone("Enter send");
    liar.assert_harmless_terminal(&screen);
}

/// Names that look like something else to tmux, through kubectl: each is its own session, for looking and for typing.
#[test]
fn nobody_is_redirected_to_another_session() {
    let cluster = Cluster::start();
    let worker = cluster.pod("crowd").start();
    let pod = worker.pod();
    // The last three look alike once they are shown.
    let ids = ["$1", "$2", "@1", "%1", "=qa", "qa", "q", "+1", "{start}", "x\u{202e}y", "x\u{2066}y", "x\u{fffd}y"];
    let names: Vec<String> = ids
        .iter()
        .chain(HOSTILE_NAMES)
        .map(|name| (*name).to_owned())
        .chain([long_name()])
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect();
    for (at, name) in names.iter().enumerate() {
        pod.session(name, &format!("echo number {at} here; read -r line; echo \"got $line\"; sleep 600"));
    }
    let operator = Operator::of(cluster).worker("w", "pod/crowd", "");
    let rows = operator.rows();
    let listed: Vec<&str> =
        rows[0]["sessions"].as_array().unwrap().iter().map(|session| session["name"].as_str().unwrap()).collect();
    for (at, name) in names.iter().enumerate() {
        assert!(listed.contains(&name.as_str()), "{name:?} in {listed:?}");
        let ran = operator.run(&["peek", &format!("w/{name}")]).expect(0);
        assert!(ran.stdout.contains(&format!("number {at} here")), "{name:?}: {}", ran.stdout);
        operator.run(&["nudge", &format!("w/{name}"), &format!("text {at}")]);
        eventually("the text", || pod.pane(name).contains(&format!("got text {at}")).then_some(()));
    }
    operator.world.assert_nothing_executed();
    assert!(!pod.home().join("pwned").exists());
}

/// Titles of panes and windows go through a real tmux; nobody here looks at them, and nothing of them arrives.
#[test]
fn titles_and_pane_text_through_a_real_tmux() {
    let cluster = Cluster::start();
    let worker = cluster.pod("titled").start();
    let pod = worker.pod();
    fs::write(pod.home().join("attacks"), attacks(b"\n")).unwrap();
    pod.session(
        "qa",
        "cat attacks; printf '\\033c\\033(B\\033[?1049l\\033]2;#(touch pwned)#{pane_id}\\007\\033kEVIL\\033\\\\'; printf '\\nend\\n'; sleep 600",
    );
    pod.tmux(&["rename-window", "-t", "qa:", "##(touch pwned)"]);
    eventually("the output", || pod.pane("qa").contains("end").then_some(()));
    let operator = Operator::of(cluster).worker("w", "pod/titled", "");
    for command in [&["list"][..], &["list", "--json"], &["status", "w"], &["peek", "w/qa"]] {
        let arguments: Vec<&str> = ["--color", "always"].into_iter().chain(command.iter().copied()).collect();
        let output = operator.world.command(&arguments).output().unwrap();
        assert_harmless(&output.stdout);
        assert_harmless(&output.stderr);
    }
    let screen = operator.world.screen();
    screen.enter(&format!("{BIN} open w/qa"));
    screen.wait("end");
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
    operator.world.assert_nothing_executed();
    assert!(!pod.home().join("pwned").exists());
}
