//! The picker in terminals of every size: what does not fit is left out in the order in which it is missed least.

mod support;

use rstest::rstest;
use support::{BIN, World};

/// What every size has to show of the keys.
const KEYS: &[&str] =
    &["Enter", "Alt-s", "Alt-p", "Alt-g", "Alt-n", "Alt-x", "Ctrl-r", "Up, Down", "Ctrl-u", "Alt-r", "F1", "Esc leave"];

#[rstest]
#[case::preview_below(80, 24)]
#[case::preview_beside(116, 40)]
fn hint_and_help_fit_into_the_popup(#[case] columns: u16, #[case] rows: u16) {
    let world = World::new().worker("worker-1");
    world.session("worker-1", "qa", "echo shown by qa; while sleep 0.1; do :; done");
    let screen = world.screen();
    screen.resize(columns, rows);
    screen.prefix("W");
    screen.wait_all(&["F1 keys · Enter open · Ctrl-r refresh", "shown by qa", "> worker-1/qa  active"]);
    screen.keys(&["F1"]);
    let text = screen.wait("In the query");
    let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(KEYS.iter().all(|key| squeezed.contains(key)) && squeezed.contains("'exact ^begin end$ !not a | b"), "{text}");
    screen.keys(&["F1"]);
    screen.wait_all(&["shown by qa", "worker-1/qa"]);
}

#[test]
fn a_very_small_terminal_shows_addresses_states_and_ages() {
    let world = World::new().worker("worker-1");
    for at in 0..20 {
        world.session("worker-1", &format!("a-session-with-a-long-name-{at:02}"), "echo seen; sleep 600");
    }
    let screen = world.screen_with("set -g status off");
    screen.resize(40, 12);
    screen.enter(&format!("clear; {BIN} pick"));
    let text = screen.wait_all(&["20 sessions on 1 worker", "F1 keys · Enter open · Ctrl-r refresh", "> worker-1"]);
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("worker-1/")).collect();
    assert_eq!(rows.len(), 9, "{text}");
    for row in &rows {
        // Beside the age there is nothing but the scroll bar, and a blank between them.
        let state = row.strip_suffix(" ▐").unwrap_or(row).split_whitespace().collect::<Vec<_>>();
        let age = state.last().unwrap();
        assert!(row.contains("…") && state.contains(&"active") && age.ends_with('s'), "{text}");
    }
    assert!(rows.iter().any(|row| row.ends_with(" ▐")), "{text}");
    screen.keys(&["F1"]);
    let text = screen.wait("Esc leave");
    assert!(KEYS.iter().all(|key| text.contains(key)) && !text.contains("worker-1/"), "{text}");
}

#[test]
fn the_preview_goes_where_a_resized_terminal_has_room() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo shown by qa; sleep 600");
    let screen = world.screen_with("set -g status off");
    screen.enter(&format!("clear; {BIN} pick"));
    screen.wait("│shown by qa");
    screen.resize(80, 24);
    screen.wait_until("the preview below", |text| text.lines().any(|line| line.starts_with("shown by qa")));
    screen.resize(40, 12);
    let text = screen.wait_gone("shown by qa");
    assert!(text.contains("F1 keys"), "{text}");
    screen.resize(120, 40);
    screen.wait("│shown by qa");
}

#[rstest]
#[case(20, 5)]
#[case(3, 2)]
fn a_tiny_terminal_breaks_nothing(#[case] columns: u16, #[case] rows: u16) {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {BIN} pick; echo left with $?"));
    screen.wait("> w/qa");
    let size = [columns, rows].map(|size| size.to_string());
    screen.inner(&["set", "-g", "window-size", "manual", ";", "resize-window", "-x", &size[0], "-y", &size[1]]);
    screen.keys(&["Down"]);
    screen.inner(&["resize-window", "-x", "120", "-y", "39"]);
    screen.wait("> w/qa");
    screen.keys(&["Escape"]);
    screen.wait("left with 0");
}

#[test]
fn the_end_of_a_query_that_is_too_long_stays_in_sight() {
    let world = World::new().worker("w");
    world.session("w", "qa", "exec cat");
    let screen = world.screen();
    screen.prefix("W");
    screen.wait("1 session on 1 worker");
    let query = format!("begin{}the end", "x".repeat(70));
    screen.type_text(&query);
    let text = screen.wait("xthe end");
    assert!(text.contains("> beginx") && text.contains("…xxx"), "{text}");
    screen.keys(&["C-u"]);
    screen.wait("1 session on 1 worker");
}
