//! `dispatch` and `status`: what the worker's own commands get, and what becomes of their answers.

mod support;

use std::fs;

use rstest::rstest;
use support::World;

/// A worker with a `factory` that notes its arguments, NUL-terminated, and then does what `behaviour` (sh) says.
fn world(more: &str, behaviour: &str) -> World {
    let more = if more.is_empty() { "commands: {queue: 'factory queue list --format json'}" } else { more };
    let world = World::new().worker_with("worker-1", more);
    world.script("factory", &format!("#!/bin/sh\nprintf '%s\\0' \"$@\" >\"$HOME/argv\"\n{behaviour}\n"));
    world
}

/// The arguments that `factory` got last.
fn noted(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.home().join("argv")).unwrap_or_default();
    text.split_terminator('\0').map(str::to_owned).collect()
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

const DISPATCH: &[&str] = &["dispatch", "worker-1", "--project", "app", "--issue", "42"];

fn dispatch(world: &World, more: &[&str]) -> support::Ran {
    world.run(&[DISPATCH, more].concat())
}

#[test]
fn the_worker_gets_the_filled_template_and_its_words_are_printed() {
    let world = world("", "echo 'Added 1 issue(s) to the queue'; echo careful >&2");
    let ran = dispatch(&world, &["--intent", "make it fast"]).expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("Added 1 issue(s) to the queue\n", "careful\n"));
    assert_eq!(noted(&world), ["queue", "add", "--project", "app", "--issue", "42", "--intent", "make it fast"]);
}

#[test]
fn an_intent_from_another_system_has_the_line_ends_of_this_one() {
    let world = world("", "");
    dispatch(&world, &["--intent", "one\r\n\r\ntwo\rthree"]).expect(0);
    assert_eq!(noted(&world).last().map(String::as_str), Some("one\n\ntwo\nthree"));
}

#[rstest]
#[case("-x")]
#[case("--help")]
#[case("--dry-run")]
#[case("-")]
fn an_intent_may_look_like_an_option(#[case] intent: &str) {
    let world = world("", "");
    dispatch(&world, &["--intent", intent]).expect(0);
    assert_eq!(noted(&world).last().map(String::as_str), Some(intent));
}

#[test]
fn without_an_intent_there_is_no_option_for_it() {
    let world = world("", "");
    dispatch(&world, &[]).expect(0);
    assert_eq!(noted(&world), ["queue", "add", "--project", "app", "--issue", "42"]);
}

#[rstest]
#[case("it's \"quoted\" $HOME `id` $(id) #{pane_id} ;")]
#[case("two\nlines\tand \\ more")]
#[case("--help")]
#[case("日本語 – ünïcödé")]
fn an_intent_arrives_byte_for_byte(#[case] intent: &str) {
    let world = world("", "");
    dispatch(&world, &[&format!("--intent={intent}")]).expect(0);
    assert_eq!(noted(&world).last().map(String::as_str), Some(intent));
    world.assert_nothing_executed();
}

#[test]
fn what_is_printed_cannot_reach_the_terminal() {
    let world = world("", r"printf 'ok\033]0;title\007\033[2J\n'; printf '\033[31mred\n' >&2");
    let ran = dispatch(&world, &[]).expect(0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("ok\n", "red\n"));
}

#[rstest]
#[case("0", "no positive integer")]
#[case("-1", "no positive integer")]
#[case("x", "no positive integer")]
#[case("1.5", "no positive integer")]
fn a_wrong_issue_is_a_usage_error_and_nothing_is_sent(#[case] issue: &str, #[case] told: &str) {
    let world = world("", "");
    let ran = world.run(&["dispatch", "worker-1", "--project", "app", &format!("--issue={issue}")]).expect(2);
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(noted(&world).is_empty());
}

#[test]
fn an_empty_project_is_a_usage_error() {
    let ran = world("", "").run(&["dispatch", "worker-1", "--project", " ", "--issue", "1"]).expect(2);
    assert!(ran.stderr.contains("the project is empty"), "{}", ran.stderr);
}

