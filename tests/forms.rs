//! The nudge form and the dispatch form, by their keys: what was typed arrives as it is, or is not lost.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rstest::rstest;
use support::{BIN, ROOT, Screen, World, eventually};

/// A world with a session `w/s` that has an input box; what is sent there is in the file `got`.
fn with_box(mode: &str) -> World {
    let world = World::new().worker("w");
    world.session("w", "s", &format!("exec perl {ROOT}/tests/programs/box.pl got {mode}"));
    eventually("the program to start", || world.pane("w", "s").contains("working").then_some(()));
    world
}

fn got(world: &World) -> Option<String> {
    fs::read_to_string(world.worker_directory("w").join("got")).ok()
}

#[track_caller]
fn wait_got(world: &World, text: &str) {
    eventually("the text to arrive", || got(world));
    assert_eq!(got(world).as_deref(), Some(text));
}

/// A terminal in a window that shows `w/s`, as far as the keys can tell.
fn terminal(world: &World) -> Screen<'_> {
    let screen = world.screen();
    screen.inner(&["set-option", "-w", "@factory-worker-address", "w/s"]);
    screen
}

fn nudge_form<'a>(world: &'a World) -> Screen<'a> {
    let screen = terminal(world);
    screen.prefix("N");
    screen.wait("Enter send");
    screen
}

/// Wait until the popup has gone: until then the next key belongs to it, also when its program has left already.
#[track_caller]
fn wait_closed(screen: &Screen<'_>) {
    screen.wait_gone("┌");
}

fn drafts(world: &World) -> String {
    fs::read_to_string(world.path("state/factory-worker/drafts.json")).unwrap_or_default()
}

#[test]
fn a_typed_prompt_is_sent_and_the_popup_closes() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.wait("Nudge w/s");
    screen.type_text("it's \"$HOME\" `id` #{pane_id} #(id) \\n %d; -x Enter C-c;");
    screen.keys(&["Enter"]);
    screen.wait("nudged w/s");
    wait_closed(&screen);
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

#[test]
fn a_text_that_was_left_is_offered_again_until_it_is_sent() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.paste("half a\nthought");
    screen.wait("thought");
    screen.keys(&["Escape"]);
    wait_closed(&screen);
    assert_eq!(got(&world), None);
    let mode = fs::metadata(world.path("state/factory-worker/drafts.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    screen.prefix("N");
    let shown = screen.wait("Kept from");
    assert!(shown.contains("not sent") && shown.contains("half a"), "{shown}");
    screen.keys(&["Enter"]);
    wait_got(&world, "half a\nthought");
    screen.wait("nudged w/s");
    wait_closed(&screen);

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
    wait_closed(&screen);
    screen.prefix("N");
    screen.wait("nonsense");
    screen.keys(&["C-l"]);
    screen.wait_gone("nonsense");
    screen.keys(&["Escape"]);
    wait_closed(&screen);
    assert!(!drafts(&world).contains("nonsense"));
}

#[test]
fn a_popup_that_is_closed_from_outside_loses_nothing() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.type_text("precious");
    eventually("typing to pause", || drafts(&world).contains("precious").then_some(()));
    screen.inner(&["display-popup", "-C"]);
    wait_closed(&screen);
    screen.prefix("N");
    screen.wait("precious");
}

/// A world in which nothing can be kept, not even by root.
fn without_state(world: World) -> World {
    world.env("XDG_STATE_HOME", "/dev/null/x")
}

const UNKEPT: &str = "what you typed could not be kept: cannot make the state directory";

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
    wait_closed(&screen);
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
    wait_closed(&screen);
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

