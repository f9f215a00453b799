//! Nothing of a view is left, whatever ends it: where somebody of ours is still there it is tidied up at once, otherwise by
//! whatever has to do with the worker next. Nobody else's clients are touched.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use kubesim::{Cluster, Fault, Pod, Running, execs};
use operator::{Image, Operator};
use rstest::rstest;
use serde_json::Value;
use support::nested::everything_of;
use support::{Screen, World, eventually};
use traces::processes;

/// The worker `w`, a Deployment with the session `qa`, which shows what is typed.
fn factory(image: Image) -> (Operator, Running) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").with_all(image.oddities()).session("qa", "echo I am qa; exec cat").start();
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

/// A pod without a view: its tmux, how many processes it has, and how many that nobody waits for.
fn everything(pod: &Pod) -> (String, usize, usize) {
    (everything_of(|arguments| pod.tmux(arguments)), pod.processes().len(), pod.zombies())
}

/// A window whose view has settled.
fn window_of_qa<'a>(world: &'a World, pod: &Pod) -> Screen<'a> {
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    wait_settled(pod);
    screen
}

fn wait_settled(pod: &Pod) {
    let settled = || pod.tmux(&["display-message", "-p", "-t", "qa:", "#{prefix} #{@factory-worker-lock}"]) == "C-F12 \n";
    eventually("the view's options", || settled().then_some(()));
}

/// The processes of the clients in the pod.
fn clients(pod: &Pod) -> BTreeSet<String> {
    pod.tmux(&["list-clients", "-F", "#{client_pid}"]).lines().map(str::to_owned).collect()
}

fn ledger_path(world: &World) -> PathBuf {
    world.path("state/factory-worker/views.json")
}

/// What is written down of views.
fn ledger(world: &World) -> Value {
    let text = fs::read(ledger_path(world)).unwrap_or_else(|_| b"{}".to_vec());
    serde_json::from_slice(&text).unwrap()
}

fn views(world: &World) -> usize {
    ledger(world).as_object().unwrap().len()
}

#[track_caller]
fn wait_clean(world: &World, pod: &Pod, before: &(String, usize, usize)) {
    eventually("the processes to end", || processes(world).is_empty().then_some(()));
    eventually("the clients in the pod to go", || clients(pod).is_empty().then_some(()));
    wait_as_before(pod, before);
    assert_eq!(pod.pane("qa").trim_end(), "I am qa");
}

#[track_caller]
fn wait_as_before(pod: &Pod, before: &(String, usize, usize)) {
    let mut now = None;
    let end = Instant::now() + Duration::from_secs(120);
    while now.as_ref() != Some(before) && Instant::now() < end {
        now = Some(everything(pod));
        sleep(Duration::from_millis(20));
    }
    assert_eq!(now.as_ref(), Some(before));
}

/// The view's process, and that of its kubectl.
fn view_and_kubectl(screen: &Screen<'_>) -> [String; 2] {
    let view = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_pid}"]).trim().to_owned();
    let kubectl = eventually("kubectl", || {
        let children = Command::new("pgrep").args(["-P", &view]).output().unwrap();
        String::from_utf8_lossy(&children.stdout).lines().next().map(str::to_owned)
    });
    [view, kubectl]
}

fn kill(signal: &str, processes: &[&str]) {
    assert!(Command::new("kill").arg(signal).args(processes).status().unwrap().success());
}

/// Kill a window's view, so that its client stays in the pod.
fn kill_view(world: &World, screen: &Screen<'_>, pod: &Pod) {
    let [view, _] = view_and_kubectl(screen);
    kill("-KILL", &[&view]);
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
    eventually("the processes to end", || processes(world).is_empty().then_some(()));
    assert_eq!((clients(pod).len(), views(world)), (1, 1), "nobody was there to tidy up");
}

/// Whatever has to do with the worker; this machine may be busy.
#[track_caller]
fn contact(world: &World) {
    let ran = world.run(&["--timeout", "60s", "list", "--json"]).expect(0);
    assert!(ran.stdout.contains("\"status\":\"running\""), "{}", ran.stdout);
}