#[test]
fn an_unknown_worker_is_4() {
    let ran = world("", "").run(&["dispatch", "nobody", "--project", "app", "--issue", "1"]).expect(4);
    assert!(ran.stderr.contains("worker-1"), "{}", ran.stderr);
}

#[test]
fn a_dry_run_prints_the_exact_command_on_one_line_and_sends_nothing() {
    let world = world("", "");
    let ran = dispatch(&world, &["--dry-run", "--intent", "it's\nnew"]).expect(0);
    assert_eq!(ran.stdout, "factory queue add --project app --issue 42 --intent $'it\\'s\\nnew'\n");
    assert!(noted(&world).is_empty());
}

#[test]
fn a_failed_command_is_1_with_its_own_status_and_last_words() {
    let world = world("", "echo 'issue 42 is queued already' >&2; exit 17");
    let ran = dispatch(&world, &[]).expect(1);
    let told = "dispatch to worker-1: \"factory\" failed (exit 17): issue 42 is queued already";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn a_worker_without_the_program_says_so() {
    let world = World::new().worker_with("worker-1", "commands: {queue: '', dispatch: 'no-such-program {issue}'}");
    let ran = dispatch(&world, &[]).expect(1);
    let told = "dispatch to worker-1: there is no command \"no-such-program\" on it (exit 127)\n  install it there, or correct dispatch:";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn a_worker_without_a_dispatch_command_says_how_to_get_one() {
    let ran = dispatch(&World::new().worker_with("worker-1", "commands: {queue: '', dispatch: ''}"), &[]).expect(1);
    assert!(ran.stderr.contains("worker worker-1 has no dispatch command"), "{}", ran.stderr);
}

#[test]
fn what_may_have_been_sent_is_unproven_and_not_sent_again() {
    let world = world("", "echo run >>\"$HOME/runs\"; exec sleep 600");
    let ran = dispatch(&world, &["--timeout", "700ms"]).expect(5);
    assert!(ran.stderr.contains("outcome unknown"), "{}", ran.stderr);
    assert!(ran.stderr.contains("factory-worker list worker-1"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(world.home().join("runs")).unwrap(), "run\n");
}

#[test]
fn what_was_dispatched_is_in_the_queue_of_the_listing() {
    let queue = r#"case $2 in
add) echo '[{"project":"app","issue":42,"status":"pending"},{"project":"app","issue":7,"status":"active"}]' >"$HOME/queue" ;;
list) cat "$HOME/queue" ;;
esac"#;
    let world = world("", queue);
    dispatch(&world, &[]).expect(0);
    let listed = world.run(&["list"]).expect(0).stdout;
    assert!(listed.contains("app#7 +1"), "{listed}");
}

/// A worker of the published binary: two repositories, one of which is checked out.
fn taintfactory(more: &str) -> World {
    let world = world(
        "preset: taintfactory\ncommands: {queue: ''}",
        &format!(
            r#"case "$1 $2" in
"repo list") printf '[{{"Namespace":"acme/app","ConfigPath":"/c/app.yaml","LocalPath":"%s/app"}},{{"Namespace":"acme/web"}}]' "$HOME" ;;
"status ") echo "status in $(basename "$PWD")" ;;
esac
{more}"#
        ),
    );
    fs::create_dir_all(world.home().join("app")).unwrap();
    world
}

#[rstest]
#[case("app", "/c/app.yaml")]
#[case("acme/app", "/c/app.yaml")]
#[case("unknown", "/data/repos/unknown/pipeline.yaml")]
fn the_published_binary_gets_the_projects_configuration(#[case] project: &str, #[case] config: &str) {
    let world = taintfactory("");
    world.run(&["dispatch", "worker-1", "--project", project, "--issue", "42", "--intent", "x"]).expect(0);
    assert_eq!(noted(&world), ["queue", "add", "42", "--config", config, "--intent", "x"]);
}

