//! What the worker's first process does, with real tmux and stand-ins for dockerd, docker, gh and factory.

#[path = "deploy/container.rs"]
mod container;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use container::{Surroundings, repository};
use rstest::rstest;
use support::eventually;

const TOKEN: &str = "test-token-5ecret";

/// A worker with everything it wants.
fn complete() -> Surroundings {
    Surroundings::new().env("FACTORY_DOCKER", "on").env("GH_TOKEN", TOKEN).env("CLAUDE_CODE_OAUTH_TOKEN", "agent-5ecret")
}

#[test]
fn the_log_tells_the_start_in_order() {
    let worker = complete().env("GH_USER", "some-bot").start();
    let log = worker.wait_for_log("Worker ready");
    let expected = [
        "Docker ready.".to_owned(),
        "GitHub CLI authenticated as: taintfactory-bot".to_owned(),
        "Git identity: some-bot <some-bot@users.noreply.github.com>".to_owned(),
        format!("Data directory: {} (empty)", worker.home().join(".factory").display()),
        "Worker ready. Sessions: orchestrator, dev".to_owned(),
    ];
    assert_eq!(log.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn sessions_appear_with_the_environment_they_need() {
    let worker = complete().env("ssh-privatekey", "key-5ecret").start();
    worker.wait_for_log("Worker ready");
    assert_eq!(worker.sessions(), ["dev", "orchestrator"]);
    worker.wait_for_screen("orchestrator", "checked in\n\n[orchestrator: exit 0 at ");
    worker.enter("dev", "env >got; echo done");
    worker.wait_for_screen("dev", "done");
    let got = worker.wait_for_file("got");
    assert!(got.contains("CLAUDE_CODE_OAUTH_TOKEN=agent-5ecret\n") && got.contains(&format!("GH_TOKEN={TOKEN}\n")), "{got}");
    assert!(!got.contains("key-5ecret"), "{got}");
}

#[test]
fn git_knows_who_it_is_and_how_to_log_in() {
    let worker = complete().env("FACTORY_SSH_KEY", "/etc/hostname").start();
    worker.wait_for_log("Worker ready");
    let config = worker.wait_for_file(".gitconfig");
    for part in [
        "name = taintfactory-bot",
        "email = taintfactory-bot@users.noreply.github.com",
        "gh auth git-credential",
        "ssh -i '/etc/hostname'",
    ] {
        assert!(config.contains(part), "{config}");
    }
    assert_eq!(worker.wait_for_file("gh-token"), TOKEN);
}

#[test]
fn no_token_is_in_an_argument_or_in_the_log() {
    let worker = complete().start();
    let log = worker.wait_for_log("Worker ready");
    let arguments = worker.wait_for_file("arguments");
    assert!(arguments.contains("gh auth login --hostname github.com"), "{arguments}");
    for text in [log, arguments, worker.processes().join("\n")] {
        assert!(!text.contains("5ecret"), "{text}");
    }
}

#[rstest]
#[case("true", "exit 0")]
#[case("exit 7", "exit 7")]
#[case("no-such-command", "exit 127")]
fn a_session_whose_command_ends_starts_it_again_and_shows_how_it_ended(#[case] command: &str, #[case] shown: &str) {
    let worker = Surroundings::new().sessions(&format!("one=echo run >>runs; {command}")).start();
    worker.wait_for_screen("one", shown);
    eventually("three runs", || (worker.wait_for_file("runs").lines().count() >= 3).then_some(()));
    assert_eq!(worker.sessions(), ["one"]);
}

#[test]
fn enter_starts_the_command_at_once() {
    let worker = Surroundings::new().env("FACTORY_SESSIONS", "one=echo run >>runs").env("FACTORY_PAUSE", "3600").start();
    worker.wait_for_screen("one", "again in 3600 s");
    worker.enter("one", "");
    eventually("two runs", || (worker.wait_for_file("runs") == "run\nrun\n").then_some(()));
}

#[test]
fn a_session_survives_a_kill_of_its_command() {
    let worker = Surroundings::new().sessions("one=echo $$ >pid; exec sleep 600").start();
    let first = worker.wait_for_file("pid");
    assert!(Command::new("kill").args(["-KILL", first.trim()]).status().unwrap().success());
    worker.wait_for_screen("one", "exit 137");
    eventually("another run", || (worker.wait_for_file("pid") != first).then_some(()));
    assert!(!worker.log().contains("has ended"), "{}", worker.log());
}

#[test]
fn ctrl_c_ends_the_command_and_not_the_session() {
    let worker = Surroundings::new().sessions("one=echo started; sleep 600").start();
    worker.wait_for_screen("one", "started");
    worker.tmux(&["send-keys", "-t", "=one:", "C-c"]);
    worker.wait_for_screen("one", "[one: exit 130");
    worker.wait_for_screen("one", "]\nstarted");
    assert_eq!(worker.sessions(), ["one"]);
}

#[rstest]
#[case(&["kill-session", "-t", "=one:"], "Session one has ended")]
#[case(&["kill-server"], "The tmux server has ended.")]
fn sessions_come_back_whatever_ends_them(#[case] how: &[&str], #[case] said: &str) {
    let worker = Surroundings::new().sessions("one=echo run >>runs; sleep 600\ntwo").start();
    worker.wait_for_log("Worker ready. Sessions: one, two");
    worker.wait_for_file("runs");
    worker.tmux(how);
    worker.wait_for_log(said);
    eventually("both sessions", || (worker.sessions() == ["one", "two"]).then_some(()));
    eventually("two runs", || (worker.wait_for_file("runs") == "run\nrun\n").then_some(()));
}

#[test]
fn the_list_of_sessions_is_a_setting() {
    let worker = Surroundings::new().sessions("# comment\n  qa=echo tested\n\nplain\n").start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.ends_with("Worker ready. Sessions: qa, plain\n"), "{log}");
    worker.wait_for_screen("qa", "tested");
}

#[test]
fn a_name_that_tmux_would_change_is_refused() {
    let mut worker = Surroundings::new().sessions("a.b=true").start();
    assert_eq!(worker.ended().code(), Some(1));
    assert!(worker.log().contains("FACTORY_SESSIONS: 'a.b' is no name"), "{}", worker.log());
}

#[test]
fn a_missing_secret_is_said_and_the_sessions_are_there() {
    let worker = Surroundings::new().start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.contains("GitHub CLI is not authenticated: neither GH_TOKEN nor GITHUB_TOKEN is set.\n"), "{log}");
    assert!(log.contains("CLAUDE_CODE_OAUTH_TOKEN is not set: agents will ask for a login.\n"), "{log}");
    assert_eq!(worker.sessions(), ["dev", "orchestrator"]);
}