/// What ends a view, and leaves it the time to tidy up.
#[derive(Debug, Clone, Copy)]
enum End {
    Signal(&'static str),
    KillWindow,
    KillServer,
    Detach,
}

#[rstest]
fn a_view_that_can_tidies_up_at_once(
    #[values(Image::Debian, Image::Alpine)] image: Image,
    #[values(End::Signal("-HUP"), End::Signal("-TERM"), End::KillWindow, End::KillServer, End::Detach)] end: End,
) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = everything(&pod);
    let screen = window_of_qa(&operator.world, &pod);
    assert_eq!(views(&operator.world), 1);
    match end {
        End::Signal(signal) => kill(signal, &[&view_and_kubectl(&screen)[0]]),
        End::KillWindow => drop(screen.inner(&["kill-window", "-t", "w/qa"])),
        End::KillServer => drop(screen.inner(&["kill-server"])),
        End::Detach => drop(pod.tmux(&["detach-client", "-s", "qa"])),
    }
    wait_clean(&operator.world, &pod, &before);
    eventually("the view to be crossed out", || (views(&operator.world) == 0).then_some(()));
}

/// What has to do with a worker anyway.
#[rstest]
#[case::list("list")]
#[case::status("status w")]
#[case::peek("peek w/qa")]
#[case::interrupt("interrupt w/qa")]
#[case::doctor("doctor w")]
fn what_a_killed_view_has_left_goes_with_the_next_contact(
    #[case] arguments: &str,
    #[values(Image::Debian, Image::Alpine)] image: Image,
) {
    let cluster = Cluster::start();
    let patient = "trap '' INT; echo I am qa; while :; do sleep 1000; done";
    let worker = cluster.deployment("fleet").with_all(image.oddities()).session("qa", patient).start();
    let operator = Operator::of(cluster).worker("w", "fleet", "commands: {queue: \"\", status: \"true\"}");
    let pod = worker.pod();
    let before = everything(&pod);
    let screen = window_of_qa(&operator.world, &pod);
    kill_view(&operator.world, &screen, &pod);
    let arguments: Vec<&str> = arguments.split(' ').collect();
    operator.cluster.forget_calls();
    let ran = operator.run(&arguments);
    assert!(ran.code == 0 || arguments[0] == "doctor", "{ran:?}");
    let contacts = operator.cluster.calls().execs().len();
    assert_eq!(views(&operator.world), 0, "not crossed out");
    eventually("the client to go", || clients(&pod).is_empty().then_some(()));
    wait_as_before(&pod, &before);
    // It costs no exec of its own.
    operator.cluster.forget_calls();
    operator.run(&arguments);
    assert_eq!(operator.cluster.calls().execs().len(), contacts);
}

#[rstest]
fn a_new_window_ends_what_a_killed_view_has_left(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = everything(&pod);
    let screen = window_of_qa(&operator.world, &pod);
    let old = clients(&pod);
    kill_view(&operator.world, &screen, &pod);
    screen.run(&["open", "w/qa"]).expect(0);
    eventually("the new client alone", || (clients(&pod).len() == 1 && clients(&pod).is_disjoint(&old)).then_some(()));
    wait_settled(&pod);
    contact(&operator.world);
    assert_eq!(views(&operator.world), 1, "the living view alone is written down");
    assert_eq!(clients(&pod).len(), 1, "a living view was ended");
    screen.run(&["close", "w/qa"]).expect(0);
    wait_clean(&operator.world, &pod, &before);
    eventually("the view to be crossed out", || (views(&operator.world) == 0).then_some(()));
}

#[rstest]
fn a_view_and_its_kubectl_killed_together_leave_nothing_either(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = everything(&pod);
    let screen = window_of_qa(&operator.world, &pod);
    let [view, kubectl] = view_and_kubectl(&screen);
    kill("-KILL", &[&view, &kubectl]);
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
    assert_eq!(views(&operator.world), 1);
    operator.run(&["peek", "w/qa"]).expect(0);
    assert_eq!(views(&operator.world), 0);
    wait_clean(&operator.world, &pod, &before);
}

