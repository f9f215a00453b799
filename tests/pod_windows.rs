//! Windows that show sessions in pods: what they cost, what they say when there is nothing to show, and what is left of
//! them: on this machine no process, in the pod no client, and the session as it was.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::time::Duration;

use kubesim::{Cluster, Fault, Pod, Running, requests_for};
use operator::Operator;
use rstest::rstest;
use support::{BIN, Screen, eventually};
use traces::processes;

/// A key counts only after a second without any, and the one that closes when nothing follows it.
const MORE_THAN_A_SECOND: Duration = Duration::from_millis(1600);

/// The worker `w`, a Deployment with the session `qa`, which shows what is typed.
fn factory() -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

fn window_of_qa(operator: &Operator) -> Screen<'_> {
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen
}

/// Wait until nothing of a view is left anywhere, and the session is as it was.
#[track_caller]
fn wait_clean(operator: &Operator, pod: &Pod) {
    eventually("the processes to end", || processes(&operator.world).is_empty().then_some(()));
    eventually("the client in the pod to go", || pod.clients().is_empty().then_some(()));
    eventually("the options in the pod to go", || (!pod.tmux(&["show-options", "-s"]).contains("@factory-worker")).then_some(()));
    assert_eq!(pod.pane("qa").trim_end(), "I am qa");
}

#[test]
fn opening_an_open_window_asks_the_cluster_nothing() {
    let (operator, _worker) = factory();
    let screen = window_of_qa(&operator);
    // The view asks once in which start of its container it is, when its first screen is there.
    let looks = || operator.cluster.calls().matching(&requests_for("pods").of("fleet")).len();
    eventually("the view's question", || (looks() >= 2).then_some(()));
    screen.inner(&["select-window", "-t", "main:home"]);
    screen.wait_gone("I am qa");
    operator.cluster.forget_calls();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    let calls = operator.cluster.calls();
    assert!(calls.is_empty(), "{calls:?}");
}

#[test]
fn opening_a_window_is_one_exec_and_one_client_of_the_window_s_size() {
    let (operator, worker) = factory();
    operator.run(&["list"]).expect(0);
    operator.cluster.forget_calls();
    let screen = window_of_qa(&operator);
    assert_eq!(operator.cluster.calls().execs().len(), 1);
    let size = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_width} #{pane_height}"]);
    let wanted = [format!("qa {}", size.trim_end())];
    eventually("a client of the window's size", || (worker.pod().clients() == wanted).then_some(()));
}

/// How a window may end.
#[derive(Debug, Clone, Copy)]
enum End {
    Close,
    KillWindow,
    KillServer,
}

#[rstest]
fn a_window_that_ends_leaves_nothing_behind(#[values(End::Close, End::KillWindow, End::KillServer)] end: End) {
    let (operator, worker) = factory();
    let screen = window_of_qa(&operator);
    assert!(processes(&operator.world).iter().any(|command| command.contains("kubectl")));
    assert_eq!(worker.pod().clients().len(), 1);
    match end {
        End::Close => drop(screen.run(&["close", "w/qa"]).expect(0)),
        End::KillWindow => drop(screen.inner(&["kill-window", "-t", "w/qa"])),
        End::KillServer => drop(screen.inner(&["kill-server"])),
    }
    wait_clean(&operator, &worker.pod());
}

