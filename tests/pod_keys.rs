//! The keys of the plugin and of the picker, on sessions in pods: real key presses, the real kubectl.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;

use kubesim::{Cluster, Running, Stage, execs};
use operator::{FACTORY, Operator, resolutions};
use rstest::rstest;
use support::{Screen, eventually};

/// The worker `w`, a Deployment with two sessions: `dev` shows what is typed, `qa` answers each line, and Ctrl-C.
fn factory() -> (Operator, Running) {
    let answers = "trap 'echo interrupted' INT; echo I am qa; while :; do read line && echo \"got: $line\"; done";
    let cluster = Cluster::start();
    let fleet = cluster.deployment("fleet").script("factory", FACTORY);
    let worker = fleet.session("dev", "echo I am dev; exec cat").session("qa", answers).start();
    eventually("the sessions to begin", || worker.pod().pane("qa").contains("I am qa").then_some(()));
    (Operator::of(cluster).worker("w", "fleet", "commands: {queue: factory queue list}"), worker)
}

/// A terminal whose window shows `w/qa`.
fn window_of_qa(operator: &Operator) -> Screen<'_> {
    let screen = operator.world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    screen
}

/// The picker in its popup, opened by `key`, with `w/qa` highlighted.
fn picker<'a>(operator: &'a Operator, key: &str) -> Screen<'a> {
    let screen = operator.world.screen();
    screen.prefix(key);
    screen.wait("w/dev");
    screen.type_text("qa");
    screen.wait_until("only qa to be left", |text| text.contains("w/qa") && !text.contains("w/dev"));
    screen.wait("│I am qa");
    screen
}

#[track_caller]
fn wait_window(screen: &Screen<'_>) {
    screen.wait("I am qa");
    eventually("the window", || (screen.windows() == ["|home", "w/qa|w/qa"]).then_some(()));
}

#[track_caller]
fn wait_pane(worker: &Running, text: &str) {
    eventually(&format!("{text:?} in the session"), || worker.pod().pane("qa").contains(text).then_some(()));
}

#[track_caller]
fn nudge_from_the_form(screen: &Screen<'_>, worker: &Running) {
    screen.wait("Nudge w/qa");
    screen.wait("Enter send");
    let text = "it's \"$HOME\" `id` #(id); -x";
    screen.type_text(text);
    screen.keys(&["Enter"]);
    wait_pane(worker, &format!("got: {text}"));
}

#[track_caller]
fn dispatch_from_the_form(screen: &Screen<'_>, worker: &Running) {
    screen.wait("< w >");
    screen.type_text("acme/shop");
    screen.keys(&["Tab"]);
    screen.type_text("42");
    screen.keys(&["Enter"]);
    screen.wait("dispatched acme/shop#42 to w");
    let calls = fs::read_to_string(worker.pod().home().join("calls")).unwrap();
    assert!(calls.ends_with("queue add --project acme/shop --issue 42\n"), "{calls}");
}

#[test]
fn w_picks_and_enter_opens() {
    let (operator, worker) = factory();
    let screen = picker(&operator, "W");
    screen.keys(&["Enter"]);
    wait_window(&screen);
    screen.type_text("hello");
    screen.keys(&["Enter"]);
    wait_pane(&worker, "got: hello");
    let pod = screen.inner(&["show-options", "-pv", "-t", "w/qa", "@factory-worker-pod"]);
    assert_eq!(pod.trim_end(), worker.pod().name());
}

#[test]
fn the_picker_asks_each_worker_once_to_begin_with() {
    let (operator, _worker) = factory();
    operator.run(&["list"]).expect(0);
    operator.cluster.forget_calls();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("2 sessions on 1 worker");
    let calls = operator.cluster.calls().about_objects();
    let listings = calls.execs().iter().filter(|call| call.input.contains("list-sessions -F 'S ")).count();
    assert_eq!((listings, resolutions(&calls)), (1, 0), "{calls:?}");
}

#[test]
fn p_peeks_at_the_window_s_session_until_it_is_left() {
    let (operator, worker) = factory();
    let screen = window_of_qa(&operator);
    screen.prefix("P");
    screen.wait("w/qa · Enter open");
    screen.keys(&["x", "Escape"]);
    screen.wait_popup_gone();
    assert!(!worker.pod().pane("qa").contains('x'), "the key reached the session");
}

#[test]
fn p_elsewhere_picks_a_session_to_peek_at() {
    let (operator, _worker) = factory();
    let screen = picker(&operator, "P");
    screen.keys(&["Enter"]);
    screen.wait("w/qa · Enter open");
    screen.wait("I am qa");
    assert_eq!(screen.windows(), ["|home"]);
}

#[test]
fn n_nudges_the_window_s_session() {
    let (operator, worker) = factory();
    let screen = window_of_qa(&operator);
    screen.prefix("N");
    nudge_from_the_form(&screen, &worker);
}

