//! `workers.yaml` seen from outside: where it is looked for, what is refused, what `config` says and writes.

mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};

use rstest::rstest;
use support::{BIN, Ran, World};

const ORIGINAL: &str = "\
workers:
  - name: worker-1
    pod: factory-worker-1
    namespace: factory
    context: do-nyc1-factory
";

fn world(registry: &str) -> World {
    let world = World::new();
    fs::write(world.registry_path(), registry).unwrap();
    world
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_path_is_the_option_else_the_variable_else_the_default() {
    let world = World::new();
    let default = world.run(&["config", "path"]).expect(0);
    assert_eq!(default.stdout.trim(), world.registry_path().to_str().unwrap());

    let world = World::new().env("FACTORY_WORKERS", "/somewhere/else.yaml");
    assert_eq!(world.run(&["config", "path"]).expect(0).stdout, "/somewhere/else.yaml\n");
    let given = world.run(&["config", "path", "--workers", "here.yaml"]).expect(0);
    assert_eq!(given.stdout.trim(), world.home().join("here.yaml").to_str().unwrap());
}

#[test]
fn without_a_file_there_are_no_workers_and_every_command_says_how_to_make_one() {
    let world = World::new();
    for arguments in [&["list"][..], &["config", "show"], &["config", "check"], &["status", "x"]] {
        let ran = world.run(arguments);
        assert!(ran.stderr.contains("factory-worker config init"), "{arguments:?}: {}", ran.stderr);
    }
    world.run(&["list"]).expect(0);
    world.run(&["config", "check"]).expect(1);
    world.run(&["status", "x"]).expect(4);
}

#[rstest]
#[case("wokers: []\n", ":1:1: unknown key \"wokers\" in the registry; did you mean \"workers\"?")]
#[case("workers: [\n", ":2:1: did not find expected node content")]
#[case("defaults: {contxt: c}\nworkers:\n  - {name: a, pod: b}\n", ":1:12: unknown key \"contxt\" in defaults")]
#[case("workers: {a: {pod: b}}\n", ":1:10: a list of workers is wanted here, and this is a mapping")]
#[case("workers: []\n---\nworkers: []\n", ":2:1: a registry is one YAML document")]
fn a_malformed_file_is_told_with_its_place_by_every_command(#[case] registry: &str, #[case] told: &str) {
    let world = world(registry);
    for arguments in [&["list"][..], &["config", "check"], &["config", "show"], &["peek", "a/b"]] {
        let ran = world.run(arguments).expect(1);
        let expected = format!("factory-worker: {}{told}", world.registry_path().display());
        assert!(ran.stderr.starts_with(&expected), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn what_a_message_quotes_cannot_reach_the_terminal() {
    let ran = world("\"k\\e]0;pwned\\a\": 1\n").run(&["config", "check"]).expect(1);
    assert!(!ran.stderr.contains('\x1b') && !ran.stderr.contains('\x07'), "{:?}", ran.stderr);
}

#[test]
fn the_original_format_is_shown_with_everything_filled_in() {
    let world = world(ORIGINAL);
    let text = world.run(&["config", "show"]).expect(0).stdout;
    for line in ["  pod: factory-worker-1", "  namespace: factory", "  context: do-nyc1-factory", "    status: factory status"] {
        assert!(text.lines().any(|there| there == line), "no {line:?} in:\n{text}");
    }
    let shown = json(&world.run(&["config", "show", "--json"]).expect(0).stdout);
    let worker = &shown["workers"][0];
    assert_eq!((&worker["name"], &worker["container"], &worker["view"]), (&"worker-1".into(), &().into(), &"seamless".into()));
    let dispatch = "factory queue add --project {project} --issue {issue} [--intent {intent}]";
    assert_eq!(worker["commands"]["dispatch"], dispatch);
}

#[test]
fn what_is_shown_is_a_registry_that_says_the_same() {
    let registry = "
active: 90s
defaults: {context: 'it: is # odd', tmux: \"tmux -L 'g c'\", preset: taintfactory}
workers:
  - {name: a, pod: deploy/x, kubeconfig: ~/k, commands: {queue: '', status: \"show 'a b' [[x]]\"}}
  - {name: b, local: rel/ative, view: plain}
";
    let world = world(registry);
    let first = world.run(&["config", "show"]).expect(0).stdout;
    fs::write(world.registry_path(), &first).unwrap();
    assert_eq!(world.run(&["config", "show"]).expect(0).stdout, first);
}

#[test]
fn what_editors_on_windows_leave_in_a_file_does_not_matter() {
    let world = world(&format!("\u{feff}{}", ORIGINAL.replace('\n', "\r\n")));
    assert!(world.run(&["config", "check"]).expect(0).stdout.ends_with("is right: 1 worker\n"));
    let bad = format!("\u{feff}{}", ORIGINAL.replace("context", "contxt").replace('\n', "\r\n"));
    fs::write(world.registry_path(), bad).unwrap();
    let ran = world.run(&["config", "check"]).expect(1);
    assert!(ran.stderr.contains(":5:5: unknown key \"contxt\""), "{}", ran.stderr);
}

#[test]
fn a_file_that_anybody_may_write_is_refused() {
    let world = world(ORIGINAL);
    fs::set_permissions(world.registry_path(), Permissions::from_mode(0o646)).unwrap();
    let ran = world.run(&["list"]).expect(1);
    assert!(ran.stderr.contains("everybody on this machine may write to it"), "{}", ran.stderr);
    assert!(ran.stderr.contains("chmod o-w"), "{}", ran.stderr);
}

#[test]
fn somebody_elses_file_is_refused() {
    let world = world(ORIGINAL);
    let path = world.registry_path();
    let (ran, owner) = if chown(&path, Some(4321), None).is_ok() {
        (world.run(&["list"]), 4321)
    } else {
        // Only root can give a file away. Anybody else enters a user namespace where this machine's root is nobody that is known.
        let mut command = world.program("unshare");
        command.args(["--user", "--map-current-user", "--", BIN, "--workers", "/etc/passwd", "list"]);
        (Ran::from(command.output().unwrap()), 65534)
    };
    assert!(ran.stderr.contains(&format!("it belongs to user {owner}, not to you")), "{}", ran.stderr);
    ran.expect(1);
}

#[test]
fn init_writes_a_registry_that_works_at_once_and_never_overwrites() {
    let world = World::new();
    fs::remove_dir(world.home().join(".factory")).unwrap();
    let ran = world.run(&["config", "init"]).expect(0);
    assert!(ran.stdout.contains("new-session -d -s hello"), "{}", ran.stdout);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!((mode(&world.registry_path()), mode(&world.home().join(".factory"))), (0o600, 0o700));

    world.run(&["config", "check"]).expect(0);
    let listed = json(&world.run(&["list", "--json"]).expect(0).stdout);
    assert_eq!((&listed["workers"][0]["name"], &listed["workers"][0]["status"]), (&"scratch".into(), &"running".into()));

    let before = fs::read(world.registry_path()).unwrap();
    let again = world.run(&["config", "init"]).expect(1);
    assert!(again.stderr.contains("is there already; nothing was written"), "{}", again.stderr);
    assert_eq!(fs::read(world.registry_path()).unwrap(), before);
}

#[test]
fn the_commands_that_init_proposes_do_what_it_says() {
    let world = World::new();
    let proposed = world.run(&["config", "init"]).expect(0).stdout;
    let socket = world.home().join(".factory/local/scratch/tmux.sock");
    let start = proposed.lines().find(|line| line.contains("new-session")).unwrap().trim().to_owned();
    let started = world.program("sh").args(["-c", &start]).status().unwrap();
    let listed = world.run(&["list"]);
    world.program("tmux").arg("-S").arg(&socket).arg("kill-server").status().unwrap();
    assert!(started.success());
    assert!(listed.expect(0).stdout.contains("hello"));
}

#[test]
fn every_key_of_the_commented_example_is_understood() {
    let example = include_str!("../src/commands/config/workers.yaml");
    let (before, pod) = example.split_once("  # A pod.").unwrap();
    let (_, pod) = pod.split_at(pod.find('\n').unwrap());
    let world = world(&format!("{before}{}", pod.replace("\n  # ", "\n  ")));
    let shown = json(&world.run(&["config", "show", "--json"]).expect(0).stdout);
    assert_eq!(shown["workers"][1]["container"], "worker");
}
