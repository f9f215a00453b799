//! `watch`: each change is said as it comes, by whoever it happened to, and nothing is left of it.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{self, Receiver};

use kubesim::{Cluster, PATIENCE, Running};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::{Image, Operator};
use rstest::rstest;
use serde_json::Value;
use support::{World, eventually};

/// The workers `a` and `b`, pods of one cluster with the session `qa` each.
fn factory(image: Image) -> (Operator, [Running; 2]) {
    let cluster = Cluster::start();
    let workers = ["a", "b"].map(|name| {
        let fleet = cluster.deployment(name).with_all(image.oddities());
        let worker = fleet.session("qa", "exec cat").start();
        eventually("the session", || worker.pod().tmux(&["list-sessions"]).contains("qa").then_some(()));
        worker
    });
    (Operator::of(cluster).worker("a", "a", "").worker("b", "b", ""), workers)
}

/// A `watch` that runs, and its lines; it ends with this value.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    seq: u64,
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lines of a stream, until its reader has gone.
fn lines_of(output: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(output).lines();
        lines.map_while(Result::ok).try_for_each(|line| sender.send(line)).ok();
    });
    receiver
}

impl Watching {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let arguments = [&["watch", "--json", "--timeout=60s"], arguments].concat();
        let mut child = world.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { child, lines, seq: 0 }
    }

    /// The next change, as short as it can be told.
    fn next(&mut self) -> String {
        let line = self.lines.recv_timeout(PATIENCE).expect("a change");
        let line: Value = serde_json::from_str(&line).unwrap();
        self.seq += 1;
        assert_eq!(line["seq"], self.seq);
        assert!(line["at"].as_str().unwrap().starts_with("20"), "{line}");
        let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let was = text("was");
        match line["event"].as_str().unwrap() {
            "worker" => format!("{} {}", text("worker"), text("status")),
            "session" if was.is_empty() => format!("{} {}", text("address"), line["windows"]),
            "session" => format!("{} was {was}", text("address")),
            event => format!("{} {event}", text("address")),
        }
    }

    /// Read on until this is said; what comes before it may come.
    #[track_caller]
    fn wait(&mut self, wanted: &str) {
        while self.next() != wanted {}
    }

    fn interrupt(mut self) {
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGINT).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(130));
        let mut said = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((said.as_str(), self.lines.recv().ok()), ("", None));
    }
}

#[rstest]
fn what_happens_in_pods_is_said(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, [a, b]) = factory(image);
    let before = [&a, &b].map(|worker| worker.pod().processes());
    operator.run(&["list"]).expect(0);
    operator.cluster.forget_calls();
    let mut watching = Watching::start(&operator.world, &[]);
    let mut first = [watching.next(), watching.next(), watching.next(), watching.next()];
    first.sort();
    assert_eq!(first, ["a running", "a/qa 1", "b running", "b/qa 1"]);
    a.pod().tmux(&["new-session", "-d", "-s", "dev"]);
    assert_eq!(watching.next(), "a/dev 1");
    b.pod().tmux(&["rename-session", "-t", "=qa:", "review"]);
    assert_eq!(watching.next(), "b/review was b/qa");
    a.pod().tmux(&["kill-session", "-t", "=dev:"]);
    assert_eq!(watching.next(), "a/dev gone");
    b.pod().tmux(&["new-window", "-t", "=review:"]);
    assert_eq!(watching.next(), "b/review 2");
    b.pod().tmux(&["kill-window", "-t", "=review:"]);
    assert_eq!(watching.next(), "b/review 1");
    assert_eq!(operator.cluster.calls().execs().len(), 2);
    watching.interrupt();
    for (worker, before) in [&a, &b].into_iter().zip(before) {
        let is_new = |process: &i32| !before.contains(process);
        eventually("nothing to be left in the pod", || (!worker.pod().processes().iter().any(is_new)).then_some(()));
    }
}

