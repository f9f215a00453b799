//! The peek popup by its keys: it follows, scrolls, searches, goes to the session, nudges it, and leaves; nothing that is typed
//! without a look does anything; the terminal is given back.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/picker.rs"]
mod picker;
#[path = "support/pty.rs"]
mod pty;
#[path = "support/raw.rs"]
mod raw;
mod support;
#[path = "support/town.rs"]
mod town;

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::Operator;
use picker::{counting_tmux, looks, wait_highlighted, wait_left};
use pty::{Pty, left_on};
use raw::assert_harmless_screen;
use rstest::rstest;
use support::{BIN, Screen, World, eventually};

/// The keys, where there is room for them.
const KEYS: &str = "Enter open · n nudge · / search";
/// A key that does something counts only after a second without a letter, and when none follows it.
const MORE_THAN_A_SECOND: Duration = Duration::from_millis(1600);
/// A session that shows as many lines as it is told.
const COUNTER: &str =
    "stty -echo; : >ready; i=0; while read n; do while [ $i -lt $n ]; do i=$((i + 1)); echo \"line $i.\"; done; done";

/// The session `w/s`, which shows so many lines.
fn counted(lines: u32) -> World {
    let world = World::new().worker("w");
    world.session("w", "s", COUNTER);
    eventually("it to begin", || world.worker_directory("w").join("ready").exists().then_some(()));
    count(&world, lines);
    world
}

/// Let it show more, up to this one.
fn count(world: &World, lines: u32) {
    world.worker_tmux("w", &["send-keys", "-t", "=s:", &lines.to_string(), "Enter"]);
    eventually("the lines", || world.pane("w", "s").contains(&format!("line {lines}.")).then_some(()));
}

/// The popup's program in a terminal of 120 columns by 40 rows: 39 of them for the session.
fn peek(world: &World) -> Screen<'_> {
    let screen = world.screen_with("set -g status off\nset -g prefix None");
    screen.enter(&format!("clear; {BIN} peek w/s --until-key; echo left with $?"));
    screen.wait(KEYS);
    screen
}

/// The popup of the plugin over the session's window.
fn popup(world: &World) -> Screen<'_> {
    let screen = world.screen();
    screen.run(&["open", "w/s"]).expect(0);
    eventually("the window", || (screen.windows().len() == 2).then_some(()));
    screen.prefix("P");
    screen.wait(KEYS);
    screen
}

#[track_caller]
fn wait_rows(screen: &Screen<'_>, first: u32, last: u32) {
    screen.wait_until(&format!("lines {first} to {last}"), |text| {
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("line ")).collect();
        rows.first() == Some(&&*format!("line {first}.")) && rows.last() == Some(&&*format!("line {last}."))
    });
}

/// Press a key that counts alone, for as long as the popup is there, until it has done its work.
#[track_caller]
fn press_alone(screen: &Screen<'_>, key: &str, what: &str, mut done: impl FnMut() -> bool) {
    eventually(what, || {
        let shown = screen.text();
        if shown.contains("n nudge") || shown.contains("count alone") {
            std::thread::sleep(MORE_THAN_A_SECOND);
            screen.keys(&[key]);
            std::thread::sleep(MORE_THAN_A_SECOND);
        }
        done().then_some(())
    });
}

#[rstest]
#[case::up(&["Up"], 561)]
#[case::letters(&["k", "k", "j"], 561)]
#[case::down(&["Up", "Up", "Down"], 561)]
#[case::page(&["PPage"], 524)]
#[case::page_by_control(&["C-b", "C-b", "C-f"], 524)]
#[case::page_down(&["PPage", "PPage", "NPage"], 524)]
#[case::space(&["PPage", "PPage", "Space"], 524)]
#[case::top(&["Home"], 1)]
#[case::top_by_letter(&["g"], 1)]
#[case::bottom(&["Home", "End"], 562)]
#[case::bottom_by_letter(&["g", "G"], 562)]
#[case::other_keys_do_nothing(&["Up", "x", "Tab", "Left", "F5", "M-n", "C-x"], 561)]
fn keys_scroll(#[case] keys: &[&str], #[case] first: u32) {
    let world = counted(600);
    let screen = peek(&world);
    wait_rows(&screen, 562, 600);
    for key in keys {
        screen.keys(&[key]);
    }
    screen.wait_until("the place", |text| text.starts_with(&format!("line {first}.\n")));
    let below = if first == 562 { KEYS.to_owned() } else { format!("w/s · {} below · {KEYS}", 562 - first) };
    // What it says of other keys is said until the next one.
    screen.keys(&["Left"]);
    screen.wait(&below);
}

