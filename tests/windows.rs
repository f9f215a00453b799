//! Windows that show sessions: opened once, found by what they show, closed without a trace, and honest about failures.

mod support;

use std::fs;

use rstest::rstest;
use support::{HOSTILE_NAMES, Screen, World, eventually, long_name};

/// A world with worker `w` whose session `name` says `I am NAME` and then shows what is typed.
fn world_with(names: &[&str]) -> World {
    let world = World::new().worker("w");
    for name in names {
        world.session("w", name, &format!("echo 'I am {name}'; exec cat"));
    }
    world
}

/// The names of the clients that are attached to a worker's sessions.
fn clients(world: &World, worker: &str) -> Vec<String> {
    world.worker_tmux(worker, &["list-clients", "-F", "#{client_pid}"]).lines().map(str::to_owned).collect()
}

/// The view of this address: its pane's id.
fn view(screen: &Screen<'_>, address: &str) -> Option<String> {
    let format = "#{pane_id} #{@factory-worker-view} #{@factory-worker-address}";
    let listing = screen.inner(&["list-panes", "-a", "-F", format]);
    let found = listing.lines().find(|line| line.split_once(" 1 ").is_some_and(|(_, there)| there == address));
    found.and_then(|line| line.split(' ').next()).map(str::to_owned)
}

/// Wait until nothing of a view is left on the worker: no client, no option.
fn wait_clean(world: &World, worker: &str) {
    eventually("the worker to be rid of our clients", || clients(world, worker).is_empty().then_some(()));
    eventually("the worker to be rid of our options", || {
        (!world.worker_tmux(worker, &["show-options", "-s"]).contains("@factory-worker")).then_some(())
    });
}

#[test]
fn a_session_opens_as_a_window_named_after_it() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
    screen.type_text("typed here");
    eventually("what is typed to reach the session", || world.pane("w", "qa").contains("typed here").then_some(()));
    let window = screen.inner(&["show-options", "-w", "-t", "w/qa"]);
    for option in ["automatic-rename off", "allow-rename off", "remain-on-exit off"] {
        assert!(window.contains(option), "{window}");
    }
}

#[test]
fn opening_twice_gives_one_window_and_goes_there() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.inner(&["new-session", "-d", "-s", "far"]);
    screen.inner(&["switch-client", "-t", "far"]);
    screen.wait("[far]");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("[main]");
    screen.wait("I am qa");
    assert_eq!(screen.windows().iter().filter(|window| window.starts_with("w/qa")).count(), 1);
}

#[test]
fn opening_several_times_at_once_gives_one_window() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| screen.run(&["open", "w/qa"]).expect(0));
        }
    });
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
}

#[test]
fn going_to_an_open_window_takes_three_tmux_commands_at_most_and_no_kubectl() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    let log = world.path("calls");
    for name in ["tmux", "kubectl"] {
        let real = if name == "tmux" { "exec /usr/bin/env PATH=\"${PATH#*:}\" tmux \"$@\"" } else { "exit 1" };
        world.script(name, &format!("#!/bin/sh\necho {name} \"$@\" >>'{}'\n{real}\n", log.display()));
    }
    screen.run(&["open", "w/qa"]).expect(0);
    let calls = fs::read_to_string(&log).unwrap();
    // The worker's own tmux has its own things to do.
    let local = calls.lines().filter(|call| !call.contains("/tmux.sock")).count();
    assert!(local <= 3 && !calls.contains("kubectl"), "{calls}");
}

#[test]
fn every_name_opens_its_own_session_and_executes_nothing() {
    let long = long_name();
    let names: Vec<&str> = HOSTILE_NAMES.iter().copied().chain([long.as_str()]).collect();
    let world = World::new().worker("w");
    for (number, name) in names.iter().enumerate() {
        world.session("w", name, &format!("echo I-am-{number}-; exec cat"));
    }
    let screen = world.screen_with("");
    let addresses: Vec<String> = names.iter().map(|name| format!("w/{name}")).collect();
    let mut arguments = vec!["open", "--detached", "--"];
    arguments.extend(addresses.iter().map(String::as_str));
    screen.run(&arguments).expect(0);
    screen.run(&arguments).expect(0);
    for (number, address) in addresses.iter().enumerate() {
        let pane = view(&screen, address).unwrap_or_else(|| panic!("no view of {address:?}"));
        eventually(&format!("{address:?} to show its own session"), || {
            screen.inner(&["capture-pane", "-p", "-t", &pane]).contains(&format!("I-am-{number}-")).then_some(())
        });
    }
    assert_eq!(screen.windows().len(), names.len() + 1, "a second time opens nothing more");
    for address in &addresses {
        screen.run(&["close", "--", address]).expect(0);
    }
    assert_eq!(screen.windows(), ["|home"]);
    wait_clean(&world, "w");
    world.assert_nothing_executed();
}