/// A gateway that is gone, or stands still, takes nobody along for long: there is another one, and no kubectl for each worker.
#[rstest]
fn a_gateway_that_is_gone_or_stands_still_is_replaced(#[values(Signal::SIGKILL, Signal::SIGSTOP)] signal: Signal) {
    let (operator, [a, b]) = factory(Image::Debian);
    let (real, proxies) = (which::which("kubectl").unwrap(), operator.world.path("proxies"));
    let notes = format!("case \" $* \" in *' proxy '*) echo $$ >>'{}' ;; esac", proxies.display());
    operator.world.script("kubectl", &format!("#!/bin/sh\n{notes}\nexec '{}' \"$@\"\n", real.display()));
    let proxies = || -> Vec<i32> {
        let text = std::fs::read_to_string(&proxies).unwrap_or_default();
        text.lines().map(|line| line.parse().unwrap()).collect()
    };
    operator.run(&["list"]).expect(0);
    let before = proxies().len();
    let mut watching = Watching::start(&operator.world, &[]);
    let mut first: Vec<_> = (0..4).map(|_| watching.next()).collect();
    first.sort();
    assert_eq!(first, ["a running", "a/qa 1", "b running", "b/qa 1"]);
    operator.cluster.forget_calls();
    assert_eq!(proxies().len(), before + 1);
    kill(Pid::from_raw(proxies()[before]), signal).unwrap();
    let mut back: Vec<_> = (0..4).map(|_| watching.next()).collect();
    back.sort();
    assert_eq!(back, ["a running", "a unreachable", "b running", "b unreachable"]);
    for (worker, address) in [(&a, "a/new 1"), (&b, "b/new 1")] {
        worker.pod().tmux(&["new-session", "-d", "-s", "new"]);
        assert_eq!(watching.next(), address);
    }
    assert_eq!(proxies().len(), before + 2);
    // What was asked, was asked through it.
    let calls = operator.cluster.calls().execs();
    assert!(calls.iter().all(|call| call.user_agent.starts_with("factory-worker/")), "{calls:?}");
    let last = proxies()[before + 1];
    watching.interrupt();
    eventually("it to end", || (!std::path::Path::new(&format!("/proc/{last}")).exists()).then_some(()));
    let stopped = Pid::from_raw(proxies()[before]);
    eventually("the old one to end", || kill(stopped, None).is_err().then_some(()));
}

#[test]
fn no_answer_ends_no_session_and_who_is_back_is_said() {
    let (operator, [a, _b]) = factory(Image::Debian);
    let mut watching = Watching::start(&operator.world, &["a"]);
    watching.wait("a/qa 1");
    operator.cluster.refuse_connections();
    operator.cluster.drop_connections();
    assert_eq!(watching.next(), "a unreachable");
    a.pod().tmux(&["new-session", "-d", "-s", "meanwhile"]);
    a.pod().tmux(&["kill-session", "-t", "=qa:"]);
    operator.cluster.accept_connections();
    watching.wait("a running");
    assert_eq!([watching.next(), watching.next()], ["a/qa gone", "a/meanwhile 1"]);
    // The pod is another one.
    a.scale(0);
    watching.wait("a missing");
    a.scale(1);
    watching.wait("a/meanwhile gone");
    watching.wait("a/qa 1");
    watching.interrupt();
}

/// One watch of the pods tells when there is one again, however long the pauses have become.
#[test]
fn a_worker_that_was_away_for_long_is_asked_when_its_pod_is_there() {
    let (operator, [a, _b]) = factory(Image::Debian);
    operator.run(&["list"]).expect(0);
    operator.cluster.forget_calls();
    let mut watching = Watching::start(&operator.world, &[]);
    for _ in 0..4 {
        watching.next();
    }
    let watched = kubesim::watches();
    eventually("the watch", || (operator.cluster.calls().matching(&watched).len() == 1).then_some(()));
    a.scale(0);
    watching.wait("a missing");
    a.scale(1);
    watching.wait("a running");
    watching.wait("a/qa gone");
    watching.wait("a/qa 1");
    assert_eq!(operator.cluster.calls().matching(&watched).len(), 1);
    watching.interrupt();
    eventually("the last process to go", || traces::running(&operator.world).is_empty().then_some(()));
}

#[test]
fn workers_of_this_machine_need_no_kubectl_and_who_reads_no_more_ends_it() {
    let world = World::new().worker("here");
    world.script("kubectl", "#!/bin/sh\ntouch \"$HOME/asked\"\nexit 1\n");
    let mut watching = Watching::start(&world, &[]);
    assert_eq!(watching.next(), "here running");
    world.session("here", "#(touch executed)", "exec cat");
    assert_eq!(watching.next(), "here/#(touch executed) 1");
    world.worker_tmux("here", &["kill-server"]);
    assert_eq!(watching.next(), "here/#(touch executed) gone");
    watching.interrupt();
    let mut shell = world.program("sh").args(["-c", "\"$0\" watch --json | head -n 1", support::BIN]).spawn().unwrap();
    eventually("it to notice that nobody reads", || shell.try_wait().unwrap());
    assert!(!world.home().join("asked").exists());
    world.assert_nothing_executed();
}

#[test]
fn what_is_not_there_is_an_error_and_a_person_reads_lines() {
    let (operator, _workers) = factory(Image::Debian);
    operator.run(&["watch", "nobody"]).expect(4);
    let mut child = operator.world.command(&["watch", "a"]).stdout(Stdio::piped()).spawn().unwrap();
    let lines = lines_of(child.stdout.take().unwrap());
    let line = || lines.recv_timeout(PATIENCE).unwrap().split_once("  ").unwrap().1.trim_end().to_owned();
    assert!(line().starts_with("worker   a  running in a-"));
    assert_eq!(line(), "session  a/qa  1 window");
    kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