#[test]
fn the_wheel_scrolls() {
    let world = counted(600);
    let mut terminal = Pty::run(world.command(&["peek", "w/s", "--until-key"]));
    terminal.wait("line 600.");
    let mark = terminal.mark();
    terminal.type_bytes(b"\x1b[<64;5;5M\x1b[<64;5;5M\x1b[<65;5;5M");
    terminal.wait_behind(mark, "3 below".as_bytes());
    let mark = terminal.mark();
    // A click does nothing.
    terminal.type_bytes(b"\x1b[<0;5;5M\x1b[<0;5;5m\x1b[<65;5;5M");
    terminal.wait_behind(mark, "w/s · Enter open".as_bytes());
    terminal.type_bytes(b"\x1b");
}

#[test]
fn the_wheel_scrolls_in_the_plugin_s_popup() {
    let world = counted(600);
    let screen = popup(&world);
    screen.wait("│line 600.");
    screen.type_text("\x1b[<64;60;20M\x1b[<64;60;20M");
    screen.wait("6 below");
    screen.type_text("\x1b[<65;60;20M");
    screen.wait("3 below");
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
}

#[test]
fn what_is_read_stays_while_more_comes_and_the_end_is_followed() {
    let world = counted(600);
    let screen = peek(&world);
    wait_rows(&screen, 562, 600);
    count(&world, 610);
    wait_rows(&screen, 572, 610);
    screen.keys(&["Up"]);
    wait_rows(&screen, 571, 609);
    // More than a look reaches back to.
    for more in [900, 1300, 1700] {
        count(&world, more);
        screen.wait(&format!("{} below", more - 609));
    }
    wait_rows(&screen, 571, 609);
    screen.keys(&["Home"]);
    wait_rows(&screen, 1, 39);
    screen.keys(&["End"]);
    wait_rows(&screen, 1662, 1700);
    count(&world, 1701);
    wait_rows(&screen, 1663, 1701);
}

#[test]
fn the_text_begins_far_back_and_later_looks_take_nothing_of_it() {
    let world = counted(1900);
    let screen = peek(&world);
    wait_rows(&screen, 1862, 1900);
    screen.keys(&["Home"]);
    wait_rows(&screen, 1, 39);
    count(&world, 1910);
    screen.wait("1871 below");
    wait_rows(&screen, 1, 39);
}

#[test]
fn a_search_goes_up_marks_what_it_finds_and_says_when_there_is_nothing() {
    let world = counted(600);
    let screen = peek(&world);
    wait_rows(&screen, 562, 600);
    screen.keys(&["/"]);
    screen.wait("Enter search · Esc back");
    screen.type_text("INE 45x");
    screen.wait("/INE 45x");
    screen.keys(&["BSpace", "C-u"]);
    screen.type_text("ine 45");
    screen.keys(&["Enter"]);
    screen.wait("line 459.");
    let shown = screen.coloured();
    assert!(shown.lines().any(|line| line.contains("\x1b[30m\x1b[43mine 45") && line.contains("9.")), "{shown}");
    screen.wait(" below");
    for (line, key) in [(458, "N"), (457, "C-n")] {
        screen.keys(&[key]);
        screen.wait(&format!("line {line}."));
    }
    for _ in 0..8 {
        screen.keys(&["/", "Enter"]);
    }
    screen.wait("line 45.");
    screen.keys(&["N"]);
    screen.wait("not found further up: ine 45");
    // A capital counts.
    screen.keys(&["End", "/"]);
    screen.type_text("Line 45");
    screen.keys(&["Enter"]);
    screen.wait("not found: Line 45");
    wait_rows(&screen, 562, 600);
    screen.keys(&["/"]);
    screen.wait("Esc back");
    screen.keys(&["Escape"]);
    screen.wait(KEYS);
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}

