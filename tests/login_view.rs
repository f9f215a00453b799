//! A view whose user logs in with a plugin: what it starts by itself, and what it does not.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/pty.rs"]
mod pty;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::time::{Duration, Instant};

use login_plugin::LoginPlugin;
use pty::Pty;
use support::eventually;
use window::{Factory, Kind, Window};

/// A window whose connection was cut, and whose way back needs a login.
fn coming_back<'a>(factory: &'a Factory, plugin: &LoginPlugin) -> Window<'a> {
    let window = factory.window();
    window.types("before");
    factory.wait_start_known();
    plugin.expires();
    factory.cut_off();
    window.wait_state("reconnecting");
    factory.operator.cluster.accept_connections();
    window
}

/// An operator's window with a plugin that has something kept, as long as that lasts.
fn logged_in(way: &str, mode: &str) -> (Factory, LoginPlugin) {
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, way, mode);
    plugin.is_logged_in();
    (factory, plugin)
}

/// Answer what the plugin asks.
fn log_in(window: &Window<'_>) {
    window.screen.wait("Name:");
    window.screen.enter("ann");
    window.screen.wait("Password:");
    window.screen.enter("sesame");
}

#[test]
fn a_window_that_comes_back_waits_for_its_login_and_starts_no_other() {
    let (factory, plugin) = logged_in("browser", "IfAvailable");
    let window = coming_back(&factory, &plugin);
    eventually("somebody to log in", || (plugin.logins() > 0).then_some(()));
    // Longer than any other attempt may take to reach the worker.
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
        std::thread::sleep(Duration::from_millis(200));
    }
    plugin.grant();
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    assert_eq!(plugin.logins(), 1);
}

/// Three views of one session, none of which has a connection when a login is due.
fn attached_and_cut_off(factory: &Factory, plugin: &LoginPlugin) -> Vec<Pty> {
    let terminals: Vec<Pty> = (0..3)
        .map(|_| {
            let terminal = Pty::run(factory.operator.world.command(&["attach", "w/qa"]));
            terminal.wait("I am qa");
            terminal
        })
        .collect();
    eventually("all of them", || (factory.pod().clients().len() == 3).then_some(()));
    // Each asks once which session it is in, and at the same time which container: nothing of that may need the login.
    eventually("their questions", || (factory.operator.cluster.calls().execs().len() >= 6).then_some(()));
    eventually("the answers", || (factory.kubectls().len() == 3).then_some(()));
    plugin.expires();
    factory.cut_off();
    for terminal in &terminals {
        terminal.wait("is reconnecting");
    }
    terminals
}

#[test]
fn of_several_that_come_back_one_logs_in() {
    let (factory, plugin) = logged_in("browser", "IfAvailable");
    let _terminals = attached_and_cut_off(&factory, &plugin);
    factory.operator.cluster.accept_connections();
    eventually("somebody to log in", || (plugin.logins() > 0).then_some(()));
    // Each of them has tried again by then, and would start one of its own.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
    factory.operator.cluster.forget_calls();
    plugin.grant();
    eventually("all of them to be back", || {
        let calls = factory.operator.cluster.calls().execs();
        (calls.len() >= 3 && factory.pod().clients().len() == 3).then_some(())
    });
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn what_a_plugin_asks_while_a_window_comes_back_is_answered_in_it() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = coming_back(&factory, &plugin);
    eventually("the plugin to ask", || (plugin.logins() == 1).then_some(()));
    log_in(&window);
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn ctrl_c_ends_a_login_of_a_window_that_comes_back_and_not_the_window() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = coming_back(&factory, &plugin);
    window.screen.wait("Name:");
    window.screen.keys(&["C-c"]);
    window.wait_state("failed");
    assert_eq!(plugin.logins(), 1);
    // Nothing asks again before somebody wants it.
    plugin.is_logged_in();
    std::thread::sleep(window::MORE_THAN_A_SECOND);
    window.screen.keys(&["Enter"]);
    window.wait_back();
    assert_eq!(plugin.logins(), 1);
}

