//! Connections that neither work nor end: seen, replaced, and nothing that was typed into them afterwards arrives.

#[path = "support/operator.rs"]
mod operator;
#[path = "support/sleep.rs"]
mod sleep;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::time::{Duration, Instant};

use kubesim::{Fault, Kubeconfig};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use sleep::Asleep;
use support::eventually;
use window::{Factory, Kind};

fn freeze(factory: &Factory) {
    assert_eq!(factory.operator.cluster.break_open_execs("fleet", &Fault::freeze_after(Duration::ZERO)), 1);
}

#[test]
fn a_stalled_connection_is_seen_and_replaced() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    window.types("before");
    freeze(&factory);
    window.wait_state("stalled");
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    let text = window.screen.text();
    assert!(!text.contains("reconnecting") && text.contains("before"), "the screen is still kubectl's: {text}");
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    assert_eq!(window.name(), "w/qa");
    window.close();
    factory.wait_clean();
}

/// A session that says something all the time, over a kubectl that may stand behind a wrapper.
fn talkative(wrapped: bool) -> Factory {
    let mut factory = Factory::start(Kind::Deployment);
    if wrapped {
        let wrapper = factory.operator.world.script("kubectl", "#!/bin/sh\n\"$REAL_KUBECTL\" \"$@\"\n");
        let path = std::env::var_os("PATH").unwrap();
        let real = std::env::split_paths(&path).map(|place| place.join("kubectl")).find(|program| program.is_file());
        let world = factory.operator.world.env("REAL_KUBECTL", real.expect("kubectl").to_str().unwrap());
        factory.operator.world = world.env("FACTORY_KUBECTL", wrapper.to_str().unwrap());
    }
    let talk = "echo I am qa; while :; do printf '\\rtick '; sleep 0.1; printf '\\rtack '; sleep 0.1; done";
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", talk]);
    factory
}

/// The kubectl that holds the view's connection, not what it stands behind.
fn kubectl(factory: &Factory) -> Pid {
    let is_kubectl = |id: &i32| {
        let program = std::fs::read_link(format!("/proc/{id}/exe")).unwrap_or_default();
        program.file_name().is_some_and(|name| name == "kubectl")
    };
    let running = traces::running(&factory.operator.world).into_iter();
    let mut found = running.filter(|(id, command)| command.contains(" -it ") && is_kubectl(id)).map(|(id, _)| id);
    Pid::from_raw(found.next_back().expect("kubectl"))
}

/// Bytes go on coming; nobody reads them.
#[rstest]
fn a_kubectl_that_is_stopped_is_no_connection(#[values(false, true)] wrapped: bool) {
    let factory = talkative(wrapped);
    let window = factory.window();
    let stopped = kubectl(&factory);
    kill(stopped, Signal::SIGSTOP).unwrap();
    window.wait_state("stalled");
    eventually("a mark", || (window.name() == "! w/qa").then_some(()));
    window.wait_back();
    assert_eq!(window.name(), "w/qa");
    eventually("the stopped one to be gone", || kill(stopped, None).is_err().then_some(()));
    window.close();
    factory.wait_clean();
}

#[test]
fn a_kubectl_that_goes_on_in_time_keeps_its_connection() {
    let factory = talkative(false);
    let window = factory.window();
    let before = window.client();
    kill(kubectl(&factory), Signal::SIGSTOP).unwrap();
    window.wait_state("stalled");
    kill(kubectl(&factory), Signal::SIGCONT).unwrap();
    window.wait_state("connected");
    assert!(!window.new_client_than(&before), "the connection was replaced");
}

/// kubectl does not read on then; another one could not write either.
#[test]
fn a_terminal_that_takes_no_output_costs_no_connection() {
    let factory = talkative(false);
    let flood = "echo I am qa; exec yes 'a line that comes again and again and again and again and again and again'";
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", flood]);
    let screen = factory.operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("again and again");
    let clients = || factory.pod().tmux(&["list-clients", "-F", "#{client_pid}"]);
    let before = clients();
    let tmux = Pid::from_raw(screen.inner(&["display-message", "-p", "#{pid}"]).trim().parse().unwrap());
    kill(tmux, Signal::SIGSTOP).unwrap();
    // Longer than a connection may be silent.
    let end = Instant::now() + Duration::from_secs(20);
    while Instant::now() < end {
        assert_eq!(clients(), before);
        std::thread::sleep(Duration::from_millis(200));
    }
    kill(tmux, Signal::SIGCONT).unwrap();
    let state = || screen.inner(&["show-options", "-pqv", "-t", "main:1.0", "@factory-worker-state"]);
    eventually("the window to be connected", || (state().trim() == "connected").then_some(()));
    assert_eq!(clients(), before);
}

#[test]
fn keys_that_are_typed_once_a_frozen_view_is_down_never_arrive() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    freeze(&factory);
    factory.operator.cluster.refuse_connections();
    window.wait_state("reconnecting");
    window.screen.wait("w/qa is reconnecting: ");
    window.screen.enter("typed into nothing");
    factory.operator.cluster.accept_connections();
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["after"]);
}

