//! The registries that a hub serves: each for itself, as they are now.

#[path = "support/hub.rs"]
mod hub;
#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use hub::{Hub, factory, known, of_worker, rows, sessions, standing};
use kubesim::eventually_or_show;
use serde_json::Value;
use support::{World, eventually};

/// What the hub knows of the workers of this registry, by their names.
fn followed(world: &World, registry: &Path) -> Vec<String> {
    let registry = registry.canonicalize().unwrap();
    let standing = standing(world);
    let all = standing["registries"].as_array().unwrap().iter();
    let rows = all.filter(|served| served["registry"] == registry.to_str().unwrap()).flat_map(|served| served["rows"].as_array());
    rows.flatten().map(|row| row["worker"].as_str().unwrap().to_owned()).collect()
}

/// A registry of its own, with one worker of this name that is here and has this session.
fn registry(world: &World, file: &str, name: &str, session: &str) -> PathBuf {
    let place = world.path(&format!("of-{file}"));
    fs::create_dir(&place).unwrap();
    world.tmux(&place.join("tmux.sock"), &["new-session", "-d", "-s", session, "exec cat"]);
    let path = world.path(file);
    write(&path, &entry(name, &place));
    path
}

fn entry(name: &str, place: &Path) -> String {
    format!("  - name: {name}\n    local: {}\n    commands: {{queue: \"\"}}\n", place.display())
}

fn write(path: &Path, entries: &str) {
    fs::write(path, format!("workers:\n{entries}")).unwrap();
}

#[test]
fn two_are_served_and_a_worker_of_one_is_none_of_the_other() {
    let world = hub::world().worker("same");
    world.session("same", "ours", "exec cat");
    let other = registry(&world, "other.yaml", "same", "theirs");
    let _hub = Hub::start(&world);
    let with = ["--workers", other.to_str().unwrap()];
    assert_eq!(sessions(&known(&world, &[])[0]), ["ours"]);
    assert_eq!(sessions(&known(&world, &with)[0]), ["theirs"]);
    assert_eq!(sessions(&known(&world, &[])[0]), ["ours"]);
    let peek = |arguments: &[&str]| world.run(&[&["peek"], arguments].concat()).code;
    assert_eq!((peek(&["same/ours"]), peek(&["same/theirs"])), (0, 4));
    let peek = |session: &str| peek(&[with.as_slice(), &[session]].concat());
    assert_eq!((peek("same/theirs"), peek("same/ours")), (0, 4));
    // The same file by another name is the same registry.
    let link = world.path("link.yaml");
    std::os::unix::fs::symlink(&other, &link).unwrap();
    known(&world, &["--workers", link.to_str().unwrap()]);
    assert_eq!(standing(&world)["registries"].as_array().unwrap().len(), 2);
}

#[test]
fn one_that_changes_is_followed_without_anybody_asking() {
    let world = hub::world().worker("first");
    world.session("first", "qa", "exec cat");
    let _hub = Hub::start(&world);
    known(&world, &[]);
    let path = world.registry_path();
    let becomes = |wanted: &[&str]| {
        eventually(&format!("{wanted:?} to be followed"), || (followed(&world, &path) == wanted).then_some(()));
    };
    let [first, second] = ["first", "second"].map(|name| entry(name, &world.worker_directory(name)));
    fs::create_dir_all(world.worker_directory("second")).unwrap();
    write(&path, &[first.as_str(), &second].concat());
    becomes(&["first", "second"]);
    known(&world, &[]);
    // As an editor does that writes another file in its place.
    let new = world.path("new.yaml");
    write(&new, &second);
    fs::rename(new, &path).unwrap();
    becomes(&["second"]);
    assert_eq!(rows(&world, &[]).len(), 1);
    // The worker of this name is another one.
    write(&path, &entry("second", &world.worker_directory("first")));
    eventually("the other one to be listed", || (sessions(&known(&world, &[])[0]) == ["qa"]).then_some(()));
    fs::remove_file(&path).unwrap();
    eventually("nobody to be followed", || standing(&world)["registries"][0]["rows"].as_array()?.is_empty().then_some(()));
    write(&path, &first);
    becomes(&["first"]);
}

#[test]
fn a_worker_whose_pod_is_another_one_is_never_taken_for_the_old_one() {
    let (operator, [a, b]) = factory();
    let world = &operator.world;
    let _hub = Hub::start(world);
    known(world, &["a"]);
    let text = fs::read_to_string(world.registry_path()).unwrap();
    b.pod().tmux(&["rename-session", "-t", "=qa:", "review"]);
    fs::write(world.registry_path(), text.replacen("pod: a", "pod: b", 1)).unwrap();
    for _ in 0..3 {
        let row = &rows(world, &["a"])[0];
        assert_eq!((row["pod"].as_str(), sessions(row)), (Some(b.pod().name()), vec!["review"]));
    }
    let is_other = |row: Value| (row["pod"] == b.pod().name()).then_some(());
    eventually("the hub to follow the other one", || of_worker(world, "a").and_then(is_other));
    fs::write(world.registry_path(), text).unwrap();
    let row = &rows(world, &["a"])[0];
    assert_eq!((row["pod"].as_str(), sessions(row)), (Some(a.pod().name()), vec!["qa"]));
    known(world, &[]);
}

#[test]
fn one_that_cannot_be_read_any_more_is_said_by_commands_and_the_hub_keeps_the_last_that_could() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let _hub = Hub::start(&world);
    known(&world, &[]);
    let good = fs::read_to_string(world.registry_path()).unwrap();
    for bad in ["workers: [", "- a list\n", "\0\u{1}", "live: perhaps\nworkers: []\n"] {
        fs::write(world.registry_path(), bad).unwrap();
        let ran = world.run(&["list"]);
        assert!(ran.code != 0 && ran.stderr.contains("workers.yaml"), "{ran:?}");
        eventually_or_show("the hub to have noticed", || {
            let said = hub::said(&world);
            if said.matches("workers.yaml: ").count() > 0 { Ok(()) } else { Err(said) }
        });
        let row = of_worker(&world, "here").unwrap();
        assert_eq!(row["answer"]["Ok"]["sessions"][0]["name"], "qa", "{row:#}");
    }
    fs::write(world.registry_path(), good).unwrap();
    known(&world, &[]);
}

/// What is no file is read by the command alone.
#[test]
fn a_registry_that_is_a_pipe_keeps_nobody_waiting() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let _hub = Hub::start(&world);
    known(&world, &[]);
    let pipe = world.path("pipe");
    nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let text = fs::read(world.registry_path()).unwrap();
    let writes = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::write(pipe, text).unwrap()
    });
    let row = &rows(&world, &["--workers", pipe.to_str().unwrap()])[0];
    assert_eq!((row["via"].as_str(), sessions(row)), (Some("direct"), vec!["qa"]));
    writes.join().unwrap();
    // The others are followed as before.
    write(&world.registry_path(), "");
    eventually("nobody to be followed", || followed(&world, &world.registry_path()).is_empty().then_some(()));
}
