//! One shell on a worker that is asked again and again: nothing of it is left when its connection is gone, however that went, and
//! what was started over it lives on. That each question is answered over it as by an exec of its own is what `TEST_WAY=relay` shows
//! with the tests of the questions.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use kubesim::{After, Cluster, Fault, Pod, Running, Stage, Workload, execs};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::{Image, Operator};
use rstest::rstest;
use support::eventually;

const LONG: &str = "--timeout=60s";

/// The worker `w` with the session `qa`, which shows what is typed, asked over relays; `dispatch` starts a tmux server of its own.
fn factory(image: Image) -> (Operator, Running) {
    let cluster = Cluster::start();
    let fleet = cluster.deployment("fleet").with_all(image.oddities());
    let starts = "#!/bin/sh\nexec tmux -L own new-session -d -s made\n";
    let worker = fleet.script("factory", starts).session("qa", "echo I am qa; exec cat").start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: '', dispatch: factory}");
    operator.world = operator.world.env("FACTORY_WORKER_WAY", "relay");
    eventually("the session", || worker.pod().pane("qa").contains("I am qa").then_some(()));
    operator.run(&[LONG, "list"]).expect(0);
    (operator, worker)
}

/// A command that asks again and again, and what it prints.
fn follow(operator: &Operator) -> (Child, BufReader<ChildStdout>) {
    let mut command = operator.world.command(&[LONG, "peek", "w/qa", "--follow"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn wait_line(output: &mut BufReader<ChildStdout>, wanted: &str) {
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended before it said {wanted}");
    }
}

/// What runs in the pod beside what ran before.
fn more_than(pod: &Pod, before: &[i32]) -> Vec<i32> {
    pod.processes().into_iter().filter(|process| !before.contains(process)).collect()
}

fn kubectl_of(parent: &Child) -> i32 {
    let children = format!("/proc/{0}/task/{0}/children", parent.id());
    let relay = |id: &str| std::fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains("exec"));
    eventually("kubectl", || {
        let children = std::fs::read_to_string(&children).unwrap_or_default();
        children.split_whitespace().find(|id| relay(id)).map(|id| id.parse().unwrap())
    })
}

#[rstest]
#[case::debian(Image::Debian)]
#[case::alpine(Image::Alpine)]
fn many_questions_are_one_exec(#[case] image: Image) {
    let (operator, worker) = factory(image);
    operator.cluster.forget_calls();
    let (mut child, mut output) = follow(&operator);
    for word in ["one", "two", "three"] {
        worker.pod().tmux(&["send-keys", "-t", "=qa:", word, "Enter"]);
        wait_line(&mut output, word);
    }
    let execs = operator.cluster.calls().execs();
    assert_eq!(execs.len(), 1, "{execs:?}");
    assert!(execs.longest_line() < 2_000, "{}", execs.longest_line());
    child.kill().unwrap();
    child.wait().unwrap();
}

#[derive(Debug, Clone, Copy)]
enum End {
    Us,
    Kubectl,
    TheConnection,
    TheApiServer,
}

#[rstest]
fn nothing_of_it_is_left_in_the_pod_however_its_connection_ends(
    #[values(Image::Debian, Image::Alpine)] image: Image,
    #[values(End::Us, End::Kubectl, End::TheConnection, End::TheApiServer)] end: End,
    #[values(false, true)] at_work: bool,
) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = pod.processes();
    let (mut child, mut output) = follow(&operator);
    pod.tmux(&["send-keys", "-t", "=qa:", "seen", "Enter"]);
    wait_line(&mut output, "seen");
    let server: i32 = pod.tmux(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap();
    let server = Pid::from_raw(pod.on_this_machine(server));
    if at_work {
        // Whatever asks it now waits for ever.
        kill(server, Signal::SIGSTOP).unwrap();
        // The relay, whoever waits for the end of the connection, the answer, its script and that script's tmux.
        eventually("a question that waits", || (more_than(&pod, &before).len() >= 5).then_some(()));
    }
    match end {
        End::Us => child.kill().unwrap(),
        End::Kubectl => kill(Pid::from_raw(kubectl_of(&child)), Signal::SIGKILL).unwrap(),
        End::TheConnection => operator.cluster.drop_connections(),
        End::TheApiServer => {
            operator.cluster.refuse_connections();
            operator.cluster.drop_connections();
        }
    }
    if !matches!(end, End::Us | End::TheApiServer) {
        // It asks again otherwise, and then there is another one.
        kill(Pid::from_raw(child.id() as i32), Signal::SIGTERM).unwrap();
    }
    eventually("the pod to be as before", || more_than(&pod, &before).is_empty().then_some(()));
    kill(server, Signal::SIGCONT).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    operator.cluster.accept_connections();
    operator.run(&[LONG, "peek", "w/qa"]).expect(0);
    assert_eq!(pod.clients(), Vec::<String>::new());
}

#[rstest]
#[case::debian(Image::Debian)]
#[case::alpine(Image::Alpine)]
fn a_tmux_server_that_was_started_over_it_lives_on(#[case] image: Image) {
    let (operator, worker) = factory(image);
    operator.run(&[LONG, "dispatch", "w", "--project", "shop", "--issue", "7"]).expect(0);
    let pod = worker.pod();
    let sessions = || pod.try_tmux(&["-L", "own", "list-sessions", "-F", "#{session_name}"]);
    eventually("the session", || (sessions()?.trim() == "made").then_some(()));
    // A later relay that ends takes nothing along that an earlier one has started.
    operator.run(&[LONG, "peek", "w/qa"]).expect(0);
    assert_eq!(sessions().as_deref().map(str::trim), Some("made"));
}

/// The first 24 bytes say that the relay is there.
#[rstest]
#[case::before_it_is_there(0, 3)]
#[case::while_it_comes(10, 3)]
#[case::after_it_was_asked(24, 5)]
#[case::in_the_answer(60, 5)]
fn what_breaks_is_told_for_what_it_is_and_nothing_is_typed_twice(#[case] bytes: usize, #[case] code: i32) {
    let (operator, worker) = factory(Image::Debian);
    worker.pod().session("noting", "while read -r line; do echo \"$line\" >>typed; done");
    operator.cluster.when(execs()).then(Fault::cut_after_bytes(bytes));
    let ran = operator.run(&[LONG, "nudge", "w/noting", "once"]);
    assert_eq!(ran.code, code, "{}", ran.stderr);
    assert_eq!(ran.stderr.contains("outcome unknown"), code == 5, "{}", ran.stderr);
    operator.cluster.lift_all_faults();
    operator.run(&[LONG, "nudge", "w/noting", "the end"]);
    let typed = || std::fs::read_to_string(worker.pod().home().join("typed")).unwrap_or_default();
    eventually("the end", || typed().contains("the end").then_some(()));
    let once = typed().lines().filter(|&line| line == "once").count();
    assert!(once <= usize::from(code == 5), "{}", typed());
}

#[test]
fn a_container_that_is_replaced_is_asked_over_another_one() {
    let (operator, worker) = factory(Image::Debian);
    let (mut child, mut output) = follow(&operator);
    let old = worker.pod();
    old.tmux(&["send-keys", "-t", "=qa:", "before", "Enter"]);
    wait_line(&mut output, "before");
    old.delete();
    let new = worker.wait_replaced(&old);
    eventually("the session", || new.try_tmux(&["has-session", "-t", "=qa"]).map(drop));
    new.tmux(&["send-keys", "-t", "=qa:", "after", "Enter"]);
    wait_line(&mut output, "after");
    child.kill().unwrap();
    child.wait().unwrap();
}

/// The line of `doctor` about it, and how many of its lines are faults. One thing at a time: a gateway first, which is one exec, then this.
fn examined(operator: &Operator) -> (String, usize) {
    let said = operator.run(&["doctor", "--timeout=8s", "--parallel=1"]).stdout;
    let line = said.lines().find(|line| line.contains("  relay  ")).unwrap_or_else(|| panic!("{said}"));
    (line.to_owned(), said.matches("\n  fail  ").count())
}

/// Two workers without commands, the second of which has this in its pod.
fn two(second: impl FnOnce(Workload<'_>) -> Workload<'_>) -> (Operator, [Running; 2]) {
    let cluster = Cluster::start();
    let workers = [cluster.pod("w0").start(), second(cluster.pod("w1")).start()];
    let none = "commands: {status: '', queue: '', dispatch: ''}";
    (Operator::of(cluster).worker("one", "pod/w1", none).worker("two", "pod/w0", none), workers)
}

#[rstest]
#[case::debian(Image::Debian)]
#[case::alpine(Image::Alpine)]
fn doctor_tries_one_and_leaves_nothing(#[case] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = pod.processes();
    let (line, _) = examined(&operator);
    assert!(line.contains("  ok    relay") && line.contains(&format!("in pod {}: there after ", pod.name())), "{line}");
    assert!(line.contains(" ms, two answers after ") && !line.contains(" → "), "{line}");
    eventually("the pod to be as before", || more_than(&pod, &before).is_empty().then_some(()));
}

#[rstest]
#[case::sh("sh", "there is no sh in the container", "install sh in the image")]
#[case::dd("dd", "there is no dd in the container", "install coreutils or busybox")]
fn doctor_says_what_a_container_lacks_for_it_unless_another_has_it(
    #[case] program: &str,
    #[case] found: &str,
    #[case] remedy: &str,
) {
    let (operator, _workers) = two(|pod| pod.without(program));
    let (line, _) = examined(&operator);
    assert!(line.contains("  ok    relay") && line.contains("in pod w0: "), "{line}");
    operator.cluster.find_pod("default", "w0").delete();
    let (line, _) = examined(&operator);
    assert!(line.contains("  warn  relay") && line.contains(&format!("in pod w1: {found}; each question")), "{line}");
    assert!(line.contains(&format!(" → {remedy}")), "{line}");
}

#[rstest]
#[case::before_it_is_there(0, "the shell on it ends at once: ")]
#[case::in_its_answer(30, "its connection does not last: ")]
fn doctor_says_that_a_connection_does_not_last(#[case] bytes: usize, #[case] found: &str) {
    let (operator, _worker) = factory(Image::Debian);
    operator.cluster.when(execs().passing(1).once()).then(Fault::cut_after_bytes(bytes));
    let (line, _) = examined(&operator);
    assert!(line.contains("  warn  relay") && line.contains(found) && line.contains(" → does something between"), "{line}");
}

#[test]
fn doctor_says_that_an_answer_does_not_come() {
    let (operator, _worker) = factory(Image::Debian);
    operator.cluster.when(execs().passing(1).once()).then(Fault::Freeze { after: After::Bytes(24), pongs: true });
    let (line, _) = examined(&operator);
    assert!(line.contains("  warn  relay") && line.contains("it takes a question and does not answer in time"), "{line}");
}

/// It has lines of its own, and those alone are faults.
#[test]
fn what_keeps_a_worker_from_being_asked_at_all_is_no_fault_of_relays() {
    let (operator, [one, other]) = two(|pod| pod);
    other.pod().becomes(Stage::CrashLoopBackOff);
    let (line, faults) = examined(&operator);
    assert!(line.contains("  ok    relay") && line.contains("in pod w0: ") && faults == 1, "{line} {faults}");
    one.pod().becomes(Stage::Pending);
    let (line, faults) = examined(&operator);
    assert!(
        line.contains("  skip  relay") && line.contains("not tried: no worker could be asked: pod w1: CrashLoopBackOff"),
        "{line}"
    );
    assert!(line.contains(" → ") && faults == 2, "{line} {faults}");
    operator.cluster.when(execs()).then(Fault::Reset);
    one.pod().becomes(Stage::Running);
    assert!(examined(&operator).0.contains("  skip  relay"));
}
