//! A window whose first connection fails survives that as it survives a later break: with the same states, notices and keys,
//! and nothing that is typed without a look closes it or runs anywhere else. In a terminal of somebody's own the same failure
//! is a message and an exit status.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::time::{Duration, Instant};

use kubesim::{Fault, Stage, everything, execs, requests};
use rstest::rstest;
use support::{BIN, Screen, eventually};
use window::{APP, Factory, Kind, MORE_THAN_A_SECOND};

/// What keeps a window from its session at first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Refused,
    /// The API server takes the connection, and says nothing.
    Frozen,
    /// It says nothing to the exec alone.
    ExecFrozen,
    Unavailable,
    HangUp,
    ContainerNotFound,
    Pod(Stage),
    /// The Deployment has none.
    NoPod,
}

impl Trouble {
    fn begin(self, factory: &Factory) {
        let cluster = &factory.operator.cluster;
        match self {
            Self::Refused => cluster.refuse_connections(),
            Self::Frozen => drop(cluster.when(everything()).then(Fault::Silence)),
            Self::ExecFrozen => drop(cluster.when(execs()).then(Fault::Silence)),
            Self::Unavailable => drop(cluster.when(requests()).then(Fault::Status(503))),
            Self::HangUp => drop(cluster.when(requests()).then(Fault::HangUp)),
            Self::ContainerNotFound => drop(cluster.when(execs()).then(Fault::ContainerNotFound)),
            Self::Pod(stage) => factory.pod().becomes(stage),
            Self::NoPod => {
                factory.worker.scale(0);
                factory.worker.wait("no pod", |pods| pods.is_empty());
            }
        }
    }

    fn end(self, factory: &Factory) {
        let cluster = &factory.operator.cluster;
        match self {
            Self::Refused => cluster.accept_connections(),
            Self::Pod(_) => factory.pod().becomes(Stage::Running),
            Self::NoPod => factory.worker.scale(1),
            _ => cluster.lift_all_faults(),
        }
    }

    fn state(self) -> &'static str {
        match self {
            Self::Pod(_) | Self::NoPod | Self::ContainerNotFound => "waiting-pod",
            _ => "reconnecting",
        }
    }
}

#[rstest]
#[case::refused(Trouble::Refused, "connection refused")]
#[case::frozen(Trouble::Frozen, "no answer")]
#[case::exec_frozen(Trouble::ExecFrozen, "no answer")]
#[case::unavailable(Trouble::Unavailable, "503")]
#[case::hang_up(Trouble::HangUp, "")]
#[case::container_not_found(Trouble::ContainerNotFound, "")]
#[case::pending(Trouble::Pod(Stage::Pending), "Insufficient memory")]
#[case::creating(Trouble::Pod(Stage::ContainerCreating), "ContainerCreating")]
#[case::pulling(Trouble::Pod(Stage::ImagePullBackOff), "ImagePullBackOff")]
#[case::crashing(Trouble::Pod(Stage::CrashLoopBackOff), "CrashLoopBackOff")]
#[case::no_pod(Trouble::NoPod, "")]
fn a_first_connection_that_fails_is_tried_again(
    #[case] trouble: Trouble,
    #[case] reason: &str,
    #[values("asked before", "never asked")] asked: &str,
) {
    let factory = Factory::start(Kind::Deployment);
    if asked == "asked before" {
        factory.operator.run(&["list"]).expect(0);
    }
    trouble.begin(&factory);
    let window = factory.opened();
    window.wait_state(trouble.state());
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    let notice = if trouble.state() == "waiting-pod" { "w/qa waits for its pod: " } else { "w/qa is reconnecting: " };
    let text = window.screen.wait(notice);
    assert!(text.contains("Enter now · Q closes · d details"), "{text}");
    window.key_until("d", "the details", |text| text.contains("attempts") && text.contains(reason));
    window.screen.enter("typed while it was down");
    trouble.end(&factory);
    window.wait_back();
    window.screen.wait_gone("attempts");
    assert_eq!(window.name(), "w/qa");
    window.types("after");
    assert_eq!(factory.typed(), ["after"]);
    let home = window.screen.inner(&["capture-pane", "-p", "-t", "main:home"]);
    assert_eq!(home.trim_end(), "$");
    window.close();
    factory.wait_clean();
}

/// As somebody types who looks elsewhere: with pauses, and then a word that begins with the key that closes a window.
fn type_blind(screen: &Screen<'_>) {
    for (text, pause) in [("touch pwned", 0), ("Q", 1500), ("uestions first; ", 60), ("x", 1200), ("Quit", 1500), ("yes", 50)] {
        std::thread::sleep(Duration::from_millis(pause));
        screen.type_text(text);
        screen.keys(&["Enter"]);
    }
    std::thread::sleep(MORE_THAN_A_SECOND);
    screen.keys(&["C-c", "C-d"]);
    screen.enter("touch pwned");
}

