//! What a session's application says to its terminal arrives in the operator's, and the other way round, through both tmuxes;
//! what terminals say to each other reaches no application.

mod support;

use std::fs;

use rstest::rstest;
use support::nested::{clients, options, wait_hidden};
use support::{Screen, World, eventually};

/// A session whose application says this, then keeps all that reaches it.
fn world(says: &str) -> World {
    let world = World::new().worker("w");
    session(&world, says);
    world
}

fn session(world: &World, says: &str) {
    world.session("w", "qa", &format!("stty raw -echo; printf 'I am qa\\r\\n{says}'; exec cat >keys"));
}

fn window<'a>(world: &'a World, settings: &str) -> Screen<'a> {
    let screen = world.screen_with(&format!("set -s set-clipboard on\nset -s focus-events on\n{settings}"));
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    wait_hidden(world, "qa");
    eventually("the client", || (clients(world) == 1).then_some(()));
    screen
}

/// What reached the application.
fn keys(world: &World) -> String {
    fs::read_to_string(world.worker_directory("w").join("keys")).unwrap_or_default()
}

/// What the window's pane holds, with its sequences.
fn pane(screen: &Screen<'_>) -> String {
    screen.inner(&["capture-pane", "-p", "-e", "-t", "w/qa"])
}

#[rstest]
#[case::true_colour(r"\033[38;2;1;22;133mX\033[m", "38;2;1;22;133m")]
#[case::curly_underline(r"\033[4:3mX\033[m", "4;3m")]
#[case::its_colour(r"\033[4:3;58:2::9:8:7mX\033[m", "58;2;9;8;7m")]
#[case::strikethrough(r"\033[9mX\033[m", "[9m")]
#[case::other_characters("grün 日本 🙂", "grün 日本 🙂")]
fn what_is_drawn_arrives_as_it_is(#[case] says: &str, #[case] shown: &str) {
    let world = world(says);
    let screen = window(&world, "");
    // tmux versions differ in how they separate numbers.
    let pane = || pane(&screen).replace("::", ";").replace(':', ";");
    // 3.2a has this colour, and does not say so.
    let shown = if shown == "58;2;9;8;7m" && !screen.is(3, 3) { "[4;3" } else { shown };
    eventually(shown, || pane().contains(shown).then_some(()));
}

/// Another application in the session's pane, which says this.
fn say(world: &World, says: &str) {
    let command = format!("printf '{says}'; exec cat");
    world.worker_tmux("w", &["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", &command]);
}

#[test]
fn an_application_s_copy_reaches_the_operator_s_tmux() {
    let world = world("");
    let screen = window(&world, "");
    say(&world, r"\033]52;c;aGVsbG8=\007");
    eventually("the copy", || (screen.inner(&["list-buffers", "-F", "#{buffer_sample}"]) == "hello\n").then_some(()));
}

#[test]
fn a_paste_is_marked_as_one_for_an_application_that_asks_for_that() {
    let world = world(r"\033[?2004h");
    let screen = window(&world, "");
    eventually("the local pane to ask for it", || {
        screen.inner(&["set-buffer", "-b", "x", "a\nb", ";", "paste-buffer", "-p", "-b", "x", "-t", "w/qa"]);
        keys(&world).contains("\u{1b}[200~a\rb\u{1b}[201~").then_some(())
    });
}

#[test]
fn an_application_that_asks_for_it_hears_who_has_the_focus() {
    let world = world(r"\033[?1004h");
    let screen = window(&world, "");
    eventually("both reports", || {
        screen.inner(&["select-window", "-t", "home"]);
        screen.inner(&["select-window", "-t", "w/qa"]);
        let keys = keys(&world);
        (keys.contains("\u{1b}[O") && keys.contains("\u{1b}[I")).then_some(())
    });
}

#[test]
fn the_operator_s_prefix_pressed_twice_reaches_the_application() {
    // Both tmuxes have the same one.
    let world = world("");
    let screen = window(&world, "");
    screen.keys(&["C-b", "C-b", "x"]);
    eventually("the last key", || keys(&world).ends_with('x').then_some(()));
    assert_eq!(keys(&world), "\u{2}x");
}

/// What a terminal sends for such keys, and what an application that asks for them may get: tmux has two ways to write it.
#[rstest]
#[case::ctrl_tab("\x1b[27;5;9~", &["\x1b[27;5;9~", "\x1b[9;5u"])]
#[case::shift_enter("\x1b[27;2;13~", &["\x1b[27;2;13~", "\x1b[13;2u"])]
#[case::ctrl_enter_the_other_way("\x1b[13;5u", &["\x1b[27;5;13~", "\x1b[13;5u"])]
fn a_key_that_has_no_byte_of_its_own_reaches_an_application_that_asks_for_it(#[case] sent: &str, #[case] got: &[&str]) {
    let world = World::new().worker("w");
    world.session("w", "first", "exec cat");
    // Since 3.5 tmux hears an application ask for such keys only while they are on; a view comes too late for one that runs.
    if world.worker_is("w", 3, 5) {
        world.worker_tmux("w", &["set-option", "-s", "extended-keys", "on"]);
    }
    session(&world, r"\033[>4;1m");
    let screen = window(&world, "set -s extended-keys on");
    eventually("the key", || {
        screen.type_text(sent);
        let keys = keys(&world);
        got.iter().any(|key| keys.contains(key)).then_some(())
    });
}

