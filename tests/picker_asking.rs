//! The picker while workers answer: the list grows and nothing under the highlight moves away, however slow somebody is.

#[path = "support/picker.rs"]
mod picker;
mod support;

use std::fs;
use std::path::Path;

use picker::{counting_tmux, highlighted, looks, picker, wait_highlighted, wait_left};
use support::{BIN, World, eventually};

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

/// A tmux that takes this many seconds longer.
fn late_tmux(time: &str) -> String {
    format!("#!/bin/sh\nsleep {time}\nexec tmux \"$@\"\n")
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
    let text = screen.wait_all(&["1 of 2 answered, asking slow…", "quick/qa"]);
    assert!(!text.contains("slow/late"), "{text}");
    wait_highlighted(&screen, "quick/dev");
    screen.keys(&["Down"]);
    wait_highlighted(&screen, "quick/qa");
    fs::write(world.path("go"), "").unwrap();
    let text = screen.wait_all(&["3 sessions on 2 workers", "slow/late"]);
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
    screen.wait_all(&["2 sessions on 2 workers", "slow/late", "> quick/qa"]);
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
fn a_worker_that_does_not_answer_is_a_row_with_its_reason() {
    let world = World::new().worker("w").worker("empty").entry("  - name: dead\n    local: /proc/dead\n");
    world.session("w", "qa", "sleep 600");
    let screen = picker(&world, "");
    let dead = "dead  unreachable: cannot make the directory";
    screen.wait_all(&["1 session on 2 workers, 1 did not answer", "empty  (none)", dead]);
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
    screen.wait_all(&["3 sessions on 1 worker", "w/a ", "> w/c"]);
}