#[rstest]
#[case::refused(Trouble::Refused)]
#[case::frozen(Trouble::Frozen)]
#[case::crashing(Trouble::Pod(Stage::CrashLoopBackOff))]
fn nothing_that_is_typed_without_a_look_closes_the_window_or_runs_beneath_it(#[case] trouble: Trouble) {
    let factory = Factory::start(Kind::Deployment);
    factory.operator.run(&["list"]).expect(0);
    trouble.begin(&factory);
    let window = factory.opened();
    window.screen.keys(&["C-c"]);
    type_blind(&window.screen);
    assert_eq!(window.screen.windows().len(), 2, "{}", window.screen.text());
    window.wait_state(trouble.state());
    assert_eq!(window.screen.inner(&["capture-pane", "-p", "-t", "main:home"]).trim_end(), "$");
    assert!(!factory.operator.world.home().join("pwned").exists());
    trouble.end(&factory);
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed().last().map(String::as_str), Some("after"));
    assert!(!factory.typed().iter().any(|line| line.contains("touch")), "{:?}", factory.typed());
}

#[rstest]
#[case::unauthorized(401, "not logged in")]
#[case::forbidden(403, "may not get pods")]
fn what_no_repetition_changes_waits_for_a_key(#[case] status: u16, #[case] reason: &str) {
    let factory = Factory::start(Kind::Deployment);
    factory.operator.run(&["list"]).expect(0);
    let rule = factory.operator.cluster.when(requests()).then(Fault::Status(status));
    let window = factory.opened();
    window.wait_state("failed");
    window.screen.wait("w/qa is not connected: ");
    window.screen.wait(reason);
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    type_blind(&window.screen);
    window.wait_state("failed");
    rule.lift();
    window.key_until_back("Enter");
    window.types("after");
    assert_eq!(factory.typed(), ["after"]);
}

#[test]
fn a_session_that_is_not_there_waits_for_a_key_too() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().session("other", "exec cat");
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    let window = factory.opened();
    window.wait_state("failed");
    let text = window.screen.wait("there is no session \"qa\"");
    assert!(text.contains("Enter tries again · Q closes · d details"), "{text}");
    type_blind(&window.screen);
    assert_eq!(window.screen.windows().len(), 2);
    factory.pod().session("qa", APP);
    window.key_until_back("Enter");
    window.types("after");
    assert_eq!(factory.typed(), ["after"]);
}

/// A pod that was waited for begins its sessions when it runs, not before.
#[test]
fn a_session_of_a_pod_that_was_waited_for_is_awaited() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().becomes(Stage::ContainerCreating);
    let window = factory.opened();
    window.wait_state("waiting-pod");
    factory.operator.cluster.refuse_connections();
    factory.pod().becomes(Stage::Running);
    factory.pod().session("other", "exec cat");
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    factory.operator.cluster.accept_connections();
    window.screen.wait("there is no session \"qa\"");
    window.wait_state("waiting-pod");
    factory.pod().session("qa", APP);
    window.wait_back();
    window.types("after");
}

#[test]
fn q_closes_a_window_that_was_never_connected() {
    let factory = Factory::start(Kind::Deployment);
    factory.operator.cluster.refuse_connections();
    let window = factory.opened();
    window.wait_state("reconnecting");
    eventually("Q to close the window", || {
        std::thread::sleep(MORE_THAN_A_SECOND);
        window.screen.keys(&["Q"]);
        std::thread::sleep(MORE_THAN_A_SECOND);
        (window.screen.windows() == ["|home"]).then_some(())
    });
    eventually("the processes to end", || factory.processes().is_empty().then_some(()));
    factory.operator.cluster.accept_connections();
    factory.wait_clean();
}

/// Somebody else has replaced it since it was looked up.
#[rstest]
fn a_pod_that_was_replaced_since_it_was_looked_up_is_looked_up_again(#[values("open", "attach")] how: &str) {
    let factory = Factory::start(Kind::Deployment);
    factory.operator.run(&["list"]).expect(0);
    let old = factory.pod();
    old.delete();
    factory.worker.wait_replaced(&old);
    if how == "open" {
        let window = factory.window();
        window.types("in the new pod");
        assert_eq!(factory.typed(), ["in the new pod"]);
        window.close();
    } else {
        let screen = attach(&factory, "");
        screen.wait("I am qa");
        eventually("the client", || (factory.pod().clients().len() == 1).then_some(()));
        factory.pod().tmux(&["detach-client", "-s", "=qa"]);
        let text = screen.wait("left with 0");
        assert!(!text.contains("not found"), "what was put right is not said: {text}");
    }
    factory.operator.cluster.forget_calls();
    let screen = attach(&factory, "");
    screen.wait("I am qa");
    assert_eq!(operator::resolutions(&factory.operator.cluster.calls()), 0, "the new one was not remembered");
}

