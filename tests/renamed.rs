//! A session is the one that was opened, whatever it is called by now: the window follows its name, and comes back to it.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/traces.rs"]
mod traces;
#[path = "support/window.rs"]
mod window;

use kubesim::Pod;
use nix::sys::signal::Signal;
use rstest::rstest;
use support::{BIN, Screen, World, eventually};
use window::{APP, Factory, Kind, Window};

/// Wait until the window goes by this address, with its name.
#[track_caller]
fn wait_address(screen: &Screen<'_>, pane: &str, address: &str) {
    let format = "#{@factory-worker-address}|#{window_name}";
    eventually(&format!("the window to become {address}"), || {
        let seen = screen.inner(&["display-message", "-p", "-t", pane, format]);
        (seen == format!("{address}|{address}\n")).then_some(())
    });
}

/// The view knows which session it is in: it is written down.
#[track_caller]
fn wait_known(world: &World, views: usize) {
    eventually("the view to know its session", || {
        let text = std::fs::read_to_string(world.path("state/factory-worker/views.json")).unwrap_or_default();
        (text.matches("\"identity\":").count() == views).then_some(())
    });
}

fn rename(pod: &Pod, from: &str, to: &str) {
    pod.tmux(&["rename-session", "-t", &format!("={from}"), "--", to]);
}

/// Everything of the view in the pod is gone when it is closed, whatever the session is called.
#[track_caller]
fn close(factory: &Factory, window: &Window<'_>, address: &str) {
    window.screen.run(&["close", "--", address]).expect(0);
    factory.wait_clean();
}

mod in_a_pod {
    use super::*;

