//! What views have left where it is hard to end: a tmux that stands still, a crowd, what nobody can look into; and what looks like
//! it and is the worker's own.

#[path = "support/crowd.rs"]
mod crowd;
#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crowd::{Crowd, died_too, kill, kill_view, ledger, ours, state, views};
use kubesim::{Cluster, Oddity, Pod, Running};
use operator::{Image, Operator};
use rstest::rstest;
use support::nested::everything_of;
use support::{Screen, World, eventually};

fn worker(image: Image, more: &[Oddity]) -> (Operator, Running) {
    let cluster = Cluster::start();
    let workload = cluster.deployment("fleet").with_all(image.oddities()).with_all(more);
    let worker = workload.session("qa", "echo I am qa; exec cat").start();
    (Operator::of(cluster).worker("w", "fleet", ""), worker)
}

fn window_of_qa(world: &World) -> Screen<'_> {
    let screen = world.screen();
    screen.run(&["open", "w/qa"]).expect(0);
    screen.wait("I am qa");
    eventually("the view to be connected", || (state(&screen) == "connected").then_some(()));
    screen
}

fn clients(pod: &Pod) -> usize {
    pod.clients().len()
}

/// The pod's tmux server, by its number on this machine.
fn server(pod: &Pod) -> String {
    let name = |pid: &i32| fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    pod.processes().into_iter().find(|pid| name(pid) == "tmux: server\n").expect("a tmux server").to_string()
}

#[rstest]
fn a_tmux_that_stands_still_collects_nothing_of_ours(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = worker(image, &[]);
    let pod = worker.pod();
    let everything = || (everything_of(|arguments| pod.tmux(arguments)), pod.processes().len(), pod.zombies());
    let before = everything();
    let screen = window_of_qa(&operator.world);
    let server = server(&pod);
    kill("-STOP", &server);
    operator.cluster.forget_calls();
    operator.cluster.drop_connections();
    eventually("a third attempt", || (operator.cluster.calls().execs().len() >= 3).then_some(()));
    // A shell, tmux that is asked, and who reads its answer.
    let mut seen = ours(&pod);
    let end = Instant::now() + Duration::from_secs(120);
    while seen.len() > 3 {
        assert!(Instant::now() < end, "older attempts are not ended: {seen:#?}");
        sleep(Duration::from_millis(20));
        seen = ours(&pod);
    }
    kill("-CONT", &server);
    eventually("the view to be connected", || (state(&screen) == "connected" && clients(&pod) == 1).then_some(()));
    screen.run(&["close", "w/qa"]).expect(0);
    eventually("the pod to be as before", || (everything() == before).then_some(()));
}

/// The sessions are asked for by the way, while one is shown: the worker's own commands need no tmux.
#[rstest]
fn a_tmux_that_stands_still_keeps_no_command_from_running(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let cluster = Cluster::start();
    let worker = cluster.deployment("fleet").with_all(image.oddities()).session("qa", "echo I am qa; exec cat").start();
    let commands = "commands: {queue: '', dispatch: 'echo {project} {issue}'}";
    let operator = Operator::of(cluster).worker("w", "fleet", commands);
    let (pod, world) = (worker.pod(), &operator.world);
    let screen = window_of_qa(world);
    eventually("the view to know its session", || ledger(world).1.to_string().contains("\"identity\"").then_some(()));
    let server = server(&pod);
    kill("-STOP", &server);
    let ran = operator.run(&["dispatch", "w", "--project", "app", "--issue", "7"]);
    // What was asked carries no tag of a view, so nobody would end it.
    let asked = tmuxes(&pod);
    kill("-CONT", &server);
    assert_eq!(ran.expect(0).stdout, "app 7\n");
    assert_eq!(asked, [""; 0]);
    screen.run(&["close", "w/qa"]).expect(0);
}

/// The command lines of tmux in the pod, but of its server and of views.
fn tmuxes(pod: &Pod) -> Vec<String> {
    let text = |pid: i32, what: &str| {
        let bytes = fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\0', " ")
    };
    let is_asked = |pid: &i32| {
        let name = text(*pid, "comm");
        name.starts_with("tmux") && !name.contains("server") && !text(*pid, "environ").contains("FACTORY_WORKER_VIEW=")
    };
    pod.processes().into_iter().filter(is_asked).map(|pid| text(pid, "cmdline")).collect()
}

#[rstest]
fn a_crowd_goes_with_one_contact(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = worker(image, &[]);
    let (pod, world) = (worker.pod(), &operator.world);
    let _crowd = Crowd::leave(world, &world.screen(), &pod, 47);
    let ran = operator.run(&["--timeout", "60s", "list", "--json"]).expect(0);
    assert!(ran.stdout.contains("\"status\":\"running\""), "{}", ran.stdout);
    assert_eq!((clients(&pod), views(world)), (0, 0));
    assert_eq!(pod.pane("qa").trim_end(), "I am qa");
}

#[test]
fn what_nobody_can_look_into_is_not_said_to_be_gone() {
    // Each exec is another user to the one before.
    let (operator, worker) = worker(Image::Debian, &[Oddity::OtherUser]);
    let (pod, world) = (worker.pod(), &operator.world);
    let screen = window_of_qa(world);
    kill_view(world, &screen);
    operator.run(&["--timeout", "60s", "list"]).expect(0);
    assert_eq!((clients(&pod), views(world)), (1, 1), "crossed out without a proof");
}

#[rstest]
fn a_tmux_server_that_carries_a_views_tag_is_the_workers(#[values(Image::Debian, Image::Alpine)] image: Image) {
    let (operator, worker) = worker(image, &[]);
    let (pod, world) = (worker.pod(), &operator.world);
    // Nobody else's on this machine.
    let tag = format!("{:08x}{:08x}", std::process::id(), image as u32);
    // As when somebody's tmux is a script that starts its server first.
    let start = ["tmux", "-L", "other", "new-session", "-d", "-s", "theirs", "--", "sh", "-c", "/bin/sleep 1000; :"];
    let tagged = format!("FACTORY_WORKER_VIEW={tag}.1");
    assert_eq!(pod.start_on_terminal(&[&["env", &tagged][..], &start].concat()).wait(), 0);
    let theirs = eventually("their server and its pane", || Some(ours(&pod)).filter(|ours| ours.len() == 3));
    let screen = window_of_qa(world);
    kill_view(world, &screen);
    died_too(world, &[tag]);
    operator.run(&["--timeout", "60s", "list"]).expect(0);
    assert_eq!((clients(&pod), views(world)), (0, 0));
    assert_eq!(pod.tmux(&["-L", "other", "list-sessions", "-F", "#{session_name}"]), "theirs\n");
    eventually("the view's own to go", || (ours(&pod) == theirs).then_some(()));
}
