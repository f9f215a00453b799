//! The operator's copy-mode key: in a worker window it enters the session's copy mode, where the history is; elsewhere it
//! does what it did before the plugin was loaded. No application gets a byte of it.

mod support;

use std::fs;

use rstest::rstest;
use support::nested::{Stranger, clients, everything, hidden, options, wait_as_before, wait_hidden};
use support::{BIN, ROOT, Screen, World, eventually};

/// A session with a history, whose application keeps all keys that reach it.
const AGENT: &str =
    "stty raw -echo; i=0; while [ $i -lt 300 ]; do i=$((i + 1)); printf 'line %s.\\r\\n' $i; done; exec cat >keys";

fn world() -> World {
    world_with("")
}

fn world_with(setting: &str) -> World {
    let world = World::new().worker_with("w", setting);
    world.session("w", "qa", AGENT);
    world
}

/// A configuration that loads the plugin in front of or behind other lines.
fn loading(before: &str, after: &str) -> String {
    format!("{before}\nset -g @factory-worker-bin '{BIN}'\nrun-shell '{ROOT}/factory-worker.tmux'\n{after}")
}

fn load_again(screen: &Screen<'_>) {
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
}

fn window_of_qa<'a>(world: &'a World, configuration: &str) -> Screen<'a> {
    let screen = world.screen_with(configuration);
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("line 300.");
    wait_hidden(world, "qa");
    eventually("the window to know", || takes_our_keys(&screen).then_some(()));
    screen
}

fn takes_our_keys(screen: &Screen<'_>) -> bool {
    screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_path}"]).starts_with("factory-worker:seamless ")
}

fn in_local_mode(screen: &Screen<'_>) -> bool {
    screen.inner(&["display-message", "-p", "#{pane_in_mode}"]).trim() == "1"
}

fn in_remote_mode(world: &World) -> bool {
    options(world, "qa", "#{pane_in_mode}") == "1"
}

#[track_caller]
fn wait_remote_mode(world: &World, screen: &Screen<'_>) {
    eventually("the session's copy mode", || in_remote_mode(world).then_some(()));
    assert!(!in_local_mode(screen));
}

#[track_caller]
fn wait_local_mode(world: &World, screen: &Screen<'_>) {
    eventually("the local copy mode", || in_local_mode(screen).then_some(()));
    assert!(!in_remote_mode(world));
}

/// Everything that was typed into the application, when `last` has arrived there.
#[track_caller]
fn typed(world: &World, screen: &Screen<'_>, last: &str) -> String {
    screen.type_text(last);
    let keys = world.worker_directory("w").join("keys");
    eventually("what is typed to arrive", || fs::read_to_string(&keys).ok().filter(|keys| keys.ends_with(last)))
}

fn keys_bound(screen: &Screen<'_>) -> String {
    screen.inner(&["list-keys"]) + &screen.inner(&["list-keys", "-N", "-a"])
}

