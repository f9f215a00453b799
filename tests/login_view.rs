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
use window::{Factory, Kind};

#[test]
fn a_window_that_comes_back_waits_for_its_login_and_starts_no_other() {
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, "browser", "IfAvailable");
    plugin.is_logged_in();
    let window = factory.window();
    window.types("before");
    factory.wait_start_known();
    plugin.expires();
    factory.cut_off();
    window.wait_state("reconnecting");
    factory.operator.cluster.accept_connections();
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

#[test]
fn of_several_that_come_back_one_logs_in() {
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, "browser", "IfAvailable");
    plugin.is_logged_in();
    let terminals: Vec<Pty> = (0..3)
        .map(|_| {
            let terminal = Pty::run(factory.operator.world.command(&["attach", "w/qa"]));
            terminal.wait("I am qa");
            terminal
        })
        .collect();
    eventually("all of them", || (factory.pod().clients().len() == 3).then_some(()));
    plugin.expires();
    factory.cut_off();
    for terminal in &terminals {
        terminal.wait("is reconnecting");
    }
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
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, "ask", "IfAvailable");
    plugin.is_logged_in();
    let window = factory.window();
    window.types("before");
    factory.wait_start_known();
    plugin.expires();
    factory.cut_off();
    window.wait_state("reconnecting");
    factory.operator.cluster.accept_connections();
    eventually("the plugin to ask", || (plugin.logins() == 1).then_some(()));
    window.screen.wait("Name:");
    window.screen.enter("ann");
    window.screen.wait("Password:");
    window.screen.enter("sesame");
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}

#[test]
fn ctrl_c_ends_a_login_of_a_window_that_comes_back_and_not_the_window() {
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, "ask", "IfAvailable");
    plugin.is_logged_in();
    let window = factory.window();
    factory.wait_start_known();
    plugin.expires();
    factory.cut_off();
    window.wait_state("reconnecting");
    factory.operator.cluster.accept_connections();
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
    let mut factory = Factory::start(Kind::Deployment);
    let plugin = LoginPlugin::of(&mut factory.operator, "browser", "IfAvailable");
    plugin.is_logged_in();
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
