//! No window closes on the strength of an answer that proves nothing: whatever breaks a window's connection, and whatever comes
//! back when it is asked what became of the session, the window stays, says what it knows, and does nothing to the session.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::time::Duration;

use kubesim::{Cluster, Farewell, Fault, Pod, Running, execs, requests};
use operator::Operator;
use rstest::rstest;
use support::{Screen, eventually};
use traces::processes;

/// The worker `w`, a Deployment with the session `qa`, which shows what is typed, in a window.
fn factory() -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    operator.run(&["list"]).expect(0);
    (operator, worker)
}

/// A terminal with a window of `w/qa`, which asks no longer than this.
fn window<'a>(operator: &'a Operator, timeout: &str) -> Screen<'a> {
    let screen = operator.world.screen();
    screen.run(&["--timeout", timeout, "open", "w/qa"]).expect(0);
    screen
}

fn client(pod: &Pod) -> Option<String> {
    let clients = pod.tmux(&["list-clients", "-F", "#{client_pid}"]);
    Some(clients.trim().to_owned()).filter(|client| !client.is_empty() && !client.contains('\n'))
}

/// Wait until a window that has lost its connection says so, in whichever of its ways.
#[track_caller]
fn wait_told(screen: &Screen<'_>) -> String {
    let words = ["w/qa is reconnecting", "w/qa is not connected", "w/qa waits for its pod"];
    screen.wait_until("the window to say what became of it", |text| words.iter().any(|words| text.contains(words)))
}

/// The window is there, and the session is as it was.
#[track_caller]
fn assert_kept(screen: &Screen<'_>, pod: &Pod) {
    let windows = screen.windows();
    assert!(windows.len() == 2 && windows[1].starts_with("w/qa|"), "{windows:?}");
    assert_eq!(pod.pane("qa").trim_end(), "I am qa");
}

/// The window can be closed at any time, and nothing of it is left on this machine.
#[track_caller]
fn close(operator: &Operator, screen: &Screen<'_>) {
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the processes to end", || processes(&operator.world).is_empty().then_some(()));
    assert_eq!(screen.windows(), ["|home"]);
}

/// Nor in a pod that can be reached.
#[track_caller]
fn wait_left(pod: &Pod) {
    eventually("the client in the pod to go", || pod.clients().is_empty().then_some(()));
    assert!(pod.tmux(&["list-sessions", "-F", "#{session_name}"]).contains("qa"));
}

/// The connection is reset, and this is what every question gets from then on.
#[rstest]
#[case::unauthorized(Fault::Status(401), "60s")]
#[case::forbidden(Fault::Status(403), "60s")]
#[case::too_busy(Fault::Status(429), "60s")]
#[case::unavailable(Fault::Status(503), "60s")]
#[case::hang_up(Fault::HangUp, "60s")]
#[case::silence(Fault::Silence, "1s")]
#[case::container_not_found(Fault::ContainerNotFound, "60s")]
#[case::cut_at_once(Fault::cut_after_bytes(0), "60s")]
#[case::cut_in_the_answer(Fault::cut_after_bytes(20), "60s")]
#[case::cut_like_success(Fault::cut_after_bytes(0).looking_like_success(), "60s")]
#[case::cut_in_the_answer_like_success(Fault::cut_after_bytes(20).looking_like_success(), "60s")]
#[case::frozen(Fault::freeze_after_bytes(0), "1s")]
#[case::frozen_with_pongs(Fault::freeze_after_bytes(0).with_pongs(), "1s")]
fn a_question_that_is_not_answered_closes_nothing(#[case] fault: Fault, #[case] timeout: &str) {
    let (operator, worker) = factory();
    let pod = worker.pod();
    let screen = window(&operator, timeout);
    screen.wait("I am qa");
    eventually("the client", || client(&pod));
    operator.cluster.when(execs()).then(fault);
    operator.cluster.forget_calls();
    operator.cluster.drop_connections();
    let asked = || operator.cluster.calls().matching(&execs()).len();
    eventually("a question", || (asked() > 0).then_some(()));
    wait_told(&screen);
    assert_kept(&screen, &pod);
    close(&operator, &screen);
}

/// Nothing at all can be asked.
#[rstest]
#[case::unauthorized(Some(Fault::Status(401)))]
#[case::unavailable(Some(Fault::Status(503)))]
#[case::refused(None)]
fn a_cluster_that_says_nothing_closes_nothing(#[case] fault: Option<Fault>) {
    let (operator, worker) = factory();
    let pod = worker.pod();
    let screen = window(&operator, "60s");
    screen.wait("I am qa");
    eventually("the client", || client(&pod));
    match fault {
        Some(fault) => drop(operator.cluster.when(requests()).then(fault)),
        None => operator.cluster.refuse_connections(),
    }
    operator.cluster.drop_connections();
    wait_told(&screen);
    assert_kept(&screen, &pod);
    // Also while the session is gone for good: nobody has proven it.
    pod.session("other", "exec cat");
    pod.tmux(&["kill-session", "-t", "=qa"]);
    assert_eq!(screen.windows().len(), 2);
    operator.cluster.lift_all_faults();
}

/// The connection that holds the window breaks by itself, in each way that there is, soon after it was made; some of them
/// kubectl takes for a good end, and exits 0.
#[rstest]
#[case::like_success(Farewell::CloseFrame(1000))]
#[case::by_a_server_that_leaves(Farewell::CloseFrame(1001))]
#[case::hang_up(Farewell::HangUp)]
#[case::reset(Farewell::Reset)]
fn a_connection_that_ends_proves_no_end_of_the_session(#[case] farewell: Farewell) {
    let (operator, worker) = factory();
    let pod = worker.pod();
    operator.cluster.when(execs().once()).then(Fault::cut_after(Duration::from_millis(1500)).saying(farewell));
    let screen = window(&operator, "60s");
    let first = eventually("the client", || client(&pod));
    eventually("the next client", || client(&pod).filter(|now| *now != first));
    assert_kept(&screen, &pod);
    close(&operator, &screen);
    wait_left(&pod);
}

/// Nothing is seen of a frost at first; whoever closes the window then gets rid of all of it at once.
#[rstest]
#[case::frozen(Fault::freeze_after(Duration::from_millis(1500)))]
#[case::frozen_with_pongs(Fault::freeze_after(Duration::from_millis(1500)).with_pongs())]
fn a_window_whose_connection_is_frozen_stays_and_can_be_closed(#[case] fault: Fault) {
    let (operator, worker) = factory();
    let pod = worker.pod();
    operator.cluster.when(execs().once()).then(fault);
    let screen = window(&operator, "60s");
    eventually("the client", || client(&pod));
    // It is frozen when what the session says is not seen.
    let mut said = 0;
    eventually("the frost", || {
        said += 1;
        pod.tmux(&["send-keys", "-t", "=qa:", &format!("beat-{said}"), "Enter"]);
        let beat = format!("beat-{said}");
        let end = std::time::Instant::now() + Duration::from_secs(1);
        while std::time::Instant::now() < end {
            if screen.text().contains(&beat) {
                return None;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(())
    });
    let windows = screen.windows();
    assert!(windows.len() == 2 && windows[1].starts_with("w/qa|"), "{windows:?}");
    close(&operator, &screen);
    wait_left(&pod);
}
