//! A window outlives its connection: whatever breaks on the way, the same session is in it again, and nothing that was typed
//! meanwhile.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::time::{Duration, Instant};

use kubesim::{Cluster, Farewell, Fault, requests};
use nix::sys::signal::Signal;
use rstest::rstest;
use support::eventually;
use window::{Factory, Kind};

/// What may end a connection.
#[derive(Debug, Clone, Copy)]
enum Break {
    /// kubectl takes it for a good end, and exits 0.
    LikeSuccess,
    GoingAway,
    HangUp,
    Reset,
    /// kubectl itself is ended, or killed.
    Kubectl(Signal),
    /// Somebody ends the client in the pod.
    Client(Signal),
}

fn break_it(factory: &Factory, how: Break) {
    let cut = |farewell| {
        let fault = Fault::cut_after_bytes(0).saying(farewell);
        assert_eq!(factory.operator.cluster.break_open_execs("fleet", &fault), 1);
    };
    match how {
        Break::LikeSuccess => cut(Farewell::CloseFrame(1000)),
        Break::GoingAway => cut(Farewell::CloseFrame(1001)),
        Break::HangUp => cut(Farewell::HangUp),
        Break::Reset => cut(Farewell::Reset),
        Break::Kubectl(signal) => factory.signal_kubectl(signal),
        Break::Client(signal) => factory.signal_client(signal),
    }
}

#[rstest]
fn a_connection_that_ends_is_followed_by_the_same_session(
    #[values(
        Break::LikeSuccess,
        Break::GoingAway,
        Break::HangUp,
        Break::Reset,
        Break::Kubectl(Signal::SIGTERM),
        Break::Kubectl(Signal::SIGKILL),
        Break::Client(Signal::SIGTERM),
        Break::Client(Signal::SIGKILL)
    )]
    how: Break,
) {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    window.types("before");
    break_it(&factory, how);
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    assert_eq!(window.name(), "w/qa");
    eventually("the only client", || (factory.pod().clients().len() == 1).then_some(()));
    window.close();
    factory.wait_clean();
}

#[test]
fn a_worker_on_this_machine_survives_its_client_too() {
    let world = support::World::new().worker("w");
    world.session("w", "qa", "echo I am qa; exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    let clients = || world.worker_tmux("w", &["list-clients", "-F", "#{client_pid}"]);
    let first = eventually("the client", || Some(clients()).filter(|clients| !clients.is_empty()));
    std::process::Command::new("kill").args(["-KILL", first.trim()]).status().unwrap();
    eventually("another client", || Some(clients()).filter(|now| !now.is_empty() && *now != first));
    screen.enter("still here");
    eventually("what is typed to arrive", || world.pane("w", "qa").contains("still here").then_some(()));
    world.worker_tmux("w", &["kill-session", "-t", "=qa"]);
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
}

#[test]
fn a_view_that_is_down_says_so_and_lets_nothing_through() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    window.types("before");
    // It has arrived there; its echo may still be on the way.
    window.screen.wait("before");
    factory.operator.cluster.refuse_connections();
    factory.operator.cluster.drop_connections();
    window.wait_state("reconnecting");
    let text = window.screen.wait("w/qa is reconnecting: ");
    assert!(text.contains("I am qa") && text.contains("before"), "the last screen stays: {text}");
    window.screen.wait("connection refused");
    window.screen.wait("next try in ");
    let text = window.screen.wait("Enter now · Q closes · d details");
    assert!(text.lines().nth(38).is_some_and(|line| line.starts_with("w/qa is")), "it is the bottom line of the window: {text}");
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    window.screen.enter("typed while it was down");
    window.screen.resize(100, 30);
    window.screen.wait_until("the line to be where the bottom is", |text| {
        text.lines().nth(28).is_some_and(|line| line.starts_with("w/qa is reconnecting"))
    });
    factory.operator.cluster.accept_connections();
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    window.screen.wait_gone("reconnecting");
    assert_eq!(window.name(), "w/qa");
    window.close();
    factory.wait_clean();
}

