//! The tmux plugin: real key presses, in a real client, through the real scripts.

mod support;

use std::fs;
use std::path::Path;

use rstest::rstest;
use support::{BIN, ROOT, Screen, World, eventually};

const KEYS: &[(&str, &str)] = &[("pick", "W"), ("peek", "P"), ("dispatch", "G"), ("nudge", "N")];

fn world() -> World {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo 'I am qa'; exec cat");
    world.session("w", "dev", "echo 'I am dev'; exec cat");
    world
}

/// A configuration that says where the program is and loads the plugin from `directory`.
fn load(more: &str) -> String {
    format!("set -g @factory-worker-bin '{BIN}'\n{more}\nrun-shell '{ROOT}/factory-worker.tmux'")
}

/// The keys that the plugin has bound, with what they run.
fn bindings(screen: &Screen<'_>) -> Vec<(String, String)> {
    let listing = screen.inner(&["list-keys", "-T", "prefix"]);
    // Those that enter copy mode are the operator's, wrapped (tests/copy_mode.rs).
    let ours = listing.lines().filter(|line| line.contains("factory-worker") && !line.contains("copy-mode"));
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    ours.map(|line| (words(line)[3].clone(), line.to_owned())).collect()
}

fn keys(screen: &Screen<'_>) -> String {
    let mut keys: Vec<String> = bindings(screen).into_iter().map(|(key, _)| key).collect();
    // tmux versions differ in their order.
    keys.sort();
    keys.join(" ")
}

fn source(screen: &Screen<'_>) {
    screen.inner(&["run-shell", &format!("'{ROOT}/factory-worker.tmux'")]);
}

/// A copy of the plugin without a program, in a directory whose name needs care.
fn copy(world: &World) -> std::path::PathBuf {
    let directory = world.path("it's #a plugin");
    copy_to(&directory);
    directory
}

fn copy_to(directory: &Path) {
    fs::create_dir_all(directory.join("tmux-plugin")).unwrap();
    for file in ["factory-worker.tmux", "tmux-plugin/factory-worker.tmux", "tmux-plugin/factory-worker-popup.sh"] {
        fs::copy(Path::new(ROOT).join(file), directory.join(file)).unwrap();
    }
}

fn load_copy(directory: &Path) -> String {
    let path = directory.join("factory-worker.tmux").display().to_string().replace('#', "##");
    format!("run-shell '\"{}\"'", path.replace('\'', "'\\''")).replace("'\\''", "'\"'\"'")
}

/// Wait until tmux has shown this message. At load time it may be gone before the first prompt: panes stand still under it.
fn wait_told(screen: &Screen<'_>, text: &str) {
    eventually(&format!("tmux to say {text:?}"), || {
        screen.inner(&["show-messages"]).contains(&format!("message: {text}")).then_some(())
    });
}

#[test]
fn each_key_is_bound_once_and_none_is_one_of_tmux_s_own() {
    let bare = World::new();
    let taken = bare.screen_with("").inner(&["list-keys", "-T", "prefix"]);
    for (_, key) in KEYS {
        assert!(!taken.lines().any(|line| line.split_whitespace().nth(3) == Some(key)), "tmux binds {key}");
    }
    let world = world();
    let screen = world.screen();
    assert_eq!(keys(&screen), "G N P W");
    let before = (screen.inner(&["list-keys"]), screen.inner(&["show-options", "-g"]), screen.inner(&["show-hooks", "-g"]));
    source(&screen);
    let after = (screen.inner(&["list-keys"]), screen.inner(&["show-options", "-g"]), screen.inner(&["show-hooks", "-g"]));
    assert_eq!(before, after);
    for (_, line) in bindings(&screen) {
        assert!(line.contains(BIN), "not the absolute path: {line}");
    }
}

#[test]
fn an_empty_option_binds_nothing_and_another_key_is_another_key() {
    let world = world();
    let options =
        "set -g @factory-worker-pick-key ''\nset -g @factory-worker-peek-key 'M-p'\nset -g @factory-worker-nudge-key ';'";
    let screen = world.screen_with(&load(options));
    assert_eq!(keys(&screen), r"G M-p \;");
    screen.inner(&["set", "-gu", "@factory-worker-pick-key"]);
    screen.inner(&["set", "-g", "@factory-worker-peek-key", ""]);
    screen.inner(&["set", "-g", "@factory-worker-dispatch-key", "C-g"]);
    source(&screen);
    assert_eq!(keys(&screen), r"C-g W \;", "keys that are not ours any more are given back");
}