#[test]
fn a_view_starts_no_login_beside_its_connection() {
    let (factory, plugin) = logged_in("browser", "IfAvailable");
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", "stty -echo; echo I am qa; sleep 1000"]);
    let window = factory.window();
    let before = window.client();
    factory.wait_start_known();
    plugin.expires();
    // Somebody types into a program that answers nothing: the worker would be asked after ten seconds, and again.
    let end = Instant::now() + Duration::from_secs(40);
    while Instant::now() < end {
        assert_eq!(window.state(), "connected");
        window.screen.keys(&["x"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(window.client(), before);
    assert_eq!(plugin.logins(), 0);
}

/// A window that waits for a pod, and whose token expires meanwhile: the next question about the pod needs a login.
fn waiting_for_a_pod<'a>(factory: &'a Factory, plugin: &LoginPlugin) -> Window<'a> {
    let window = factory.window();
    window.types("before");
    factory.wait_start_known();
    factory.worker.scale(0);
    factory.worker.wait("no pod", |pods| pods.is_empty());
    window.wait_state("waiting-pod");
    assert_eq!(plugin.logins(), 0);
    plugin.expires();
    window
}

#[test]
fn what_a_plugin_asks_while_a_pod_is_waited_for_is_answered_in_the_window() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = waiting_for_a_pod(&factory, &plugin);
    log_in(&window);
    // The keys are ours again as soon as nobody asks.
    window.key_until("d", "the details", |text| text.contains("attempts"));
    assert_eq!((plugin.logins(), window.state().as_str()), (1, "waiting-pod"));
    factory.worker.scale(1);
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["after"]);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn a_plugin_that_keeps_nothing_is_answered_for_each_question_and_for_the_session() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = waiting_for_a_pod(&factory, &plugin);
    plugin.keeps_nothing();
    // A question from before would find the pod without anybody to log in.
    eventually("the question", || (plugin.logins() > 0).then_some(()));
    factory.worker.scale(1);
    let mut answered = 0;
    eventually("the session", || {
        if plugin.logins() > answered && window.screen.text().contains("Name:") {
            log_in(&window);
            answered = plugin.logins();
        }
        (window.state() == "connected").then_some(())
    });
    assert!(answered >= 2, "the question, and the session");
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["after"]);
}

#[test]
fn ctrl_c_ends_a_login_that_a_question_about_the_pod_has_begun_and_enter_asks_again() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = waiting_for_a_pod(&factory, &plugin);
    window.screen.wait("Name:");
    window.screen.keys(&["C-c"]);
    window.wait_state("failed");
    window.screen.wait("it was interrupted (Ctrl-C)");
    assert_eq!(plugin.logins(), 1);
    window.key_until("Enter", "the plugin to ask again", |text| text.contains("Name:"));
    factory.worker.scale(1);
    log_in(&window);
    window.wait_back();
    window.types("after");
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (2, 1));
}

/// Its person is at a page somewhere: the keys of the window are ours meanwhile, and nothing gives up.
#[test]
fn a_login_in_a_browser_while_a_pod_is_waited_for_takes_as_long_as_it_takes() {
    let (factory, plugin) = logged_in("browser", "Never");
    let window = waiting_for_a_pod(&factory, &plugin);
    window.screen.wait("Open https://login.example.com/device");
    // Longer than any question may take.
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        assert_eq!((plugin.logins(), window.state().as_str()), (1, "waiting-pod"));
        std::thread::sleep(Duration::from_millis(200));
    }
    window.key_until("d", "the details", |text| text.contains("attempts"));
    factory.worker.scale(1);
    plugin.grant();
    window.wait_back();
    window.types("after");
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

/// Whether a session is over is asked of the cluster, hours after its view has logged in.
#[test]
fn a_session_that_ends_when_a_login_is_due_is_asked_for_on_the_terminal() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = factory.window();
    factory.wait_start_known();
    plugin.expires();
    factory.pod().tmux(&["kill-session", "-t", "=qa"]);
    log_in(&window);
    eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

/// Closing it asks the worker to let go of the client that the cut has left there: not at the price of a login.
#[test]
fn a_window_that_is_closed_when_its_login_was_interrupted_starts_no_other() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let window = coming_back(&factory, &plugin);
    window.screen.wait("Name:");
    window.screen.keys(&["C-c"]);
    window.wait_state("failed");
    eventually("Q to close the window", || {
        std::thread::sleep(window::MORE_THAN_A_SECOND);
        window.screen.keys(&["Q"]);
        std::thread::sleep(window::MORE_THAN_A_SECOND);
        (window.screen.windows() == ["|home"]).then_some(())
    });
    eventually("the processes to end", || factory.processes().is_empty().then_some(()));
    assert_eq!(plugin.logins(), 1);
}

/// Which of these a plugin asks, besides some.
fn asking(terminals: &[Pty], besides: &[usize]) -> Option<usize> {
    let asks = |terminal: &Pty| String::from_utf8_lossy(&terminal.written()).contains("Name:");
    (0..terminals.len()).find(|at| !besides.contains(at) && asks(&terminals[*at]))
}

/// Of several windows that wait for their turn, one logs in; when that is interrupted, one of the others does, and not all.
#[test]
fn an_interrupted_login_lets_one_other_window_log_in() {
    let (factory, plugin) = logged_in("ask", "IfAvailable");
    let mut terminals = attached_and_cut_off(&factory, &plugin);
    factory.operator.cluster.accept_connections();
    let first = eventually("the plugin to ask", || asking(&terminals, &[]));
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
    terminals[first].type_bytes(b"\x03");
    terminals[first].wait("it was interrupted");
    let second = eventually("the plugin to ask in another", || asking(&terminals, &[first]));
    // Each of them has its turn by then, and would start one of its own.
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!((plugin.logins(), plugin.at_the_same_time(), asking(&terminals, &[first, second])), (2, 1, None));
}
