//! No request line is long: argv of an exec is a part of a URL, and what stands in front of an API server takes 8 KiB of it
//! unless it is told to take more. Scripts and words travel on standard input; to a terminal they travel packed.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use std::fs;

use kubesim::{Call, Calls, Cluster, Pod};
use nix::sys::signal::Signal;
use operator::{FACTORY, Operator};
use serde_json::Value;
use support::{Screen, eventually};
use window::{Factory, Kind, Window};

/// The longest request line without a terminal, and the longest of a view, in bytes.
const SHORT: usize = 2000;
const VIEW: usize = 6500;

/// 200 characters that nothing packs well, as tmux lets a session be called.
fn long_name() -> String {
    (0..200u32).map(|at| char::from_u32(0x4e00 + (at * 7919) % 20_000).unwrap()).collect()
}

/// The execs among these calls, each no longer than that; the words before the last `varying` are the same in all.
#[track_caller]
fn assert_short(calls: &Calls, bound: usize, varying: usize) {
    let execs: Vec<Call> = calls.execs().into_iter().collect();
    let constant = |call: &Call| call.command[..call.command.len() - varying].to_vec();
    assert!(!execs.is_empty());
    for call in &execs {
        assert!(call.line < bound, "{} bytes: {call:?}", call.line);
        assert_eq!(constant(call), constant(&execs[0]));
    }
}

/// Whatever is asked without a terminal.
#[test]
fn a_question_is_short_whatever_is_in_it() {
    let cluster = Cluster::start();
    let name = long_name();
    let namespace = "n".repeat(63);
    let worker = cluster
        .stateful_set(&"p".repeat(52))
        .in_namespace(&namespace)
        .script("factory", FACTORY)
        .session(&name, "echo I am it; exec cat")
        .session("qa", "exec cat")
        .start();
    let commands = "commands: {status: factory status, queue: factory queue list, dispatch: \"factory add {issue} {intent}\"}";
    let more = format!("namespace: {namespace}\n{commands}");
    let operator = Operator::of(cluster).worker("w", &"p".repeat(52), &more);
    operator.cluster.forget_calls();

    let address = format!("w/{name}");
    let intent = "% ü&".repeat(750);
    operator.run(&["list"]).expect(0);
    operator.run(&["status", "w"]).expect(0);
    assert_eq!(operator.run(&["peek", &address]).expect(0).stdout, "I am it\n");
    operator.run(&["peek", "w/qa"]).expect(0);
    operator.run(&["nudge", &address, &intent]);
    operator.run(&["interrupt", "w/qa"]).expect(0);
    operator.run(&["dispatch", "w", "--project", "p", "--issue", "7", "--intent", &intent]).expect(0);
    operator.run(&["doctor"]);
    let calls = operator.cluster.calls();
    assert_short(&calls, SHORT, 1);
    assert!(calls.longest_line() < SHORT, "{}", calls.longest_line());
    let noted = fs::read_to_string(worker.pod().home().join("calls")).unwrap();
    assert!(noted.contains(&format!("add 7 {intent}")), "{noted}");
}

/// Write down that sixteen views left clients behind, by the example of one that did.
fn leave_sixteen(window: &Window<'_>, factory: &Factory) {
    window.signal(Signal::SIGKILL);
    let path = factory.operator.world.path("state/factory-worker/views.json");
    eventually("the view to end", || factory.processes().is_empty().then_some(()));
    let mut views: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let (_, left) = views.as_object().unwrap().iter().next().unwrap();
    let left = left.clone();
    for number in 0..15u64 {
        views[format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15))] = left.clone();
    }
    fs::write(path, views.to_string()).unwrap();
}

fn wait_shown(screen: &Screen<'_>, pod: &Pod) {
    screen.wait("I am it");
    eventually("one client", || (pod.clients().len() == 1).then_some(()));
}

/// A view with everything that makes it long: a name of 200 characters, views that left clients, a reconnect.
#[test]
fn a_window_is_short_enough_with_everything() {
    let cluster = Cluster::start();
    let name = long_name();
    let namespace = "n".repeat(63);
    let worker = cluster.stateful_set(&"p".repeat(52)).in_namespace(&namespace).session(&name, "echo I am it; exec cat").start();
    let operator = Operator::of(cluster).worker("w", &"p".repeat(52), &format!("namespace: {namespace}"));
    let address = format!("w/{name}");
    {
        let screen = operator.world.screen();
        screen.run(&["open", &address]).expect(0);
        wait_shown(&screen, &worker.pod());
        operator.cluster.drop_connections();
        eventually("the view to come back", || {
            (operator.cluster.calls().execs().iter().filter(|call| call.line > SHORT).count() >= 2).then_some(())
        });
        wait_shown(&screen, &worker.pod());
    }
    let calls = operator.cluster.calls();
    println!("view: {:?}", calls.execs().iter().map(|call| call.line).collect::<Vec<_>>());
    for call in calls.execs().iter() {
        assert!(call.line < VIEW, "{} bytes: {call:?}", call.line);
    }
}

#[test]
fn what_views_have_left_does_not_make_the_next_one_long() {
    let factory = Factory::start(Kind::Deployment);
    leave_sixteen(&factory.window(), &factory);
    factory.operator.cluster.forget_calls();
    let window = factory.window();
    window.types("hello");
    let calls = factory.operator.cluster.calls();
    println!("left: {:?}", calls.execs().iter().map(|call| call.line).collect::<Vec<_>>());
    assert!(calls.longest_line() < VIEW, "{}", calls.longest_line());
    window.close();
    factory.operator.run(&["list"]).expect(0);
    factory.wait_clean();
}