#[test]
fn a_window_is_never_found_by_a_part_of_its_name() {
    let world = world_with(&["a", "ab"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/ab"]).expect(0);
    screen.wait("I am ab");
    screen.run(&["open", "w/a"]).expect(0);
    screen.wait_until("a's own session", |text| text.contains("I am a\n") || text.contains("I am a "));
    screen.run(&["close", "w/a"]).expect(0);
    assert_eq!(screen.windows(), ["|home", "w/ab|w/ab"]);
}

#[test]
fn a_split_is_a_pane_beside_the_current_one() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "--split", "w/qa"]).expect(0);
    screen.wait("I am qa");
    assert_eq!(screen.inner(&["list-panes", "-F", "#{@factory-worker-address}"]), "\nw/qa\n");
    screen.run(&["open", "w/qa"]).expect(0);
    assert_eq!(screen.windows().len(), 1, "it is open already, as a pane");
    screen.run(&["close", "w/qa"]).expect(0);
    assert_eq!(screen.windows(), ["|home"]);
    wait_clean(&world, "w");
}

#[test]
fn a_pane_that_somebody_splits_off_is_theirs() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen.inner(&["split-window", "-t", "w/qa", "--", "sh", "-c", "echo mine; exec cat"]);
    screen.wait("mine");
    screen.run(&["close", "w/qa"]).expect(0);
    screen.wait_gone("I am qa");
    screen.wait("mine");
    assert_eq!(view(&screen, "w/qa"), None);
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
}

#[test]
fn detached_stays_where_it_is() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "--detached", "w/qa"]).expect(0);
    eventually("the view to be attached", || (!clients(&world, "w").is_empty()).then_some(()));
    assert_eq!(screen.inner(&["display-message", "-p", "#{window_name}"]), "home\n");
}

#[test]
fn all_opens_what_there_is_and_says_what_does_not_answer() {
    let world = world_with(&["qa", "dev"]).worker("empty").entry("  - {name: gone, local: /dev/null/no}\n");
    let screen = world.screen_with("");
    let ran = screen.run(&["open", "--all"]).expect(3);
    assert!(ran.stderr.contains("gone"), "{}", ran.stderr);
    let mut windows = screen.windows();
    windows.sort();
    assert_eq!(windows, ["w/dev|w/dev", "w/qa|w/qa", "|home"]);
}

#[test]
fn a_window_knows_what_its_opener_knew() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    let registry = world.path("other.yaml");
    fs::copy(world.registry_path(), &registry).unwrap();
    let kubectl = world.script("kubectl", "#!/bin/sh\nexit 1\n");
    screen.enter(&format!("cd / && KUBECONFIG=a:/b {} --workers {} open w/qa", support::BIN, registry.display()));
    screen.wait("I am qa");
    let pid = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_pid}"]);
    let environment = fs::read_to_string(format!("/proc/{}/environ", pid.trim())).unwrap();
    let has = |pair: String| assert!(environment.split('\0').any(|there| there == pair), "{pair} is not in {environment:?}");
    has(format!("FACTORY_WORKERS={}", registry.display()));
    has("KUBECONFIG=/a:/b".to_owned());
    has(format!("FACTORY_KUBECTL={}", kubectl.display()));
}

#[test]
fn closing_ends_the_client_and_nothing_else() {
    let world = world_with(&["qa", "dev"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa", "w/dev"]).expect(0);
    eventually("both views to be attached", || (clients(&world, "w").len() == 2).then_some(()));
    let pid = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_pid}"]);
    screen.run(&["close", "w/qa"]).expect(0);
    assert_eq!(screen.windows(), ["|home", "w/dev|w/dev"]);
    eventually("the client of qa to go", || (clients(&world, "w").len() == 1).then_some(()));
    eventually("the process of the window to go", || (!fs::exists(format!("/proc/{}", pid.trim())).unwrap()).then_some(()));
    world.session_id("w", "qa");
    let ran = screen.run(&["close", "w/qa"]).expect(4);
    assert!(ran.stderr.contains("no window shows w/qa"), "{}", ran.stderr);
}

#[test]
fn a_window_that_tmux_closes_leaves_no_client_either() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen.inner(&["kill-window", "-t", "w/qa"]);
    wait_clean(&world, "w");
}

#[rstest]
#[case::the_session_ends(&["kill-session", "-t", "=qa"])]
#[case::the_operator_leaves(&["detach-client", "-s", "=qa"])]
fn the_window_closes_by_itself_when(#[case] what: &[&str]) {
    let world = world_with(&["qa", "dev"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    world.worker_tmux("w", what);
    eventually("the window to close", || (screen.windows() == ["|home"]).then_some(()));
    wait_clean(&world, "w");
}

#[test]
fn a_session_that_is_not_there_is_said_in_the_window() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/nope"]).expect(0);
    screen.wait("there is no session \"nope\"");
    screen.wait("Enter tries again · Q closes");
}

#[test]
fn a_worker_that_is_not_there_opens_nothing() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    let ran = screen.run(&["open", "nobody/qa"]).expect(4);
    assert!(ran.stderr.contains("there is no worker"), "{}", ran.stderr);
    assert_eq!(screen.windows(), ["|home"]);
}

