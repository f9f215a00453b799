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

use kubesim::{Call, Calls, Cluster, Pod, Running};
use nix::sys::signal::Signal;
use operator::{FACTORY, Operator};
use rstest::rstest;
use serde_json::Value;
use support::{Screen, eventually};
use window::{Factory, Kind, Window};

/// The longest request line without a terminal, and the longest of a view, in bytes: nginx takes 8,190.
const SHORT: usize = 2000;
const VIEW: usize = 6500;

/// 200 characters of three bytes, a hundred of them with nothing in common.
fn long_name() -> String {
    (0..200u32).map(|at| char::from_u32(0x4e00 + (at % 100 * 7919) % 20_000).unwrap()).collect()
}

/// 200 characters of one byte, as little alike.
fn plain_long_name() -> String {
    (0..200u32).map(|at| char::from(b'0' + (at * 31 % 75) as u8)).map(|c| if ":.;\\".contains(c) { '-' } else { c }).collect()
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

/// A view with everything that makes it long, and once more when it comes back. 200 different letters of three bytes are 600
/// bytes by themselves, which nothing packs.
#[rstest]
#[case::of_three_bytes(&long_name(), "factory", "factory-worker-1", VIEW + 500)]
#[case::of_one_byte(&plain_long_name(), &"n".repeat(63), &"p".repeat(52), VIEW)]
fn a_window_is_short_enough_with_everything(#[case] name: &str, #[case] namespace: &str, #[case] pod: &str, #[case] most: usize) {
    let cluster = Cluster::start();
    let worker = cluster.stateful_set(pod).in_namespace(namespace).session(name, "echo I am it; exec cat").start();
    let operator = Operator::of(cluster).worker("w", pod, &format!("namespace: {namespace}"));
    let address = format!("w/{name}");
    let screen = operator.world.screen();
    screen.run(&["open", &address]).expect(0);
    wait_shown(&screen, &worker.pod());
    operator.cluster.drop_connections();
    let views = || operator.cluster.calls().execs().into_iter().filter(is_view).collect::<Vec<_>>();
    eventually("the view to come back", || (views().len() == 2).then_some(()));
    wait_shown(&screen, &worker.pod());
    let (views, lengths): (Vec<_>, Vec<_>) = views().into_iter().map(|call| (call.command[..3].to_vec(), call.line)).unzip();
    assert!(lengths.iter().all(|&length| length < most), "{lengths:?}");
    assert!(views.iter().all(|constant| *constant == views[0]), "{views:?}");
}

fn is_view(call: &Call) -> bool {
    call.path.contains("tty=true")
}

#[test]
fn what_views_have_left_does_not_make_the_next_one_long() {
    let factory = Factory::start(Kind::Deployment);
    leave_sixteen(&factory.window(), &factory);
    factory.operator.cluster.forget_calls();
    let window = factory.window();
    window.types("hello");
    let calls = factory.operator.cluster.calls();
    assert!(calls.longest_line() < VIEW, "{}", calls.longest_line());
    window.close();
    factory.operator.run(&["list"]).expect(0);
    factory.wait_clean();
}

/// A worker `w` whose container has neither gunzip nor gzip.
fn without_gunzip(cluster: Cluster) -> (Operator, Running) {
    let missing = "#!/bin/sh\nexit 127\n";
    let worker = cluster
        .deployment("fleet")
        .script("gunzip", missing)
        .script("gzip", missing)
        .session("qa", "echo I am qa; exec cat")
        .session("dev", "echo I am dev; exec cat")
        .start();
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

/// The one test in which the cluster takes long request lines: such a worker gets a view's script as it is.
#[test]
fn a_worker_that_cannot_unpack_gets_the_long_form() {
    let cluster = Cluster::start();
    cluster.takes_long_request_lines();
    let (operator, worker) = without_gunzip(cluster);
    let screen = operator.world.screen();
    let views = || operator.cluster.calls().execs().into_iter().filter(is_view).count();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    assert_eq!(screen.windows(), ["|home", "w/qa|w/qa"]);
    assert!(operator.cluster.calls().longest_line() > 8190);
    assert_eq!(
        views(),
        2,
        "{:?}",
        operator
            .cluster
            .calls()
            .execs()
            .iter()
            .map(|call| (call.method.clone(), call.line, call.command[2].clone(), call.command.last().cloned()))
            .collect::<Vec<_>>()
    );
    screen.type_text("hello");
    eventually("the text to arrive", || worker.pod().pane("qa").contains("hello").then_some(()));
    // Once is enough.
    screen.run(&["open", "w/dev"]).expect(0);
    screen.wait("I am dev");
    assert_eq!(views(), 3);
    operator.cluster.drop_connections();
    eventually("both to come back", || (views() == 5 && worker.pod().clients().len() == 2).then_some(()));
    let shown = || screen.inner(&["list-windows", "-F", "#{@factory-worker-state}"]);
    eventually("both to say so", || (shown() == "\nconnected\nconnected\n").then_some(()));
    screen.run(&["close", "w/qa", "w/dev"]).expect(0);
    eventually("the options to go", || (!worker.pod().tmux(&["show-options", "-s"]).contains("@factory-worker")).then_some(()));
}

/// Where the way there takes no long line, such a worker has no windows; it is said what it lacks.
#[test]
fn a_worker_that_cannot_unpack_behind_a_short_buffer_says_what_it_lacks() {
    let (operator, _worker) = without_gunzip(Cluster::start());
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]);
    let text = screen.wait_until("a reason", |text| text.contains("gunzip") || text.contains("any key"));
    assert!(text.contains("gunzip"), "{text}");
}