#[rstest]
fn a_kubectl_that_is_killed_leaves_no_client_behind(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = everything(&pod);
    let screen = window_of_qa(&operator.world, &pod);
    let old = clients(&pod);
    kill("-KILL", &[&view_and_kubectl(&screen)[1]]);
    eventually("its client to go", || clients(&pod).is_disjoint(&old).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
    wait_clean(&operator.world, &pod, &before);
    eventually("the view to be crossed out", || (views(&operator.world) == 0).then_some(()));
}

#[rstest]
fn a_connection_that_is_cut_leaves_no_client_behind(
    #[values(false, true)] looks_like_success: bool,
    #[values(Image::Debian, Image::Alpine)] image: Image,
) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let before = everything(&pod);
    contact(&operator.world);
    if looks_like_success {
        let late = Duration::from_secs(10);
        operator.cluster.when(execs().once()).then(Fault::cut_after(late).looking_like_success());
    }
    let screen = window_of_qa(&operator.world, &pod);
    let old = clients(&pod);
    if !looks_like_success {
        operator.cluster.drop_connections();
    }
    eventually("its client to go", || clients(&pod).is_disjoint(&old).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
    wait_clean(&operator.world, &pod, &before);
    eventually("the view to be crossed out", || (views(&operator.world) == 0).then_some(()));
}

#[rstest]
fn a_view_of_before_the_boot_counts_as_dead(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let _screen = window_of_qa(&operator.world, &pod);
    contact(&operator.world);
    assert_eq!(clients(&pod).len(), 1);
    let mut ledger = ledger(&operator.world);
    for view in ledger.as_object_mut().unwrap().values_mut() {
        view["boot"] = "another".into();
    }
    fs::write(ledger_path(&operator.world), ledger.to_string()).unwrap();
    let old = clients(&pod);
    contact(&operator.world);
    eventually("its client to go", || clients(&pod).is_disjoint(&old).then_some(()));
}

#[rstest]
fn clients_of_others_are_never_touched(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let screen = window_of_qa(&operator.world, &pod);
    let ours = clients(&pod);
    // Another laptop of the same operator: the same cluster and registry, a state of its own.
    let kubeconfig = operator.cluster.kubeconfig().to_str().unwrap().to_owned();
    let other = World::new().env("KUBECONFIG", &kubeconfig).entry("  - name: w\n    pod: fleet\n    commands: {queue: \"\"}\n");
    let other_screen = other.screen();
    other_screen.run(&["open", "w/qa"]).expect(0);
    eventually("its client", || (clients(&pod).len() == 2).then_some(()));
    kill_both(&screen);
    contact(&operator.world);
    eventually("our client to go", || clients(&pod).is_disjoint(&ours).then_some(()));
    assert_eq!(clients(&pod).len(), 1, "the other laptop's client was ended");
    contact(&other);
    assert_eq!(clients(&pod).len(), 1, "a living view was ended");
    assert_eq!((views(&operator.world), views(&other)), (0, 1));
}

fn kill_both(screen: &Screen<'_>) {
    let [view, kubectl] = view_and_kubectl(screen);
    kill("-KILL", &[&view, &kubectl]);
    eventually("the window to go", || (screen.windows() == ["|home"]).then_some(()));
}

#[rstest]
fn a_worker_that_does_not_answer_is_asked_again_next_time(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let pod = worker.pod();
    let screen = window_of_qa(&operator.world, &pod);
    kill_view(&operator.world, &screen, &pod);
    let rule = operator.cluster.when(execs()).then(Fault::cut_after_bytes(1));
    operator.run(&["list"]).expect(0);
    assert_eq!(views(&operator.world), 1, "an answer without its end proves nothing");
    rule.lift();
    contact(&operator.world);
    assert_eq!((views(&operator.world), clients(&pod).len()), (0, 0));
}

#[rstest]
fn what_is_written_down_is_private(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = factory(image);
    let _screen = window_of_qa(&operator.world, &worker.pod());
    let mode = fs::metadata(ledger_path(&operator.world)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