    /// The window, of which all is known that can be.
    fn known(factory: &Factory) -> Window<'_> {
        let window = factory.window();
        factory.wait_start_known();
        wait_known(&factory.operator.world, 1);
        window
    }

    /// The same, with no connection any more.
    fn cut_off(factory: &Factory) -> Window<'_> {
        let window = known(factory);
        factory.cut_off();
        window.wait_state("reconnecting");
        window
    }

    /// What asks the worker anything.
    #[rstest]
    #[case::list("list")]
    #[case::peek("peek w/other")]
    #[case::peek_at_the_old_name("peek w/qa")]
    #[case::nudge("nudge w/other hello")]
    #[case::interrupt("interrupt w/spare")]
    #[case::status("status w")]
    #[case::doctor("doctor w")]
    #[case::completion("complete --refresh")]
    fn the_window_follows_with_the_next_question(#[case] question: &str) {
        let factory = Factory::start(Kind::Deployment);
        factory.pod().session("other", "exec bash --norc");
        factory.pod().session("spare", "exec cat");
        let window = factory.window();
        wait_known(&factory.operator.world, 1);
        rename(&factory.pod(), "qa", "new name");
        factory.operator.run(&question.split(' ').collect::<Vec<_>>());
        wait_address(&window.screen, &window.pane, "w/new name");
        window.types("after");
        assert_eq!(factory.typed(), ["after"]);
        let ran = window.screen.run(&["close", "w/qa"]).expect(4);
        assert!(ran.stderr.contains("no window shows w/qa"), "{}", ran.stderr);
        close(&factory, &window, "w/new name");
    }

    #[test]
    fn the_picker_sees_the_new_name_and_goes_to_the_window_that_is_there() {
        let factory = Factory::start(Kind::Deployment);
        let window = factory.window();
        wait_known(&factory.operator.world, 1);
        rename(&factory.pod(), "qa", "renamed");
        window.screen.prefix("W");
        window.screen.wait("w/renamed");
        window.screen.keys(&["Enter"]);
        window.screen.wait_gone("open>");
        wait_address(&window.screen, &window.pane, "w/renamed");
        assert_eq!(window.screen.windows().len(), 2);
    }

    /// Whoever has just asked knows more than the window: it follows a moment later.
    #[test]
    fn opening_all_opens_nothing_twice() {
        let factory = Factory::start(Kind::Deployment);
        let window = factory.window();
        wait_known(&factory.operator.world, 1);
        rename(&factory.pod(), "qa", "renamed");
        window.screen.run(&["open", "--all"]).expect(0);
        assert_eq!(window.screen.windows().len(), 2, "{:?}", window.screen.windows());
        wait_address(&window.screen, &window.pane, "w/renamed");
    }

    /// The tag is the view's own: what it has said of an attempt before does not count for the next.
    #[rstest]
    fn a_session_that_was_renamed_and_then_cut_is_found_again(#[values("network", "client", "kubectl")] cut: &str) {
        let factory = Factory::start(Kind::Deployment);
        factory.pod().session("other", "exec cat");
        let window = known(&factory);
        rename(&factory.pod(), "qa", "renamed");
        match cut {
            "network" => {
                factory.cut_off();
                window.wait_state("reconnecting");
                factory.operator.cluster.accept_connections();
            }
            "client" => factory.signal_client(Signal::SIGKILL),
            _ => factory.signal_kubectl(Signal::SIGKILL),
        }
        window.wait_back();
        // It has asked the worker, so it knows.
        wait_address(&window.screen, &window.pane, "w/renamed");
        window.types("after");
        assert_eq!(factory.typed(), ["after"]);
        close(&factory, &window, "w/renamed");
    }

    #[test]
    fn a_session_that_is_renamed_while_the_window_is_down_is_found_again() {
        let factory = Factory::start(Kind::Deployment);
        let window = cut_off(&factory);
        rename(&factory.pod(), "qa", "renamed");
        factory.operator.cluster.accept_connections();
        window.wait_back();
        wait_address(&window.screen, &window.pane, "w/renamed");
        close(&factory, &window, "w/renamed");
    }

    #[test]
    fn a_new_session_with_the_old_name_is_not_taken_for_it() {
        let factory = Factory::start(Kind::Deployment);
        let window = cut_off(&factory);
        rename(&factory.pod(), "qa", "renamed");
        factory.pod().session("qa", "echo I am somebody else; exec cat");
        factory.operator.cluster.accept_connections();
        window.wait_back();
        wait_address(&window.screen, &window.pane, "w/renamed");
        window.types("after");
        assert_eq!(factory.typed(), ["after"]);
        // That one is opened beside it.
        window.screen.run(&["open", "w/qa"]).expect(0);
        window.screen.wait("I am somebody else");
        assert_eq!(window.screen.windows().len(), 3);
    }

    #[test]
    fn two_sessions_that_swap_their_names_stay_in_their_windows() {
        let factory = Factory::start(Kind::Deployment);
        factory.pod().session("left", "echo I was left; exec cat");
        factory.pod().session("right", "echo I was right; exec cat");
        let screen = factory.operator.world.screen();
        screen.run(&["open", "w/left", "w/right"]).expect(0);
        eventually("both clients", || (factory.pod().clients().len() == 2).then_some(()));
        wait_known(&factory.operator.world, 2);
        let pane = |name: &str| screen.inner(&["display-message", "-p", "-t", name, "#{pane_id}"]).trim().to_owned();
        let (left, right) = (pane("w/left"), pane("w/right"));
        rename(&factory.pod(), "left", "nobody");
        rename(&factory.pod(), "right", "left");
        rename(&factory.pod(), "nobody", "right");
        // A key of the window means its session, also before anybody has asked.
        screen.inner(&["select-window", "-t", &left]);
        screen.wait("I was left");
        screen.prefix("N");
        screen.wait("Nudge w/");
        screen.type_text("to whom it was shown");
        screen.keys(&["Enter"]);
        eventually("the nudge", || factory.pod().pane("right").contains("to whom it was shown").then_some(()));
        assert!(!factory.pod().pane("left").contains("to whom"), "{}", factory.pod().pane("left"));
        screen.keys(&["Enter"]);
        factory.operator.run(&["list"]).expect(0);
        wait_address(&screen, &left, "w/right");
        wait_address(&screen, &right, "w/left");
        // Nor does a cut exchange them.
        factory.cut_off();
        let state = |pane: &str| screen.inner(&["display-message", "-p", "-t", pane, "#{@factory-worker-state}"]);
        for pane in [&left, &right] {
            eventually("the cut", || (state(pane).trim() == "reconnecting").then_some(()));
        }
        factory.operator.cluster.accept_connections();
        for (pane, text) in [(&left, "I was left"), (&right, "I was right")] {
            eventually("the session", || (state(pane).trim() == "connected").then_some(()));
            eventually("its own screen", || screen.inner(&["capture-pane", "-p", "-t", pane]).contains(text).then_some(()));
        }
    }

    #[rstest]
    #[case::ended(false)]
    #[case::replaced(true)]
    fn a_renamed_session_that_ends_is_over(#[case] replaced: bool) {
        let factory = Factory::start(Kind::Deployment);
        factory.pod().session("other", "exec cat");
        let window = known(&factory);
        rename(&factory.pod(), "qa", "renamed");
        factory.operator.run(&["list"]).expect(0);
        wait_address(&window.screen, &window.pane, "w/renamed");
        factory.cut_off();
        window.wait_state("reconnecting");
        factory.pod().tmux(&["kill-session", "-t", "=renamed"]);
        if replaced {
            factory.pod().session("renamed", "echo I am another one; exec cat");
        }
        factory.operator.cluster.accept_connections();
        if replaced {
            window.wait_state("failed");
            window.screen.wait("w/renamed is not connected: it has ended, and another has");
            window.key_until("Enter", "the other one", |text| text.contains("I am another one"));
        } else {
            eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
            eventually("the processes to end", || factory.processes().is_empty().then_some(()));
        }
    }

    /// In another start of the container ids begin anew: the name counts there.
    #[test]
    fn a_restart_of_the_container_makes_the_name_count_again() {
        let factory = Factory::start(Kind::Deployment);
        let window = known(&factory);
        rename(&factory.pod(), "qa", "renamed");
        factory.operator.run(&["list"]).expect(0);
        wait_address(&window.screen, &window.pane, "w/renamed");
        factory.cut_off();
        window.wait_state("reconnecting");
        factory.pod().restart();
        factory.pod().tmux(&["kill-session", "-t", "=qa"]);
        // The first session there has the id that ours had.
        factory.pod().session("somebody else", "echo I am somebody else; exec cat");
        factory.pod().session("renamed", APP);
        factory.operator.cluster.accept_connections();
        window.wait_back();
        window.types("after");
        assert_eq!(factory.typed(), ["after"]);
    }

    #[test]
    fn a_window_keeps_the_name_that_somebody_gave_it() {
        let factory = Factory::start(Kind::Deployment);
        let window = factory.window();
        wait_known(&factory.operator.world, 1);
        window.screen.inner(&["rename-window", "-t", &window.pane, "mine"]);
        rename(&factory.pod(), "qa", "renamed");
        factory.operator.run(&["list"]).expect(0);
        let address = || window.screen.inner(&["display-message", "-p", "-t", &window.pane, "#{@factory-worker-address}"]);
        eventually("the address to follow", || (address() == "w/renamed\n").then_some(()));
        assert_eq!(window.name(), "mine");
    }

    /// In a terminal that is no pane nobody keeps what it is told, so the worker is asked.
    #[test]
    fn outside_of_tmux_the_session_is_found_again_too() {
        let factory = Factory::start(Kind::Deployment);
        factory.pod().session("other", "exec cat");
        let screen = factory.operator.world.screen_with("");
        screen.enter(&format!("clear; env -u TMUX -u TMUX_PANE {BIN} attach w/qa; echo left with $?"));
        screen.wait("I am qa");
        wait_known(&factory.operator.world, 1);
        rename(&factory.pod(), "qa", "renamed");
        factory.signal_client(Signal::SIGKILL);
        screen.wait("reconnecting");
        eventually("the session", || (factory.pod().clients().len() == 1).then_some(()));
        screen.wait_gone("reconnecting");
        eventually("the view to hear the name", || {
            let text = std::fs::read_to_string(factory.operator.world.path("state/factory-worker/views.json")).unwrap();
            text.contains("\"renamed\"").then_some(())
        });
        factory.pod().tmux(&["kill-session", "-t", "=renamed"]);
        screen.wait("w/renamed has ended");
        screen.wait("left with 0");
    }

    /// The window waits for a client that has gone on to a session which is none of its business.
    #[rstest]
    #[case::ended(false)]
    #[case::replaced(true)]
    fn a_client_that_went_on_to_another_session_is_ended_with_its_own(#[case] replaced: bool) {
        let factory = Factory::start_with(Kind::Deployment, "    view: plain\n");
        factory.pod().session("other", "exec cat");
        factory.pod().tmux(&["set-option", "-g", "detach-on-destroy", "off"]);
        let window = factory.window();
        factory.wait_start_known();
        wait_known(&factory.operator.world, 1);
        factory.cut_off();
        window.wait_state("reconnecting");
        factory.pod().tmux(&["kill-session", "-t", "=qa"]);
        assert_eq!(factory.pod().clients().len(), 1, "it went on to the other session");
        if replaced {
            factory.pod().session("qa", "echo I am another one; exec cat");
        }
        factory.operator.cluster.accept_connections();
        if replaced {
            window.wait_state("failed");
            window.close();
        }
        eventually("the window to go", || (window.screen.windows() == ["|home"]).then_some(()));
        factory.wait_clean();
    }

    /// The view asks for its session before a slow worker has let its client in.
    #[test]
    fn a_session_that_a_slow_worker_shows_late_is_known_too() {
        let slow = r#"sh -c 'case "$*" in *attach-session*) sleep 3 ;; esac; exec tmux "$@"' tmux"#;
        let factory = Factory::start_with(Kind::Deployment, &format!("    tmux: {slow:?}\n"));
        let screen = factory.operator.world.screen_with("");
        screen.enter(&format!("clear; env -u TMUX -u TMUX_PANE {BIN} attach w/qa"));
        screen.wait("I am qa");
        wait_known(&factory.operator.world, 1);
    }

    #[test]
    fn a_warning_of_the_workers_tmux_hides_no_other_session_of_the_name() {
        let warns = r#"sh -c 'echo "ERROR: ld.so: ignored." >&2; exec tmux "$@"' tmux"#;
        let factory = Factory::start_with(Kind::Deployment, &format!("    tmux: {warns:?}\n"));
        factory.pod().session("other", "exec cat");
        let window = factory.window();
        wait_known(&factory.operator.world, 1);
        window.screen.prefix("N");
        window.screen.wait("Nudge w/qa");
        window.screen.type_text("for the first one");
        factory.pod().tmux(&["kill-session", "-t", "=qa"]);
        factory.pod().session("qa", "echo I am another one; exec cat");
        window.screen.keys(&["Enter"]);
        window.screen.wait("has ended");
        assert!(!factory.pod().pane("qa").contains("for the first"), "{}", factory.pod().pane("qa"));
    }

    #[test]
    fn hostile_names_are_followed_and_nothing_is_executed() {
        let factory = Factory::start(Kind::Deployment);
        let window = factory.window();
        wait_known(&factory.operator.world, 1);
        let mut last = "qa".to_owned();
        for name in ["#(touch pwned)", " outer spaces ", "it's $(touch pwned)", "ends;", "-leading", "grün-日本語", "a*"] {
            let id = factory.pod().tmux(&["display-message", "-p", "-t", &format!("={last}:"), "#{session_id}"]);
            let sent = name.strip_suffix(';').map_or(name.to_owned(), |rest| format!("{rest}\\;")).replace('#', "##");
            factory.pod().tmux(&["rename-session", "-t", id.trim(), "--", &sent]);
            factory.operator.run(&["list"]).expect(0);
            wait_address(&window.screen, &window.pane, &format!("w/{name}"));
            last = name.to_owned();
        }
        factory.operator.world.assert_nothing_executed();
    }
}

