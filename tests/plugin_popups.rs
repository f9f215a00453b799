//! The plugin's popups: real key presses in a real client open them, they fit, and no key of theirs reaches the session below.

#[path = "support/plugin.rs"]
mod plugin;
mod support;

use std::fs;
use std::time::Duration;

use plugin::{KEYS, load, source, world};
use rstest::rstest;
use support::{Screen, World, eventually};

/// A key closes only after a second without any, and when none follows it.
const MORE_THAN_A_SECOND: Duration = Duration::from_millis(1600);

#[track_caller]
fn pick_qa(screen: &Screen<'_>) {
    screen.prefix("W");
    screen.wait("w/dev");
    screen.wait("w/qa");
    screen.type_text("qa");
    screen.wait_until("only qa to be left", |text| !text.contains("w/dev"));
    screen.keys(&["Enter"]);
    screen.wait("I am qa");
}

#[test]
fn w_picks_and_opens() {
    let world = world();
    let screen = world.screen();
    pick_qa(&screen);
    eventually("the window", || (screen.windows() == ["|home", "w/qa|w/qa"]).then_some(()));
}

#[test]
fn p_peeks_at_the_window_s_session_until_it_is_left() {
    let world = world();
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen.prefix("P");
    screen.wait("w/qa · Enter open");
    screen.keys(&["x", "Escape"]);
    screen.wait_popup_gone();
    assert!(!world.pane("w", "qa").contains('x'), "the key reached the session");
}

#[test]
fn p_elsewhere_picks_a_session_to_peek_at() {
    let world = world();
    let screen = world.screen();
    screen.prefix("P");
    screen.wait("w/dev");
    screen.wait("w/qa");
    screen.type_text("dev");
    screen.wait_until("only dev to be left", |text| !text.contains("w/qa"));
    screen.keys(&["Enter"]);
    screen.wait("w/dev · Enter open");
    screen.wait("I am dev");
}

#[test]
fn what_is_picked_opens_where_the_key_was_pressed() {
    let world = world();
    let screen = world.screen();
    let other = screen.another("other");
    other.keys(&["C-b", "W"]);
    eventually("the picker in the other terminal", || other.text().contains("w/qa").then_some(()));
    assert!(!screen.text().contains("w/qa"), "the picker shows in the wrong terminal");
    // Now this terminal is the one that was used last.
    screen.enter("echo typed");
    screen.wait("\ntyped");
    other.keys(&["q", "a"]);
    eventually("only qa to be left", || (!other.text().contains("w/dev")).then_some(()));
    other.keys(&["Enter"]);
    eventually("the session in the other terminal", || other.text().contains("I am qa").then_some(()));
    assert_eq!(screen.inner(&["list-windows", "-t", "other", "-F", "#{@factory-worker-address}"]), "\nw/qa\n");
    // From here, the open window is one of the other session: going there takes this client along.
    pick_qa(&screen);
    screen.wait("[other]");
    assert_eq!(screen.windows().len(), 3);
}

#[rstest]
#[case::window("kill-window", "other:")]
#[case::session("kill-session", "other")]
fn a_popup_whose_window_goes_away_leaves_a_client_that_can_type(#[case] kill: &str, #[case] what: &str) {
    let world = world();
    let screen = world.screen_with(&load("set -g detach-on-destroy off"));
    let client = screen.inner(&["list-clients", "-F", "#{client_name}"]);
    let client = client.trim();
    screen.inner(&[
        "new-session",
        "-d",
        "-s",
        "other",
        ";",
        "new-window",
        "-t",
        "other",
        ";",
        "switch-client",
        "-c",
        client,
        "-t",
        "other",
    ]);
    screen.wait("[other]");
    screen.inner(&["refresh-client", "-t", client, "-f", "ignore-size"]);
    screen.prefix("W");
    screen.wait("w/qa");
    screen.inner(&[kill, "-t", what]);
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    screen.enter("echo it is $((6 * 7))");
    screen.wait("it is 42");
    let state = screen.inner(&["list-clients", "-F", "#{client_readonly} #{client_flags}"]);
    assert!(state.starts_with("0 ") && state.contains("ignore-size"), "{state}");
}

/// Close the popup and type into the session below, which keeps its keys in the file `keys`: that is all it got.
#[track_caller]
fn assert_reached_by_nothing(world: &World, screen: &Screen<'_>, round: usize) {
    // Only a popup has corners.
    screen.wait("┌");
    eventually("the popup to close", || {
        screen.keys(&["Escape"]);
        (!screen.has_popup()).then_some(())
    });
    let end = format!("end {round}.");
    screen.type_text(&end);
    let keys = world.worker_directory("w").join("keys");
    let got = eventually("what is typed now to arrive", || fs::read_to_string(&keys).ok().filter(|keys| keys.contains(&end)));
    let got = got.replace('\x1b', "");
    let typed: String = (1..=round).map(|round| format!("end {round}.")).collect();
    assert_eq!(got, typed, "keys for the popup reached the session");
}