/// kubectl tells the size that there is when it begins; what was brought along is older then.
#[test]
fn a_window_that_is_resized_on_its_way_in_shows_the_session_in_its_size() {
    let factory = Factory::start(Kind::Deployment);
    let (hold, began) = (factory.operator.world.path("hold"), factory.operator.world.path("began"));
    let kubectl = which::which("kubectl").unwrap();
    let waits = format!("while [ -e '{}' ]; do : >'{}'; sleep 0.05; done", hold.display(), began.display());
    let slow = format!("#!/bin/sh\ncase \" $* \" in *' -it '*) {waits} ;; esac\nexec {} \"$@\"\n", kubectl.display());
    factory.operator.world.script("kubectl", &slow);
    let window = factory.window();
    std::fs::write(&hold, "").unwrap();
    factory.operator.cluster.drop_connections();
    eventually("another attempt", || began.exists().then_some(()));
    window.screen.resize(100, 30);
    eventually("the new size", || (window.ask("#{pane_width}x#{pane_height}") == "100x29").then_some(()));
    std::fs::remove_file(hold).unwrap();
    window.wait_back();
    eventually("the session to have the window's size", || {
        let size = factory.pod().tmux(&["display-message", "-p", "-t", "=qa:", "#{window_width}x#{window_height}"]);
        (size.trim() == "100x29").then_some(())
    });
}

#[test]
fn keys_that_are_typed_without_a_look_close_nothing() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    factory.cut_off();
    window.wait_state("reconnecting");
    // Without a pause between them, as somebody types who looks elsewhere.
    for _ in 0..40 {
        window.screen.keys(&["Q", "u", "i", "t", "Q"]);
    }
    assert_eq!(window.state(), "reconnecting");
    window.screen.wait("d details");
    window.key_until("d", "the details", |text| text.contains("attempts") && text.contains("session  w/qa"));
    window.key_until("d", "the details to go", |text| !text.contains("attempts"));
    eventually("Q to close the window", || {
        window.screen.keys(&["Q"]);
        std::thread::sleep(window::MORE_THAN_A_SECOND);
        (window.screen.windows() == ["|home"]).then_some(())
    });
    factory.operator.cluster.accept_connections();
    eventually("the processes to end", || factory.processes().is_empty().then_some(()));
}

#[test]
fn enter_tries_at_once() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    factory.operator.cluster.when(requests()).then(Fault::Status(403));
    factory.cut_off();
    factory.operator.cluster.accept_connections();
    window.wait_state("failed");
    window.screen.wait("w/qa is not connected: ");
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    window.key_until("d", "the remedy", |text| text.contains("ask for a role"));
    factory.operator.cluster.lift_all_faults();
    window.key_until_back("Enter");
    window.types("again");
    assert_eq!(factory.typed(), ["again"]);
}

#[rstest]
#[case::unauthorized(401, "not logged in")]
#[case::forbidden(403, "may not get pods")]
fn what_no_repetition_changes_is_not_repeated(#[case] status: u16, #[case] reason: &str) {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    let rule = factory.operator.cluster.when(requests()).then(Fault::Status(status));
    factory.operator.cluster.break_open_execs("fleet", &Fault::cut_after(Duration::ZERO));
    window.wait_state("failed");
    window.screen.wait(reason);
    factory.operator.cluster.forget_calls();
    // The next would come within a second.
    std::thread::sleep(Duration::from_secs(2));
    let calls = factory.operator.cluster.calls().about_objects();
    assert!(calls.is_empty(), "{calls:?}");
    rule.lift();
    window.key_until_back("Enter");
}

#[rstest]
fn a_replaced_pod_is_found_and_its_session_entered(#[values(Kind::Deployment, Kind::StatefulSet)] kind: Kind) {
    let factory = Factory::start(kind);
    let window = factory.window();
    factory.operator.cluster.replacing_takes(Duration::from_secs(1));
    let old = factory.pod();
    old.begin_to_delete();
    window.wait_state("waiting-pod");
    window.screen.wait("w/qa waits for its pod");
    factory.worker.wait_replaced(&old);
    window.wait_back();
    window.types("in the new pod");
    assert_eq!(factory.typed(), ["in the new pod"]);
    window.close();
    factory.wait_clean();
}

#[test]
fn a_container_that_starts_anew_is_no_end_of_the_session() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    factory.wait_start_known();
    factory.pod().restart();
    window.wait_back();
    window.types("in the new container");
    assert_eq!(factory.typed(), ["in the new container"]);
    window.close();
    factory.wait_clean();
}

#[test]
fn a_session_that_does_not_come_back_is_for_a_person_to_give_up() {
    let factory = Factory::start_with(Kind::Deployment, "session-wait: 3s\n");
    let window = factory.window();
    factory.wait_start_known();
    factory.pod().tmux(&["new-session", "-d", "-s", "other"]);
    // It was there at the new start, and went before anybody saw it.
    factory.operator.cluster.refuse_connections();
    factory.pod().restart();
    factory.pod().tmux(&["new-session", "-d", "-s", "other"]);
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    factory.operator.cluster.accept_connections();
    window.wait_state("waiting-pod");
    window.wait_state("failed");
    window.screen.wait("it was awaited for 3s");
    assert_eq!(window.screen.windows().len(), 2);
    factory.pod().session("qa", window::APP);
    window.key_until_back("Enter");
    window.types("late");
    assert_eq!(factory.typed(), ["late"]);
}