mod on_this_machine {
    use super::*;

    fn world() -> World {
        let world = World::new().worker("w");
        world.session("w", "other", "exec cat");
        world.session("w", "qa", "echo I am qa; exec cat");
        world
    }

    fn open<'a>(world: &'a World, configuration: &str) -> (Screen<'a>, String) {
        let screen = world.screen_with(configuration);
        screen.run(&["open", "w/qa"]).expect(0);
        screen.wait("I am qa");
        let pane = screen.inner(&["display-message", "-p", "-t", "w/qa", "#{pane_id}"]).trim().to_owned();
        (screen, pane)
    }

    /// Nobody asks anything.
    /// The same, of which all is known that can be; then the session is renamed.
    fn open_and_renamed(world: &World) -> (Screen<'_>, String) {
        let (screen, pane) = open(world, "");
        wait_known(world, 1);
        world.worker_tmux("w", &["rename-session", "-t", "=qa", "renamed"]);
        (screen, pane)
    }

    #[test]
    fn a_window_follows_at_once() {
        let world = world();
        let (screen, pane) = open(&world, "");
        for name in ["one", "two words", "qa"] {
            let id = world.worker_tmux("w", &["list-clients", "-F", "#{session_id}"]);
            world.worker_tmux("w", &["rename-session", "-t", id.trim(), name]);
            wait_address(&screen, &pane, &format!("w/{name}"));
        }
    }

    /// A session in which no hook of ours may be, and one in which somebody else is.
    #[rstest]
    fn a_view_that_changes_nothing_follows_at_once(#[values("plain", "not alone")] how: &str) {
        let world = World::new().worker_with("w", if how == "plain" { "view: plain" } else { "" }).worker("somebody");
        world.session("w", "qa", "echo I am qa; exec cat");
        if how != "plain" {
            let socket = world.worker_directory("w").join("tmux.sock");
            world.session("somebody", "else", &format!("exec env -u TMUX tmux -S {} attach -t qa", socket.display()));
            eventually("somebody else", || (!world.worker_tmux("w", &["list-clients"]).is_empty()).then_some(()));
        }
        let (screen, pane) = open(&world, "");
        world.worker_tmux("w", &["rename-session", "-t", "=qa", "renamed"]);
        wait_address(&screen, &pane, "w/renamed");
    }

    #[test]
    fn a_renamed_session_survives_the_end_of_its_client() {
        let world = world();
        let (screen, pane) = open_and_renamed(&world);
        let client = || world.worker_tmux("w", &["list-clients", "-F", "#{client_pid} #{session_name}"]).trim().to_owned();
        let before = client();
        let pid = before.split(' ').next().unwrap().parse().unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        eventually("another client", || {
            let now = client();
            (now != before && now.ends_with(" renamed")).then_some(())
        });
        wait_address(&screen, &pane, "w/renamed");
    }

    #[test]
    fn a_window_whose_session_ends_after_a_rename_closes_although_another_has_its_first_name() {
        let world = world();
        let (screen, pane) = open_and_renamed(&world);
        world.session("w", "qa", "echo I am somebody else; exec cat");
        wait_address(&screen, &pane, "w/renamed");
        world.worker_tmux("w", &["kill-session", "-t", "=renamed"]);
        eventually("the window to close", || (screen.windows() == ["|home"]).then_some(()));
    }

    /// A server that begins anew gives the same ids to others.
    #[test]
    fn a_server_that_was_started_anew_has_other_sessions() {
        let world = world();
        let (screen, pane) = open(&world, "");
        wait_known(&world, 1);
        assert_eq!(world.session_id("w", "qa"), "$1");
        world.worker_tmux("w", &["rename-session", "-t", "=qa", "renamed"]);
        wait_address(&screen, &pane, "w/renamed");
        world.worker_tmux("w", &["kill-server"]);
        eventually("the window to close", || (screen.windows() == ["|home"]).then_some(()));
        world.session("w", "first", "exec cat");
        world.session("w", "second", "exec cat");
        assert_eq!(world.session_id("w", "second"), "$1");
        world.run(&["peek", "w/renamed"]).expect(4);
    }
}