#[rstest]
#[case::emacs_on_emacs("emacs", "emacs", &["M-<", "C-Space", "C-e", "M-w"])]
#[case::emacs_on_vi("emacs", "vi", &["M-<", "C-Space", "C-e", "M-w"])]
#[case::vi_on_vi("vi", "vi", &["g", "0", "Space", "$", "Enter"])]
#[case::vi_on_emacs("vi", "emacs", &["g", "0", "Space", "$", "Enter"])]
fn history_is_copied_with_the_operator_s_own_keys(#[case] operator: &str, #[case] worker: &str, #[case] keys: &[&str]) {
    let world = world();
    world.worker_tmux("w", &["set", "-gw", "mode-keys", worker]);
    // Nobody types as fast as this test, so tmux takes it for a paste.
    world.worker_tmux("w", &["set", "-g", "assume-paste-time", "0"]);
    let before = everything(&world);
    let settings = format!("set -gw mode-keys {operator}\nset -s set-clipboard on\nset -g assume-paste-time 0");
    let screen = window_of_qa(&world, &loading(&settings, ""));
    screen.prefix("[");
    wait_remote_mode(&world, &screen);
    screen.keys(keys);
    eventually("the copy", || screen.inner(&["list-buffers", "-F", "#{buffer_sample}"]).starts_with("line 1.").then_some(()));
    eventually("copy mode to end", || (!in_remote_mode(&world)).then_some(()));
    assert_eq!(typed(&world, &screen, "end"), "end");
    eventually("the worker's own keys", || (options(&world, "qa", "#{mode-keys}") == worker).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
}

#[test]
fn a_window_s_own_keys_are_respected() {
    let world = world();
    world.worker_tmux("w", &["set", "-w", "-t", "=qa:", "mode-keys", "emacs"]);
    let before = everything(&world);
    let screen = window_of_qa(&world, &loading("set -gw mode-keys vi", ""));
    screen.prefix("[");
    wait_remote_mode(&world, &screen);
    assert_eq!(options(&world, "qa", "#{mode-keys}"), "emacs");
    screen.keys(&["C-c"]);
    eventually("copy mode to end", || (!in_remote_mode(&world)).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
}

#[test]
fn a_page_up_key_goes_up_a_page() {
    let world = world();
    let screen = window_of_qa(&world, &loading("", ""));
    screen.prefix("PPage");
    wait_remote_mode(&world, &screen);
    eventually("a page up", || (options(&world, "qa", "#{scroll_position}") != "0").then_some(()));
    screen.wait("line 230.");
}

#[test]
fn a_view_that_ends_in_copy_mode_leaves_the_worker_s_own_keys() {
    let world = world();
    let before = everything(&world);
    let screen = window_of_qa(&world, &loading("set -gw mode-keys vi", ""));
    screen.prefix("[");
    wait_remote_mode(&world, &screen);
    assert_eq!(options(&world, "qa", "#{mode-keys}"), "vi");
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
}

#[test]
fn elsewhere_the_key_does_what_it_did() {
    let world = world();
    let screen = window_of_qa(&world, &loading("", ""));
    screen.inner(&["split-window", "-t", "w/qa"]);
    screen.prefix("[");
    wait_local_mode(&world, &screen);
    screen.inner(&["select-window", "-t", "home"]);
    screen.prefix("[");
    wait_local_mode(&world, &screen);
    // The mouse, or a key of another plugin, may have brought a worker window into the local copy mode.
    screen.inner(&["select-window", "-t", "w/qa", ";", "select-pane", "-t", "w/qa.0", ";", "copy-mode"]);
    screen.prefix("[");
    wait_local_mode(&world, &screen);
}

#[rstest]
#[case::plain("view: plain")]
#[case::somebody_there("")]
fn a_plain_view_keeps_the_local_copy_mode(#[case] setting: &str) {
    let world = world_with(setting);
    let stranger = setting.is_empty().then(|| Stranger::attaches(&world, "qa"));
    eventually("whoever is there", || (clients(&world) == usize::from(stranger.is_some())).then_some(()));
    let screen = world.screen_with(&loading("", ""));
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("line 300.");
    screen.prefix("[");
    wait_local_mode(&world, &screen);
    screen.keys(&["Escape"]);
    eventually("copy mode to end", || (!in_local_mode(&screen)).then_some(()));
    assert_eq!(typed(&world, &screen, "end"), "end");
    if let Some(stranger) = stranger {
        stranger.leaves();
    }
}

#[test]
fn a_view_that_only_reads_keeps_the_local_copy_mode() {
    let world = world();
    let screen = world.screen_with(&loading("", ""));
    screen.inner(&["new-window", "-n", "reads", "--", BIN, "attach", "--read-only", "w/qa"]);
    screen.inner(&["set", "-p", "-t", "reads", "@factory-worker-view", "1"]);
    screen.wait("line 300.");
    wait_hidden(&world, "qa");
    eventually("the client", || (clients(&world) == 1).then_some(()));
    screen.prefix("[");
    wait_local_mode(&world, &screen);
}

#[test]
fn somebody_who_joins_makes_no_difference_to_the_application() {
    let world = world();
    let screen = window_of_qa(&world, &loading("set -gw mode-keys vi", ""));
    let stranger = Stranger::attaches(&world, "qa");
    eventually("the session's own options", || (options(&world, "qa", "#{prefix}") == "C-b").then_some(()));
    for _ in 0..10 {
        screen.prefix("[");
        wait_remote_mode(&world, &screen);
        screen.type_text("q");
        eventually("copy mode to end", || (!in_remote_mode(&world)).then_some(()));
    }
    stranger.leaves();
    eventually("the view's options", || (options(&world, "qa", "#{prefix}") == "C-F12").then_some(()));
    screen.prefix("[");
    wait_remote_mode(&world, &screen);
    screen.type_text("q");
    eventually("copy mode to end", || (!in_remote_mode(&world)).then_some(()));
    assert_eq!(typed(&world, &screen, "end"), "end");
}

#[test]
fn somebody_who_joins_finds_the_worker_s_own_keys_in_copy_mode() {
    let world = world();
    let own = hidden(&world, "qa");
    let screen = window_of_qa(&world, &loading("set -gw mode-keys vi", ""));
    screen.prefix("[");
    wait_remote_mode(&world, &screen);
    let stranger = Stranger::attaches(&world, "qa");
    eventually("the session's own options", || (hidden(&world, "qa") == own).then_some(()));
    eventually("the worker's own keys", || (options(&world, "qa", "#{mode-keys}") == "emacs").then_some(()));
    stranger.leaves();
}

#[rstest]
#[case("waiting-pod")]
#[case("reconnecting")]
#[case("failed")]
fn a_window_that_is_down_keeps_the_local_copy_mode(#[case] state: &str) {
    let world = world();
    let screen = window_of_qa(&world, &loading("", ""));
    screen.inner(&["set", "-p", "-t", "w/qa", "@factory-worker-state", state]);
    screen.prefix("[");
    wait_local_mode(&world, &screen);
    screen.inner(&["send-keys", "-X", "cancel"]);
    screen.inner(&["set", "-p", "-t", "w/qa", "@factory-worker-state", "connected"]);
    screen.prefix("[");
    wait_remote_mode(&world, &screen);
}

#[rstest]
#[case::another_key("bind v copy-mode", &["C-b", "v"])]
#[case::without_a_prefix("bind -n M-c copy-mode -e", &["M-c"])]
#[case::another_prefix("set -g prefix C-a", &["C-a", "["])]
#[case::a_table_of_their_own("bind -n M-x switch-client -T mine\nbind -T mine x copy-mode -H", &["M-x", "x"])]
#[case::awkward("bind -r -N \"it's #{mine}\" '\\' copy-mode", &["C-b", "\\"])]
fn every_key_that_enters_copy_mode_does(
    #[case] binding: &str,
    #[case] keys: &[&str],
    #[values(false, true)] behind_the_plugin: bool,
) {
    let world = world();
    let (before, after) = if behind_the_plugin { ("", binding) } else { (binding, "") };
    let screen = window_of_qa(&world, &loading(before, after));
    if behind_the_plugin {
        screen.keys(keys);
        // It is what tmux was told last, until the plugin is loaded again.
        if keys[1..] != ["["] {
            wait_local_mode(&world, &screen);
            screen.inner(&["send-keys", "-X", "cancel"]);
        }
        load_again(&screen);
    }
    screen.keys(keys);
    wait_remote_mode(&world, &screen);
    screen.inner(&["select-window", "-t", "home"]);
    screen.keys(keys);
    eventually("the local copy mode", || in_local_mode(&screen).then_some(()));
}

#[test]
fn a_key_that_does_something_else_is_left_alone() {
    let world = world();
    let theirs = "bind [ display-message mine\nbind v copy-mode \\; send-keys -X page-up\nbind y run-shell 'tmux copy-mode'";
    let screen = world.screen_with(&loading(theirs, ""));
    let bound = screen.inner(&["list-keys", "-T", "prefix"]);
    for command in ["display-message mine", "copy-mode \\; send-keys -X page-up", "run-shell \"tmux copy-mode\""] {
        assert!(bound.lines().any(|line| line.ends_with(command)), "{command} in:\n{bound}");
    }
}

#[test]
fn loading_twice_changes_nothing_and_an_option_takes_it_all_back() {
    let odd = "bind -r -N \"it's #{mine} \\$HOME \\\\ \\\\\\$PATH\" '\\' copy-mode\nbind -n 'M-\"' copy-mode -eu\nbind -T mine ';' copy-mode";
    let (other_world, world) = (world(), world());
    let off = other_world.screen_with(&loading(&format!("{odd}\nset -g @factory-worker-copy-mode off"), ""));
    let unchanged = keys_bound(&off);
    assert!(!unchanged.contains("factory-worker:seamless"));
    // One line says what the key does; another one too, when it has no note.
    let enters = |line: &&str| {
        let (_, flags) = line.rsplit_once(" copy-mode").unwrap_or(("", "no such line"));
        !line.contains(" -T copy-mode") && (flags.is_empty() || flags.starts_with(" -") && !flags.contains([';', '}', '"']))
    };
    let bare = unchanged.lines().filter(enters).count();
    let screen = world.screen_with(&loading(odd, ""));
    let wrapped = keys_bound(&screen);
    assert_eq!(wrapped.matches("1factory-worker:seamless").count(), bare, "{wrapped}\nwas:\n{unchanged}");
    load_again(&screen);
    assert_eq!(keys_bound(&screen), wrapped);
    screen.inner(&["set", "-g", "@factory-worker-copy-mode", "off"]);
    load_again(&screen);
    assert_eq!(keys_bound(&screen), unchanged);
}
