//! What is pressed in the moment in which a popup ends goes where it was meant, in order: nothing of it is lost, and no key of
//! a binding is typed into the session below.

mod support;

use std::fs;

use rstest::rstest;
use support::{ROOT, Screen, World, eventually};

/// A popup: the key that opens it, what it shows then, the key that ends it.
#[derive(Clone, Copy)]
struct Popup(&'static str, &'static str, &'static str);

const PICK: Popup = Popup("W", "> w/dev", "C-c");
/// It ends by going to the window that it was opened over.
const PICKED: Popup = Popup("W", "> w/dev", "Enter");
const PEEK: Popup = Popup("P", "n nudge", "C-c");
const DISPATCH: Popup = Popup("G", "Intent", "C-c");
const NUDGE: Popup = Popup("N", "Nudge w/dev", "C-c");

impl Popup {
    fn open(self, screen: &Screen<'_>) {
        screen.prefix(self.0);
        screen.wait("┌");
        screen.wait(self.1);
    }

    /// Another one than this: its key, and what it shows.
    fn other(self) -> (&'static str, &'static str) {
        let other = if self.0 == "N" { DISPATCH } else { NUDGE };
        (other.0, other.1)
    }
}

/// The session `w/dev`, which keeps the keys that it gets in the file `keys`.
fn world() -> World {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"echo {project} {issue}\"}");
    world.session("w", "dev", "stty raw -echo; echo 'I am dev'; exec cat >keys");
    world
}

fn screen(world: &World) -> Screen<'_> {
    let screen = world.screen();
    screen.run(&["open", "w/dev"]).expect(0);
    screen.wait("I am dev");
    screen
}

/// Wait until the session has got these keys: these, and no others.
#[track_caller]
fn assert_typed(world: &World, text: &str) {
    let keys = world.worker_directory("w").join("keys");
    let got = eventually("the keys to arrive", || {
        fs::read_to_string(&keys).ok().filter(|got| got.len() >= text.len() || !text.starts_with(&**got))
    });
    assert_eq!(got, text);
}

/// Leave the popup that is open, and type `text` into the session.
#[track_caller]
fn leave_and_type(screen: &Screen<'_>, text: &str) {
    screen.keys(&["C-c"]);
    screen.wait_popup_gone();
    screen.type_text(text);
}

/// The client takes keys as before, and there is nothing left of how it came to that.
#[track_caller]
fn assert_no_trace(screen: &Screen<'_>) {
    eventually("the client to take keys as before", || {
        let client = screen.inner(&["list-clients", "-F", "#{client_readonly} #{client_key_table}"]);
        (client == "0 root\n").then_some(())
    });
    let options = screen.inner(&["show-options", "-g", ";", "show-options", ";", "show-options", "-s"]);
    assert!(!options.contains("@factory-worker-pressed"), "{options}");
}

#[rstest]
#[case::pick(PICK)]
#[case::picked(PICKED)]
#[case::peek(PEEK)]
#[case::dispatch(DISPATCH)]
#[case::nudge(NUDGE)]
fn a_prefix_that_comes_with_the_last_key_is_still_one(#[case] popup: Popup) {
    let world = world();
    let screen = screen(&world);
    let (key, shown) = popup.other();
    popup.open(&screen);
    screen.keys(&[popup.2, "C-b"]);
    screen.wait_popup_gone();
    screen.keys(&[key]);
    screen.wait(shown);
    leave_and_type(&screen, "end.");
    assert_typed(&world, "end.");
    assert_no_trace(&screen);
}

#[rstest]
#[case::pick(PICK)]
#[case::picked(PICKED)]
#[case::peek(PEEK)]
#[case::dispatch(DISPATCH)]
#[case::nudge(NUDGE)]
fn a_key_of_the_plugin_that_comes_with_the_last_key_opens_its_popup(#[case] popup: Popup) {
    let world = world();
    let screen = screen(&world);
    let (key, shown) = popup.other();
    popup.open(&screen);
    screen.keys(&[popup.2, "C-b", key]);
    screen.wait(shown);
    leave_and_type(&screen, "end.");
    assert_typed(&world, "end.");
    assert_no_trace(&screen);
}

#[rstest]
#[case::pick(PICK)]
#[case::picked(PICKED)]
#[case::peek(PEEK)]
#[case::dispatch(DISPATCH)]
#[case::nudge(NUDGE)]
fn a_text_that_comes_with_the_last_key_is_typed_below_in_order(#[case] popup: Popup) {
    let world = world();
    let screen = screen(&world);
    popup.open(&screen);
    screen.keys(&[popup.2, "a", "'", "#", "\\;", "C-k", "b"]);
    for text in ["c", "d", "e."] {
        screen.type_text(text);
    }
    assert_typed(&world, "a'#;\x0bbcde.");
    assert_no_trace(&screen);
}

#[rstest]
#[case::pick(PICK)]
#[case::picked(PICKED)]
#[case::peek(PEEK)]
#[case::dispatch(DISPATCH)]
#[case::nudge(NUDGE)]
fn however_fast_somebody_goes_from_popup_to_popup_no_key_is_typed(#[case] popup: Popup) {
    let world = world();
    let screen = screen(&world);
    let (key, shown) = popup.other();
    for _ in 0..10 {
        popup.open(&screen);
        // Each is a write of its own, and none waits for what the one before leads to.
        for key in [popup.2, "C-b", key] {
            screen.keys(&[key]);
        }
        screen.wait(shown);
        screen.keys(&["C-c"]);
        screen.wait_popup_gone();
    }
    screen.type_text("end.");
    assert_typed(&world, "end.");
    assert_no_trace(&screen);
}

#[test]
fn what_is_typed_while_it_is_sent_is_dropped_but_a_prefix_is_one() {
    let world = World::new();
    let hold = world.path("hold");
    let script = format!("#!/bin/sh\nwhile [ -e '{}' ]; do sleep 0.02; done\nexec tmux \"$@\"\n", hold.display());
    let tmux = world.script("held-tmux", &script);
    let world = world.worker_with("w", &format!("tmux: {}", tmux.display()));
    world.session("w", "dev", &format!("exec perl {ROOT}/tests/programs/box.pl got quiet"));
    let screen = world.screen();
    screen.run(&["open", "w/dev"]).expect(0);
    screen.wait("working");
    NUDGE.open(&screen);
    screen.type_text("a prompt");
    screen.wait("a prompt");
    fs::write(&hold, "").unwrap();
    screen.keys(&["Enter"]);
    screen.wait("sending…");
    screen.type_text("blind");
    screen.keys(&["C-b"]);
    fs::remove_file(&hold).unwrap();
    screen.wait("nudged w/dev");
    screen.wait_popup_gone();
    screen.keys(&["N"]);
    screen.wait("Nudge w/dev");
    leave_and_type(&screen, "end");
    screen.keys(&["Enter"]);
    let got = world.worker_directory("w").join("got");
    eventually("what was typed below", || fs::read_to_string(&got).ok().filter(|got| got.contains("end")));
    assert_eq!(fs::read_to_string(&got).unwrap(), "end");
    assert_no_trace(&screen);
}
