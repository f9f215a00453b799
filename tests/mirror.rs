//! A session is not shown in itself, however long the way around is; what only looks like that is let in.

#[path = "support/operator.rs"]
mod operator;
mod support;

use std::fs;
use std::os::unix::fs::symlink;

use kubesim::{Cluster, Pod};
use operator::Operator;
use rstest::rstest;
use support::{BIN, World, eventually};

const REFUSAL: &str = "this terminal is shown in that very session";

/// A shell in which commands can be typed, and its width is no matter.
const SHELL: &str = "PS1='$ ' exec sh";

/// What each command says and exits with, in files of the world.
fn noting(world: &World, command: &str) -> String {
    let (said, code) = (world.path("said"), world.path("code"));
    format!("{command} 2>{}; echo $? >{1}.new; mv {1}.new {1}", said.display(), code.display())
}

/// Wait for the end of a command that notes it.
#[track_caller]
fn ended(world: &World) -> (i32, String) {
    let code = eventually("the command to end", || fs::read_to_string(world.path("code")).ok());
    fs::remove_file(world.path("code")).unwrap();
    (code.trim().parse().unwrap(), fs::read_to_string(world.path("said")).unwrap())
}

#[track_caller]
fn assert_refused(world: &World) {
    let (code, said) = ended(world);
    assert!(code == 1 && said.contains(REFUSAL) && said.contains("peek"), "{code}: {said}");
}

/// Local workers with a session `a` each, which is a shell.
fn world(workers: &[&str]) -> World {
    let mut world = World::new();
    for worker in workers {
        world = world.worker(worker);
    }
    for worker in workers {
        world.session(worker, "a", SHELL);
        eventually("the prompt", || world.pane(worker, "a").starts_with('$').then_some(()));
    }
    world
}

fn type_into(world: &World, worker: &str, session: &str, line: &str) {
    world.worker_tmux(worker, &["send-keys", "-t", &format!("={session}:"), "-l", line]);
    world.worker_tmux(worker, &["send-keys", "-t", &format!("={session}:"), "Enter"]);
}

#[track_caller]
fn wait_clients(world: &World, worker: &str, count: usize) {
    eventually("clients to come or go", || (world.worker_tmux(worker, &["list-clients"]).lines().count() == count).then_some(()));
}

/// Whatever its environment says, and whatever the worker and the session are called.
#[rstest]
#[case::plainly("", "w/a")]
#[case::outside_of_tmux_as_it_seems("env -u TMUX -u TMUX_PANE ", "w/a")]
#[case::in_another_tmux_as_it_seems("env TMUX=/dev/null,1,0 TMUX_PANE=%9 ", "w/a")]
#[case::by_another_name("", "other/a")]
#[case::after_a_rename("tmux rename-session b; ", "w/b")]
#[case::only_to_read("", "w/a --read-only")]
#[case::without_changing_it("", "w/a --plain")]
fn a_session_is_not_attached_to_itself(#[case] before: &str, #[case] what: &str) {
    let world = world(&["w"]);
    let link = world.path("link");
    symlink(world.worker_directory("w"), &link).unwrap();
    let world = world.entry(&format!("  - {{name: other, local: {}}}\n", link.display()));
    type_into(&world, "w", "a", &noting(&world, &format!("{before}{BIN} attach {what}")));
    assert_refused(&world);
    wait_clients(&world, "w", 0);
}

#[test]
fn a_session_that_shares_the_windows_is_the_same() {
    let world = world(&["w"]);
    world.worker_tmux("w", &["new-session", "-d", "-t", "=a", "-s", "b"]);
    type_into(&world, "w", "a", &noting(&world, &format!("{BIN} attach w/b")));
    assert_refused(&world);
    world.worker_tmux("w", &["new-session", "-d", "-s", "c"]);
    type_into(&world, "w", "a", &noting(&world, &format!("{BIN} attach w/c")));
    wait_clients(&world, "w", 1);
}