#[test]
fn a_pane_beside_another_leaves_nothing_behind_either() {
    let (operator, worker) = factory();
    let screen = operator.world.screen();
    screen.run(&["open", "--split", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen.run(&["close", "w/qa"]).expect(0);
    assert_eq!(screen.windows(), ["|home"]);
    wait_clean(&operator, &worker.pod());
}

#[test]
fn a_session_that_ends_takes_its_window_along() {
    let (operator, worker) = factory();
    worker.pod().session("other", "exec cat");
    let screen = window_of_qa(&operator);
    worker.pod().tmux(&["kill-session", "-t", "=qa"]);
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
    eventually("the processes to end", || processes(&operator.world).is_empty().then_some(()));
    assert_eq!(worker.pod().tmux(&["list-sessions", "-F", "#{session_name}"]), "other\n");
}

#[rstest]
#[case::no_such_session("w/nothing", "there is no session \"nothing\"")]
#[case::no_such_pod("gone/qa", "there is no pod, Deployment or StatefulSet")]
#[case::no_such_cluster("far/qa", "refused")]
fn a_failure_before_the_first_screen_stays_until_q(#[case] address: &str, #[case] reason: &str) {
    let (operator, _worker) = factory();
    let kubeconfig = operator.cluster.directory().join("dead");
    kubesim::Kubeconfig::new().dead_context("dead").write(&kubeconfig);
    let operator = operator.worker("gone", "nothing", "").worker(
        "far",
        "fleet",
        &format!("context: dead\nkubeconfig: {}", kubeconfig.display()),
    );
    let screen = operator.world.screen();
    screen.run(&["open", address]).expect(0);
    screen.wait("Q closes");
    // What happened gives way to the keys where both have no room; the details have it whole.
    std::thread::sleep(MORE_THAN_A_SECOND);
    screen.keys(&["d"]);
    screen.wait(reason);
    screen.keys(&["x", "Enter", "q", "Q", "x"]);
    eventually("Q to close the window", || {
        std::thread::sleep(MORE_THAN_A_SECOND);
        screen.keys(&["Q"]);
        std::thread::sleep(MORE_THAN_A_SECOND);
        (screen.windows() == ["|home"]).then_some(())
    });
    assert!(processes(&operator.world).is_empty());
}

#[test]
fn all_opens_what_there_is_and_says_what_does_not_answer() {
    let (operator, worker) = factory();
    worker.pod().session("dev", "exec cat");
    let operator = operator.worker("gone", "nothing", "");
    let screen = operator.world.screen();
    let ran = screen.run(&["open", "--all"]).expect(4);
    assert!(ran.stderr.contains("gone"), "{}", ran.stderr);
    let mut windows = screen.windows();
    windows.sort();
    assert_eq!(windows, ["w/dev|w/dev", "w/qa|w/qa", "|home"]);
    eventually("both clients", || (worker.pod().clients().len() == 2).then_some(()));
    screen.run(&["close", "w/qa", "w/dev"]).expect(0);
    wait_clean(&operator, &worker.pod());
}

/// With a connection that takes so long that we say so, too.
#[rstest]
fn attach_is_in_this_terminal_and_gives_it_back(#[values(0, 400)] round_trip: u64) {
    let (operator, worker) = factory();
    let slow = Fault::Slow { round_trip: Duration::from_millis(round_trip), jitter: Duration::ZERO };
    operator.cluster.when(requests_for("pods/exec")).then(slow);
    let screen = operator.world.screen_with("");
    screen.enter(&format!("clear; echo one; echo two; {BIN} attach w/qa; echo left with $?"));
    screen.wait("I am qa");
    eventually("a client in the pod", || (worker.pod().clients().len() == 1).then_some(()));
    worker.pod().tmux(&["detach-client", "-s", "=qa"]);
    let text = screen.wait("left with 0");
    assert!(text.starts_with("one\ntwo\n[detached (from session qa)]\nleft with 0\n"), "{text}");
    screen.enter("stty -a");
    screen.wait(" icanon");
    wait_clean(&operator, &worker.pod());
}

#[test]
fn attach_to_a_session_that_ends_says_so() {
    let (operator, worker) = factory();
    worker.pod().session("other", "exec cat");
    let screen = operator.world.screen_with("");
    screen.enter(&format!("clear; {BIN} attach w/qa; echo left with $?"));
    screen.wait("I am qa");
    worker.pod().tmux(&["kill-session", "-t", "=qa"]);
    let text = screen.wait("left with 0");
    assert!(text.contains("w/qa has ended"), "{text}");
}
