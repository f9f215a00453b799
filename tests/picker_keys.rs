//! The picker's keys: what each does with the highlighted session, and how the picker is left.

#[path = "support/picker.rs"]
mod picker;
mod support;

use std::fs;

use picker::{highlighted, picker, wait_highlighted, wait_left};
use rstest::rstest;
use support::{BIN, World, eventually};

#[test]
fn enter_opens_a_window() {
    let world = World::new().worker("w");
    world.session("w", "other", "sleep 600");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    screen.type_text("qa");
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["Enter"]);
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with("w/qa|")).then_some(()));
}

#[rstest]
#[case("#(touch pwned)")]
#[case(" outer spaces ")]
#[case("$0")]
#[case("-leading")]
#[case("{last}")]
fn a_hostile_name_opens_its_own_window(#[case] name: &str) {
    let world = World::new().worker("w");
    world.session("w", name, "sleep 600");
    let screen = picker(&world, "");
    screen.wait("1 session on 1 worker");
    screen.wait_until("the row", |text| highlighted(text).is_some());
    screen.keys(&["Enter"]);
    let address = format!("w/{name}|");
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with(&address)).then_some(()));
    world.assert_nothing_executed();
}

#[test]
fn outside_tmux_enter_attaches_in_this_terminal() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo attached here; read x");
    let screen = world.screen_with("");
    screen.enter(&format!("clear; env -u TMUX {BIN} pick; echo left with $?"));
    screen.wait("│attached here");
    screen.keys(&["Enter"]);
    screen.wait_until("the session alone", |text| text.contains("attached here") && !text.contains("Ctrl-r"));
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    assert_eq!(screen.windows().len(), 1);
}

#[test]
fn alt_s_opens_a_pane() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["M-s"]);
    eventually("the pane", || (screen.inner(&["list-panes", "-t", "main:home"]).lines().count() == 2).then_some(()));
    assert_eq!(screen.windows().len(), 1);
}

#[rstest]
#[case("", "M-p")]
#[case("--then peek", "Enter")]
fn peek_comes_back_to_the_query_and_the_row(#[case] arguments: &str, #[case] key: &str) {
    let world = World::new().worker("w");
    for name in ["qa-1", "qa-2", "dev"] {
        world.session("w", name, &format!("echo seen in {name}; sleep 600"));
    }
    let screen = picker(&world, arguments);
    screen.type_text("qa");
    wait_highlighted(&screen, "w/qa-1");
    // While skim still matches, the list may have a single row, and there is nothing below it.
    eventually("the second row", || {
        screen.keys(&["Down"]);
        highlighted(&screen.text()).is_some_and(|row| row.starts_with("w/qa-2")).then_some(())
    });
    screen.keys(&[key]);
    let text = screen.wait("n nudge");
    assert!(text.contains("w/qa-2") && !text.contains('│'), "{text}");
    screen.wait("seen in qa-2");
    screen.keys(&["Escape"]);
    let text = wait_highlighted(&screen, "w/qa-2");
    assert!(text.lines().next().unwrap().contains("> qa ") && !text.contains("w/dev"), "{text}");
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}

/// A session that prints the lines it reads.
fn echoing(world: World) -> World {
    world.session("w", "qa", "while read line; do echo \"got: $line\"; done");
    world
}

#[rstest]
#[case("", "M-n")]
#[case("--then nudge", "Enter")]
fn nudge_types_into_the_picked_session(#[case] arguments: &str, #[case] key: &str) {
    let world = echoing(World::new().worker("w"));
    let screen = picker(&world, arguments);
    wait_highlighted(&screen, "w/qa");
    screen.keys(&[key]);
    screen.wait("Nudge w/qa");
    screen.type_text("please hurry");
    screen.wait("please hurry");
    screen.keys(&["Enter"]);
    eventually("the text to arrive", || world.pane("w", "qa").contains("got: please hurry").then_some(()));
}

