//! A kubectl whose connection nobody can see, in a sandbox or on a system without the kernel's counters: the way to the API
//! server says how it is.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::time::Duration;

use kubesim::{Fault, execs};
use support::{ROOT, eventually};
use window::{Factory, Kind};

/// A factory whose kubectl is nobody's child.
fn factory() -> Factory {
    let mut factory = Factory::start(Kind::Deployment);
    let text = format!("#!/bin/sh\nexec perl {ROOT}/tests/programs/unseen.pl \"$REAL_KUBECTL\" \"$@\"\n");
    let wrapper = factory.operator.world.script("kubectl", &text);
    let path = std::env::var_os("PATH").unwrap();
    let real =
        std::env::split_paths(&path).map(|place| place.join("kubectl")).find(|program| program.is_file()).expect("kubectl");
    let world = factory.operator.world.env("REAL_KUBECTL", real.to_str().unwrap());
    factory.operator.world = world.env("FACTORY_KUBECTL", wrapper.to_str().unwrap());
    factory
}

#[test]
fn a_network_that_is_gone_is_noticed_and_its_return_is_used() {
    let factory = factory();
    let window = factory.window();
    window.types("before");
    factory.operator.cluster.refuse_connections();
    assert_eq!(factory.operator.cluster.break_open_execs("fleet", &Fault::freeze_after(Duration::ZERO)), 1);
    // kubectl would take a minute, and never say this.
    window.wait_state("stalled");
    window.wait_state("reconnecting");
    window.screen.wait("w/qa is reconnecting: ");
    window.screen.enter("typed into nothing");
    factory.operator.cluster.accept_connections();
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
    window.close();
    factory.wait_clean();
}

#[test]
fn a_server_that_is_away_for_a_moment_costs_no_connection() {
    let factory = factory();
    let window = factory.window();
    let client = window.client();
    factory.operator.cluster.refuse_connections();
    window.wait_state("stalled");
    factory.operator.cluster.accept_connections();
    window.wait_state("connected");
    window.types("still there");
    eventually("the only client", || (factory.pod().clients().len() == 1).then_some(()));
    assert!(!window.new_client_than(&client), "the connection was replaced");
}

/// kubectl has taken the terminal, and that is all.
#[test]
fn a_worker_that_does_not_let_us_in_is_no_connection() {
    let factory = factory();
    let window = factory.window();
    window.types("before");
    factory.operator.cluster.when(execs().once()).then(Fault::Silence);
    let before = factory.pod().tmux(&["list-clients", "-F", "#{client_pid}"]);
    assert_eq!(factory.operator.cluster.break_open_execs("fleet", &Fault::cut_after(Duration::ZERO)), 1);
    window.wait_state("reconnecting");
    eventually("another client", || {
        let connected = window.state() == "connected";
        let clients = factory.pod().tmux(&["list-clients", "-F", "#{client_pid}"]);
        assert!(!connected || clients != before, "it says so without a client");
        connected.then_some(())
    });
    window.wait_back();
    window.types("after");
    assert_eq!(factory.typed(), ["before", "after"]);
}