#[test]
fn a_token_that_github_refuses_is_said_without_the_token() {
    let worker = Surroundings::new().env("GITHUB_TOKEN", "refused-5ecret").start();
    let log = worker.wait_for_log("Worker ready");
    let expected = "GitHub CLI is not authenticated: error validating token: HTTP 401: Bad credentials ([secret])\n";
    assert!(log.contains(expected), "{log}");
}

#[rstest]
#[case("\n")]
#[case(" \t\r\n")]
fn a_token_loses_the_blanks_behind_it_before_it_is_used_or_hidden(#[case] blanks: &str) {
    let worker = Surroundings::new().env("GH_TOKEN", &format!("{TOKEN}{blanks}")).start();
    worker.wait_for_log("GitHub CLI authenticated as: taintfactory-bot\n");
    assert_eq!(worker.wait_for_file("gh-token"), TOKEN);
    let worker = Surroundings::new().env("GITHUB_TOKEN", &format!("refused-5ecret{blanks}")).sessions("one=env >seen").start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.contains("HTTP 401: Bad credentials ([secret])\n") && !log.contains("5ecret"), "{log}");
    assert!(worker.wait_for_file("seen").contains("\nGITHUB_TOKEN=refused-5ecret\n"));
    let worker = Surroundings::new().env("GH_TOKEN", blanks).start();
    worker.wait_for_log("neither GH_TOKEN nor GITHUB_TOKEN is set.");
}