#[test]
fn an_empty_prompt_is_refused_in_its_place() {
    let world = with_box("quiet");
    let screen = nudge_form(&world);
    screen.keys(&["Enter"]);
    screen.wait("there is no text to type");
    screen.type_text("x");
    screen.wait_gone("there is no text to type");
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

/// A world whose worker takes issues: each argument is a line in the file `dispatched`.
fn with_queue() -> World {
    let world = World::new();
    let record = world.script("record", "#!/bin/sh\n[ ! -e refuse ] || { echo queue is full >&2; exit 9; }\nprintf '%s\\n' \"$@\" >dispatched\necho queued as 7\n");
    let commands =
        format!("commands: {{queue: \"\", dispatch: \"{} {{project}} {{issue}} [--intent {{intent}}]\"}}", record.display());
    let bare = "commands: {queue: \"\", dispatch: \"\"}";
    let world = world.worker_with("bare", bare).worker_with("a", &commands).worker_with("b", &commands);
    for worker in ["bare", "a", "b"] {
        world.session(worker, "s", "sleep 600");
    }
    world
}

fn dispatch_form<'a>(world: &'a World, address: &str) -> Screen<'a> {
    let screen = world.screen();
    screen.inner(&["set-option", "-w", "@factory-worker-address", address]);
    screen.prefix("G");
    screen
}

fn dispatched(world: &World, worker: &str) -> String {
    let file = world.worker_directory(worker).join("dispatched");
    eventually("the issue to arrive", || fs::read_to_string(&file).ok())
}

#[test]
fn an_issue_is_dispatched_to_the_worker_of_the_window() {
    let world = with_queue();
    let screen = dispatch_form(&world, "b/s");
    screen.wait("< b >");
    screen.type_text("acme/shop");
    screen.keys(&["Tab"]);
    screen.type_text("42");
    screen.keys(&["Tab"]);
    screen.type_text("fix \"it\" $HOME `id` #{x};");
    screen.keys(&["Enter"]);
    screen.wait("dispatched acme/shop#42 to b: queued as 7");
    wait_closed(&screen);
    assert_eq!(dispatched(&world, "b"), "acme/shop\n42\n--intent\nfix \"it\" $HOME `id` #{x};\n");
}

#[test]
fn the_worker_can_be_chosen() {
    let world = with_queue();
    let screen = world.screen();
    screen.prefix("G");
    // A worker without a dispatch command is not offered.
    screen.wait("< a >");
    screen.keys(&["Right"]);
    screen.wait("< b >");
    screen.keys(&["Tab"]);
    screen.type_text("shop");
    screen.keys(&["Tab"]);
    screen.type_text("1");
    screen.keys(&["Enter"]);
    assert_eq!(dispatched(&world, "b"), "shop\n1\n");
}

#[test]
fn what_is_wrong_is_said_beside_the_field() {
    let world = with_queue();
    let screen = dispatch_form(&world, "a/s");
    screen.wait("< a >");
    screen.keys(&["Enter"]);
    screen.wait("the project is empty");
    screen.type_text("shop");
    screen.wait_gone("the project is empty");
    screen.keys(&["Tab"]);
    screen.type_text("x7");
    screen.keys(&["Enter"]);
    screen.wait("is no positive integer");
    screen.keys(&["C-u"]);
    screen.type_text("7");
    screen.keys(&["Enter"]);
    assert_eq!(dispatched(&world, "a"), "shop\n7\n");
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
    wait_closed(&screen);

    fs::remove_file(&refuse).unwrap();
    screen.prefix("G");
    let shown = screen.wait("Kept from");
    assert!(shown.contains("shop") && shown.contains("42"), "{shown}");
    screen.keys(&["Enter"]);
    assert_eq!(dispatched(&world, "a"), "shop\n42\n");
    screen.wait("dispatched shop#42 to a");
    assert!(!drafts(&world).contains("shop"));
}

#[test]
fn a_worker_without_a_dispatch_command_says_so() {
    let world = with_queue();
    let screen = dispatch_form(&world, "bare/s");
    screen.wait("worker bare has no dispatch command");
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

#[test]
fn without_a_terminal_text_is_read_from_standard_input() {
    let world = with_box("quiet");
    world.run_with_input(&["nudge", "w/s"], b"piped").expect(0);
    wait_got(&world, "piped");
}
