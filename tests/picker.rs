//! The fuzzy picker, by its keys: a real terminal, real sessions.

mod support;

use std::fs;
use std::path::Path;
use std::time::Instant;

use rstest::rstest;
use support::{BIN, HOSTILE_NAMES, Screen, World, eventually, long_name};

/// A worker whose tmux waits until the file `go` is there, and leaves its process id in `waiting`.
fn with_slow_worker(world: World, name: &str) -> World {
    let (go, waiting) = (world.path("go"), world.path("waiting"));
    let script = format!(
        "#!/bin/sh\necho $$ >{}\nwhile [ ! -e {} ]; do sleep 0.02; done\nexec tmux \"$@\"\n",
        waiting.display(),
        go.display()
    );
    let program = world.script("slow-tmux", &script);
    world.worker_with(name, &format!("tmux: {}", program.display()))
}

/// The picker, run at the prompt of a terminal without the plugin.
fn picker<'a>(world: &'a World, arguments: &str) -> Screen<'a> {
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {BIN} pick {arguments}; echo left with $?"));
    screen.wait("> ");
    screen
}

/// The highlighted row, without what the preview shows beside it.
fn highlighted(screen: &str) -> Option<&str> {
    screen.lines().find(|line| line.starts_with("> ")).map(|line| line[2..].split('│').next().unwrap().trim_end())
}

#[track_caller]
fn wait_highlighted(screen: &Screen<'_>, address: &str) -> String {
    screen.wait_until(&format!("{address:?} to be highlighted"), |text| {
        highlighted(text)
            .is_some_and(|row| row.strip_prefix(address).is_some_and(|rest| rest.is_empty() || rest.starts_with("  ")))
    })
}

/// Wait until all of these show: the header may be ahead of the rows.
#[track_caller]
fn wait_all(screen: &Screen<'_>, texts: &[&str]) -> String {
    screen.wait_until(&format!("all of {texts:?}"), |screen| texts.iter().all(|text| screen.contains(text)))
}

#[track_caller]
fn wait_left(screen: &Screen<'_>, code: i32) {
    screen.wait(&format!("left with {code}"));
}

fn is_running(pid: &str) -> bool {
    fs::read_to_string(Path::new("/proc").join(pid).join("stat")).is_ok_and(|stat| !stat.contains(") Z"))
}

#[test]
fn a_slow_worker_delays_nobody_and_is_named_while_it_is_waited_for() {
    let world = with_slow_worker(World::new(), "slow").worker("quick");
    world.session("slow", "late", "sleep 600");
    world.session("quick", "dev", "sleep 600");
    world.session("quick", "qa", "sleep 600");
    let screen = picker(&world, "");
    let text = wait_all(&screen, &["1 of 2 answered, asking slow…", "quick/qa"]);
    assert!(!text.contains("slow/late"), "{text}");
    wait_highlighted(&screen, "quick/dev");
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "quick/qa");
    fs::write(world.path("go"), "").unwrap();
    let text = wait_all(&screen, &["3 sessions on 2 workers", "slow/late"]);
    assert!(!text.contains("asking slow"), "{text}");
    // The registry's order, and the highlight has not left the row that was moved to.
    let place = |address: &str| text.lines().position(|line| line.contains(address)).unwrap();
    assert!(place("slow/late") < place("quick/qa"), "{text}");
    wait_highlighted(&screen, "quick/qa");
}

#[test]
fn enter_at_once_opens_the_first_row_whoever_answers_first() {
    let world = World::new();
    let after = |time: &str| format!("tmux: {}", world.script(&format!("tmux-{time}"), &late_tmux(time)).display());
    let delays = [after("0.1"), after("0.05")];
    let world = world.worker_with("first", &delays[0]).worker_with("second", &delays[1]).worker("third");
    for worker in ["first", "second", "third"] {
        world.session(worker, "s", "sleep 600");
    }
    let screen = world.screen_with("");
    for _ in 0..10 {
        screen.enter(&format!("clear; {BIN} pick"));
        screen.wait_until("the first row to be highlighted among all", |text| {
            text.contains("3 sessions on 3 workers") && highlighted(text).is_some_and(|row| row.starts_with("first/s "))
        });
        screen.keys(&["Escape"]);
        screen.wait_until("the prompt", |text| !text.contains("F1 keys") && text.contains('$'));
    }
}

/// A tmux that takes this many seconds longer.
fn late_tmux(time: &str) -> String {
    format!("#!/bin/sh\nsleep {time}\nexec tmux \"$@\"\n")
}