#[test]
fn alt_x_interrupts_after_asking() {
    let world = World::new().worker("w");
    world.session("w", "qa", "trap 'echo interrupted' INT; echo ready; while :; do sleep 0.1; done");
    let screen = picker(&world, "");
    screen.wait("│ready");
    screen.keys(&["M-x"]);
    screen.wait("Send Ctrl-C to w/qa?");
    assert!(!world.pane("w", "qa").contains("interrupted"));
    screen.keys(&["y"]);
    eventually("the interrupt", || world.pane("w", "qa").contains("interrupted").then_some(()));
}

#[rstest]
#[case::yes("y", true)]
#[case::no("n", false)]
#[case::enter("Enter", false)]
fn an_interrupt_from_the_picker_asks_first(#[case] key: &str, #[case] sent: bool) {
    let world = World::new().worker("w");
    world.session("w", "s", "trap 'echo interrupted' INT; echo ready; while :; do sleep 0.05; done");
    eventually("the program to start", || world.pane("w", "s").contains("ready").then_some(()));
    let screen = world.screen();
    screen.prefix("W");
    screen.wait("w/s");
    screen.keys(&["M-x"]);
    screen.wait("Send Ctrl-C to w/s? [y/N]");
    screen.keys(&[key]);
    screen.wait_gone("Send Ctrl-C");
    if sent {
        eventually("the signal to arrive", || world.pane("w", "s").contains("interrupted").then_some(()));
    } else {
        assert!(!world.pane("w", "s").contains("interrupted"));
    }
}

#[rstest]
#[case("with", "M-g", "")]
#[case("without", "M-g", "")]
#[case("with", "Enter", "--then dispatch")]
fn dispatch_hands_an_issue_to_the_picked_worker(#[case] sessions: &str, #[case] key: &str, #[case] arguments: &str) {
    let world = World::new();
    let queue = world.path("queue");
    let script = format!("#!/bin/sh\necho \"$@\" >>{}\n", queue.display());
    let program = world.script("take", &script);
    let dispatch = format!("commands: {{queue: \"\", dispatch: \"{} {{project}} {{issue}}\"}}", program.display());
    let world = world.worker("another").worker_with("w", &dispatch);
    if sessions == "with" {
        world.session("w", "qa", "sleep 600");
    }
    let screen = picker(&world, arguments);
    screen.wait("on 2 workers");
    screen.type_text("w");
    screen.wait_until("the worker", |text| highlighted(text).is_some_and(|row| row.starts_with('w')));
    screen.keys(&[key]);
    screen.wait("Dispatch an issue");
    screen.type_text("acme/app");
    screen.keys(&["Tab"]);
    screen.type_text("42");
    screen.wait("42");
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    assert_eq!(fs::read_to_string(&queue).unwrap(), "acme/app 42\n");
}

#[rstest]
#[case::nudge("M-n", "Nudge w/qa-2", "Escape")]
#[case::dispatch("M-g", "Dispatch an issue", "Escape")]
#[case::interrupt("M-x", "Send Ctrl-C to w/qa-2?", "Escape")]
#[case::no_to_interrupt("M-x", "Send Ctrl-C to w/qa-2?", "n")]
fn what_is_left_again_leads_back_to_the_query_and_the_row(#[case] key: &str, #[case] shown: &str, #[case] leave: &str) {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"true {project} {issue}\"}");
    for name in ["dev", "qa-1", "qa-2"] {
        world.session("w", name, "sleep 600");
    }
    let screen = world.screen();
    screen.prefix("W");
    screen.wait("3 sessions on 1 worker");
    screen.type_text("qa");
    screen.wait("> w/qa-1");
    screen.keys(&["Down"]);
    screen.wait("> w/qa-2");
    screen.keys(&[key]);
    screen.wait(shown);
    screen.keys(&[leave]);
    let text = screen.wait_all(&["open> qa", "> w/qa-2"]);
    assert!(!text.contains("w/dev"), "{text}");
    screen.keys(&["Escape"]);
    screen.wait_gone("F1 keys");
}