#[test]
fn a_default_gives_way_to_the_user_s_own_binding_and_a_chosen_key_does_not() {
    let world = world();
    let screen =
        world.screen_with(&load("bind P display-message mine\nbind N display-message mine\nset -g @factory-worker-nudge-key N"));
    assert_eq!(keys(&screen), "G N W");
    source(&screen);
    assert_eq!(keys(&screen), "G N W");
}

#[test]
fn the_version_is_the_program_s() {
    let script = fs::read_to_string(Path::new(ROOT).join("tmux-plugin/factory-worker.tmux")).unwrap();
    let own = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));
    assert!(script.contains(&format!("\nversion={own}\n")));
}

#[test]
fn a_missing_program_is_said_with_the_command_to_run_and_found_when_it_is_there() {
    let world = world();
    let plugin = copy(&world);
    let screen = world.screen_with(&load_copy(&plugin));
    wait_told(&screen, "factory-worker is missing: run `make install` in");
    for (_, key) in KEYS {
        // Any key takes the message of the one before away.
        screen.keys(&["Enter"]);
        screen.wait_gone("make install");
        screen.prefix(key);
        let text = screen.wait("run `make install` in");
        assert!(text.contains("factory-worker is missing"), "{text}");
    }
    fs::create_dir(plugin.join("bin")).unwrap();
    std::os::unix::fs::symlink(BIN, plugin.join("bin/factory-worker")).unwrap();
    screen.prefix("W");
    screen.wait("press the key again");
    screen.prefix("W");
    screen.wait("w/qa");
}

#[test]
fn the_remedy_fits_on_a_status_line_of_80_columns() {
    let world = world();
    let directory = world.home().join(".tmux/plugins/factory-worker");
    copy_to(&directory);
    let screen = world.screen_with(&load_copy(&directory));
    let message = "factory-worker is missing: run `make install` in ~/.tmux/plugins/factory-worker";
    wait_told(&screen, message);
    screen.resize(80, 24);
    screen.keys(&["Enter"]);
    screen.prefix("W");
    assert!(screen.wait("make install").trim_end().ends_with(message));
}

#[rstest]
#[case("echo factory-worker 9.9.9")]
#[case("echo factory-worker 0.10.0")]
#[case("echo no such option; exit 2")]
#[case("exit 1")]
fn a_program_of_another_version_is_said(#[case] says: &str) {
    let message = "factory-worker is not 0.1: run `make install` in";
    let world = world();
    let other = world.script("other", &format!("#!/bin/sh\n{says}\n"));
    let screen =
        world.screen_with(&format!("set -g @factory-worker-bin '{}'\nrun-shell '{ROOT}/factory-worker.tmux'", other.display()));
    wait_told(&screen, message);
    screen.prefix("W");
    assert!(screen.wait("make install").contains(message));
}

#[test]
fn a_program_that_goes_away_is_said_when_its_key_is_pressed() {
    let world = world();
    let program = world.path("program");
    std::os::unix::fs::symlink(BIN, &program).unwrap();
    let configuration = format!("set -g @factory-worker-bin '{}'\nrun-shell '{ROOT}/factory-worker.tmux'", program.display());
    let screen = world.screen_with(&configuration);
    fs::remove_file(&program).unwrap();
    screen.prefix("W");
    let text = screen.wait("(Escape closes this)");
    assert!(text.contains("factory-worker is missing: run `make install` in"), "{text}");
    assert!(text.contains("or correct @factory-worker-bin"), "{text}");
    screen.keys(&["Escape"]);
    screen.wait_gone("Escape closes");
    std::os::unix::fs::symlink(BIN, &program).unwrap();
    screen.prefix("W");
    screen.wait("press the key again");
    screen.prefix("W");
    screen.wait("w/qa");
}

#[test]
fn w_picks_and_opens() {
    let world = world();
    let screen = world.screen();
    screen.prefix("W");
    screen.wait("w/dev");
    screen.wait("w/qa");
    screen.type_text("qa");
    screen.wait_until("only qa to be left", |text| !text.contains("w/dev"));
    screen.keys(&["Enter"]);
    screen.wait("I am qa");
    eventually("the window", || (screen.windows() == ["|home", "w/qa|w/qa"]).then_some(()));
}