/// gh keeps only tokens that may also read organisations (https://cli.github.com/manual/gh_auth_login), which ours need not.
#[test]
fn a_token_that_gh_does_not_keep_is_used_from_the_environment() {
    let worker = Surroundings::new().env("GITHUB_TOKEN", "scopes-5ecret").start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.contains("\nGitHub CLI authenticated as: taintfactory-bot\nGit identity: "), "{log}");
    assert!(worker.wait_for_file(".gitconfig").contains("gh auth git-credential"));
    assert!(!worker.home().join("gh-token").exists());
}

#[rstest]
#[case("FACTORY_DOCKER_WAIT", "soon")]
#[case("FACTORY_PAUSE", "1m")]
#[case("FACTORY_GRACE", "-1")]
#[case("FACTORY_GRACE", "30s")]
fn a_setting_that_is_no_number_of_seconds_is_refused(#[case] name: &str, #[case] value: &str) {
    let mut worker = Surroundings::new().env(name, value).start();
    assert_eq!(worker.ended().code(), Some(1));
    assert_eq!(worker.log(), format!("{name} is '{value}'; it is a number of seconds.\n"));
}

#[rstest]
#[case("never", "Docker is not ready: no answer within 2 s: level=warning msg=\"waiting for the network\".")]
#[case("fails", "Docker is not ready: dockerd has ended: failed to start daemon: iptables is not permitted.")]
fn a_docker_daemon_that_does_not_come_is_said(#[case] how: &str, #[case] said: &str) {
    let surroundings = || complete().env("STAND_IN_DOCKER", how).env("FACTORY_DOCKER_WAIT", "2");
    let worker = surroundings().start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.starts_with(&format!("{said} Going on without it.\n")), "{log}");
    let mut worker = surroundings().env("FACTORY_DOCKER", "required").start();
    assert_eq!(worker.ended().code(), Some(1));
    assert_eq!(worker.log(), format!("{said} FACTORY_DOCKER is required, so nothing starts.\n"));
    assert_eq!(worker.processes(), [""; 0]);
}

#[test]
fn existing_data_is_kept() {
    let surroundings = Surroundings::new();
    fs::create_dir(surroundings.data()).unwrap();
    fs::write(surroundings.data().join("queue.db"), "old").unwrap();
    let worker = surroundings.start();
    worker.wait_for_log("(with data of before)");
    worker.wait_for_log("Worker ready");
    assert_eq!(worker.wait_for_file(".factory/queue.db"), "old");
    assert_eq!(fs::read_dir(worker.home().join(".factory")).unwrap().count(), 1);
}

#[test]
fn a_new_file_system_is_empty() {
    let surroundings = Surroundings::new();
    fs::create_dir_all(surroundings.data().join("lost+found")).unwrap();
    surroundings.start().wait_for_log("(empty)");
}

#[test]
fn a_full_volume_is_said_and_can_be_cleared_from_within() {
    let worker = Surroundings::new()
        .mount("mkdir \"$DATA\"; mount -t tmpfs -o size=64k none \"$DATA\"; head -c 60000 /dev/zero >\"$DATA/big\"")
        .sessions("one=ls .factory >there; rm -f .factory/big; head -c 30000 /dev/zero >.factory/new && echo saved >saved")
        .start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.contains(".factory is full. Remove something in a session: nothing can be saved.\n"), "{log}");
    assert_eq!((worker.wait_for_file("saved").as_str(), worker.wait_for_file("there").lines().next()), ("saved\n", Some("big")));
}

#[test]
fn a_read_only_volume_ends_it_with_the_reason() {
    let mut worker = Surroundings::new().mount("mkdir \"$DATA\"; mount -t tmpfs -o ro none \"$DATA\"").start();
    assert_eq!(worker.ended().code(), Some(1), "{}", worker.log());
    assert!(worker.log().ends_with(".factory is read-only; see the node's log, and restart the worker.\n"), "{}", worker.log());
}