#[rstest]
#[case::a_click("\x1b[<0;10;5M\x1b[<0;10;5m")]
#[case::the_wheel("\x1b[<64;10;5M")]
fn an_application_that_asks_for_the_mouse_gets_it(#[case] sent: &str) {
    let world = world(r"\033[?1000h\033[?1006h");
    let screen = window(&world, "set -g mouse on");
    eventually("the mouse", || {
        screen.type_text(sent);
        keys(&world).contains(sent).then_some(())
    });
    assert_eq!(screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_in_mode}"]), "0\n");
}

/// A session with a history, whose application asks for nothing.
fn world_with_a_history() -> World {
    let lines: String = (1..=100).map(|line| format!(r"line {line}.\r\n")).collect();
    world(&(lines + "I am qa"))
}

#[test]
fn the_wheel_goes_back_in_the_session_s_own_history() {
    let world = world_with_a_history();
    let screen = window(&world, "set -g mouse on");
    screen.wait("line 100.");
    let before = keys(&world);
    eventually("an early line", || {
        screen.type_text("\x1b[<64;10;5M");
        screen.text().contains("line 40.").then_some(())
    });
    assert_eq!(options(&world, "qa", "#{pane_in_mode}"), "1");
    assert_eq!(screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_in_mode}"]), "0\n");
    eventually("the last line", || {
        screen.type_text("\x1b[<65;10;5M");
        (options(&world, "qa", "#{pane_in_mode}") == "0").then_some(())
    });
    screen.wait("line 100.");
    assert_eq!(keys(&world), before, "the application got some of it");
}

#[test]
fn what_the_mouse_selects_is_copied_here() {
    let world = world_with_a_history();
    let screen = window(&world, "set -g mouse on");
    let row = screen.wait("line 100.").lines().position(|line| line.starts_with("line 99.")).unwrap() + 1;
    eventually("the copy", || {
        for (what, column, end) in [(0, 1, 'M'), (32, 2, 'M'), (32, 8, 'M'), (0, 8, 'm')] {
            screen.type_text(&format!("\x1b[<{what};{column};{row}{end}"));
        }
        screen.inner(&["list-buffers", "-F", "#{buffer_sample}"]).lines().any(|copy| copy == "line 99.").then_some(())
    });
}

#[test]
fn a_bell_rings_here() {
    let world = world("");
    let screen = window(&world, "set -g monitor-bell on");
    screen.inner(&["select-window", "-t", "home"]);
    say(&world, r"\007");
    eventually("the bell", || {
        (screen.inner(&["display-message", "-p", "-t", "w/qa", "#{window_bell_flag}"]) == "1\n").then_some(())
    });
}

#[rstest]
#[case("a plain one")]
#[case("#(touch pwned) #{pane_id} #[fg=red] $(touch pwned)")]
fn a_title_is_the_pane_s_title_here_and_never_a_format(#[case] title: &str) {
    let world = world(&format!(r"\033]2;{title}\007"));
    let screen = window(&world, "set -g status-right '#{pane_title}'\nset -g status-right-length 90\nset -g set-titles on");
    // Since 3.7 tmux spoils what could become a command.
    let spoilt = title.replace("#(", "_(");
    let title = if world.worker_is("w", 3, 7) || screen.is(3, 7) { &spoilt } else { title };
    eventually("the title", || {
        (screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_title}"]).trim_end() == title).then_some(())
    });
    screen.wait("w/qa");
    world.assert_nothing_executed();
}

#[test]
fn what_terminals_ask_each_other_is_typed_into_no_application() {
    // Device attributes, a status report, the cursor's place, colours: its own tmux answers it, and nobody else does.
    let world = world("");
    let screen = window(&world, "");
    for _ in 0..5 {
        let client = world.worker_tmux("w", &["list-clients", "-F", "#{client_pid}"]);
        std::process::Command::new("kill").args(["-KILL", client.trim()]).status().unwrap();
        eventually("another client", || {
            let now = world.worker_tmux("w", &["list-clients", "-F", "#{client_pid}"]);
            (now != client && now.lines().count() == 1).then_some(())
        });
    }
    eventually("what is typed to arrive", || {
        screen.type_text("x");
        keys(&world).ends_with('x').then_some(())
    });
    assert_eq!(keys(&world).trim_start_matches('x'), "");
}

#[test]
fn a_client_is_told_of_the_best_terminal_and_of_utf_8() {
    let world = world("");
    let _screen = window(&world, "");
    let client = world.worker_tmux("w", &["list-clients", "-F", "#{client_termname} #{client_utf8}"]);
    assert_eq!(client, "tmux-256color 1\n");
}