#[test]
fn a_paste_is_text_for_a_search_and_else_nothing() {
    let world = counted(600);
    let screen = peek(&world);
    wait_rows(&screen, 562, 600);
    screen.paste("gg\nn\n");
    screen.keys(&["/"]);
    screen.paste("line 300.\nq\n");
    screen.wait("/line 300.");
    screen.keys(&["Enter"]);
    screen.wait(" below");
    screen.wait("\nline 300.");
}

#[test]
fn enter_opens_the_window() {
    let world = counted(50);
    let screen = world.screen();
    screen.prefix("P");
    screen.wait("> w/s");
    screen.keys(&["Enter"]);
    screen.wait(KEYS);
    press_alone(&screen, "Enter", "the window", || screen.windows() == ["|home", "w/s|w/s"]);
    screen.wait_popup_gone();
}

#[test]
fn enter_in_the_picker_s_peek_ends_the_picker_with_the_window() {
    let world = counted(50);
    let screen = picker::picker(&world, "");
    wait_highlighted(&screen, "w/s");
    screen.keys(&["M-p"]);
    screen.wait(KEYS);
    press_alone(&screen, "Enter", "the window", || screen.windows().len() == 2);
    assert_eq!(screen.inner(&["display-message", "-p", "#{window_name}"]), "w/s\n");
    screen.inner(&["select-window", "-t", "main:home"]);
    wait_left(&screen, 0);
}

#[test]
fn outside_tmux_enter_attaches_in_this_terminal() {
    let world = World::new().worker("w");
    world.session("w", "s", "echo attached here; read x");
    let screen = world.screen_with("");
    screen.enter(&format!("clear; env -u TMUX {BIN} peek w/s --until-key; echo left with $?"));
    screen.wait(KEYS);
    let text = || screen.text();
    press_alone(&screen, "Enter", "the session alone", || text().contains("attached here") && !text().contains(KEYS));
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    assert_eq!(screen.windows().len(), 1);
}

#[test]
fn n_nudges_this_very_session_and_what_is_left_leads_back_to_the_place() {
    let world = World::new().worker("w");
    let answers = "i=0; while [ $i -lt 600 ]; do i=$((i + 1)); echo \"line $i.\"; done; while read l; do echo \"got: $l\"; done";
    world.session("w", "s", answers);
    eventually("the lines", || world.pane("w", "s").contains("line 600.").then_some(()));
    let screen = popup(&world);
    screen.wait("│line 600.");
    screen.keys(&["Home"]);
    screen.wait("│line 1.");
    press_alone(&screen, "n", "the form", || screen.text().contains("Nudge w/s"));
    screen.keys(&["Escape"]);
    screen.wait(" below");
    screen.wait("│line 1.");
    press_alone(&screen, "n", "the form", || screen.text().contains("Nudge w/s"));
    screen.type_text("go on");
    screen.wait("go on");
    screen.keys(&["Enter"]);
    screen.wait("nudged w/s");
    screen.wait_popup_gone();
    eventually("the text", || world.pane("w", "s").contains("got: go on").then_some(()));
}

#[test]
fn n_in_the_picker_s_peek_ends_the_picker_when_it_was_sent() {
    let world = World::new().worker("w");
    world.session("w", "s", "echo I am s; while read l; do echo \"got: $l\"; done");
    let screen = picker::picker(&world, "");
    wait_highlighted(&screen, "w/s");
    screen.keys(&["M-p"]);
    screen.wait(KEYS);
    press_alone(&screen, "n", "the form", || screen.text().contains("Nudge w/s"));
    screen.type_text("go on");
    screen.wait("go on");
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    eventually("the text", || world.pane("w", "s").contains("got: go on").then_some(()));
}

#[test]
fn a_session_that_takes_no_keys_says_why() {
    let cluster = town::town();
    town::polecat(&cluster, "furiosa");
    let operator = Operator::of(cluster).discovers(&["gastown: {}"]);
    let screen = operator.world.screen_with("");
    screen.enter(&format!("clear; {BIN} peek pc-furiosa/log --until-key; echo left with $?"));
    screen.wait_all(&["the answer is 42", KEYS]);
    press_alone(&screen, "n", "the reason", || screen.text().contains("takes no input"));
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}

