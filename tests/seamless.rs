//! A view that does not look like a tmux in a tmux, and leaves no trace of that behind.

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rstest::rstest;
use support::nested::{HIDDEN, Stranger, clients, everything, hidden, options, wait_as_before, wait_hidden};
use support::{HOSTILE_NAMES, World, eventually};

fn world() -> World {
    let world = World::new().worker("w");
    world.session("w", "qa", "echo I am qa; exec cat");
    world
}

/// From now on `sh` is this one, for whatever finds it on PATH.
fn use_shell(world: &World, shell: &str) {
    fs::create_dir_all(world.path("bin")).unwrap();
    std::os::unix::fs::symlink(format!("/bin/{shell}"), world.path("bin/sh")).unwrap();
}

/// The worker's tmux runs hooks with `/bin/sh`; let it be the shell that is used from now on.
fn use_shell_in_hooks(world: &World) {
    let text = world.worker_tmux("w", &["show-options", "-sqv", "@factory-worker-sync"]);
    assert!(!text.is_empty());
    let file = world.path("sync");
    fs::write(&file, text).unwrap();
    let line = format!("PATH='{}':$PATH exec sh '{}'", world.path("bin").display(), file.display());
    world.worker_tmux("w", &["set-option", "-s", "@factory-worker-sync", &line]);
}

/// Values that break whoever passes them through a shell or a parser once too often.
fn set_awkward_options(world: &World, session: &str) {
    let id = format!("{}:", world.session_id("w", session));
    let set = |option: &str, value: &str| {
        world.worker_tmux("w", &["set-option", "-t", &id, option, value]);
    };
    set("prefix", "'");
    set("prefix2", "C-Space");
    set("status", "2");
    set("set-titles-string", "it's \"#{?#{==:#{session_name},x},a,b}\" `touch pwned` $(touch pwned) #(touch pwned) a\\;");
    set("@factory", "an option of the user's");
    world.worker_tmux("w", &["set-option", "-s", "set-clipboard", "off"]);
    world.worker_tmux("w", &["set-option", "-s", "extended-keys", "always"]);
    world.worker_tmux("w", &["set-hook", "-g", "client-attached[3]", "set -g @seen 'it''s \"x\"'"]);
    world.worker_tmux("w", &["set-hook", "-t", &id, "client-detached[5]", "set -g @gone \"a;b #{x}\""]);
}

#[rstest]
fn nothing_of_a_view_is_left(#[values("dash", "busybox")] shell: &str, #[values(false, true)] awkward: bool) {
    let world = world();
    world.session("w", "other", "exec cat");
    if awkward {
        set_awkward_options(&world, "qa");
        // What their hooks do is not ours to undo.
        world.worker_tmux("w", &["set-hook", "-gu", "client-attached[3]"]);
        world.worker_tmux("w", &["set-hook", "-g", "client-attached[3]", "refresh-client"]);
        world.worker_tmux("w", &["set-hook", "-t", "=qa:", "client-detached[5]", "run-shell -b \": 'a;b'\""]);
    }
    let before = everything(&world);
    let screen = world.screen_with("");
    use_shell(&world, shell);
    screen.run(&["open", "w/qa", "w/other"]).expect(0);
    screen.wait("I am qa");
    wait_hidden(&world, "qa");
    wait_hidden(&world, "other");
    use_shell_in_hooks(&world);
    let server = options(&world, "qa", "#{set-clipboard} #{focus-events} #{extended-keys}");
    assert_eq!(server, if awkward { "on 1 always" } else { "on 1 on" });
    assert_ne!(everything(&world), before);
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the first client to go", || (clients(&world) == 1).then_some(()));
    eventually("the first session's own options", || (hidden(&world, "qa") != HIDDEN).then_some(()));
    assert_eq!(options(&world, "qa", "#{set-clipboard}"), "on", "there is still a view");
    screen.run(&["close", "w/other"]).expect(0);
    wait_as_before(&world, &before);
    world.assert_nothing_executed();
}

