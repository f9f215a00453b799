//! What loading the tmux plugin binds, and what it says when the program is missing, or another version of it is there.

#[path = "support/plugin.rs"]
mod plugin;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use plugin::{KEYS, load, source, world};
use rstest::rstest;
use support::{BIN, ROOT, Screen, World, eventually};

/// The keys that the plugin has bound, with what they run.
fn bindings(screen: &Screen<'_>) -> Vec<(String, String)> {
    let listing = screen.inner(&["list-keys", "-T", "prefix"]);
    // Those that enter copy mode are the operator's, wrapped (tests/copy_mode.rs).
    let ours = listing.lines().filter(|line| line.contains("factory-worker") && !line.contains("copy-mode"));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    ours.map(|line| (words(line)[3].clone(), line.to_owned())).collect()
}

fn keys(screen: &Screen<'_>) -> String {
    let mut keys: Vec<String> = bindings(screen).into_iter().map(|(key, _)| key).collect();
    // tmux versions differ in their order.
    keys.sort();
    keys.join(" ")
}

/// A copy of the plugin without a program, in a directory whose name needs care.
fn copy(world: &World) -> PathBuf {
    let directory = world.path("it's #a plugin");
    copy_to(&directory);
    directory
}

fn copy_to(directory: &Path) {
    fs::create_dir_all(directory.join("tmux-plugin")).unwrap();
    for file in ["factory-worker.tmux", "tmux-plugin/factory-worker.tmux", "tmux-plugin/factory-worker-popup.sh"] {
        fs::copy(Path::new(ROOT).join(file), directory.join(file)).unwrap();
    }
}

fn load_copy(directory: &Path) -> String {
    let path = directory.join("factory-worker.tmux").display().to_string().replace('#', "##");
    format!("run-shell '\"{}\"'", path.replace('\'', "'\\''")).replace("'\\''", "'\"'\"'")
}

/// Wait until tmux has shown this message. At load time it may be gone before the first prompt: panes stand still under it.
fn wait_told(screen: &Screen<'_>, text: &str) {
    eventually(&format!("tmux to say {text:?}"), || {
        screen.inner(&["show-messages"]).contains(&format!("message: {text}")).then_some(())
    });
}

#[test]
fn each_key_is_bound_once_and_none_is_one_of_tmux_s_own() {
    let bare = World::new();
    let taken = bare.screen_with("").inner(&["list-keys", "-T", "prefix"]);
    for (_, key) in KEYS {
        assert!(!taken.lines().any(|line| line.split_whitespace().nth(3) == Some(key)), "tmux binds {key}");
    }
    let world = world();
    let screen = world.screen();
    assert_eq!(keys(&screen), "G N P W");
    let before = (screen.inner(&["list-keys"]), screen.inner(&["show-options", "-g"]), screen.inner(&["show-hooks", "-g"]));
    source(&screen);
    let after = (screen.inner(&["list-keys"]), screen.inner(&["show-options", "-g"]), screen.inner(&["show-hooks", "-g"]));
    assert_eq!(before, after);
    for (_, line) in bindings(&screen) {
        assert!(line.contains(BIN), "not the absolute path: {line}");
    }
}

#[test]
fn an_empty_option_binds_nothing_and_another_key_is_another_key() {
    let world = world();
    let options =
        "set -g @factory-worker-pick-key ''\nset -g @factory-worker-peek-key 'M-p'\nset -g @factory-worker-nudge-key ';'";
    let screen = world.screen_with(&load(options));
    assert_eq!(keys(&screen), r"G M-p \;");
    screen.inner(&["set", "-gu", "@factory-worker-pick-key"]);
    screen.inner(&["set", "-g", "@factory-worker-peek-key", ""]);
    screen.inner(&["set", "-g", "@factory-worker-dispatch-key", "C-g"]);
    source(&screen);
    assert_eq!(keys(&screen), r"C-g W \;", "keys that are not ours any more are given back");
}

#[test]
fn a_default_gives_way_to_the_user_s_own_binding_and_a_chosen_key_does_not() {
    let world = world();
    let screen =
        world.screen_with(&load("bind P display-message mine\nbind N display-message mine\nset -g @factory-worker-nudge-key N"));
    assert_eq!(keys(&screen), "G N W");
    source(&screen);
    assert_eq!(keys(&screen), "G N W");
}

#[test]
fn the_version_is_the_program_s() {
    let script = fs::read_to_string(Path::new(ROOT).join("tmux-plugin/factory-worker.tmux")).unwrap();
    let own = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    assert!(script.contains(&format!("\nversion={own}\n")));
}

#[test]
fn a_missing_program_is_said_with_the_command_to_run_and_found_when_it_is_there() {
    let world = world();
    let plugin = copy(&world);
    let screen = world.screen_with(&load_copy(&plugin));
    wait_told(&screen, "factory-worker is missing: run `make install` in");
    for (_, key) in KEYS {
        // Any key takes the message of the one before away.
        screen.keys(&["Enter"]);
        screen.wait_gone("make install");
        screen.prefix(key);
        let text = screen.wait("run `make install` in");
        assert!(text.contains("factory-worker is missing"), "{text}");
    }
    fs::create_dir(plugin.join("bin")).unwrap();
    std::os::unix::fs::symlink(BIN, plugin.join("bin/factory-worker")).unwrap();
    screen.prefix("W");
    screen.wait("press the key again");
    screen.prefix("W");
    screen.wait("w/qa");
}

#[test]
fn the_remedy_fits_on_a_status_line_of_80_columns() {
    let world = world();
    let directory = world.home().join(".tmux/plugins/factory-worker");
    copy_to(&directory);
    // What is said stays there until a key is pressed, however busy the machine is.
    let screen = world.screen_with(&format!("set -g display-time 0\n{}", load_copy(&directory)));
    let message = "factory-worker is missing: run `make install` in ~/.tmux/plugins/factory-worker";
    wait_told(&screen, message);
    screen.resize(80, 24);
    screen.keys(&["Enter"]);
    screen.prefix("W");
    assert!(screen.wait("make install").trim_end().ends_with(message));
}

#[rstest]
#[case("echo factory-worker 9.9.9")]
#[case("echo factory-worker 0.10.0")]
#[case("echo no such option; exit 2")]
#[case("exit 1")]
fn a_program_of_another_version_is_said(#[case] says: &str) {
    let message = "factory-worker is not 0.1: run `make install` in";
    let world = world();
    let other = world.script("other", &format!("#!/bin/sh\n{says}\n"));
    let screen =
        world.screen_with(&format!("set -g @factory-worker-bin '{}'\nrun-shell '{ROOT}/factory-worker.tmux'", other.display()));
    wait_told(&screen, message);
    screen.prefix("W");
    assert!(screen.wait("make install").contains(message));
}

#[test]
fn a_program_that_goes_away_is_said_when_its_key_is_pressed() {
    let world = world();
    let program = world.path("program");
    std::os::unix::fs::symlink(BIN, &program).unwrap();
    let configuration = format!("set -g @factory-worker-bin '{}'\nrun-shell '{ROOT}/factory-worker.tmux'", program.display());
    let screen = world.screen_with(&configuration);
    fs::remove_file(&program).unwrap();
    screen.prefix("W");
    let text = screen.wait("(Escape closes this)");
    assert!(text.contains("factory-worker is missing: run `make install` in"), "{text}");
    assert!(text.contains("or correct @factory-worker-bin"), "{text}");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    std::os::unix::fs::symlink(BIN, &program).unwrap();
    screen.prefix("W");
    screen.wait("press the key again");
    screen.prefix("W");
    screen.wait("w/qa");
}