#[rstest]
#[case("now please\n")]
#[case("quit and run the next one\n")]
#[case("\n\n")]
#[case("nnn\nqqq\n")]
fn nothing_that_is_typed_without_a_look_opens_nudges_or_leaves(#[case] text: &str) {
    let world = World::new().worker("w");
    world.session("w", "s", "stty raw -echo; echo 'I am s'; exec cat >keys");
    let screen = popup(&world);
    // A burst as soon as the popup is there, and one after a while.
    for _ in 0..2 {
        for line in text.split_inclusive('\n') {
            screen.type_text(line.trim_end());
            screen.keys(&["Enter"]);
        }
        std::thread::sleep(MORE_THAN_A_SECOND);
        let shown = screen.text();
        assert!(screen.has_popup() && shown.contains("I am s") && !shown.contains("Nudge"), "{shown}");
    }
    // It is said why nothing happened, until the next key.
    screen.keys(&["x", "n"]);
    screen.wait("Enter, n and q count alone");
    screen.keys(&["Left"]);
    screen.wait(KEYS);
    screen.keys(&["Escape"]);
    screen.wait_popup_gone();
    screen.type_text("end.");
    let keys = world.worker_directory("w").join("keys");
    let got = eventually("what is typed now", || fs::read_to_string(&keys).ok().filter(|keys| keys.contains("end.")));
    assert_eq!(got, "end.");
    assert_eq!(screen.windows().len(), 2);
}

/// How the popup is left.
#[derive(Debug, Clone, Copy)]
enum Way {
    Keys(&'static str),
    Signal(Signal),
}

#[rstest]
#[case::escape(Way::Keys("\x1b"), 0)]
#[case::control_c(Way::Keys("\x03"), 0)]
#[case::letter(Way::Keys("q"), 0)]
#[case::terminated(Way::Signal(Signal::SIGTERM), 130)]
#[case::interrupted(Way::Signal(Signal::SIGINT), 130)]
#[case::hung_up(Way::Signal(Signal::SIGHUP), 130)]
fn the_terminal_is_as_before_whatever_it_is_left_by(#[case] way: Way, #[case] code: i32) {
    let world = counted(600);
    let pid = world.path("pid");
    let mut shell = world.program("sh");
    // The shell itself stays, whatever is sent to the program.
    let line = "trap : TERM INT HUP; sh -c 'echo $$ >\"$1\"; exec \"$2\" peek w/s --until-key' sh \"$1\" \"$2\"; echo left with $?; exec cat";
    shell.args(["-c", line, "sh", pid.to_str().unwrap(), BIN]);
    let mut terminal = Pty::run(shell);
    terminal.wait("line 600.");
    assert!(left_on(&terminal.written()).contains_key("mode 1000"), "no mouse");
    match way {
        Way::Keys(keys) => {
            std::thread::sleep(MORE_THAN_A_SECOND);
            terminal.type_bytes(keys.as_bytes());
        }
        Way::Signal(signal) => {
            let pid = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
            kill(Pid::from_raw(pid), signal).unwrap();
        }
    }
    let end = terminal.wait(&format!("left with {code}"));
    assert_eq!(left_on(&terminal.written()[..end]), BTreeMap::new());
    // Lines are edited and shown again.
    let mark = terminal.mark();
    terminal.type_bytes(b"echoed\n");
    let mark = terminal.wait_behind(mark, b"echoed");
    terminal.wait_behind(mark, b"echoed");
}

#[test]
fn a_failure_is_told_with_its_remedy_and_takes_nothing_away() {
    let world = counted(600);
    let screen = peek(&world);
    wait_rows(&screen, 562, 600);
    world.worker_tmux("w", &["rename-session", "-t", "=s:", "gone"]);
    let text = screen.wait("factory-worker list");
    assert!(text.contains("there is no session") && text.contains("line 600.") && text.contains(KEYS), "{text}");
    world.worker_tmux("w", &["rename-session", "-t", "=gone:", "s"]);
    screen.wait_gone("there is no session");
    world.worker_tmux("w", &["rename-session", "-t", "=s:", "gone"]);
    screen.wait("there is no session");
    screen.keys(&["Escape"]);
    wait_left(&screen, 4);
    // Where nothing was seen, it stands alone.
    screen.enter(&format!("clear; {BIN} peek w/s --until-key; echo left with $?"));
    screen
        .wait_until("the failure", |text| text.starts_with("there is no session") && text.contains("\n  `factory-worker list`"));
    screen.keys(&["Escape"]);
    wait_left(&screen, 4);
}

#[rstest]
#[case(60, 20, &["w/s · Enter open · n nudge · / search · Esc leave"])]
#[case(30, 12, &["w/s\n", "Enter open · n nudge · / · Esc"])]
fn the_keys_are_told_in_few_columns(#[case] columns: u16, #[case] rows: u16, #[case] told: &[&str]) {
    let world = counted(600);
    let screen = world.screen_with("set -g status off");
    screen.resize(columns, rows);
    screen.enter(&format!("clear; {BIN} peek w/s --until-key"));
    screen.wait("line 600.");
    screen.wait_all(told);
    screen.keys(&["Up"]);
    screen.wait("1 below");
    screen.wait_gone("line 600.");
    screen.keys(&["End"]);
    screen.resize(columns - 1, rows - 1);
    screen.wait("line 600.");
}

#[test]
fn hostile_lines_and_names_stay_text_whatever_is_searched_for() {
    let world = World::new().worker("w");
    let name = "#(touch pwned) $(touch pwned)";
    let shows =
        "printf 'red \\033[31mcolour\\033[0m \\033]0;title\\007\\033]52;c;aGk=\\007\\033[2Jend\\342\\200\\256of it\\n'; exec cat";
    world.session("w", name, shows);
    let mut terminal = Pty::run(world.command(&["peek", &format!("w/{name}"), "--until-key"]));
    terminal.wait("colour");
    let mark = terminal.mark();
    terminal.type_bytes("/\u{202e}o\x1b]0;t\x07".as_bytes());
    terminal.type_bytes(b"\x1b[200~o\x1b]0;t\x07\x1b[201~");
    terminal.wait_behind(mark, b"/");
    terminal.type_bytes(b"\r");
    terminal.type_bytes(b"\x03");
    eventually("the end", || (left_on(&terminal.written()).is_empty()).then_some(()));
    assert_harmless_screen(&terminal.written());
    world.assert_nothing_executed();
}

/// Ends the hub that a test has started.
struct Ending<'a>(&'a World);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.run(&["hub", "stop"]);
    }
}

