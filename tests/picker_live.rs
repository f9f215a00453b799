//! The picker while a hub runs: its rows are live, and the highlight stays where it was.

#[path = "support/picker.rs"]
mod picker;
mod support;

use picker::{highlighted, picker, wait_highlighted, wait_left};
use support::{World, eventually};

/// A world whose picker starts a hub.
fn live() -> World {
    World::new().env("FACTORY_WORKER_LIVE", "on")
}

#[test]
fn rows_come_and_go_by_themselves_and_the_highlight_stays() {
    let world = live().worker("w");
    for name in ["b", "c"] {
        world.session("w", name, "sleep 600");
    }
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/b");
    eventually("the second row", || {
        screen.keys(&["Down"]);
        highlighted(&screen.text()).is_some_and(|row| row.starts_with("w/c")).then_some(())
    });
    // Above it.
    world.session("w", "a", "sleep 600");
    screen.wait("w/a ");
    // skim draws the list before it is told where the row has gone; Enter would mean the row all the same.
    wait_highlighted(&screen, "w/c");
    world.worker_tmux("w", &["rename-session", "-t", "=b:", "renamed"]);
    screen.wait("w/renamed");
    world.worker_tmux("w", &["kill-session", "-t", "=a:"]);
    screen.wait_until("the row to go", |text| !text.contains("w/a "));
    wait_highlighted(&screen, "w/c");
    world.run(&["hub", "status"]).expect(0);
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}

/// What the hub knows is there at once; what is not to be followed is asked as without one.
#[test]
fn a_hub_that_is_there_is_used_and_one_that_goes_is_not_missed() {
    let world = live().worker("w");
    world.session("w", "qa", "echo seen in qa; sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/qa");
    screen.wait("│seen in qa");
    world.run(&["hub", "stop"]).expect(0);
    screen.keys(&["C-r"]);
    wait_highlighted(&screen, "w/qa");
    // There is another one.
    world.session("w", "dev", "sleep 600");
    screen.wait("w/dev");
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}