#[rstest]
fn a_session_that_ends_closes_its_window(#[values("kill-session -t =qa", "kill-server")] how: &str) {
    let factory = Factory::start(Kind::Deployment);
    if how != "kill-server" {
        factory.pod().session("other", "exec cat");
    }
    let window = factory.window();
    factory.wait_start_known();
    factory.pod().tmux(&how.split(' ').collect::<Vec<_>>());
    eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
    eventually("the processes to end", || factory.processes().is_empty().then_some(()));
}

#[test]
fn a_session_that_ended_while_nobody_could_see_it_closes_its_window_too() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().session("other", "exec cat");
    let window = factory.window();
    factory.wait_start_known();
    factory.cut_off();
    window.wait_state("reconnecting");
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    factory.operator.cluster.accept_connections();
    eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
}

#[test]
fn another_session_of_the_same_name_is_not_entered_in_silence() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().session("other", "exec cat");
    let window = factory.window();
    // One call: it is there before anybody can look.
    factory.pod().tmux(&["kill-session", "-t", "=qa", ";", "new-session", "-d", "-s", "qa", "echo another; exec cat"]);
    window.wait_state("failed");
    window.screen.wait("it has ended, and another has its name");
    window.key_until("Enter", "the other one", |_| window.state() == "connected");
    window.screen.wait("another");
}

/// What may end a view that is down.
#[derive(Debug, Clone, Copy)]
enum Closing {
    KillWindow,
    Close,
    KillServer,
    Signal(Signal),
}

/// Nobody has told the view; the pod is the same.
#[test]
fn another_session_of_the_same_name_is_not_entered_in_silence_after_a_break_either() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().session("other", "exec cat");
    let window = factory.window();
    let entered = Instant::now();
    factory.wait_start_known();
    factory.cut_off();
    window.wait_state("reconnecting");
    eventually("the stay to be longer than clocks may differ", || (entered.elapsed() > Duration::from_secs(4)).then_some(()));
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    factory.pod().session("qa", "echo I am somebody else; exec cat");
    factory.operator.cluster.accept_connections();
    window.wait_state("failed");
    let text = window.screen.wait("it has ended, and another has its name");
    assert!(text.contains("Enter goes to that one") && !text.contains("somebody else"), "{text}");
    window.key_until("Enter", "the other one", |text| text.contains("I am somebody else"));
    window.wait_state("connected");
    window.close();
    factory.wait_clean();
}

#[rstest]
fn a_view_that_is_ended_while_it_is_down_leaves_nothing(
    #[values(
        Closing::KillWindow,
        Closing::Close,
        Closing::KillServer,
        Closing::Signal(Signal::SIGTERM),
        Closing::Signal(Signal::SIGHUP)
    )]
    how: Closing,
) {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    factory.cut_off();
    window.wait_state("reconnecting");
    match how {
        Closing::KillWindow => drop(window.screen.inner(&["kill-pane", "-t", &window.pane])),
        Closing::Close => drop(window.screen.run(&["close", "w/qa"]).expect(0)),
        Closing::KillServer => drop(window.screen.inner(&["kill-server"])),
        Closing::Signal(signal) => window.signal(signal),
    }
    eventually("the processes to end", || factory.processes().is_empty().then_some(()));
}

#[test]
fn a_detach_of_the_remote_client_closes_the_window_and_nothing_else() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    factory.pod().tmux(&["detach-client", "-s", "=qa"]);
    eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
    factory.wait_clean();
}

#[test]
fn in_a_terminal_without_windows_a_view_survives_too() {
    let cluster = Cluster::start();
    let factory = Factory::of(cluster, Kind::Deployment, "");
    let screen = factory.operator.world.screen_with("");
    screen.enter(&format!("clear; {} attach w/qa; echo left with $?", support::BIN));
    screen.wait("I am qa");
    eventually("the client", || (factory.pod().clients().len() == 1).then_some(()));
    factory.cut_off();
    screen.wait("w/qa is reconnecting");
    factory.operator.cluster.accept_connections();
    screen.wait_gone("reconnecting");
    factory.cut_off();
    screen.wait("w/qa is reconnecting");
    eventually("Q to leave", || {
        screen.keys(&["Q"]);
        std::thread::sleep(window::MORE_THAN_A_SECOND);
        screen.text().contains("left with 0").then_some(())
    });
    screen.enter("stty -a");
    screen.wait(" icanon");
}
