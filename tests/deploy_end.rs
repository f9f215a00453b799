//! How a worker ends: what runs in its sessions is asked, what saves somebody's work is waited for, and the rest goes.

#[path = "deploy/container.rs"]
mod container;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, Instant};

use container::Surroundings;
use rstest::rstest;
use support::eventually;

const TOKEN: &str = "test-token-5ecret";

/// A worker with everything it wants.
fn complete() -> Surroundings {
    Surroundings::new().env("FACTORY_DOCKER", "on").env("GH_TOKEN", TOKEN).env("CLAUDE_CODE_OAUTH_TOKEN", "agent-5ecret")
}

#[test]
fn sigterm_lets_sessions_end_politely() {
    let agent = "trap 'sleep 0.3; echo saved >>saved; exit 0' TERM; echo up >up; while :; do sleep 0.1; done";
    let script = format!("sh -c \"{agent}\"");
    let mut worker = complete().sessions(&format!("one=sh agent\ntwo=true; {script}; true\ndev")).start();
    // The file is there before the session's second try.
    fs::write(worker.home().join("agent"), agent.replace("saved >>", "one >>")).unwrap();
    worker.wait_for_log("Worker ready");
    worker.tmux(&[
        "new-session",
        "-d",
        "-s",
        "made",
        "--",
        "sh",
        "-c",
        &agent.replace("saved >>", "made >>").replace(">up", ">made-up"),
    ]);
    worker.wait_for_file("up");
    worker.wait_for_file("made-up");
    eventually("a prompt", || (!worker.screen("dev").trim().is_empty()).then_some(()));
    eventually("the first agent", || worker.processes().iter().any(|words| words == "sh agent ").then_some(()));
    let began = Instant::now();
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert!(began.elapsed() < Duration::from_secs(25), "{:?}", began.elapsed());
    let mut saved: Vec<_> = fs::read_to_string(worker.home().join("saved")).unwrap().lines().map(str::to_owned).collect();
    saved.sort();
    assert_eq!(saved, ["made", "one", "saved"]);
    assert!(worker.log().ends_with("Stopping: sessions have 30 s to end.\nStopped.\n"), "{}", worker.log());
    assert!(!worker.home().join("docker-is-up").exists(), "dockerd was not stopped");
    eventually("everything to be gone", || worker.processes().is_empty().then_some(()));
}

/// Agents that save their work when they are asked to end: `sh save` is a `git commit` that takes a second.
const PERL: &str = "$SIG{TERM} = sub { system 'sh save'; exit 0 }; open U, '>up'; close U; sleep 1 while 1";
const LEAVES: &str = "$SIG{TERM} = sub { exec 'sh save & exit 0' }; open U, '>up'; close U; sleep 1 while 1";
const SHELL: &str = "trap 'sh save; exit 0' TERM; touch up; while :; do sleep 0.1; done";
const DEAF: &str = "trap \"trap '' TERM; sh save; exit 0\" TERM; touch up; while :; do sleep 0.1; done";
const BEFORE: &str = "touch up; tail -f /dev/null; sh save";