#[rstest]
#[case::window("kill-window", "other:")]
#[case::session("kill-session", "other")]
fn a_popup_whose_window_goes_away_leaves_a_client_that_can_type(#[case] kill: &str, #[case] what: &str) {
    let world = world();
    let screen = world.screen_with(&load("set -g detach-on-destroy off"));
    let client = screen.inner(&["list-clients", "-F", "#{client_name}"]);
    let client = client.trim();
    screen.inner(&[
        "new-session",
        "-d",
        "-s",
        "other",
        ";",
        "new-window",
        "-t",
        "other",
        ";",
        "switch-client",
        "-c",
        client,
        "-t",
        "other",
    ]);
    screen.wait("[other]");
    screen.inner(&["refresh-client", "-t", client, "-f", "ignore-size"]);
    screen.prefix("W");
    screen.wait("w/qa");
    screen.inner(&[kill, "-t", what]);
    screen.keys(&["Escape"]);
    screen.wait_gone("┌");
    screen.enter("echo it is $((6 * 7))");
    screen.wait("it is 42");
    let state = screen.inner(&["list-clients", "-F", "#{client_readonly} #{client_flags}"]);
    assert!(state.starts_with("0 ") && state.contains("ignore-size"), "{state}");
}

/// Close the popup and type into the session below, which keeps its keys in the file `keys`: that is all it got.
#[track_caller]
fn assert_reached_by_nothing(world: &World, screen: &Screen<'_>, round: usize) {
    // Only a popup has corners.
    screen.wait("┌");
    eventually("the popup to close", || {
        screen.keys(&["Escape"]);
        (!screen.text().contains('┌')).then_some(())
    });
    let end = format!("end {round}.");
    screen.type_text(&end);
    let keys = world.worker_directory("w").join("keys");
    let got = eventually("what is typed now to arrive", || fs::read_to_string(&keys).ok().filter(|keys| keys.contains(&end)));
    let got = got.replace('\x1b', "");
    let typed: String = (1..=round).map(|round| format!("end {round}.")).collect();
    assert_eq!(got, typed, "keys for the popup reached the session");
}

#[rstest]
#[case::pick("W")]
#[case::peek("P")]
#[case::dispatch("G")]
#[case::nudge("N")]
fn no_key_of_a_burst_reaches_the_session_below(#[case] key: &str) {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"echo {project} {issue}\"}");
    world.session("w", "dev", "stty raw -echo; echo 'I am dev'; exec cat >keys");
    let screen = world.screen();
    screen.run(&["open", "w/dev"]).expect(0);
    screen.wait("I am dev");
    for round in 1..=20 {
        // All in one write, as when a slow connection catches up: tmux has read it before there is a popup.
        screen.keys(&["C-b", key, "d", "e", "v", "Enter"]);
        assert_reached_by_nothing(&world, &screen, 2 * round - 1);
        // In several writes, none of which waits for the popup. The first key closes a peek.
        screen.prefix(key);
        screen.type_text(if key == "P" { "" } else { "dev" });
        assert_reached_by_nothing(&world, &screen, 2 * round);
    }
    assert_eq!(screen.inner(&["list-clients", "-F", "#{client_readonly} #{client_key_table}"]), "0 root\n");
    assert!(!screen.inner(&["show-environment"]).contains("FACTORY_WORKER"), "a trace of a popup stays");
}

#[test]
fn what_is_picked_opens_where_the_key_was_pressed() {
    let world = world();
    let screen = world.screen();
    let other = OtherTerminal::start(&world, &screen);
    other.keys(&["C-b", "W"]);
    eventually("the picker in the other terminal", || other.text().contains("w/qa").then_some(()));
    assert!(!screen.text().contains("w/qa"), "the picker shows in the wrong terminal");
    // Now this terminal is the one that was used last.
    screen.enter("echo typed");
    screen.wait("\ntyped");
    other.keys(&["q", "a"]);
    eventually("only qa to be left", || (!other.text().contains("w/dev")).then_some(()));
    other.keys(&["Enter"]);
    eventually("the session in the other terminal", || other.text().contains("I am qa").then_some(()));
    assert_eq!(screen.inner(&["list-windows", "-t", "other", "-F", "#{@factory-worker-address}"]), "\nw/qa\n");
    // From here, the open window is one of the other session: going there takes this client along.
    screen.prefix("W");
    screen.wait("w/dev");
    screen.wait("w/qa");
    screen.type_text("qa");
    screen.wait_until("only qa to be left", |text| !text.contains("w/dev"));
    screen.keys(&["Enter"]);
    screen.wait("I am qa");
    screen.wait("[other]");
    assert_eq!(screen.windows().len(), 3);
}

/// A second terminal on the operator's tmux, with a session of its own.
struct OtherTerminal<'a> {
    world: &'a World,
    socket: std::path::PathBuf,
}

