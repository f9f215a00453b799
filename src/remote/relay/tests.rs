//! What a relay tells by itself, over kubectl exec and through a gateway: real kubectls, a simulated cluster, real tmuxes.

use std::time::Duration;

use kubesim::{Cluster as Simulated, Fault, Pod, Running, eventually, execs};
use rstest::rstest;

use super::super::over_gateway::ways;
use super::super::pod;
use super::*;
use crate::remote::session::Answer;

const LONG: Duration = Duration::from_secs(60);
const CHANNEL: &str = "factory-worker-test";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Exec,
    Gateway,
}

struct World {
    cluster: Simulated,
    worker: Running,
    exec: pod::Pod,
    tmux: Vec<String>,
}

impl World {
    fn new(way: Way, start: impl FnOnce(&Simulated) -> Running) -> Self {
        let cluster = Simulated::start();
        let worker = start(&cluster);
        let (place, gateways) = ways(&cluster, None);
        let exec = match way {
            Way::Exec => pod::Pod::new(place),
            Way::Gateway => pod::Pod::through(place, gateways),
        };
        Self { cluster, worker, exec, tmux: vec!["tmux".to_owned()] }
    }

    fn with_session(way: Way) -> Self {
        let world = Self::new(way, |cluster| cluster.pod("w").session("qa", "exec cat").start());
        eventually("the session", || world.pod().tmux(&["list-sessions"]).contains("qa").then_some(()));
        world
    }

    fn pod(&self) -> Pod {
        self.worker.pod()
    }

    /// A relay that tells by itself, and looks by itself as good as never.
    fn watch(&self, every: Duration) -> Relay {
        let watch = Watch { tmux: &self.tmux, every, channel: CHANNEL };
        Relay::open(&self.exec, Some(watch), Instant::now() + LONG).unwrap()
    }
}

const NEVER: Duration = Duration::from_secs(3600);

/// Wait for news that are what is wanted; what comes before is not.
fn wait(relay: &mut Relay, what: &str, is_it: impl Fn(&News) -> bool) {
    let until = Instant::now() + 2 * LONG;
    let mut others = Vec::new();
    loop {
        match relay.next(until, None).unwrap_or_else(|failure| panic!("{what}: {failure:?}")) {
            Some(news) if is_it(&news) => return,
            Some(news) => others.push(news),
            None => panic!("waited in vain for {what}: {others:?}"),
        }
    }
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.sessions.iter().map(|session| session.name.as_str()).collect()
}

fn wait_names(relay: &mut Relay, wanted: &[&str]) {
    wait(relay, &format!("{wanted:?}"), |news| matches!(news, News::Sessions(answer) if names(answer) == wanted));
}

fn ask(relay: &mut Relay, words: &[&str]) -> Result<Output, Failure> {
    let argv: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
    relay.ask(Request { argv: &argv, stdin: b"", reads_to_end: false, deadline: Instant::now() + LONG }).unwrap()
}

#[rstest]
fn what_becomes_of_sessions_is_told(#[values(Way::Exec, Way::Gateway)] way: Way) {
    let world = World::with_session(way);
    let pod = world.pod();
    let mut relay = world.watch(NEVER);
    wait_names(&mut relay, &["qa"]);
    pod.tmux(&["new-session", "-d", "-s", "dev ##(x) ü"]);
    wait_names(&mut relay, &["dev #(x) ü", "qa"]);
    pod.tmux(&["rename-session", "-t", "=qa:", "old"]);
    wait_names(&mut relay, &["dev #(x) ü", "old"]);
    pod.tmux(&["copy-mode", "-t", "=old:"]);
    wait(
        &mut relay,
        "the mode",
        |news| matches!(news, News::Sessions(answer) if answer.sessions.iter().any(|session| session.in_mode)),
    );
    pod.tmux(&["new-window", "-t", "=old:"]);
    wait(
        &mut relay,
        "the window",
        |news| matches!(news, News::Sessions(answer) if answer.sessions.iter().any(|session| session.windows == 2)),
    );
    pod.tmux(&["kill-session", "-t", "=old:"]);
    wait_names(&mut relay, &["dev #(x) ü"]);
    // It was one exec, and no client of tmux's that anybody could see.
    assert_eq!(world.cluster.calls().execs().len(), 1);
    assert_eq!(pod.tmux(&["list-clients"]), "");
}