#[rstest]
fn every_name_is_hidden_and_put_back(#[values("dash", "busybox")] shell: &str) {
    let world = world();
    for name in HOSTILE_NAMES {
        world.session("w", name, "exec cat");
    }
    let before = everything(&world);
    let screen = world.screen_with("");
    use_shell(&world, shell);
    // What one of them costs grows with how many there are.
    for names in HOSTILE_NAMES.chunks(8) {
        let addresses: Vec<String> = names.iter().map(|name| format!("w/{name}")).collect();
        let mut arguments = vec!["open", "--detached", "--"];
        arguments.extend(addresses.iter().map(String::as_str));
        screen.run(&arguments).expect(0);
        for name in names {
            wait_hidden(&world, name);
        }
        use_shell_in_hooks(&world);
        screen.inner(&["kill-window", "-a", "-t", ":home"]);
        wait_as_before(&world, &before);
    }
    world.assert_nothing_executed();
}

#[rstest]
fn a_client_that_is_killed_leaves_nothing_either(#[values("-TERM", "-KILL", "-HUP")] signal: &str) {
    let world = world();
    let before = everything(&world);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    wait_hidden(&world, "qa");
    let pane = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_pid}"]);
    // Nobody of ours is left to tidy up: the worker does it.
    Command::new("kill").args(["-KILL", pane.trim()]).status().unwrap();
    let pid = world.worker_tmux("w", &["list-clients", "-F", "#{client_pid}"]);
    for pid in pid.lines() {
        Command::new("kill").args([signal, pid]).status().unwrap();
    }
    wait_as_before(&world, &before);
}

#[test]
fn a_stranger_who_is_there_first_sees_no_change() {
    let world = world();
    let before = everything(&world);
    let stranger = Stranger::attaches(&world, "qa");
    eventually("the stranger", || (clients(&world) == 1).then_some(()));
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    eventually("our client", || (clients(&world) == 2).then_some(()));
    assert_eq!(everything(&world), before, "the view is plain");
    stranger.leaves();
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
}

#[test]
fn a_stranger_who_comes_later_sees_the_session_s_own_options() {
    let world = world();
    set_awkward_options(&world, "qa");
    world.worker_tmux("w", &["set-hook", "-gu", "client-attached[3]"]);
    world.worker_tmux("w", &["set-hook", "-u", "-t", "=qa:", "client-detached[5]"]);
    let own = hidden(&world, "qa");
    let before = everything(&world);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    wait_hidden(&world, "qa");
    for _ in 0..2 {
        let stranger = Stranger::attaches(&world, "qa");
        eventually("the session's own options", || (hidden(&world, "qa") == own).then_some(()));
        stranger.leaves();
        wait_hidden(&world, "qa");
    }
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
}

#[test]
fn what_somebody_changes_meanwhile_stays_changed() {
    let world = world();
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    wait_hidden(&world, "qa");
    world.worker_tmux("w", &["set", "-t", "=qa:", "status", "3"]);
    world.worker_tmux("w", &["set", "-s", "set-clipboard", "off"]);
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("our options to go", || (options(&world, "qa", "#{prefix}") == "C-b").then_some(()));
    assert_eq!(options(&world, "qa", "#{status}"), "3");
    eventually("the hooks to go", || (!everything(&world).contains("factory-worker")).then_some(()));
    assert_eq!(options(&world, "qa", "#{set-clipboard}"), "off");
}

#[rstest]
#[case::asked_for("attach --plain w/qa", "")]
#[case::settled("attach w/qa", "view: plain")]
fn a_plain_view_changes_nothing(#[case] arguments: &str, #[case] setting: &str) {
    let world = World::new().worker_with("w", setting);
    world.session("w", "qa", "echo I am qa; exec cat");
    let before = everything(&world);
    let screen = world.screen_with("");
    screen.enter(&format!("{} {arguments}", support::BIN));
    screen.wait("I am qa");
    eventually("the client", || (clients(&world) == 1).then_some(()));
    assert_eq!(everything(&world), before);
    world.worker_tmux("w", &["detach-client", "-s", "=qa"]);
    wait_as_before(&world, &before);
}