#[test]
fn a_command_that_waits_for_a_session_lets_one_be_picked() {
    let world = World::new().worker("w").worker("other");
    world.session("w", "a", "echo from a; sleep 600");
    world.session("w", "b", "echo from b; sleep 600");
    world.session("other", "c", "sleep 600");
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {BIN} peek w; echo left with $?"));
    screen.wait("session> ");
    let text = screen.wait_all(&["2 sessions on 1 worker", "w/a", "w/b"]);
    assert!(!text.contains("other/c"), "{text}");
    screen.type_text("b");
    wait_highlighted(&screen, "w/b");
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    let text = screen.text();
    assert!(text.contains("from b") && !text.contains("from a"), "{text}");
}

#[test]
fn no_key_turns_the_query_into_a_command() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    world.session("w", "dev", "sleep 600");
    let screen = picker(&world, "");
    screen.wait_all(&["w/qa", "w/dev"]);
    screen.keys(&["C-q"]);
    screen.type_text("qa");
    screen.wait("open> qa");
    wait_highlighted(&screen, "w/qa");
    screen.wait_until("the list to be filtered", |text| !text.contains("w/dev"));
}

#[test]
fn in_the_popup_escape_closes_and_enter_opens() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo shown by qa; sleep 600");
    let screen = world.screen();
    for key in ["Escape", "Enter"] {
        screen.prefix("W");
        screen.wait("│shown by qa");
        screen.keys(&[key]);
        screen.wait_popup_gone();
    }
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with("w/qa|")).then_some(()));
}

#[test]
fn escape_leaves_everything_as_it_was() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = world.screen_with("");
    screen.enter("clear; echo before");
    screen.wait_until("the marker alone", |text| text.starts_with("before"));
    screen.enter(&format!("{BIN} pick"));
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["Escape"]);
    // What is typed before the prompt is back belongs to nobody.
    let text = screen.wait_until("the next prompt", |text| text.lines().filter(|line| line.starts_with('$')).count() == 2);
    assert!(text.starts_with("before") && !text.contains("w/qa"), "{text}");
    screen.enter("stty -a; echo $?");
    screen.wait(" icanon");
    let modes = screen.inner(&["display-message", "-p", "#{alternate_on}#{mouse_any_flag}"]);
    assert_eq!((modes.trim(), screen.windows()), ("00", vec!["|home".to_owned()]));
}

#[test]
fn a_signal_puts_the_terminal_back() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = world.screen_with("");
    let pid = world.path("pid");
    screen.enter(&format!("sh -c 'echo $$ >{}; exec {BIN} pick'; echo left with $?", pid.display()));
    wait_highlighted(&screen, "w/qa");
    let pid = fs::read_to_string(pid).unwrap();
    assert!(world.program("kill").args(["-TERM", pid.trim()]).status().unwrap().success());
    wait_left(&screen, 130);
    screen.enter("stty -a");
    screen.wait(" icanon");
    assert_eq!(screen.inner(&["display-message", "-p", "#{alternate_on}#{mouse_any_flag}"]).trim(), "00");
}

#[test]
fn the_calls_of_v_are_printed_when_the_picker_has_gone() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo shown by qa; sleep 600");
    let screen = picker(&world, "-v");
    let text = screen.wait("│shown by qa");
    assert!(!text.contains("+ sh"), "{text}");
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
    let history = screen.inner(&["capture-pane", "-p", "-S", "-1000", "-t", "main:home"]);
    assert!(history.contains("+ sh -c"), "{history}");
}

#[test]
fn without_a_terminal_the_error_names_list() {
    let world = World::new().worker("w");
    let ran = world.run(&["pick"]).expect(2);
    assert!(ran.stderr.contains("needs a terminal") && ran.stderr.contains("factory-worker list"), "{}", ran.stderr);
}

#[test]
fn without_workers_it_says_how_to_make_some() {
    let ran = World::new().run(&["pick"]).expect(4);
    assert!(ran.stderr.contains("factory-worker config init"), "{}", ran.stderr);
}