#[rstest]
fn a_server_that_ends_and_comes_is_told(#[values(Way::Exec, Way::Gateway)] way: Way) {
    let world = World::with_session(way);
    let pod = world.pod();
    let mut relay = world.watch(NEVER);
    wait_names(&mut relay, &["qa"]);
    for name in ["one", "two"] {
        pod.tmux(&["kill-server"]);
        wait_names(&mut relay, &[]);
        // The old one may be on its way out still.
        eventually("a server", || pod.try_tmux(&["new-session", "-d", "-s", name]));
        wait_names(&mut relay, &[name]);
    }
}

#[rstest]
fn what_somebody_announces_is_told_each_time(#[values(Way::Exec, Way::Gateway)] way: Way) {
    let world = World::with_session(way);
    let pod = world.pod();
    let mut relay = world.watch(NEVER);
    wait_names(&mut relay, &["qa"]);
    for _ in 0..3 {
        pod.tmux(&["set-option", "-p", "-t", "=qa:", "@agent", "x", ";", "wait-for", "-S", CHANNEL]);
        wait(&mut relay, "the announcement", |news| *news == News::Announced);
    }
    // One of another channel is none.
    pod.tmux(&["wait-for", "-S", "another"]);
    pod.tmux(&["new-session", "-d", "-s", "last"]);
    loop {
        match relay.next(Instant::now() + LONG, None).unwrap() {
            Some(News::Sessions(answer)) if names(&answer) == ["last", "qa"] => break,
            Some(News::Sessions(_) | News::Same) => {}
            news => panic!("{news:?}"),
        }
    }
}

#[rstest]
fn it_looks_by_itself(#[values(Way::Exec, Way::Gateway)] way: Way) {
    let world = World::with_session(way);
    let mut relay = world.watch(Duration::from_secs(1));
    wait_names(&mut relay, &["qa"]);
    wait(&mut relay, "a look that finds the same", |news| *news == News::Same);
    // Output is not announced by anybody.
    let until = Instant::now() + LONG;
    loop {
        world.pod().tmux(&["send-keys", "-t", "=qa:", "hello", "Enter"]);
        match relay.next(until, None).unwrap() {
            Some(News::Same) => {}
            Some(News::Sessions(_)) => break,
            news => panic!("{news:?}"),
        }
    }
}

#[rstest]
fn questions_and_news_do_not_mix(#[values(Way::Exec, Way::Gateway)] way: Way) {
    let world = World::with_session(way);
    let pod = world.pod();
    let mut relay = world.watch(Duration::from_secs(1));
    let say = "i=0; while [ $i -lt 200 ]; do i=$((i + 1)); echo out $i; echo err $i >&2; done";
    for round in 0..5 {
        pod.tmux(&["new-session", "-d", "-s", &format!("s{round}")]);
        let output = ask(&mut relay, &["sh", "-c", say]).unwrap();
        let lines = |word: &str| (1..=200).map(|number| format!("{word} {number}\n")).collect::<String>();
        assert_eq!(String::from_utf8_lossy(&output.stdout), lines("out"));
        assert_eq!(String::from_utf8_lossy(&output.stderr), lines("err"));
    }
    wait_names(&mut relay, &["qa", "s0", "s1", "s2", "s3", "s4"]);
    assert_eq!(world.cluster.calls().execs().len(), 1);
}

