//! Drafts: what was typed into a form and not sent is offered again, and what cannot be kept is not lost in silence.

#[path = "support/forms.rs"]
mod forms;
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use forms::{dispatch_form, dispatched, drafts, got, nudge_form, wait_got, with_box, with_queue};
use support::{World, eventually};

#[test]
fn a_text_that_was_left_is_offered_again_until_it_is_sent() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.paste("half a\nthought");
    screen.wait("thought");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    assert_eq!(got(&world), None);
    let mode = fs::metadata(world.path("state/factory-worker/drafts.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    screen.prefix("N");
    let shown = screen.wait("Kept from");
    assert!(shown.contains("not sent") && shown.contains("half a"), "{shown}");
    screen.keys(&["Enter"]);
    wait_got(&world, "half a\nthought");
    screen.wait("nudged w/s");
    screen.wait_popup_gone();

    screen.prefix("N");
    let shown = screen.wait("Enter send");
    assert!(!shown.contains("thought"), "{shown}");
}

#[test]
fn a_text_can_be_cleared_for_good() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.type_text("nonsense");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    screen.prefix("N");
    screen.wait("nonsense");
    screen.keys(&["C-l"]);
    screen.wait_gone("nonsense");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    assert!(!drafts(&world).contains("nonsense"));
}

#[test]
fn a_popup_that_is_closed_from_outside_loses_nothing() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.type_text("precious");
    eventually("typing to pause", || drafts(&world).contains("precious").then_some(()));
    screen.inner(&["display-popup", "-C"]);
    screen.wait_popup_gone();
    screen.prefix("N");
    screen.wait("precious");
}

#[test]
fn a_dispatch_that_fails_keeps_what_was_typed() {
    let world = with_queue();
    let refuse = world.worker_directory("a").join("refuse");
    fs::write(&refuse, "").unwrap();
    let screen = dispatch_form(&world, "a/s");
    screen.wait("< a >");
    screen.type_text("shop");
    screen.keys(&["Tab"]);
    screen.type_text("42");
    screen.keys(&["Enter"]);
    let shown = screen.wait("queue is full");
    assert!(shown.contains("shop") && shown.contains("42"), "{shown}");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();

    fs::remove_file(&refuse).unwrap();
    screen.prefix("G");
    let shown = screen.wait("Kept from");
    assert!(shown.contains("shop") && shown.contains("42"), "{shown}");
    screen.keys(&["Enter"]);
    assert_eq!(dispatched(&world, "a"), "shop\n42\n");
    screen.wait("dispatched shop#42 to a");
    assert!(!drafts(&world).contains("shop"));
}

const UNKEPT: &str = "what you typed could not be kept: cannot make the state directory";

/// A world in which nothing can be kept, not even by root.
fn without_state(world: World) -> World {
    world.env("XDG_STATE_HOME", "/dev/null/x")
}

#[test]
fn what_cannot_be_kept_is_not_lost_in_silence() {
    let world = without_state(with_box("quiet"));
    let screen = nudge_form(&world);
    screen.type_text("precious");
    screen.keys(&["Escape"]);
    let shown = screen.wait(UNKEPT);
    let words = shown.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("precious") && words.contains("; Esc again leaves without it"), "{shown}");
    // Who types on wants to be warned again.
    screen.type_text(" words");
    screen.wait_gone(UNKEPT);
    screen.keys(&["Escape"]);
    screen.wait(UNKEPT);
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    assert_eq!(got(&world), None);
}

#[test]
fn what_cannot_be_kept_can_still_be_sent() {
    let world = without_state(with_box("quiet"));
    let screen = nudge_form(&world);
    screen.type_text("precious");
    screen.keys(&["Escape"]);
    screen.wait(UNKEPT);
    screen.keys(&["Enter"]);
    screen.wait("nudged w/s");
    wait_got(&world, "precious");
}

#[test]
fn a_form_without_text_is_left_at_once_though_nothing_could_be_kept() {
    let world = without_state(with_box("quiet"));
    let screen = nudge_form(&world);
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
}

#[test]
fn what_is_neither_confirmed_nor_kept_says_both() {
    let world = without_state(with_box("dialog"));
    let screen = nudge_form(&world);
    screen.type_text("go on");
    screen.keys(&["Enter"]);
    let shown = screen.wait("typed, not confirmed");
    assert!(shown.contains("what you typed could not be kept") && shown.contains("go on"), "{shown}");
}