/// What begins while the end is on its way is somebody saving their work: it is not asked, and waited for.
#[rstest]
#[case::by_an_agent(PERL, "one=perl agent")]
#[case::by_a_shell(SHELL, "one=sh agent")]
#[case::by_a_shell_that_is_deaf_by_then(DEAF, "one=sh agent")]
#[case::by_an_agent_that_is_gone_then(LEAVES, "one=perl agent")]
#[case::behind_an_agent(BEFORE, "one=sh agent")]
#[case::behind_an_agent_of_the_command(BEFORE, "one=. ./agent")]
#[case::in_a_session_of_somebodys(BEFORE, "made=")]
#[case::by_a_shell_in_a_session_of_somebodys(SHELL, "made=")]
fn what_begins_during_the_end_is_let_finish(#[case] agent: &str, #[case] session: &str) {
    let surroundings = Surroundings::new();
    let home = surroundings.home();
    let git = |arguments: &[&str]| {
        let work = home.join("work");
        let ran = Command::new("git").env("HOME", &home).arg("-C").arg(&work).args(arguments).output().unwrap();
        String::from_utf8(ran.stdout).unwrap()
    };
    let hooks = home.join("work/.git/hooks");
    fs::create_dir(home.join("work")).unwrap();
    git(&["init", "-q"]);
    fs::create_dir_all(&hooks).unwrap();
    // Long enough for ten looks at who is there.
    fs::write(hooks.join("pre-commit"), "#!/bin/sh\nsleep 1\n").unwrap();
    fs::set_permissions(hooks.join("pre-commit"), Permissions::from_mode(0o755)).unwrap();
    fs::write(home.join("save"), "git -C work commit -q --allow-empty -m saved; echo $? >>status\n").unwrap();
    fs::write(home.join("agent"), agent).unwrap();
    let made = session == "made=";
    let mut worker = surroundings.sessions(if made { "one" } else { session }).start();
    worker.wait_for_log("Worker ready");
    if made {
        worker.tmux(&["new-session", "-d", "-s", "made", "--", "sh", "agent"]);
    }
    eventually("the agent", || worker.home().join("up").exists().then_some(()));
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert_eq!(fs::read_to_string(worker.home().join("status")).unwrap_or_default(), "0\n", "{}", worker.log());
    assert_eq!(git(&["log", "--format=%s"]), "saved\n");
    assert!(worker.log().ends_with("Stopping: sessions have 30 s to end.\nStopped.\n"), "{}", worker.log());
    eventually("everything to be gone", || worker.processes().is_empty().then_some(()));
}

/// A session whose command has ended a moment before does not begin anew.
#[test]
fn nothing_is_started_again_during_the_end() {
    let surroundings =
        Surroundings::new().env("FACTORY_PAUSE", "3600").env("FACTORY_SESSIONS", "one=echo run >>runs\ntwo=sh agent");
    let agent = "trap 'touch asked; while [ ! -e go ]; do sleep 0.1; done; exit 0' TERM; touch up; while :; do sleep 0.1; done";
    fs::write(surroundings.home().join("agent"), agent).unwrap();
    let mut worker = surroundings.start();
    worker.wait_for_screen("one", "again in 3600 s");
    eventually("the agent", || worker.home().join("up").exists().then_some(()));
    worker.signal("TERM");
    eventually("the agent to be asked", || worker.home().join("asked").exists().then_some(()));
    worker.enter("one", "");
    worker.wait_for_screen("one", "[one: the worker is stopping]");
    fs::write(worker.home().join("go"), "").unwrap();
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert_eq!(fs::read_to_string(worker.home().join("runs")).unwrap(), "run\n");
}

#[test]
fn whoever_does_not_end_within_the_grace_is_ended() {
    let mut worker = Surroundings::new()
        .sessions(
            "one=echo up >up; exec tail -f /dev/null\ntwo=sh -c 'trap : TERM; echo up >two-up; while :; do sleep 0.1; done'",
        )
        .env("FACTORY_GRACE", "2")
        .start();
    worker.wait_for_file("up");
    worker.wait_for_file("two-up");
    let began = Instant::now();
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0));
    let took = began.elapsed();
    assert!(took > Duration::from_secs(1) && took < Duration::from_secs(20), "{took:?}");
    assert!(worker.log().contains("Some sessions did not end in time."), "{}", worker.log());
    eventually("everything to be gone", || worker.processes().is_empty().then_some(()));
}

#[rstest]
#[case("FACTORY_DOCKER_WAIT", "600", "docker-is-starting")]
#[case("GH_TOKEN", "slow-5ecret", "gh-is-slow")]
fn sigterm_ends_it_also_while_it_starts(#[case] name: &str, #[case] value: &str, #[case] mark: &str) {
    let mut worker = Surroundings::new()
        .env("FACTORY_DOCKER", "on")
        .env("STAND_IN_DOCKER", if mark == "gh-is-slow" { "up" } else { "never" })
        .env(name, value)
        .start();
    eventually("it to wait", || worker.home().join(mark).exists().then_some(()));
    let began = Instant::now();
    worker.signal("TERM");
    assert_eq!(worker.ended().code(), Some(0), "{}", worker.log());
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    eventually("everything to be gone", || worker.processes().is_empty().then_some(()));
}