#[rstest]
fn nothing_is_left_in_the_pod_when_it_ends(
    #[values(Way::Exec, Way::Gateway)] way: Way,
    #[values(true, false)] has_server: bool,
    #[values("dropped", "cut", "killed")] how: &str,
) {
    let world = if has_server { World::with_session(way) } else { World::new(way, |cluster| cluster.pod("w").start()) };
    let pod = world.pod();
    let before = pod.processes();
    let options = || if has_server { pod.tmux(&["show-options", "-g", ";", "show-hooks", "-g"]) } else { String::new() };
    let options_before = options();
    let mut relay = world.watch(Duration::from_secs(5));
    wait(&mut relay, "a look", |news| matches!(news, News::Sessions(_)));
    let server =
        ask(&mut relay, &["sh", "-c", "tmux -L own new-session -d -s made; tmux -L own display-message -p '#{pid}'"]).unwrap();
    let server: i32 = String::from_utf8_lossy(&server.stdout).trim().parse().unwrap();
    let more = || -> Vec<_> { pod.processes().into_iter().filter(|process| !before.contains(process)).collect() };
    assert!(more().len() > 4, "{:?}", more());
    match how {
        "dropped" => drop(relay),
        "cut" => {
            world.cluster.drop_connections();
            while relay.next(Instant::now() + LONG, None).is_ok() {}
        }
        _ => {
            // The shell that answers: somebody in the pod kills it.
            let killed = ask(&mut relay, &["sh", "-c", "kill -KILL $(awk '{ print $4 }' /proc/$PPID/stat)"]);
            assert!(killed.is_err(), "{killed:?}");
        }
    }
    let own = [server].map(|server| pod.on_this_machine(server));
    eventually("what the relay ran to be gone", || {
        let left: Vec<_> = more().into_iter().filter(|process| !belongs_to(*process, &own)).collect();
        left.is_empty().then_some(())
    });
    assert_eq!(pod.tmux(&["-L", "own", "list-sessions", "-F", "#{session_name}"]).trim(), "made");
    assert_eq!(options(), options_before);
}

/// A client in control mode can take the server with it when a session ends behind its current window (tmux#5243), and when it
/// comes while something happens (tmux#4980): a worker that is watched has none.
#[test]
fn whatever_happens_to_sessions_the_server_goes_on() {
    let world = World::with_session(Way::Exec);
    let pod = world.pod();
    let server = || pod.tmux(&["display-message", "-p", "#{pid}"]);
    let before = server();
    let mut relay = world.watch(Duration::from_secs(1));
    wait_names(&mut relay, &["qa"]);
    for round in 0..40 {
        let (new, first) = (format!("s{round}"), format!("=s{round}:0"));
        let end = format!("={new}:");
        pod.tmux(&[
            "new-session",
            "-d",
            "-s",
            &new,
            ";",
            "new-window",
            "-t",
            &end,
            ";",
            "select-window",
            "-t",
            &first,
            ";",
            "kill-session",
            "-t",
            &end,
        ]);
        pod.tmux(&["wait-for", "-S", CHANNEL]);
    }
    pod.tmux(&["new-session", "-d", "-s", "last"]);
    wait_names(&mut relay, &["last", "qa"]);
    assert_eq!(server(), before);
}

/// Whether a process is one of these, or a child of one.
fn belongs_to(process: i32, these: &[i32]) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    these.contains(&process) || parent.is_some_and(|parent| these.contains(&parent))
}

#[test]
fn a_frozen_link_is_noticed_through_a_gateway() {
    let world = World::with_session(Way::Gateway);
    world.cluster.when(execs()).then(Fault::freeze_after(Duration::from_millis(500)));
    let mut relay = world.watch(Duration::from_secs(1));
    let failure = loop {
        match relay.next(Instant::now() + 10 * LONG, None) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("nobody noticed"),
            Err(failure) => break failure,
        }
    };
    assert_eq!(failure.kind, Kind::Unreachable, "{failure:?}");
}