#[test]
fn a_lock_that_nobody_holds_any_more_stops_nobody() {
    let world = world();
    let before = everything(&world);
    let mut gone = Command::new("true").spawn().unwrap();
    gone.wait().unwrap();
    world.worker_tmux("w", &["set", "-s", "@factory-worker-lock", &gone.id().to_string()]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    wait_hidden(&world, "qa");
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
}

#[test]
fn a_lock_whose_holder_stands_still_is_taken_over() {
    let world = world();
    let before = everything(&world);
    let mut still = Command::new("sleep").arg("1000").spawn().unwrap();
    world.worker_tmux("w", &["set", "-s", "@factory-worker-lock", &still.id().to_string()]);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    wait_hidden(&world, "qa");
    screen.run(&["close", "w/qa"]).expect(0);
    wait_as_before(&world, &before);
    still.kill().unwrap();
    still.wait().unwrap();
}

/// Each client that comes or goes has the worker look at its sessions, and forty-seven may go at once.
#[rstest]
fn of_those_that_wait_for_the_lock_one_is_enough(#[values("-CONT", "-KILL", "-STOP")] signal: &str) {
    let world = world();
    let before = everything(&world);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    wait_hidden(&world, "qa");
    let server = |option: &str| world.worker_tmux("w", &["show-options", "-sqv", option]);
    let runs = || processes_with(&server("@factory-worker-sync"));
    eventually("the runs for the view to end", || runs().is_empty().then_some(()));
    let mut holder = Command::new("sleep").arg("1000").spawn().unwrap();
    let held = format!("{}\n", holder.id());
    world.worker_tmux("w", &["set", "-s", "@factory-worker-lock", held.trim()]);
    world.worker_tmux("w", &["run-shell", "-b", "#{@factory-worker-sync}"]);
    eventually("somebody who waits", || (!server("@factory-worker-waits").is_empty()).then_some(()));
    // Itself, and what it may be asking tmux with.
    let waits = runs();
    // tmux waits for these.
    for _ in 0..3 {
        world.worker_tmux("w", &["run-shell", "#{@factory-worker-sync}"]);
        assert_eq!(server("@factory-worker-lock"), held, "one more has waited for the lock");
    }
    // Whatever becomes of it, what it came for is done once the lock is free.
    let _ = Command::new("kill").arg(signal).args(&waits).stderr(Stdio::null()).status();
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the client to go", || (clients(&world) == 0).then_some(()));
    world.worker_tmux("w", &["set", "-su", "@factory-worker-lock"]);
    wait_as_before(&world, &before);
    holder.kill().unwrap();
    holder.wait().unwrap();
    // One that was killed is nobody's any more.
    let _ = Command::new("kill").arg("-KILL").args(&waits).stderr(Stdio::null()).status();
}

/// The processes that run this text.
fn processes_with(text: &str) -> Vec<String> {
    let all = fs::read_dir("/proc").unwrap().flatten().map(|process| process.file_name().into_string().unwrap());
    let runs = |process: &String| {
        let words = fs::read(Path::new("/proc").join(process).join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(text.trim_end())
    };
    all.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(runs).collect()
}

#[test]
fn a_view_that_is_killed_on_its_way_is_put_back_by_the_worker() {
    let world = world();
    let before = everything(&world);
    // It announces itself, and never attaches.
    let stuck = world.path("stuck");
    world.script(
        "tmux",
        &format!("#!/bin/sh\ncase $* in *attach-session*) echo >'{}'; exec sleep 1000 ;; esac\n{REAL_TMUX}", stuck.display()),
    );
    let screen = world.screen_with("");
    let pid = screen.inner(&["new-window", "-P", "-F", "#{pane_pid}", "--", support::BIN, "attach", "w/qa"]);
    wait_hidden(&world, "qa");
    eventually("the client that does not attach", || stuck.exists().then_some(()));
    kill_tree(pid.trim());
    wait_as_before(&world, &before);
}

/// What a script that is called tmux ends with.
const REAL_TMUX: &str = "exec \"$(PATH=${PATH#*:} command -v tmux)\" \"$@\"\n";

#[test]
fn a_run_that_is_slower_than_its_lock_undoes_nothing_of_those_behind_it() {
    let world = world();
    world.session("w", "other", "echo I am other; exec cat");
    let before = everything(&world);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    wait_hidden(&world, "qa");
    // What a hook runs has no tag. The first of them stands still when it is about to put the session's options back.
    let (stalled, go) = (world.path("stalled"), world.path("go"));
    world.script(
        "tmux",
        &format!(
            "#!/bin/sh\ncase \"${{FACTORY_WORKER_VIEW-}}$*\" in\n-*' show-options -t '*)\n\
             \tif mkdir '{0}' 2>/dev/null; then\n\t\tuntil [ -e '{1}' ]; do sleep 0.05; done\n\tfi\n\t;;\nesac\n{REAL_TMUX}",
            stalled.display(),
            go.display()
        ),
    );
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the run that stands still", || stalled.exists().then_some(()));
    let server = |option: &str| world.worker_tmux("w", &["show-options", "-sqv", option]);
    // Whoever has the lock is in it.
    let run = server("@factory-worker-lock");
    assert!(Path::new("/proc").join(run.trim()).exists() && !run.trim().is_empty(), "{run:?}");
    eventually("tmux to take its lock", || server("@factory-worker-lock").is_empty().then_some(()));
    screen.run(&["open", "w/other"]).expect(0);
    screen.wait("I am other");
    wait_hidden(&world, "other");
    fs::write(&go, "").unwrap();
    eventually("that run to end", || (!Path::new("/proc").join(run.trim()).exists()).then_some(()));
    wait_hidden(&world, "other");
    assert!(!server("@factory-worker-views").trim().is_empty(), "the view of the other session is forgotten");
    screen.run(&["close", "w/other"]).expect(0);
    wait_as_before(&world, &before);
}

/// It hides in three steps and comes to attach in the fifth.
#[rstest]
fn a_view_that_is_killed_at_any_step_of_its_way_is_put_back_by_the_worker(#[values(1, 2, 3, 4, 5)] step: usize) {
    let world = world();
    let before = everything(&world);
    // What hooks run has no tag.
    let stands_still = format!(
        "#!/bin/sh\nif [ -n \"${{FACTORY_WORKER_VIEW-}}\" ]; then\necho x >>'{steps}'\n\
         [ $(wc -l <'{steps}') -ne {step} ] || exec sleep 1000\nfi\n{REAL_TMUX}",
        steps = world.path("steps").display()
    );
    world.script("tmux", &stands_still);
    let steps = || fs::read_to_string(world.path("steps")).unwrap_or_default().lines().count();
    let screen = world.screen_with("");
    let pid = screen.inner(&["new-window", "-P", "-F", "#{pane_pid}", "--", support::BIN, "attach", "w/qa"]);
    eventually("the step", || (steps() == step).then_some(()));
    kill_tree(pid.trim());
    wait_as_before(&world, &before);
}

/// Kill a process and all that it started, at once.
fn kill_tree(pid: &str) {
    let listing = Command::new("ps").args(["-eo", "pid=,ppid="]).output().unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    let pairs: Vec<(&str, &str)> =
        listing.lines().filter_map(|line| line.trim().split_once(' ').map(|(pid, parent)| (pid, parent.trim()))).collect();
    let mut tree = vec![pid];
    let mut at = 0;
    while at < tree.len() {
        let parent = tree[at];
        tree.extend(pairs.iter().filter(|(_, its)| *its == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    Command::new("kill").arg("-KILL").args(tree).status().unwrap();
}

#[test]
fn a_view_that_only_reads_leaves_the_size_to_others() {
    let world = world();
    let stranger = Stranger::attaches(&world, "qa");
    eventually("the stranger", || (clients(&world) == 1).then_some(()));
    let size = || options(&world, "qa", "#{window_width}x#{window_height}");
    let before = size();
    let screen = world.screen_with("");
    screen.enter(&format!("clear; {} attach --read-only w/qa", support::BIN));
    screen.wait("I am qa");
    eventually("our client", || (clients(&world) == 2).then_some(()));
    assert_eq!(size(), before);
    stranger.leaves();
}

/// The sizes that the application was told, one a line.
fn sizes(world: &World) -> Vec<String> {
    let text = fs::read_to_string(world.path("sizes")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// A program that notes each size that it is told.
const APP: &str = r#"
trap 'stty size >>"$1"' WINCH
echo I am qa
while :; do read -t 1 -r line; done
"#;

#[test]
fn the_application_is_resized_once_on_attach_and_once_per_resize() {
    let world = World::new().worker("w");
    fs::write(world.path("app"), APP).unwrap();
    let command = format!("exec bash '{}' '{}'", world.path("app").display(), world.path("sizes").display());
    world.session("w", "qa", &command);
    let screen = world.screen_with("");
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    wait_hidden(&world, "qa");
    eventually("the first size", || (sizes(&world) == ["39 120"]).then_some(()));
    // A key shows that nothing else was on its way.
    screen.inner(&["split-window", "-h", "-l", "59", "-t", "w/qa", "--", "cat"]);
    eventually("the size beside another pane", || (sizes(&world) == ["39 120", "39 60"]).then_some(()));
    screen.inner(&["select-pane", "-L"]);
    screen.inner(&["resize-pane", "-Z"]);
    eventually("the size of a zoomed pane", || (sizes(&world) == ["39 120", "39 60", "39 120"]).then_some(()));
}