/// A tmux that adds a line to this file for every look at a session.
fn counting_tmux(world: &World, log: &Path) -> String {
    let script = format!("#!/bin/sh\ncase \"$*\" in *capture-pane*) echo look >>{} ;; esac\nexec tmux \"$@\"\n", log.display());
    format!("tmux: {}", world.script("counting-tmux", &script).display())
}

fn looks(log: &Path) -> usize {
    fs::read_to_string(log).unwrap_or_default().lines().count()
}

#[test]
fn a_row_that_may_have_been_read_stays_highlighted() {
    let world = with_slow_worker(World::new(), "slow");
    let log = world.path("looks");
    let counting = counting_tmux(&world, &log);
    let world = world.worker_with("quick", &counting);
    world.session("slow", "late", "sleep 600");
    world.session("quick", "qa", "sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "quick/qa");
    // Looks are a second apart.
    eventually("the row to have been there for more than a second", || (looks(&log) >= 3).then_some(()));
    fs::write(world.path("go"), "").unwrap();
    wait_all(&screen, &["2 sessions on 2 workers", "slow/late", "> quick/qa"]);
    screen.keys(&["Enter"]);
    eventually("its window", || screen.windows().iter().any(|window| window.starts_with("quick/qa|")).then_some(()));
}

#[test]
fn leaving_ends_what_is_still_being_asked() {
    let world = with_slow_worker(World::new(), "slow");
    let screen = picker(&world, "");
    screen.wait("asking slow…");
    let pid = eventually("the slow worker to be asked", || {
        fs::read_to_string(world.path("waiting")).ok().filter(|pid| pid.ends_with('\n'))
    });
    assert!(is_running(pid.trim()));
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
    eventually("the question to end", || (!is_running(pid.trim())).then_some(()));
}

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
fn a_worker_that_does_not_answer_is_a_row_with_its_reason() {
    let world = World::new().worker("w").worker("empty").entry("  - name: dead\n    local: /proc/dead\n");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    let dead = "dead  unreachable: cannot make the directory";
    wait_all(&screen, &["1 session on 3 workers, 1 did not answer", "empty  (none)", dead]);
    screen.type_text("dead");
    wait_highlighted(&screen, "dead");
    let text = screen.wait("│dead is unreachable");
    assert!(text.contains("│Ctrl-r asks it again."), "{text}");
    screen.keys(&["Enter"]);
    screen.wait("dead is unreachable: cannot make");
    screen.keys(&["C-u"]);
    screen.type_text("empty");
    wait_highlighted(&screen, "empty");
    screen.keys(&["M-n"]);
    screen.wait("empty has no session");
    assert_eq!(screen.windows().len(), 1);
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}

#[test]
fn escape_leaves_everything_as_it_was() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = world.screen_with("");
    screen.enter("clear; echo before");
    screen.wait_until("the marker alone", |text| text.starts_with("before"));
    screen.enter(&format!("{BIN} pick"));
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["Escape"]);
    // What is typed before the prompt is back belongs to nobody.
    let text = screen.wait_until("the next prompt", |text| text.lines().filter(|line| line.starts_with('$')).count() == 2);
    assert!(text.starts_with("before") && !text.contains("w/qa"), "{text}");
    screen.enter("stty -a; echo $?");
    screen.wait(" icanon");
    let modes = screen.inner(&["display-message", "-p", "#{alternate_on}#{mouse_any_flag}"]);
    assert_eq!((modes.trim(), screen.windows()), ("00", vec!["|home".to_owned()]));
}

#[test]
fn a_signal_puts_the_terminal_back() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = world.screen_with("");
    let pid = world.path("pid");
    screen.enter(&format!("sh -c 'echo $$ >{}; exec {BIN} pick'; echo left with $?", pid.display()));
    wait_highlighted(&screen, "w/qa");
    let pid = fs::read_to_string(pid).unwrap();
    assert!(world.program("kill").args(["-TERM", pid.trim()]).status().unwrap().success());
    wait_left(&screen, 130);
    screen.enter("stty -a");
    screen.wait(" icanon");
    assert_eq!(screen.inner(&["display-message", "-p", "#{alternate_on}#{mouse_any_flag}"]).trim(), "00");
}

#[test]
fn without_a_terminal_the_error_names_list() {
    let world = World::new().worker("w");
    let ran = world.run(&["pick"]).expect(2);
    assert!(ran.stderr.contains("needs a terminal") && ran.stderr.contains("factory-worker list"), "{}", ran.stderr);
}

#[test]
fn without_workers_it_says_how_to_make_some() {
    let ran = World::new().run(&["pick"]).expect(4);
    assert!(ran.stderr.contains("factory-worker config init"), "{}", ran.stderr);
}

#[test]
fn enter_opens_a_window() {
    let world = World::new().worker("w");
    world.session("w", "other", "sleep 600");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    screen.type_text("qa");
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["Enter"]);
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with("w/qa|")).then_some(()));
}

