//! `peek`: what it prints, and what it never lets through.

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use rstest::rstest;
use support::{BIN, HOSTILE_NAMES, World, eventually, long_name};

/// A world with one session that has printed `text` (printf notation).
fn printed(text: &str) -> World {
    let world = World::new().worker("w");
    world.session("w", "s", &format!("printf '{text}done\\n'; sleep 600"));
    eventually("the text to be there", || world.pane("w", "s").contains("done").then_some(()));
    world
}

#[test]
fn the_last_lines_that_are_not_padding() {
    let world = printed("one\\ntwo\\nthree\\n");
    assert_eq!(world.run(&["peek", "w/s", "--lines", "2"]).expect(0).stdout, "three\ndone\n");
    assert_eq!(world.run(&["peek", "w/s"]).expect(0).stdout, "one\ntwo\nthree\ndone\n");
}

#[test]
fn history_counts() {
    let world = World::new().worker("w");
    world.session("w", "s", "seq 200; echo done; sleep 600");
    eventually("the text to be there", || world.pane("w", "s").contains("done").then_some(()));
    let out = world.run(&["peek", "w/s", "--lines", "100"]).expect(0).stdout;
    assert_eq!((out.lines().count(), out.lines().next()), (100, Some("102")));
}

#[rstest]
#[case(&["peek", "w"])]
#[case(&["peek", "w", "--session", "s"])]
fn other_spellings(#[case] arguments: &[&str]) {
    let world = printed("");
    assert_eq!(world.run(arguments).expect(0).stdout, "done\n");
}

#[test]
fn a_worker_with_several_sessions_lists_them() {
    let world = printed("");
    world.session("w", "other", "sleep 600");
    let ran = world.run(&["peek", "w"]).expect(2);
    assert!(ran.stderr.contains("w/s") && ran.stderr.contains("w/other"), "{}", ran.stderr);
}

#[test]
fn a_session_is_never_found_by_a_part_of_its_name() {
    let world = World::new().worker("w");
    world.session("w", "ab", "echo wrong; sleep 600");
    let ran = world.run(&["peek", "w/a"]).expect(4);
    assert!(ran.stderr.contains("peeking at w/a: there is no session \"a\""), "{}", ran.stderr);
    world.session("w", "a", "echo right; sleep 600");
    eventually("the right session", || (world.run(&["peek", "w/a"]).expect(0).stdout == "right\n").then_some(()));
}

#[test]
fn every_name_shows_its_own_session() {
    let world = World::new().worker("w");
    let names: Vec<String> = HOSTILE_NAMES.iter().map(|name| (*name).to_owned()).chain([long_name()]).collect();
    for (at, name) in names.iter().enumerate() {
        world.session("w", name, &format!("echo session {at}; sleep 600"));
    }
    for (at, name) in names.iter().enumerate() {
        let shown = eventually(&format!("session {name:?} to print"), || {
            let out = world.run(&["peek", &format!("w/{name}")]).expect(0).stdout;
            (!out.is_empty()).then_some(out)
        });
        assert_eq!(shown, format!("session {at}\n"), "{name:?}");
        assert_eq!(world.run(&["peek", "w", "--session", name]).expect(0).stdout, shown, "{name:?}");
    }
    world.assert_nothing_executed();
}

#[test]
fn colours_stay_only_where_they_are_wanted() {
    let world = printed("\\033[31mred\\033[0m\\n");
    assert_eq!(world.run(&["peek", "w/s"]).expect(0).stdout, "red\ndone\n");
    let coloured = world.run(&["peek", "w/s", "--color", "always"]).expect(0).stdout;
    assert!(coloured.contains("\x1b[31mred"), "{coloured:?}");
    let refused = world.run(&["peek", "w/s", "--color", "never"]).expect(0).stdout;
    assert!(!refused.contains('\x1b'), "{refused:?}");
}

#[test]
fn json() {
    let world = printed("one\\n");
    let value: serde_json::Value = serde_json::from_str(&world.run(&["peek", "w/s", "--json"]).expect(0).stdout).unwrap();
    assert_eq!(value, serde_json::json!({"address": "w/s", "lines": ["one", "done"]}));
}

#[test]
fn follow_prints_only_new_lines_when_piped() {
    let world = World::new().worker("w");
    world.session("w", "s", "echo one; read x; echo two; sleep 600");
    eventually("the first line", || world.pane("w", "s").contains("one").then_some(()));
    let mut child = world.command(&["peek", "w/s", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    world.worker_tmux("w", &["send-keys", "-t", "s:", "x", "Enter"]);
    let rest: Vec<String> = lines.by_ref().take(2).map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rest, ["x", "two"]);
}

#[test]
fn follow_ends_when_its_reader_does_also_when_there_is_nothing_new() {
    let world = printed("");
    let mut child = world.command(&["peek", "w/s", "--follow"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "done\n");
    let ended = eventually("the end of peek", || child.try_wait().unwrap());
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn follow_says_once_that_it_cannot_look_and_goes_on() {
    let world = World::new().worker_with("w", "tmux: moody-tmux");
    world.script("moody-tmux", "#!/bin/sh\n[ ! -e ../../moody ] || { echo >>../../tries; sleep 600; }\nexec tmux \"$@\"\n");
    world.session("w", "s", "echo one; read x; echo two; sleep 600");
    eventually("the first line", || world.pane("w", "s").contains("one").then_some(()));
    let mut command = world.command(&["--timeout", "1s", "peek", "w/s", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "one");
    fs::write(world.path("moody"), "").unwrap();
    eventually("three looks", || (fs::read_to_string(world.path("tries")).ok()?.lines().count() > 2).then_some(()));
    fs::remove_file(world.path("moody")).unwrap();
    world.worker_tmux("w", &["send-keys", "-t", "s:", "x", "Enter"]);
    let rest: Vec<String> = lines.by_ref().take(2).map(Result::unwrap).collect();
    child.kill().unwrap();
    let said = child.wait_with_output().unwrap().stderr;
    assert_eq!(rest, ["x", "two"]);
    assert_eq!(String::from_utf8_lossy(&said).matches("looking again").count(), 1);
}

#[test]
fn follow_on_a_terminal_redraws_in_place() {
    let world = World::new().worker("w");
    world.session("w", "s", "i=0; while :; do i=$((i + 1)); printf '\\rcount %s' $i; sleep 0.2; done");
    let screen = world.screen_with("");
    screen.enter(&format!("{BIN} peek w/s --follow"));
    let first = screen.wait("count ");
    let count = |text: &str| text.lines().find_map(|line| line.strip_prefix("count ").map(str::to_owned));
    let seen = count(&first);
    screen.wait_until("the count to move on", |text| {
        count(text).is_some() && count(text) != seen && text.matches("\ncount ").count() == 1
    });
    screen.keys(&["C-c"]);
    screen.wait_until("the prompt", |text| text.lines().any(|line| line.trim_end().ends_with('$')));
}