/// `attach` in a shell of somebody's own.
fn attach<'a>(factory: &'a Factory, options: &str) -> Screen<'a> {
    let screen = factory.operator.world.screen_with("");
    screen.enter(&format!("clear; {BIN} {options} attach w/qa; echo left with $?"));
    screen
}

#[rstest]
#[case::refused(Trouble::Refused, 3, "refused")]
#[case::frozen(Trouble::Frozen, 3, "no answer")]
#[case::exec_frozen(Trouble::ExecFrozen, 3, "no answer")]
#[case::unavailable(Trouble::Unavailable, 3, "503")]
#[case::hang_up(Trouble::HangUp, 3, "cannot attach to w/qa")]
#[case::pending(Trouble::Pod(Stage::Pending), 3, "1 Insufficient")]
#[case::crashing(Trouble::Pod(Stage::CrashLoopBackOff), 3, "CrashLoopBackOff")]
fn in_a_terminal_a_first_connection_that_fails_is_a_message_and_a_status(
    #[case] trouble: Trouble,
    #[case] status: i32,
    #[case] reason: &str,
    #[values("asked before", "never asked")] asked: &str,
) {
    let factory = Factory::start(Kind::Deployment);
    if asked == "asked before" {
        factory.operator.run(&["list"]).expect(0);
    }
    trouble.begin(&factory);
    let screen = attach(&factory, "");
    let text = screen.wait(&format!("left with {status}"));
    assert!(text.contains(reason) && text.starts_with("factory-worker: cannot attach to w/qa"), "{text}");
    screen.enter("stty -a");
    screen.wait(" icanon");
    trouble.end(&factory);
    factory.wait_clean();
}

#[test]
fn in_a_terminal_a_session_that_is_not_there_is_a_status_too() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().session("other", "exec cat");
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    let text = attach(&factory, "").wait("left with 4");
    assert!(text.contains("there is no session \"qa\""), "{text}");
}

#[test]
fn a_worker_on_this_machine_without_the_session_waits_for_a_key_and_is_entered_then() {
    let world = support::World::new().worker("w");
    world.session("w", "other", "exec cat");
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("there is no session \"qa\"");
    let state = || screen.inner(&["show-options", "-pqv", "-t", "main:1.0", "@factory-worker-state"]);
    eventually("the state", || (state().trim() == "failed").then_some(()));
    type_blind(&screen);
    assert_eq!(screen.windows().len(), 2, "{}", screen.text());
    world.session("w", "qa", "echo I am qa; exec cat");
    let end = Instant::now() + Duration::from_secs(120);
    while !screen.text().contains("I am qa") {
        assert!(Instant::now() < end, "{}", screen.text());
        std::thread::sleep(MORE_THAN_A_SECOND);
        screen.keys(&["Enter"]);
        std::thread::sleep(Duration::from_millis(500));
    }
    eventually("the state", || (state().trim() == "connected").then_some(()));
    assert_eq!(screen.inner(&["capture-pane", "-p", "-t", "main:home"]).trim_end(), "$");
}

/// The agent ends while somebody types into its window.
#[rstest]
fn what_is_typed_into_a_window_that_goes_does_not_run_beneath_it(#[values("pod", "down", "local")] place: &str) {
    let factory = Factory::start(Kind::Deployment);
    let world = support::World::new().worker("l");
    let local = place == "local";
    let (window, screen, kill): (_, _, Box<dyn Fn()>) = if local {
        world.session("l", "other", "exec cat");
        world.session("l", "qa", "echo I am qa; exec cat");
        let screen = world.screen();
        screen.run(&["open", "l/qa"]).expect(0);
        screen.wait("I am qa");
        (None, Some(screen), Box::new(|| drop(world.worker_tmux("l", &["kill-session", "-t", "=qa"]))))
    } else {
        factory.pod().session("other", "exec cat");
        let window = factory.window();
        factory.wait_start_known();
        (Some(window), None, Box::new(|| drop(factory.pod().tmux(&["kill-session", "-t", "=qa"]))))
    };
    let screen = window.as_ref().map_or_else(|| screen.as_ref().unwrap(), |window| &window.screen);
    if place == "down" {
        factory.cut_off();
        window.as_ref().unwrap().wait_state("reconnecting");
    }
    kill();
    if place == "down" {
        factory.operator.cluster.accept_connections();
    }
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        screen.keys(&["t"]);
        std::thread::sleep(Duration::from_millis(30));
    }
    screen.keys(&["Enter"]);
    assert_eq!(screen.windows().len(), 2, "it has gone while somebody typed");
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
    assert_eq!(screen.inner(&["capture-pane", "-p", "-t", "main:home"]).trim_end(), "$");
}