#[test]
fn a_dry_run_looks_the_configuration_up_and_queues_nothing() {
    let world = taintfactory("");
    let ran = dispatch(&world, &["--dry-run"]).expect(0);
    assert_eq!(ran.stdout, "factory queue add 42 --config /c/app.yaml\n");
    assert!(ran.stderr.contains("asked worker-1 for its repositories"), "{}", ran.stderr);
    assert_eq!(noted(&world), ["repo", "list", "--format", "json"]);
}

#[test]
fn a_worker_that_cannot_list_its_repositories_has_them_in_the_usual_place() {
    let world = taintfactory("[ \"$1\" != repo ] || { echo broken >&2; exit 1; }");
    let ran = dispatch(&world, &[]).expect(0);
    assert!(ran.stderr.contains("\"factory\" failed (exit 1)"), "{}", ran.stderr);
    assert_eq!(noted(&world)[4], "/data/repos/app/pipeline.yaml");
}

#[test]
fn status_shows_the_workers_own_words_and_its_sessions() {
    let world = world("", "echo 'all is well'; echo note >&2");
    world.session("worker-1", "qa", "exec sleep 600");
    let ran = world.run(&["status", "worker-1"]).expect(0);
    assert_eq!(noted(&world), ["status"]);
    assert!(ran.stdout.starts_with("worker-1  running\nall is well\n\nSESSION"), "{}", ran.stdout);
    let row = ran.stdout.lines().last().unwrap();
    assert!(row.starts_with("qa ") && row.contains("active"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "note\n");
}

#[test]
fn status_as_json() {
    let world = world("", "echo fine");
    world.session("worker-1", "qa", "exec sleep 600");
    let shown = json(&world.run(&["status", "worker-1", "--json"]).expect(0).stdout);
    assert_eq!((&shown["name"], &shown["status"]), (&"worker-1".into(), &"running".into()));
    assert_eq!(shown["sessions"][0]["address"], "worker-1/qa");
    let own = &shown["commands"][0];
    assert_eq!((&own["exit"], &own["stdout"], &own["repository"]), (&0.into(), &"fine\n".into(), &().into()));
}

#[test]
fn a_failed_status_command_is_1_and_the_sessions_are_still_shown() {
    let world = world("", "echo half; exit 3");
    let ran = world.run(&["status", "worker-1"]).expect(1);
    assert!(ran.stdout.contains("half\n") && ran.stdout.contains("SESSIONS (none)"), "{}", ran.stdout);
    assert!(ran.stderr.contains("status of worker-1: \"factory\" failed (exit 3)"), "{}", ran.stderr);
}

#[test]
fn a_slow_status_command_does_not_cost_the_sessions() {
    let world = world("", "exec sleep 600");
    world.session("worker-1", "qa", "exec sleep 600");
    let ran = world.run(&["status", "worker-1", "--timeout", "3s"]).expect(1);
    assert!(ran.stdout.contains("qa "), "{}", ran.stdout);
    assert!(ran.stderr.contains("took too long (exit 124)"), "{}", ran.stderr);
}

#[test]
fn the_published_binarys_status_runs_in_every_repository() {
    let ran = taintfactory("").run(&["status", "worker-1"]).expect(0);
    assert!(ran.stdout.contains("\nacme/app\nstatus in app\n"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("acme/web"), "{}", ran.stdout);
}

#[test]
fn a_status_that_fails_in_one_repository_is_told_with_its_name() {
    let ran = taintfactory("[ \"$1\" != status ] || exit 4").run(&["status", "worker-1"]).expect(1);
    assert!(ran.stderr.contains("status of worker-1 in acme/app: \"factory\" failed (exit 4)"), "{}", ran.stderr);
}

#[test]
fn status_of_a_worker_without_tmux_is_1() {
    let world = world("tmux: no-such-tmux", "");
    let ran = world.run(&["status", "worker-1"]).expect(1);
    assert!(ran.stderr.contains("worker worker-1: no tmux: there is no tmux in it"), "{}", ran.stderr);
}