#[test]
fn a_slow_connection_is_no_stalled_one() {
    let factory = Factory::start(Kind::Deployment);
    factory.operator.cluster.when(kubesim::execs()).then(Fault::slow(Duration::from_millis(300)));
    let window = factory.window();
    let end = Instant::now() + Duration::from_secs(15);
    while Instant::now() < end {
        assert_eq!(window.state(), "connected");
        std::thread::sleep(Duration::from_millis(100));
    }
    window.types("slowly");
    assert_eq!(factory.pod().clients().len(), 1);
}

#[test]
fn a_node_that_freezes_behind_a_living_server_is_noticed_by_whoever_types() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    window.types("before");
    let frozen = Fault::freeze_after(Duration::ZERO).with_pongs();
    assert_eq!(factory.operator.cluster.break_open_execs("fleet", &frozen), 1);
    let before = window.client();
    // Half a minute on a machine that has nothing else to do.
    let end = Instant::now() + Duration::from_secs(120);
    while !window.new_client_than(&before) {
        assert!(Instant::now() < end, "it was not noticed; the state is {:?}", window.state());
        window.screen.keys(&["x"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    window.wait_back();
    window.screen.keys(&["C-u"]);
    window.types("after");
}

#[test]
fn a_session_that_answers_nothing_to_keys_stays_connected() {
    let factory = Factory::start(Kind::Deployment);
    // Nobody reads what is typed there, and nothing shows it.
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", "stty -echo; echo I am qa; sleep 1000"]);
    let window = factory.window();
    let before = window.client();
    factory.operator.cluster.forget_calls();
    // The worker is asked to draw the screen, and does.
    eventually("a question", || {
        window.screen.keys(&["x"]);
        (!factory.operator.cluster.calls().execs().is_empty()).then_some(())
    });
    let end = Instant::now() + Duration::from_secs(15);
    while Instant::now() < end {
        assert_eq!(window.state(), "connected");
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(window.client(), before);
    assert_eq!(factory.operator.cluster.calls().execs().len(), 1, "it was asked once");
}

#[test]
fn a_login_that_expires_costs_no_living_connection() {
    let mut factory = Factory::start(Kind::Deployment);
    let login = factory.operator.cluster.admin("ann");
    let file = factory.operator.cluster.directory().join("ann");
    Kubeconfig::new().login("ann", &factory.operator.cluster, &login).write(&file);
    factory.operator.world = factory.operator.world.env("KUBECONFIG", file.to_str().unwrap());
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", "stty -echo; echo I am qa; sleep 1000"]);
    let window = factory.window();
    let before = window.client();
    factory.wait_start_known();
    factory.operator.cluster.expire(&login);
    factory.operator.cluster.forget_calls();
    eventually("a question that is refused", || {
        window.screen.keys(&["x"]);
        (!factory.operator.cluster.calls().about_objects().is_empty()).then_some(())
    });
    // Another one would follow at once.
    let end = Instant::now() + Duration::from_secs(5);
    while Instant::now() < end {
        assert_eq!(window.state(), "connected");
        window.screen.keys(&["x"]);
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(window.client(), before);
}

#[test]
fn an_api_server_that_answers_no_new_question_costs_no_living_connection() {
    let factory = Factory::start(Kind::Deployment);
    factory.pod().tmux(&["respawn-pane", "-k", "-t", "=qa:", "--", "sh", "-c", "stty -echo; echo I am qa; sleep 1000"]);
    let window = factory.window();
    let before = window.client();
    factory.wait_start_known();
    factory.operator.cluster.forget_calls();
    factory.operator.cluster.when(kubesim::everything()).then(Fault::Silence);
    eventually("a question that nobody answers", || {
        window.screen.keys(&["x"]);
        (!factory.operator.cluster.calls().about_objects().is_empty()).then_some(())
    });
    // It is given up after ten seconds, and so would be the next one, and with that the connection.
    let end = Instant::now() + Duration::from_secs(35);
    while Instant::now() < end {
        assert_eq!(window.state(), "connected");
        window.screen.keys(&["x"]);
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(window.client(), before);
}

/// How soon, is for `make soak` to say.
#[test]
fn a_laptop_that_slept_over_a_dead_link_comes_back() {
    let factory = Factory::start(Kind::Deployment);
    let window = factory.window();
    window.types("before");
    let asleep = Asleep::begin(&factory.operator.world, &window.screen);
    freeze(&factory);
    factory.operator.cluster.forget_calls();
    // As long as a connection may be silent before it counts as dead, and more.
    std::thread::sleep(Duration::from_secs(14));
    assert!(factory.operator.cluster.calls().about_objects().is_empty(), "somebody is awake");
    asleep.wake();
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    window.close();
    factory.wait_clean();
}