#[rstest]
#[case::pick("W")]
#[case::peek("P")]
#[case::dispatch("G")]
#[case::nudge("N")]
fn no_key_of_a_burst_reaches_the_session_below(#[case] key: &str) {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"echo {project} {issue}\"}");
    world.session("w", "dev", "stty raw -echo; echo 'I am dev'; exec cat >keys");
    let screen = world.screen();
    screen.run(&["open", "w/dev"]).expect(0);
    screen.wait("I am dev");
    for round in 1..=20 {
        // All in one write, as when a slow connection catches up: tmux has read it before there is a popup.
        screen.keys(&["C-b", key, "d", "e", "v", "Enter"]);
        assert_reached_by_nothing(&world, &screen, 2 * round - 1);
        // In several writes, none of which waits for the popup.
        screen.prefix(key);
        screen.type_text("dev");
        assert_reached_by_nothing(&world, &screen, 2 * round);
    }
    assert_eq!(screen.inner(&["list-clients", "-F", "#{client_readonly} #{client_key_table}"]), "0 root\n");
    assert!(!screen.inner(&["show-environment"]).contains("FACTORY_WORKER"), "a trace of a popup stays");
}

#[test]
fn a_popup_whose_command_fails_stays_readable() {
    let world = world();
    let screen = world.screen();
    fs::write(world.registry_path(), "workers: {").unwrap();
    for (_, key) in KEYS {
        screen.prefix(key);
        screen.wait("workers.yaml");
        screen.wait("press any key to close");
        // Typed without a look, it closes nothing: the rest would go to the window beneath.
        screen.keys(&["x", "y"]);
        eventually("a key to close the popup", || {
            std::thread::sleep(MORE_THAN_A_SECOND);
            assert!(screen.has_popup(), "{}", screen.text());
            screen.keys(&["x"]);
            std::thread::sleep(MORE_THAN_A_SECOND);
            (!screen.has_popup()).then_some(())
        });
    }
}

#[test]
fn a_popup_is_as_large_as_its_options_say() {
    let world = world();
    let screen = world.screen_with(&load("set -g @factory-worker-pick-width 60\nset -g @factory-worker-pick-height 50%"));
    screen.prefix("W");
    let text = screen.wait("w/qa");
    let widest = text.lines().filter(|line| line.contains('│')).map(|line| line.trim().chars().count()).max();
    assert_eq!((widest, text.lines().filter(|line| line.trim().starts_with('│')).count()), (Some(60), 18), "{text}");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    screen.inner(&["set", "-g", "@factory-worker-pick-width", "wide"]);
    source(&screen);
    screen.prefix("W");
    screen.wait("Width invalid");
}

#[rstest]
#[case(80, 24)]
#[case(40, 12)]
fn every_popup_fits_into_a_small_terminal(#[case] columns: u16, #[case] rows: u16) {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"echo {project} {issue}\"}");
    world.session("w", "qa", "echo 'I am qa'; exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.resize(columns, rows);
    for (key, shown) in [("W", "w/qa"), ("P", "Enter open · n nudge"), ("G", "Intent"), ("N", "Nudge w/qa")] {
        screen.prefix(key);
        screen.wait("└");
        screen.wait(shown);
        screen.keys(&["Escape"]);
        screen.wait_popup_gone();
    }
}

#[rstest]
#[case("nudge", "N")]
#[case("dispatch", "G")]
fn a_popup_that_is_larger_than_the_terminal_becomes_as_large_as_that(#[case] name: &str, #[case] key: &str) {
    let world = World::new().worker("w");
    world.session("w", "qa", "exec cat");
    let sizes = format!("set -g @factory-worker-{name}-width 500\nset -g @factory-worker-{name}-height 500");
    let screen = world.screen_with(&load(&sizes));
    screen.run(&["open", "w/qa"]).expect(0);
    screen.prefix(key);
    screen.wait("Enter send");
}

#[test]
fn hostile_names_are_only_names_in_popups_too() {
    let world = World::new().worker("w");
    world.session("w", "#(touch pwned) 100%d ;", "echo here; exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/#(touch pwned) 100%d ;"]).expect(0);
    screen.wait("here");
    screen.prefix("P");
    screen.wait("w/#(touch pwned) 100%d ; · Enter open");
    world.assert_nothing_executed();
}
