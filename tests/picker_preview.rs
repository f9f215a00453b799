//! The picker's preview: it shows the highlighted session, whatever its name, and asks for it sparingly.

#[path = "support/picker.rs"]
mod picker;
mod support;

use std::time::Instant;

use picker::{counting_tmux, highlighted, looks, picker, wait_highlighted};
use support::{HOSTILE_NAMES, World, long_name};

#[test]
fn the_preview_follows_the_highlight_and_is_renewed() {
    let world = World::new().worker("w");
    world.session("w", "a", "echo shown by a; read x; echo renewed; sleep 600");
    world.session("w", "b", "printf '\\033[31mshown\\033[0m by b\\n'; sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/a");
    screen.wait("│shown by a");
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "w/b");
    screen.wait("│shown by b");
    screen.wait_gone("shown by a");
    let text = screen.coloured();
    assert!(text.lines().any(|line| line.contains("[31m") && line.contains("shown")), "{text}");
    screen.keys(&["Up"]);
    screen.wait("│shown by a");
    world.worker_tmux("w", &["send-keys", "-t", "a:", "x", "Enter"]);
    screen.wait("│renewed");
}

#[test]
fn scrolling_fast_looks_at_two_sessions_a_second_at_most() {
    let world = World::new();
    let log = world.path("looks");
    let counting = counting_tmux(&world, &log);
    let world = world.worker_with("w", &counting);
    for at in 0..10 {
        world.session("w", &format!("s{at}"), &format!("echo number {at}; sleep 600"));
    }
    let looks = || looks(&log);
    let began = Instant::now();
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/s0");
    let mut presses = 0;
    while looks() < 4 {
        for key in ["Down", "Down", "Down", "Up"] {
            screen.keys(&[key]);
            presses += 1;
        }
        if presses % 40 == 0 {
            screen.keys(&["PageUp"]);
        }
    }
    screen.keys(&["PageUp"]);
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "w/s1");
    screen.wait("│number 1");
    // One more than the rate: the first look waits for nothing.
    let allowed = 1 + (began.elapsed().as_millis() / 500) as usize;
    assert!(looks() <= allowed, "{} looks, {allowed} allowed, {presses} key presses", looks());
}

#[test]
fn typing_highlights_the_best_match_and_f1_shows_the_keys() {
    let world = World::new().worker("w");
    for name in ["alpha", "beta", "gamma"] {
        world.session("w", name, &format!("echo this is {name}; sleep 600"));
    }
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/alpha");
    screen.keys(&["Down"]);
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "w/gamma");
    screen.type_text("bt");
    wait_highlighted(&screen, "w/beta");
    screen.wait("│this is beta");
    screen.keys(&["F1"]);
    let text = screen.wait("Alt-x    send Ctrl-C to it, after asking");
    assert!(!text.contains("this is beta"), "{text}");
    screen.keys(&["F1"]);
    screen.wait("│this is beta");
}

#[test]
fn no_colour_means_attributes_only() {
    let world = World::new().worker("w").env("NO_COLOR", "1");
    world.session("w", "a", "printf '\\033[31mred\\033[0m\\n'; sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/a");
    screen.wait("│red");
    // The last line is the status line of tmux.
    let text = screen.coloured().trim_end().rsplit_once('\n').unwrap().0.to_owned();
    assert!(!text.replace("[39m", "").contains("[3") && !text.contains(";3"), "{text:?}");
}

#[test]
fn every_name_previews_its_own_session() {
    let world = World::new().worker("w");
    let names: Vec<String> = HOSTILE_NAMES.iter().map(|name| (*name).to_owned()).chain([long_name()]).collect();
    for (at, name) in names.iter().enumerate() {
        world.session("w", name, &format!("echo number {at} here; sleep 600"));
    }
    let screen = picker(&world, "");
    screen.wait(&format!("{} sessions", names.len()));
    for _ in &names {
        let text = screen.wait_until("the preview", |text| text.contains("│number "));
        let row = highlighted(&text).unwrap().to_owned();
        let at = names
            .iter()
            .position(|name| row.starts_with(&format!("w/{name}  ")) || row.starts_with("w/nnn") && name.len() == 200);
        let at = at.unwrap_or_else(|| panic!("whose row is {row:?}?"));
        screen.wait(&format!("│number {at} here"));
        screen.keys(&["Down"]);
        screen.wait_until("the next row", |text| highlighted(text) != Some(&row) || at_the_end(text));
    }
    world.assert_nothing_executed();
}

/// Whether the last row is highlighted.
fn at_the_end(text: &str) -> bool {
    let rows: Vec<&str> = text.lines().filter(|line| line.contains("w/")).collect();
    rows.last().is_some_and(|line| line.starts_with("> "))
}

#[test]
fn an_empty_screen_is_called_so_by_preview_and_peek_alike() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    screen.wait("│(nothing on its screen yet)");
    screen.keys(&["M-p"]);
    let text = screen.wait_all(&["n nudge", "(nothing on its screen yet)"]);
    assert!(!text.contains('│'), "{text}");
}
