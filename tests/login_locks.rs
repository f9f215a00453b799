//! One login at a time, whatever becomes of who has the turn: stopped, or on a disk that takes nothing more.

#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
mod support;

use std::process::{Child, Stdio};
use std::time::Duration;

use kubesim::{Cluster, Running};
use login_plugin::{LoginPlugin, end, start};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use operator::Operator;
use support::{BIN, eventually};

/// A deadline for what comes, however busy the machine is.
const LONG: &str = "--timeout=60s";

/// The worker `w` of an operator whose plugin waits for its person somewhere else.
fn factory() -> (Operator, LoginPlugin, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").session("qa", "echo I am qa; exec cat").start();
    let mut operator = Operator::of(cluster).worker("w", "fleet", "");
    let plugin = LoginPlugin::of(&mut operator, "browser", "IfAvailable");
    (operator, plugin, worker)
}

fn wait_for_logins(plugin: &LoginPlugin, count: usize) {
    eventually("somebody to log in", || (plugin.logins() == count).then_some(()));
}

#[test]
fn who_was_stopped_while_logging_in_keeps_nobody_waiting() {
    let (operator, plugin, _worker) = factory();
    let mut stopped = start(&operator, &["peek", "w/qa", LONG]);
    wait_for_logins(&plugin, 1);
    let signal = |signal| kill(Pid::from_raw(stopped.id() as i32), signal).unwrap();
    signal(Signal::SIGSTOP);
    let others: Vec<Child> = (0..3).map(|_| start(&operator, &["list", "--json", LONG])).collect();
    wait_for_logins(&plugin, 2);
    // They agree on who goes first, as they do without it.
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (2, 2));
    plugin.grant();
    for other in others {
        assert!(end(other).expect(0).stdout.contains("running"));
    }
    signal(Signal::SIGCONT);
    eventually("it to go on", || stopped.try_wait().unwrap().filter(|status| status.success()));
}

#[test]
fn a_full_disk_costs_no_login_and_no_answer() {
    let (mut operator, plugin, _worker) = factory();
    // No file of ours may grow; those of kubectl and its plugin may.
    let kubectl = operator.world.script("kubectl", "#!/bin/sh\nulimit -S -f unlimited\nexec \"$REAL_KUBECTL\" \"$@\"\n");
    let real = which::which("kubectl").unwrap();
    for (name, value) in [("FACTORY_KUBECTL", &kubectl), ("REAL_KUBECTL", &real)] {
        operator.world = operator.world.env(name, value.to_str().unwrap());
    }
    let script = format!("trap '' XFSZ; ulimit -S -f 0; exec {BIN} list --json {LONG}");
    let lists: Vec<Child> = (0..3)
        .map(|_| {
            let mut shell = operator.world.program("sh");
            shell.args(["-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    wait_for_logins(&plugin, 1);
    std::thread::sleep(Duration::from_millis(500));
    plugin.grant();
    for list in lists {
        assert!(end(list).expect(0).stdout.contains("running"));
    }
    assert_eq!((plugin.logins(), plugin.at_the_same_time()), (1, 1));
}