/// By way of a view, and of a client that somebody has attached by hand.
#[rstest]
fn a_session_is_not_attached_to_one_that_it_shows(
    #[values("view", "by hand")] how: &str,
    #[values("", "env -u TMUX -u TMUX_PANE ")] before: &str,
) {
    let world = world(&["w", "x"]);
    let through = match how {
        "view" => format!("{BIN} attach x/a"),
        _ => format!("env -u TMUX tmux -S {}/tmux.sock attach -t a", world.worker_directory("x").display()),
    };
    type_into(&world, "w", "a", &through);
    wait_clients(&world, "x", 1);
    type_into(&world, "x", "a", &noting(&world, &format!("{before}{BIN} attach w/a")));
    assert_refused(&world);
    // What is shown nowhere is.
    world.session("w", "b", SHELL);
    type_into(&world, "x", "a", &noting(&world, &format!("{before}{BIN} attach w/b")));
    wait_clients(&world, "w", 1);
}

#[test]
fn a_circle_of_three_is_not_closed() {
    let world = world(&["w", "x", "y"]);
    type_into(&world, "w", "a", &format!("{BIN} attach x/a"));
    wait_clients(&world, "x", 1);
    type_into(&world, "x", "a", &format!("{BIN} attach y/a"));
    wait_clients(&world, "y", 1);
    type_into(&world, "y", "a", &noting(&world, &format!("{BIN} attach w/a")));
    assert_refused(&world);
}

#[rstest]
#[case::window("open")]
#[case::pane("open --split")]
#[case::in_the_background("open --detached")]
fn a_session_is_not_opened_in_itself(#[case] open: &str) {
    let world = world(&["w", "x"]);
    type_into(&world, "w", "a", &noting(&world, &format!("{BIN} {open} w/a")));
    assert_refused(&world);
    let panes = |worker: &str| world.worker_tmux(worker, &["list-panes", "-a"]).lines().count();
    assert_eq!(panes("w"), 1);
    // Nor in one that it shows.
    type_into(&world, "w", "a", &format!("{BIN} attach x/a"));
    wait_clients(&world, "x", 1);
    type_into(&world, "x", "a", &noting(&world, &format!("{BIN} {open} w/a")));
    assert_refused(&world);
    assert_eq!(panes("x"), 1);
    // What is shown nowhere is.
    world.session("w", "b", SHELL);
    type_into(&world, "x", "a", &noting(&world, &format!("{BIN} {open} w/b")));
    assert_eq!(ended(&world).0, 0);
    wait_clients(&world, "w", 1);
}

#[test]
fn an_operator_s_tmux_that_is_shown_in_a_session_does_not_show_that() {
    let world = world(&["w"]);
    let screen = world.screen();
    let outer = format!("env -u TMUX tmux -S {} attach", screen.socket().display());
    type_into(&world, "w", "a", &outer);
    eventually("the operator's tmux in the session", || (screen.inner(&["list-clients"]).lines().count() == 2).then_some(()));
    screen.enter(&format!("{BIN} open w/a"));
    screen.wait(REFUSAL);
    screen.enter("clear");
    screen.wait_gone(REFUSAL);
    screen.prefix("W");
    screen.wait("w/a");
    screen.keys(&["Enter"]);
    screen.wait(REFUSAL);
    assert_eq!(screen.windows().len(), 1);
}

/// Programs that show a terminal of their own on the one that they have.
#[rstest]
#[case::script("script -q -e -c '{}' /dev/null", 1)]
#[case::a_program_that_shows_nothing("setsid -w script -q -c '{}' /dev/null </dev/null >/dev/null", 0)]
fn a_terminal_within_the_terminal_is_looked_through(#[case] around: &str, #[case] code: i32) {
    let world = world(&["w", "x"]);
    let attach = around.replace("{}", &format!("{BIN} attach w/a"));
    type_into(&world, "w", "a", &noting(&world, &attach));
    if code == 1 {
        // What it says is on the terminal that script makes.
        eventually("the refusal", || world.pane("w", "a").contains(&REFUSAL[..20]).then_some(()));
        assert_eq!(ended(&world).0, 1);
    } else {
        wait_clients(&world, "w", 1);
        world.worker_tmux("w", &["detach-client", "-s", "=a"]);
        assert_eq!(ended(&world).0, 0);
    }
}

