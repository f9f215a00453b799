//! The nudge form, by its keys: what was typed or pasted arrives as it is, or stays; the terminal is given back.

#[path = "support/forms.rs"]
mod forms;
mod support;

use std::fs;

use forms::{drafts, got, nudge_form, wait_got, with_box};
use rstest::rstest;
use support::{BIN, ROOT, Screen, eventually};

#[test]
fn a_typed_prompt_is_sent_and_the_popup_closes() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.wait("Nudge w/s");
    screen.type_text("it's \"$HOME\" `id` #{pane_id} #(id) \\n %d; -x Enter C-c;");
    screen.keys(&["Enter"]);
    screen.wait("nudged w/s");
    screen.wait_popup_gone();
    wait_got(&world, "it's \"$HOME\" `id` #{pane_id} #(id) \\n %d; -x Enter C-c;");
    assert!(!drafts(&world).contains("Enter C-c"));
}

#[test]
fn what_is_typed_before_the_form_is_there_is_sent_too() {
    let world = with_box("quiet");
    let (ready, go) = (world.path("ready"), world.path("go"));
    let wait = format!(": >'{}'\nuntil [ -e '{}' ]; do sleep 0.02; done", ready.display(), go.display());
    let slow = world.script("slow", &format!("#!/bin/sh\n[ \"$1\" = --version ] || {{\n{wait}\n}}\nexec '{BIN}' \"$@\"\n"));
    let plugin = format!("set -g @factory-worker-bin '{}'\nrun-shell '{ROOT}/factory-worker.tmux'", slow.display());
    let screen = world.screen_with(&plugin);
    screen.inner(&["set-option", "-w", "@factory-worker-address", "w/s"]);
    screen.prefix("N");
    eventually("the popup", || ready.exists().then_some(()));
    screen.type_text("typed early");
    screen.keys(&["Enter"]);
    fs::write(&go, "").unwrap();
    screen.wait("nudged w/s");
    wait_got(&world, "typed early");
}

#[rstest]
#[case::typed(&["M-Enter"])]
#[case::control(&["C-j"])]
fn a_prompt_of_several_lines(#[case] new_line: &[&str]) {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.type_text("one");
    screen.keys(new_line);
    screen.keys(new_line);
    screen.type_text("  two");
    screen.keys(&["Enter"]);
    wait_got(&world, "one\n\n  two");
}

#[test]
fn a_paste_arrives_as_it_is_and_is_not_sent_by_its_line_ends() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    let text = "first 'line'\n\n\tindented $HOME `x` #{y} 日本語 🦀\n  end;";
    screen.paste(text);
    screen.wait("end;");
    assert_eq!(got(&world), None);
    screen.keys(&["Enter"]);
    wait_got(&world, text);
}

#[test]
fn an_empty_prompt_is_refused_in_its_place() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.keys(&["Enter"]);
    screen.wait("there is no text to type");
    screen.type_text("x");
    screen.wait_gone("there is no text to type");
}

#[test]
fn what_could_not_be_sent_stays_and_can_be_sent_again() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    world.worker_tmux("w", &["copy-mode", "-t", "=s:"]);
    screen.type_text("go on");
    screen.keys(&["Enter"]);
    let shown = screen.wait("copy mode");
    assert!(shown.contains("go on") && shown.contains("leave the mode"), "{shown}");
    assert!(drafts(&world).contains("go on"));
    world.worker_tmux("w", &["send-keys", "-t", "=s:", "-X", "cancel"]);
    screen.keys(&["Enter"]);
    screen.wait("nudged w/s");
    wait_got(&world, "go on");
    assert!(!drafts(&world).contains("go on"));
}

#[test]
fn what_is_not_confirmed_stays_until_a_key() {
    let world = with_box("dialog");
    let screen = nudge_form(&world);
    screen.type_text("go on");
    screen.keys(&["Enter"]);
    let shown = screen.wait("typed, not confirmed");
    assert!(shown.contains("any key closes") && shown.contains("go on"), "{shown}");
    assert!(drafts(&world).contains("not confirmed"));
    screen.keys(&["x"]);
    screen.wait_gone("typed, not confirmed");
    assert_eq!(got(&world), None);
}

/// The terminal is as it was: the main screen, a cursor, an echo, no marked pastes.
#[track_caller]
fn assert_restored(screen: &Screen<'_>) {
    let flags = screen.inner(&["display-message", "-p", "#{alternate_on} #{cursor_flag}"]);
    assert_eq!(flags.trim(), "0 1");
    screen.enter("cat -v");
    screen.wait("cat -v");
    screen.paste("pasted text");
    let shown = screen.wait("pasted text");
    assert!(!shown.contains("200~"), "{shown}");
}

#[rstest]
#[case::sent("Enter", "code 0")]
#[case::left("Escape", "code 130")]
#[case::left_by_ctrl_c("C-c", "code 130")]
fn the_terminal_is_given_back(#[case] key: &str, #[case] code: &str) {
    let world = with_box("quiet");
    let screen = world.screen_with("");
    screen.enter(&format!("'{BIN}' nudge w/s; echo code $?"));
    screen.wait("Enter send");
    screen.type_text("hello");
    screen.keys(&[key]);
    screen.wait(code);
    assert_restored(&screen);
}

#[rstest]
#[case("TERM")]
#[case("INT")]
#[case("HUP")]
fn the_terminal_is_given_back_when_a_signal_ends_us(#[case] signal: &str) {
    let world = with_box("quiet");
    let screen = world.screen_with("");
    screen.enter(&format!("'{BIN}' nudge w/s; echo code $?"));
    screen.wait("Enter send");
    screen.inner(&["run-shell", &format!("pkill -{signal} -P #{{pane_pid}}")]);
    screen.wait("code 130");
    assert_restored(&screen);
}

#[test]
fn without_a_terminal_text_is_read_from_standard_input() {
    let world = with_box("quiet");
    world.run_with_input(&["nudge", "w/s"], b"piped").expect(0);
    wait_got(&world, "piped");
}