#[test]
fn a_worker_alone_means_its_only_session() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.run(&["open", "w"]).expect(0);
    screen.wait("I am qa");
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
}

#[test]
fn outside_tmux_there_is_attach() {
    let world = world_with(&["it's"]);
    let ran = world.run(&["open", "w/it's"]).expect(1);
    assert!(ran.stderr.contains("not inside tmux"), "{}", ran.stderr);
    assert!(ran.stderr.contains("factory-worker attach 'w/it'\\''s'"), "{}", ran.stderr);
    world.run(&["close", "w/it's"]).expect(1);
}

#[test]
fn attach_leaves_the_shell_as_it_was() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    let attach = format!("stty -a >before; {} attach w/qa; echo \"ended with $?\"; stty -a >after", support::BIN);
    screen.enter(&attach);
    screen.wait("I am qa");
    world.worker_tmux("w", &["detach-client", "-s", "=qa"]);
    screen.wait("ended with 0");
    wait_clean(&world, "w");
    screen.enter(&attach);
    screen.wait("I am qa");
    world.worker_tmux("w", &["kill-session", "-t", "=qa"]);
    screen.wait("w/qa has ended");
    screen.wait("ended with 0");
    screen.enter("cmp before after && echo the same");
    screen.wait("\nthe same");
    screen.enter(&attach);
    screen.wait("there is no session \"qa\"");
    screen.wait("ended with 4");
}

#[rstest]
#[case::alone("", "Ctrl-F12, then d", &["C-F12", "d"])]
#[case::read_only("--read-only", "Ctrl-F12, then d", &["C-F12", "d"])]
#[case::plain("--plain", "(C-b, unless it is set otherwise), then d", &["C-b", "d"])]
fn attach_outside_tmux_says_how_to_leave_it(#[case] how: &str, #[case] said: &str, #[case] keys: &[&str]) {
    let world = world_with(&["qa"]);
    let shell = support::Terminal::start(world.program("tmux"), world.path("bare.sock"), (120, 40), &["env", "PS1=$ ", "sh"]);
    shell.wait("$");
    shell.enter(&format!("env -u TMUX {} attach {how} w/qa; echo \"ended with $?\"", support::BIN));
    shell.wait("I am qa");
    eventually("the session to take keys", || {
        let state = world.worker_tmux("w", &["list-clients", "-F", "#{client_session} #{prefix}"]);
        (state == format!("qa {}\n", keys[0])).then_some(())
    });
    for key in keys {
        shell.keys(&[key]);
        eventually("the prefix to be one", || {
            let table = world.worker_tmux("w", &["list-clients", "-F", "#{client_key_table}"]);
            (*key == "d" || table == "prefix\n").then_some(())
        });
    }
    shell.wait("ended with 0");
    shell.wait(said);
    wait_clean(&world, "w");
}

#[test]
fn read_only_lets_no_key_through() {
    let world = world_with(&["qa"]);
    let screen = world.screen_with("");
    screen.enter(&format!("{} attach --read-only w/qa", support::BIN));
    screen.wait("I am qa");
    screen.type_text("xyzzy");
    // A key that does arrive proves that those before it did not.
    // tmux 3.8 refuses keys from anybody while the session's only client is read-only.
    screen.inner(&["kill-server"]);
    eventually("the client to go", || world.worker_tmux("w", &["list-clients"]).is_empty().then_some(()));
    world.worker_tmux("w", &["send-keys", "-t", "=qa:", "later", "Enter"]);
    eventually("the later text", || world.pane("w", "qa").contains("later").then_some(()));
    assert!(!world.pane("w", "qa").contains("xyzzy"), "{}", world.pane("w", "qa"));
}

#[test]
fn attach_needs_a_terminal() {
    let world = world_with(&["qa"]);
    let ran = world.run(&["attach", "w/qa"]).expect(1);
    assert!(ran.stderr.contains("needs a terminal") && ran.stderr.contains("peek"), "{}", ran.stderr);
}

#[test]
fn busybox_will_do() {
    let world = world_with(&["#(touch pwned)"]);
    let screen = world.screen_with("");
    fs::create_dir_all(world.path("bin")).unwrap();
    std::os::unix::fs::symlink("/bin/busybox", world.path("bin/sh")).unwrap();
    screen.run(&["open", "w/#(touch pwned)"]).expect(0);
    screen.wait("I am #(touch pwned)");
    screen.run(&["close", "w/#(touch pwned)"]).expect(0);
    wait_clean(&world, "w");
    world.assert_nothing_executed();
}