#[test]
fn it_runs_as_an_ordinary_user_without_docker() {
    let mut worker = Surroundings::new().user(65534).env("GH_TOKEN", TOKEN).env("FACTORY_DOCKER", "off").start();
    let log = worker.wait_for_log("Worker ready");
    assert!(log.starts_with("Docker is off.\nGitHub CLI authenticated as: taintfactory-bot\n"), "{log}");
    assert!(worker.home().join(".factory").is_dir());
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0));
}

#[test]
fn a_volume_of_somebody_else_ends_it_with_the_reason() {
    let us = nix::unistd::geteuid();
    let user = if us.is_root() { 65534 } else { us.as_raw() };
    let surroundings = Surroundings::new().user(user);
    fs::create_dir(surroundings.data()).unwrap();
    fs::set_permissions(surroundings.data(), Permissions::from_mode(0o555)).unwrap();
    let mut worker = surroundings.start();
    assert_eq!(worker.ended().code(), Some(1));
    assert!(worker.log().contains(&format!("is not writable for uid {user}; set fsGroup")), "{}", worker.log());
}

/// As the component `restricted` has it: nothing writable but HOME, /tmp and the volume, and no capabilities.
#[test]
fn a_restricted_worker_has_all_it_needs() {
    let session = "one=touch /usr/x 2>said; grep CapEff /proc/self/status >capabilities";
    let mut worker = Surroundings::new().restricted().env("GH_TOKEN", TOKEN).sessions(session).start();
    let log = worker.wait_for_log("Worker ready. Sessions: one");
    assert!(log.starts_with("Docker is off.\nGitHub CLI authenticated as: taintfactory-bot\nGit identity: "), "{log}");
    assert_eq!(worker.wait_for_file("capabilities"), "CapEff:\t0000000000000000\n");
    let said = worker.wait_for_file("said");
    assert!(said.contains("Read-only file system"), "{said}");
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert!(worker.log().ends_with("Stopping: sessions have 30 s to end.\nStopped.\n"), "{}", worker.log());
}

/// What a session leaves behind becomes tini's child, and stays as a zombie if nobody asks how it ended.
#[test]
fn tini_reaps_what_sessions_leave_behind() {
    let mut worker = Surroundings::new().under_tini().sessions("one=(sleep 600 & echo $! >orphan)").start();
    let orphan = worker.wait_for_file("orphan").trim().to_owned();
    let parent = || {
        let stat = fs::read_to_string(format!("/proc/{orphan}/stat")).ok()?;
        stat.rsplit(") ").next()?.split(' ').nth(1)?.parse::<u32>().ok()
    };
    eventually("tini to adopt it", || (parent() == Some(worker.pid())).then_some(()));
    assert!(Command::new("kill").args(["-KILL", &orphan]).status().unwrap().success());
    eventually("tini to reap it", || parent().is_none().then_some(()));
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert!(worker.log().ends_with("Stopped.\n"), "{}", worker.log());
    eventually("everything to be gone", || worker.processes().is_empty().then_some(()));
}

#[rstest]
#[case("status", "off")]
#[case("set-clipboard", "on")]
#[case("history-limit", "100000")]
#[case("default-terminal", "tmux-256color")]
#[case("mouse", "on")]
#[case("exit-empty", "off")]
fn tmux_is_configured_for_being_shown_in_another_one(#[case] option: &str, #[case] value: &str) {
    let worker = Surroundings::new().sessions("one").start();
    worker.wait_for_log("Worker ready");
    let file = repository("deploy/tmux.conf");
    worker.tmux(&["source-file", file.to_str().unwrap()]);
    let scope = if matches!(option, "set-clipboard" | "default-terminal" | "exit-empty") { "-sv" } else { "-gv" };
    assert_eq!(worker.tmux(&["show-options", scope, option]).trim(), value);
    let features = worker.tmux(&["show-options", "-sv", "terminal-features"]);
    assert!(features.contains("*:256:RGB:clipboard"), "{features}");
}
