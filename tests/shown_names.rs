//! What the operator's tmux shows of a session: its window's name and options are made of its address, whatever happens to the
//! window, and hold nothing that deceives whoever reads them.

mod support;

use rstest::rstest;
use support::{Screen, World, eventually};

/// Two names that look the same, as most invisible characters do.
const ALIKE: [&str; 2] = ["x\u{200b}y", "x\u{202e}y"];

fn deceives(text: &str) -> bool {
    text.contains(|c: char| matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'))
}

/// Everything that tmux says of windows and panes.
fn all(screen: &Screen<'_>) -> String {
    let of_panes = screen.inner(&["list-panes", "-a", "-F", "#{pane_id}"]);
    let each = of_panes.lines().map(|pane| {
        let names = "#{window_name} #{pane_title} #{@factory-worker-address}";
        screen.inner(&[
            "display-message",
            "-p",
            "-t",
            pane,
            names,
            ";",
            "show-options",
            "-p",
            "-t",
            pane,
            ";",
            "show-options",
            "-w",
            "-t",
            pane,
        ])
    });
    each.collect()
}

#[test]
fn what_deceives_is_replaced_and_every_window_is_still_its_own_session_s() {
    let world = World::new().worker("w");
    for (name, says) in ALIKE.iter().zip(["first", "second"]) {
        world.session("w", name, &format!("echo I am {says}; exec cat"));
    }
    let screen = world.screen();
    let addresses = ALIKE.map(|name| format!("w/{name}"));
    for (address, says) in addresses.iter().zip(["first", "second"]) {
        screen.run(&["open", address]).expect(0);
        screen.wait(&format!("I am {says}"));
    }
    assert_eq!(screen.windows(), ["|home", "w/x\u{fffd}y|w/x\u{fffd}y", "w/x\u{fffd}y|w/x\u{fffd}y"]);
    eventually("both to say how they are", || {
        (all(&screen).matches("@factory-worker-state connected").count() == 4).then_some(())
    });
    assert!(!deceives(&all(&screen)), "{:?}", all(&screen));
    screen.run(&["open", &addresses[0]]).expect(0);
    screen.wait("I am first");
    assert_eq!(screen.windows().len(), 3, "a window was opened twice");
    screen.prefix("P");
    screen.wait("n nudge");
    screen.wait("I am first");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    screen.run(&["close", &addresses[1]]).expect(0);
    eventually("one window less", || (screen.windows().len() == 2).then_some(()));
    screen.wait("I am first");
}

#[test]
fn a_window_of_a_renamed_session_shows_nothing_that_deceives() {
    let world = World::new().worker("w");
    world.session("w", "qa", "exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    eventually("it to be connected", || all(&screen).contains("@factory-worker-state connected").then_some(()));
    for (name, shown) in [(ALIKE[1], "w/x\u{fffd}y"), ("plain", "w/plain")] {
        let id = screen.run(&["list", "--json"]).expect(0);
        assert!(id.stdout.contains("\"sessions\""));
        world.worker_tmux("w", &["rename-session", name]);
        eventually("the window to follow", || (screen.windows() == ["|home", &format!("{shown}|{shown}")]).then_some(()));
        assert!(!deceives(&all(&screen)), "{:?}", all(&screen));
        screen.run(&["open", &format!("w/{name}")]).expect(0);
        assert_eq!(screen.windows().len(), 2);
    }
    assert!(!all(&screen).contains("exact"), "{}", all(&screen));
}

#[rstest]
#[case("a#[fg=red]b")]
#[case("a##[b")]
#[case("100% #S #{pane_id} #(touch pwned)")]
#[case("ends;")]
fn a_name_that_is_marked_is_still_the_name(#[case] name: &str) {
    let world = World::new().worker("w");
    world.session("w", "other", "exec cat");
    let screen = world.screen();
    // There is no such session.
    screen.run(&["open", &format!("w/{name}")]).expect(0);
    screen.wait(&format!("1:! w/{name}*"));
    world.assert_nothing_executed();
}