impl<'a> OtherTerminal<'a> {
    fn start(world: &'a World, screen: &Screen<'_>) -> Self {
        let other = Self { world, socket: world.path("other.sock") };
        let inner = screen.socket().to_str().unwrap();
        let client = ["env", "-u", "TMUX", "-u", "TMUX_PANE", "tmux", "-u", "-S", inner, "new-session", "-s", "other"];
        other.tmux(&[&["new-session", "-d", "-x", "100", "-y", "30", "-s", "terminal", "--"], &client[..]].concat());
        other.tmux(&["set", "-g", "prefix", "None"]);
        eventually("the other terminal's prompt", || other.text().starts_with('$').then_some(()));
        other
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = self.world.program("tmux");
        command.arg("-u").arg("-S").arg(&self.socket).args(["-f", "/dev/null"]).args(arguments);
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "terminal:"], keys].concat());
    }

    fn text(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "terminal:"])
    }
}

impl Drop for OtherTerminal<'_> {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

#[test]
fn p_peeks_at_the_window_s_session_until_a_key() {
    let world = world();
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen.prefix("P");
    screen.wait("w/qa · any key closes");
    screen.keys(&["x"]);
    screen.wait_gone("any key closes");
    assert!(!world.pane("w", "qa").contains('x'), "the key reached the session");
}

#[test]
fn p_elsewhere_picks_a_session_to_peek_at() {
    let world = world();
    let screen = world.screen();
    screen.prefix("P");
    screen.wait("w/dev");
    screen.wait("w/qa");
    screen.type_text("dev");
    screen.wait_until("only dev to be left", |text| !text.contains("w/qa"));
    screen.keys(&["Enter"]);
    screen.wait("w/dev · any key closes");
    screen.wait("I am dev");
}

#[test]
fn a_popup_whose_command_fails_stays_readable() {
    let world = world();
    let screen = world.screen();
    fs::write(world.registry_path(), "workers: {").unwrap();
    for (_, key) in KEYS {
        screen.prefix(key);
        screen.wait("workers.yaml");
        screen.wait("press any key to close");
        // Typed without a look, it closes nothing: the rest would go to the window beneath.
        screen.keys(&["x", "y"]);
        eventually("a key to close the popup", || {
            std::thread::sleep(Duration::from_millis(1600));
            assert!(screen.text().contains("press any key"), "{}", screen.text());
            screen.keys(&["x"]);
            std::thread::sleep(Duration::from_millis(1600));
            (!screen.text().contains("press any key")).then_some(())
        });
    }
}

#[test]
fn a_popup_is_as_large_as_its_options_say() {
    let world = world();
    let screen = world.screen_with(&load("set -g @factory-worker-pick-width 60\nset -g @factory-worker-pick-height 50%"));
    screen.prefix("W");
    let text = screen.wait("w/qa");
    let widest = text.lines().filter(|line| line.contains('│')).map(|line| line.trim().chars().count()).max();
    assert_eq!((widest, text.lines().filter(|line| line.trim().starts_with('│')).count()), (Some(60), 18), "{text}");
    screen.keys(&["Escape"]);
    screen.wait_gone("w/qa");
    screen.inner(&["set", "-g", "@factory-worker-pick-width", "wide"]);
    source(&screen);
    screen.prefix("W");
    screen.wait("Width invalid");
}

#[rstest]
#[case(80, 24)]
#[case(40, 12)]
fn every_popup_fits_into_a_small_terminal(#[case] columns: u32, #[case] rows: u32) {
    let world = World::new().worker_with("w", "commands: {queue: \"\", dispatch: \"echo {project} {issue}\"}");
    world.session("w", "qa", "echo 'I am qa'; exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.resize(columns, rows);
    for (key, shown) in [("W", "w/qa"), ("P", "any key closes"), ("G", "Intent"), ("N", "Nudge w/qa")] {
        screen.prefix(key);
        screen.wait("└");
        screen.wait(shown);
        screen.keys(&["Escape"]);
        screen.wait_gone("┌");
    }
}

#[test]
fn hostile_names_are_only_names_in_popups_too() {
    let world = World::new().worker("w");
    world.session("w", "#(touch pwned) 100%d ;", "echo here; exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/#(touch pwned) 100%d ;"]).expect(0);
    screen.wait("here");
    screen.prefix("P");
    screen.wait("w/#(touch pwned) 100%d ; · any key closes");
    world.assert_nothing_executed();
}

#[rstest]
#[case("nudge", "N")]
#[case("dispatch", "G")]
fn a_popup_that_is_larger_than_the_terminal_becomes_as_large_as_that(#[case] name: &str, #[case] key: &str) {
    let world = World::new().worker("w");
    world.session("w", "qa", "exec cat");
    let sizes = format!("set -g @factory-worker-{name}-width 500\nset -g @factory-worker-{name}-height 500");
    let screen = world.screen_with(&load(&sizes));
    screen.run(&["open", "w/qa"]).expect(0);
    screen.prefix(key);
    screen.wait("Enter send");
}