#[test]
fn alt_s_opens_a_pane() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/qa");
    screen.keys(&["M-s"]);
    eventually("the pane", || (screen.inner(&["list-panes", "-t", "main:home"]).lines().count() == 2).then_some(()));
    assert_eq!(screen.windows().len(), 1);
}

#[rstest]
#[case("", "M-p")]
#[case("--then peek", "Enter")]
fn peek_comes_back_to_the_query_and_the_row(#[case] arguments: &str, #[case] key: &str) {
    let world = World::new().worker("w");
    for name in ["qa-1", "qa-2", "dev"] {
        world.session("w", name, &format!("echo seen in {name}; sleep 600"));
    }
    let screen = picker(&world, arguments);
    screen.type_text("qa");
    wait_highlighted(&screen, "w/qa-1");
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "w/qa-2");
    screen.keys(&[key]);
    let text = screen.wait("any key closes");
    assert!(text.contains("w/qa-2") && !text.contains('│'), "{text}");
    screen.wait("seen in qa-2");
    screen.keys(&["q"]);
    let text = wait_highlighted(&screen, "w/qa-2");
    assert!(text.lines().next().unwrap().contains("> qa ") && !text.contains("w/dev"), "{text}");
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
}

#[test]
fn ctrl_r_asks_again_and_keeps_the_row() {
    let world = World::new().worker("w");
    world.session("w", "b", "sleep 600");
    world.session("w", "c", "sleep 600");
    let screen = picker(&world, "");
    wait_highlighted(&screen, "w/b");
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "w/c");
    world.session("w", "a", "sleep 600");
    screen.keys(&["C-r"]);
    wait_all(&screen, &["3 sessions on 1 worker", "w/a ", "> w/c"]);
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

#[rstest]
#[case("#(touch pwned)")]
#[case(" outer spaces ")]
#[case("$0")]
#[case("-leading")]
#[case("{last}")]
fn a_hostile_name_opens_its_own_window(#[case] name: &str) {
    let world = World::new().worker("w");
    world.session("w", name, "sleep 600");
    let screen = picker(&world, "");
    screen.wait("1 session on 1 worker");
    screen.wait_until("the row", |text| highlighted(text).is_some());
    screen.keys(&["Enter"]);
    let address = format!("w/{name}|");
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with(&address)).then_some(()));
    world.assert_nothing_executed();
}

#[test]
fn a_command_that_waits_for_a_session_lets_one_be_picked() {
    let world = World::new().worker("w").worker("other");
    world.session("w", "a", "echo from a; sleep 600");
    world.session("w", "b", "echo from b; sleep 600");
    world.session("other", "c", "sleep 600");
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {BIN} peek w; echo left with $?"));
    screen.wait("session> ");
    let text = wait_all(&screen, &["2 sessions on 1 worker", "w/a", "w/b"]);
    assert!(!text.contains("other/c"), "{text}");
    screen.type_text("b");
    wait_highlighted(&screen, "w/b");
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    let text = screen.text();
    assert!(text.contains("from b") && !text.contains("from a"), "{text}");
}

#[test]
fn in_the_popup_escape_closes_and_enter_opens() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo shown by qa; sleep 600");
    let screen = world.screen();
    for key in ["Escape", "Enter"] {
        screen.prefix("W");
        screen.wait("│shown by qa");
        screen.keys(&[key]);
        // The whole popup, or the next key would still be its.
        screen.wait_gone("┐");
    }
    eventually("the window", || screen.windows().iter().any(|window| window.starts_with("w/qa|")).then_some(()));
}

#[test]
fn the_calls_of_v_are_printed_when_the_picker_has_gone() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo shown by qa; sleep 600");
    let screen = picker(&world, "-v");
    let text = screen.wait("│shown by qa");
    assert!(!text.contains("+ sh"), "{text}");
    screen.keys(&["Escape"]);
    wait_left(&screen, 0);
    let history = screen.inner(&["capture-pane", "-p", "-S", "-1000", "-t", "main:home"]);
    assert!(history.contains("+ sh -c"), "{history}");
}

/// A session that prints the lines it reads.
fn echoing(world: World) -> World {
    world.session("w", "qa", "while read line; do echo \"got: $line\"; done");
    world
}

#[rstest]
#[case("", "M-n")]
#[case("--then nudge", "Enter")]
fn nudge_types_into_the_picked_session(#[case] arguments: &str, #[case] key: &str) {
    let world = echoing(World::new().worker("w"));
    let screen = picker(&world, arguments);
    wait_highlighted(&screen, "w/qa");
    screen.keys(&[key]);
    screen.wait("Nudge w/qa");
    screen.type_text("please hurry");
    screen.wait("please hurry");
    screen.keys(&["Enter"]);
    eventually("the text to arrive", || world.pane("w", "qa").contains("got: please hurry").then_some(()));
}