#[test]
fn through_a_hub_it_looks_more_often() {
    let world = World::new().env("FACTORY_WORKER_LIVE", "on");
    let (by_hub, directly) = (world.path("by-hub"), world.path("directly"));
    let one = counting_tmux(&world, &by_hub).replace("counting-tmux", "tmux-by-hub");
    fs::rename(world.path("bin/counting-tmux"), world.path("bin/tmux-by-hub")).unwrap();
    let other = counting_tmux(&world, &directly);
    let world = world.worker_with("w", &one).worker_with("x", &other);
    world.session("w", "s", "echo I am s; exec cat");
    world.session("x", "s", "echo I am s; exec cat");
    let _hub = Ending(&world);
    // It starts a hub, which then follows both.
    let mut picker = Pty::run(world.command(&["pick"]));
    eventually("the hub to lead there", || {
        let listed = world.run(&["list", "--json"]).expect(0).stdout;
        (listed.matches("\"via\":\"hub\"").count() == 2).then_some(())
    });
    picker.type_bytes(b"\x1b");
    let mut off = world.command(&["peek", "x/s", "--until-key"]);
    off.env("FACTORY_WORKER_LIVE", "off");
    let (mut off, mut on) = (Pty::run(off), Pty::run(world.command(&["peek", "w/s", "--until-key"])));
    off.wait("I am s");
    on.wait("I am s");
    let (on_before, off_before) = (looks(&by_hub), looks(&directly));
    eventually("some looks", || (looks(&directly) >= off_before + 5).then_some(()));
    let (by_hub, directly) = (looks(&by_hub) - on_before, looks(&directly) - off_before);
    assert!(by_hub >= 2 * directly, "{by_hub} looks by the hub, {directly} without");
    for terminal in [&mut off, &mut on] {
        terminal.type_bytes(b"\x1b");
    }
}