mod in_a_pod {
    use super::*;

    /// Pods `one` and `two`, each a worker with a session `a`, from which the other one can be reached.
    fn factory() -> (Operator, Pod, Pod) {
        let cluster = Cluster::start();
        let pods = ["one", "two"].map(|name| cluster.deployment(name).session("a", SHELL).start().pod());
        let operator = Operator::of(cluster).worker("one", "one", "").worker("two", "two", "");
        let [one, two] = pods;
        for pod in [&one, &two] {
            eventually("the prompt", || pod.pane("a").starts_with('$').then_some(()));
        }
        (operator, one, two)
    }

    /// `factory-worker` as somebody in a pod has it, with a kubeconfig.
    fn tool(operator: &Operator, before: &str) -> String {
        let world = &operator.world;
        format!(
            "{before}KUBECONFIG={} FACTORY_WORKERS={} XDG_STATE_HOME={} {BIN} --timeout 60s",
            operator.cluster.kubeconfig().display(),
            world.registry_path().display(),
            world.path("pod-state").display()
        )
    }

    fn type_into(pod: &Pod, line: &str) {
        // In a script, because a line that is too long for the terminal cannot be typed.
        let script = pod.home().join("typed.sh");
        fs::write(&script, line).unwrap();
        pod.tmux(&["send-keys", "-t", "=a:", "-l", &format!(". {}", script.display())]);
        pod.tmux(&["send-keys", "-t", "=a:", "Enter"]);
    }

    #[rstest]
    fn a_session_is_not_attached_to_itself(#[values("", "env -u TMUX -u TMUX_PANE ")] before: &str) {
        let (operator, one, _) = factory();
        type_into(&one, &noting(&operator.world, &format!("{} attach one/a", tool(&operator, before))));
        assert_refused(&operator.world);
        assert!(one.clients().is_empty());
    }

    #[test]
    fn a_session_is_not_opened_in_itself() {
        let (operator, one, _) = factory();
        type_into(&one, &noting(&operator.world, &format!("{} open one/a", tool(&operator, ""))));
        assert_refused(&operator.world);
        assert_eq!(one.tmux(&["list-panes", "-a"]).lines().count(), 1);
    }

    /// The operator's window shows the first, which shows the second, which wants to show the first.
    #[test]
    fn a_circle_over_two_pods_is_not_closed() {
        let (operator, one, two) = factory();
        let screen = operator.world.screen();
        screen.run(&["open", "one/a"]).expect(0);
        eventually("the operator's client", || (one.clients().len() == 1).then_some(()));
        type_into(&one, &format!("{} attach two/a", tool(&operator, "")));
        eventually("the client of the first", || (two.clients().len() == 1).then_some(()));
        for command in ["attach one/a", "open one/a", "open --split one/a"] {
            type_into(&two, &noting(&operator.world, &format!("{} {command}", tool(&operator, ""))));
            assert_refused(&operator.world);
        }
        assert_eq!((one.clients().len(), two.tmux(&["list-panes", "-a"]).lines().count()), (1, 1));
    }

    #[test]
    fn a_session_of_the_same_name_elsewhere_is_let_in() {
        let (operator, one, two) = factory();
        type_into(&one, &format!("{} attach two/a", tool(&operator, "")));
        eventually("the client of the first", || (two.clients().len() == 1).then_some(()));
        one.session("b", SHELL);
        type_into(&two, &format!("{} attach one/b", tool(&operator, "")));
        eventually("the client of the second", || (one.clients().len() == 1).then_some(()));
    }
}