#[test]
fn alt_x_interrupts_after_asking() {
    let world = World::new().worker("w");
    world.session("w", "qa", "trap 'echo interrupted' INT; echo ready; while :; do sleep 0.1; done");
    let screen = picker(&world, "");
    screen.wait("│ready");
    screen.keys(&["M-x"]);
    screen.wait("Send Ctrl-C to w/qa?");
    assert!(!world.pane("w", "qa").contains("interrupted"));
    screen.keys(&["y"]);
    eventually("the interrupt", || world.pane("w", "qa").contains("interrupted").then_some(()));
}

#[rstest]
#[case::nudge("M-n", "Nudge w/qa-2", "Escape")]
#[case::dispatch("M-g", "Dispatch an issue", "Escape")]
#[case::interrupt("M-x", "Send Ctrl-C to w/qa-2?", "Escape")]
#[case::no_to_interrupt("M-x", "Send Ctrl-C to w/qa-2?", "n")]
fn what_is_left_again_leads_back_to_the_query_and_the_row(#[case] key: &str, #[case] shown: &str, #[case] leave: &str) {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"true {project} {issue}\"}");
    for name in ["dev", "qa-1", "qa-2"] {
        world.session("w", name, "sleep 600");
    }
    let screen = world.screen();
    screen.prefix("W");
    screen.wait("3 sessions on 1 worker");
    screen.type_text("qa");
    screen.wait("> w/qa-1");
    screen.keys(&["Down"]);
    screen.wait("> w/qa-2");
    screen.keys(&[key]);
    screen.wait(shown);
    screen.keys(&[leave]);
    let text = wait_all(&screen, &["open> qa", "> w/qa-2"]);
    assert!(!text.contains("w/dev"), "{text}");
    screen.keys(&["Escape"]);
    screen.wait_gone("F1 keys");
}

#[test]
fn an_empty_screen_is_called_so_by_preview_and_peek_alike() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    screen.wait("│(nothing on its screen yet)");
    screen.keys(&["M-p"]);
    let text = wait_all(&screen, &["any key closes", "(nothing on its screen yet)"]);
    assert!(!text.contains('│'), "{text}");
}

#[rstest]
#[case("with", "M-g", "")]
#[case("without", "M-g", "")]
#[case("with", "Enter", "--then dispatch")]
fn dispatch_hands_an_issue_to_the_picked_worker(#[case] sessions: &str, #[case] key: &str, #[case] arguments: &str) {
    let world = World::new();
    let queue = world.path("queue");
    let script = format!("#!/bin/sh\necho \"$@\" >>{}\n", queue.display());
    let program = world.script("take", &script);
    let dispatch = format!("commands: {{queue: \"\", dispatch: \"{} {{project}} {{issue}}\"}}", program.display());
    let world = world.worker("another").worker_with("w", &dispatch);
    if sessions == "with" {
        world.session("w", "qa", "sleep 600");
    }
    let screen = picker(&world, arguments);
    screen.wait("on 2 workers");
    screen.type_text("w");
    screen.wait_until("the worker", |text| highlighted(text).is_some_and(|row| row.starts_with('w')));
    screen.keys(&[key]);
    screen.wait("Dispatch an issue");
    screen.type_text("acme/app");
    screen.keys(&["Tab"]);
    screen.type_text("42");
    screen.wait("42");
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    assert_eq!(fs::read_to_string(&queue).unwrap(), "acme/app 42\n");
}

#[test]
fn outside_tmux_enter_attaches_in_this_terminal() {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo attached here; read x");
    let screen = world.screen_with("");
    screen.enter(&format!("clear; env -u TMUX {BIN} pick; echo left with $?"));
    screen.wait("│attached here");
    screen.keys(&["Enter"]);
    screen.wait_until("the session alone", |text| text.contains("attached here") && !text.contains("Ctrl-r"));
    screen.keys(&["Enter"]);
    wait_left(&screen, 0);
    assert_eq!(screen.windows().len(), 1);
}

#[test]
fn no_key_turns_the_query_into_a_command() {
    let world = World::new().worker("w");
    world.session("w", "qa", "sleep 600");
    world.session("w", "dev", "sleep 600");
    let screen = picker(&world, "");
    wait_all(&screen, &["w/qa", "w/dev"]);
    screen.keys(&["C-q"]);
    screen.type_text("qa");
    screen.wait("open> qa");
    wait_highlighted(&screen, "w/qa");
    screen.wait_until("the list to be filtered", |text| !text.contains("w/dev"));
}