#[test]
fn n_elsewhere_picks_a_session_to_nudge() {
    let (operator, worker) = factory();
    let screen = picker(&operator, "N");
    screen.keys(&["Enter"]);
    nudge_from_the_form(&screen, &worker);
}

#[test]
fn g_dispatches_to_the_window_s_worker() {
    let (operator, worker) = factory();
    let screen = window_of_qa(&operator);
    screen.prefix("G");
    dispatch_from_the_form(&screen, &worker);
}

#[test]
fn alt_s_opens_a_pane() {
    let (operator, worker) = factory();
    let screen = picker(&operator, "W");
    screen.keys(&["M-s"]);
    eventually("the pane", || {
        (screen.inner(&["list-panes", "-t", "main:home", "-F", "#{@factory-worker-address}"]) == "\nw/qa\n").then_some(())
    });
    eventually("its client", || (worker.pod().clients().len() == 1).then_some(()));
    assert_eq!(screen.windows().len(), 1);
}

#[test]
fn alt_p_peeks_and_comes_back() {
    let (operator, _worker) = factory();
    let screen = picker(&operator, "W");
    screen.keys(&["M-p"]);
    screen.wait("w/qa · Enter open");
    screen.keys(&["Escape"]);
    screen.wait("│I am qa");
}

#[test]
fn alt_g_dispatches() {
    let (operator, worker) = factory();
    let screen = picker(&operator, "W");
    screen.keys(&["M-g"]);
    dispatch_from_the_form(&screen, &worker);
}

#[test]
fn alt_n_nudges() {
    let (operator, worker) = factory();
    let screen = picker(&operator, "W");
    screen.keys(&["M-n"]);
    nudge_from_the_form(&screen, &worker);
}

#[rstest]
#[case::yes("y", true)]
#[case::no("n", false)]
fn alt_x_interrupts_after_asking(#[case] key: &str, #[case] sent: bool) {
    let (operator, worker) = factory();
    let screen = picker(&operator, "W");
    screen.keys(&["M-x"]);
    screen.wait("Send Ctrl-C to w/qa? [y/N]");
    operator.cluster.forget_calls();
    screen.keys(&[key]);
    screen.wait_gone("Send Ctrl-C");
    if sent {
        wait_pane(&worker, "interrupted");
    } else {
        assert!(operator.cluster.calls().matching(&execs()).is_empty());
        assert!(!worker.pod().pane("qa").contains("interrupted"));
    }
}

#[test]
fn ctrl_r_asks_again() {
    let (operator, worker) = factory();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("2 sessions on 1 worker");
    worker.pod().session("new", "exec cat");
    screen.keys(&["C-r"]);
    screen.wait("3 sessions on 1 worker");
    screen.wait("w/new");
}

#[test]
fn ctrl_r_finds_the_pod_that_came_instead() {
    let (operator, worker) = factory();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("2 sessions on 1 worker");
    let old = worker.pod();
    old.delete();
    worker.wait_replaced(&old).session("new", "exec cat");
    screen.keys(&["C-r"]);
    screen.wait("w/new");
}

/// What was heard a moment before is no answer to somebody who asks again.
#[test]
fn ctrl_r_again_asks_again() {
    let (operator, worker) = factory();
    let screen = operator.world.screen();
    screen.prefix("W");
    screen.wait("2 sessions on 1 worker");
    worker.pod().becomes(Stage::Pending);
    screen.keys(&["C-r"]);
    screen.wait("1 did not answer");
    worker.pod().becomes(Stage::Running);
    worker.pod().session("new", "exec cat");
    screen.keys(&["C-r"]);
    screen.wait("w/new");
}

#[test]
fn the_copy_mode_key_finds_the_history_in_the_pod_and_copies_to_this_machine() {
    let cluster = Cluster::start();
    let shows = "i=0; while [ $i -lt 300 ]; do i=$((i + 1)); echo line $i.; done; echo I am qa; exec cat";
    let worker = cluster.deployment("fleet").session("qa", shows).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "");
    let screen = window_of_qa(&operator);
    let told = || screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_path}"]);
    eventually("the window to know", || told().starts_with("factory-worker:seamless ").then_some(()));
    // tmux takes keys that come at once for a paste.
    worker.pod().tmux(&["set", "-g", "assume-paste-time", "0"]);
    screen.inner(&["set", "-s", "set-clipboard", "on", ";", "set", "-g", "assume-paste-time", "0"]);
    let scrolled = || worker.pod().tmux(&["display-message", "-p", "-t", "qa:", "#{scroll_position}"]);
    screen.prefix("[");
    eventually("copy mode in the pod", || (scrolled() == "0\n").then_some(()));
    screen.keys(&["M-<"]);
    screen.wait("line 1.");
    screen.keys(&["C-Space", "C-e", "M-w"]);
    eventually("the copy", || (screen.inner(&["list-buffers", "-F", "#{buffer_sample}"]) == "line 1.\n").then_some(()));
    assert!(worker.pod().pane("qa").trim_end().ends_with("I am qa"), "a key reached the application");
}
