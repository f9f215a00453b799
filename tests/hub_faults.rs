//! The hub when something breaks: it, what it holds, or what it listens on. The next command works, and nothing is left behind.

#[path = "support/hub.rs"]
mod hub;
#[path = "support/liar.rs"]
mod liar;
#[path = "support/login_plugin.rs"]
mod login_plugin;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/raw.rs"]
mod raw;
mod support;
#[path = "support/traces.rs"]
mod traces;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use hub::{Hub, factory, known, of_worker, rows, sessions, standing, ways};
use kubesim::{Pod, eventually_or_show};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use serde_json::{Value, json};
use support::eventually;

/// All that can be set in a pod's tmux.
fn settings(pod: &Pod) -> String {
    let all = [&["show-options"] as &[&str], &["show-options", "-s"], &["show-options", "-g"], &["show-options", "-gw"]];
    let all = all.map(|words| pod.tmux(words));
    let hooks = [&["show-hooks"] as &[&str], &["show-hooks", "-g"], &["show-hooks", "-gw"]].map(|words| pod.tmux(words));
    format!("{}\n{}\n{}", all.concat(), hooks.concat(), pod.tmux(&["show-environment", "-g"]))
}

/// A pod as it is before anybody speaks to it.
struct Before {
    pod: Pod,
    processes: Vec<i32>,
    settings: String,
}

impl Before {
    fn of(pod: Pod) -> Self {
        Self { processes: pod.processes(), settings: settings(&pod), pod }
    }

    /// What has been started in it since then and still runs.
    fn more(&self) -> Vec<i32> {
        self.pod.processes().into_iter().filter(|process| !self.processes.contains(process)).collect()
    }

    #[track_caller]
    fn assert_as_it_was(&self) {
        eventually("nothing to be left in the pod", || self.more().is_empty().then_some(()));
        assert_eq!(settings(&self.pod), self.settings);
    }
}

/// It may have ended with another one.
fn end(process: i32) {
    let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
}

#[derive(Debug, Clone, Copy)]
enum Killed {
    Hub,
    Gateway,
    Relays,
}

/// Each of them at once by somebody who asks nobody.
#[rstest]
fn what_is_killed_costs_nobody_anything(#[values(Killed::Hub, Killed::Gateway, Killed::Relays)] killed: Killed) {
    let (operator, workers) = factory();
    let before = workers.each_ref().map(|worker| Before::of(worker.pod()));
    let hub = Hub::start(&operator.world);
    known(&operator.world, &[]);
    let hub = match killed {
        Killed::Hub => {
            hub.kill();
            None
        }
        Killed::Gateway => {
            let all = traces::running(&operator.world);
            let is_kubectl = |command: &str| command.split(' ').next().is_some_and(|program| program.ends_with("kubectl"));
            let gateways = all.iter().filter(|(_, command)| is_kubectl(command) && command.contains(" proxy "));
            let gateways: Vec<_> = gateways.collect();
            assert!(!gateways.is_empty(), "{all:?}");
            gateways.iter().for_each(|(process, _)| end(*process));
            Some(hub)
        }
        Killed::Relays => {
            let relays = before.each_ref().map(Before::more).concat();
            assert!(relays.len() >= 2, "{relays:?}");
            relays.iter().for_each(|process| end(*process));
            Some(hub)
        }
    };
    for row in rows(&operator.world, &["--fresh"]) {
        assert_eq!((row["status"].as_str(), sessions(&row)), (Some("running"), vec!["qa"]), "{row:#}");
    }
    operator.run(&["peek", "a/qa"]).expect(0);
    if let Some(hub) = hub {
        known(&operator.world, &[]);
        hub.kill();
    }
    eventually("what ran for the hub to end", || traces::processes(&operator.world).is_empty().then_some(()));
    before.iter().for_each(Before::assert_as_it_was);
    // Another one takes the place of one that was killed, and clears away what that has left.
    let hub = Hub::start(&operator.world);
    known(&operator.world, &[]);
    operator.run(&["hub", "stop"]).expect(0);
    assert_eq!(hub.wait(), 0);
    eventually("the last socket to go", || hub::left(&operator.world).is_empty().then_some(()));
    before.iter().for_each(Before::assert_as_it_was);
}

#[test]
fn of_two_at_once_one_wins_and_the_other_ends_in_peace() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    for _ in 0..5 {
        let mut hubs = [(); 4].map(|()| Hub::of(&world, world.command(&["hub"])));
        eventually("all others to end", || (hubs.iter_mut().filter_map(Hub::ended).count() == 3).then_some(()));
        assert!(hubs.iter_mut().filter_map(Hub::ended).all(|code| code == 0));
        let pid = eventually_or_show("one to listen", || {
            let ran = world.run(&["hub", "status", "--json"]);
            if ran.code != 0 {
                return Err(ran.stderr);
            }
            Ok(serde_json::from_str::<Value>(&ran.stdout).unwrap()["pid"].clone())
        });
        assert!(hubs.iter().any(|hub| pid == hub.pid()));
        known(&world, &[]);
        world.run(&["hub", "stop"]).expect(0);
    }
}

/// What a program says that listens where a hub should.
#[derive(Debug, Clone, Copy)]
enum Says {
    Nothing,
    Nonsense,
    /// Byte after byte, as fast as they are taken, and no line.
    Flood,
    /// A byte now and then, for ever.
    Drops,
    /// That it takes whatever it is asked, and then nothing.
    Yes,
    /// That it is a newer hub.
    Newer,
    /// It takes no connection.
    TakesNothing,
}

impl Says {
    fn to(self, mut client: UnixStream) {
        // Of what it is asked it has taken a line by then.
        let _ = BufReader::new(&client).read_line(&mut String::new());
        let _ = match self {
            Self::Nothing => client.read_to_end(&mut Vec::new()).map(drop),
            Self::Nonsense => client.write_all(b"\x1b[2J HTTP/1.1 400\r\n\n"),
            Self::Flood => std::iter::repeat_with(|| client.write_all(&[b'x'; 65536])).find(Result::is_err).unwrap_or(Ok(())),
            Self::Drops => std::iter::repeat_with(|| {
                thread::sleep(Duration::from_millis(10));
                client.write_all(b" ")
            })
            .find(Result::is_err)
            .unwrap_or(Ok(())),
            Self::Yes => client.write_all(b"\"yes\"\n").and_then(|()| client.read_to_end(&mut Vec::new()).map(drop)),
            Self::Newer => client.write_all(b"{\"other\":{\"revision\":4000000,\"release\":\"99.0.0\"}}\n"),
            Self::TakesNothing => Ok(()),
        };
    }
}

#[rstest]
fn somebody_else_who_listens_there_is_left_alone(
    #[values(Says::Nothing, Says::Nonsense, Says::Flood, Says::Drops, Says::Newer, Says::TakesNothing)] says: Says,
) {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let listener = UnixListener::bind(hub::socket(&world)).unwrap();
    let own = listener.try_clone().unwrap();
    if !matches!(says, Says::TakesNothing) {
        thread::spawn(move || {
            for client in own.incoming().map_while(Result::ok) {
                thread::spawn(move || says.to(client));
            }
        });
    }
    let row = &rows(&world, &[])[0];
    assert_eq!((row["via"].as_str(), row["status"].as_str(), sessions(row)), (Some("direct"), Some("running"), vec!["qa"]));
    world.run(&["peek", "here/qa"]).expect(0);
    let status = world.run(&["hub", "status"]).expect(1);
    let stop = world.run(&["hub", "stop"]).expect(1);
    let said =
        if matches!(says, Says::Newer) { "another version's, of factory-worker 99.0.0" } else { "another program that listens" };
    for ran in [status, stop] {
        assert!(ran.stderr.contains(said) && !ran.stderr.contains('\u{1b}'), "{ran:?}");
    }
    // A hub that is to be there takes the place of whoever is none.
    let _hub = Hub::start(&world);
    known(&world, &[]);
}

/// A hub that has taken a question and does not answer it is not waited for for ever, and what may have run is not run again.
#[test]
fn one_that_takes_everything_and_answers_nothing_costs_seconds_and_no_second_time() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let listener = UnixListener::bind(hub::socket(&world)).unwrap();
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || Says::Yes.to(client));
        }
    });
    let ran = world.run(&["--timeout=1s", "nudge", "here/qa", "once"]).expect(5);
    assert!(ran.stderr.contains("the hub has not answered"), "{}", ran.stderr);
    assert!(!world.pane("here", "qa").contains("once"));
}

#[rstest]
#[case::a_file(|path: &Path| fs::write(path, "no socket").unwrap(), true)]
#[case::a_directory(|path: &Path| fs::create_dir(path).unwrap(), false)]
#[case::a_link_to_nowhere(|path: &Path| std::os::unix::fs::symlink("/nowhere/at/all", path).unwrap(), true)]
#[case::the_socket_of_one_that_was_killed(|path: &Path| drop(UnixListener::bind(path).unwrap()), true)]
fn what_lies_there_is_in_nobodys_way(#[case] make: fn(&Path), #[case] can_be: bool) {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    make(&hub::socket(&world));
    let row = &rows(&world, &[])[0];
    assert_eq!((row["via"].as_str(), sessions(row)), (Some("direct"), vec!["qa"]));
    world.run(&["hub", "status"]).expect(1);
    world.run(&["hub", "stop"]).expect(0);
    if can_be {
        let _hub = Hub::start(&world);
        known(&world, &[]);
    } else {
        let ran = world.run(&["hub"]).expect(1);
        assert!(ran.stderr.contains(hub::socket(&world).to_str().unwrap()), "{}", ran.stderr);
        assert_eq!(ways(&rows(&world, &[])), ["direct"]);
    }
}

/// Nobody can reach it any more, so it makes room for one that can be reached.
#[rstest]
fn one_whose_socket_is_taken_away_ends(#[values(false, true)] another_is_there: bool) {
    let world = hub::world().worker("here");
    let hub = Hub::start(&world);
    fs::remove_file(hub::socket(&world)).unwrap();
    if another_is_there {
        fs::write(hub::socket(&world), "mine").unwrap();
    }
    assert_eq!(hub.wait(), 0);
    assert_eq!(hub::socket(&world).exists(), another_is_there);
}

#[test]
fn one_that_stands_still_costs_nobody_anything_and_goes_on_when_it_is_woken() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let hub = Hub::start(&world);
    known(&world, &[]);
    hub.signal(Signal::SIGSTOP);
    world.worker_tmux("here", &["new-session", "-d", "-s", "new", "exec cat"]);
    for _ in 0..3 {
        let row = &rows(&world, &[])[0];
        assert_eq!((row["via"].as_str(), sessions(row)), (Some("direct"), vec!["new", "qa"]));
    }
    // What it was asked for while it stood still it does not do when it is woken: that has been done.
    world.run(&["nudge", "here/new", "only once"]);
    world.run(&["interrupt", "here/qa"]).expect(0);
    world.run(&["hub", "status"]).expect(1);
    hub.signal(Signal::SIGCONT);
    eventually("the session to be gone", || (sessions(&known(&world, &[])[0]) == ["new"]).then_some(()));
    // Typed, and written by cat.
    assert_eq!(world.pane("here", "new").matches("only once").count(), 2);
    world.run(&["hub", "stop"]).expect(0);
    assert_eq!(hub.wait(), 0);
}

#[test]
fn what_makes_no_sense_costs_nobody_else_anything() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let hub = Hub::start(&world);
    known(&world, &[]);
    let connect = || UnixStream::connect(hub::socket(&world)).unwrap();
    let answer = |line: &[u8]| {
        let mut client = connect();
        let _ = client.write_all(line);
        let mut said = String::new();
        let _ = BufReader::new(client).read_line(&mut said);
        said
    };
    let said = answer(b"{\"version\":{\"revision\":0,\"release\":\"0.0.9\"},\"request\":{}}\n");
    let other: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(other["other"]["release"], env!("CARGO_PKG_VERSION"), "{said}");
    // An older one cannot end it.
    answer(b"{\"version\":{\"revision\":0,\"release\":\"0.0.9\"},\"request\":{\"request\":\"stop\"}}\n");
    let own = json!({"version": {"revision": other["other"]["revision"], "release": other["other"]["release"]}, "request": {}});
    for nonsense in ["\n", "nonsense\n", "{}\n", "[[[[\n", &format!("{own}\n")] {
        assert_eq!(answer(nonsense.as_bytes()), "", "{nonsense}");
    }
    assert_eq!(answer(&"[".repeat(1 << 20).into_bytes()), "");
    assert_eq!(answer(&[vec![b'x'; 20 << 20], vec![b'\n']].concat()), "");
    // Some say half of what they want, and wait.
    let waiting: Vec<_> = (0..20).map(|_| connect()).collect();
    waiting.iter().for_each(|mut client| client.write_all(b"{\"version\":").unwrap());
    known(&world, &[]);
    // They are not waited for for ever.
    for mut client in waiting {
        assert!(matches!(client.read(&mut [0]), Ok(0) | Err(_)));
    }
    known(&world, &[]);
    // One that is newer ends it.
    let said = answer(b"{\"version\":{\"revision\":4000000,\"release\":\"99.0.0\"},\"request\":{\"request\":\"stop\"}}\n");
    assert!(said.contains("other"), "{said}");
    assert_eq!(hub.wait(), 0);
}

/// More clients than it may have files.
#[test]
fn those_who_come_while_there_is_no_room_are_served_later() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let mut limited = world.program("sh");
    limited.args(["-c", "ulimit -Hn 60; exec \"$0\" hub", support::BIN]);
    let _hub = Hub::of(&world, limited);
    known(&world, &[]);
    let clients: Vec<_> = (0..100).map(|_| UnixStream::connect(hub::socket(&world)).unwrap()).collect();
    known(&world, &[]);
    drop(clients);
}

#[test]
fn a_pod_that_is_replaced_is_known_by_itself_and_one_that_is_not_there_is_not_said_to_be() {
    let (operator, [a, _b]) = factory();
    let _hub = Hub::start(&operator.world);
    known(&operator.world, &[]);
    let old = a.pod();
    old.begin_to_delete();
    let new = a.wait_replaced(&old);
    let is_new = |row: Value| (row["pod"] == new.name() && row["answer"].get("Ok").is_some()).then_some(());
    eventually("the new pod to be known", || of_worker(&operator.world, "a").and_then(is_new));
    eventually("the new pod to be listed", || (known(&operator.world, &[])[0]["pod"] == new.name()).then_some(()));
    operator.cluster.refuse_connections();
    operator.cluster.drop_connections();
    eventually("the loss to be known", || of_worker(&operator.world, "a")?["answer"].get("Err").map(drop));
    for _ in 0..3 {
        let rows = rows(&operator.world, &[]);
        assert!(rows.iter().all(|row| row["status"] == "unreachable" && row["sessions"].is_null()), "{rows:#?}");
    }
    let said = operator.run(&["hub", "status"]).expect(0).stdout;
    assert!(said.contains("0 of 2 workers are there") && said.contains("a is unreachable as of "), "{said}");
    operator.cluster.accept_connections();
    eventually("them to be there again", || {
        let rows = rows(&operator.world, &[]);
        (ways(&rows) == ["hub", "hub"] && rows.iter().all(|row| row["status"] == "running")).then_some(())
    });
}

#[test]
fn a_hostile_pod_gets_nothing_to_a_terminal_and_no_other_worker_into_trouble() {
    let liar = liar::Liar::new();
    let liar = liar::Liar { operator: hub::live(liar.operator), pod: liar.pod };
    let _hub = Hub::start(&liar.operator.world);
    let by_hub = |worker: &str| {
        eventually("it to be known", || (rows(&liar.operator.world, &[worker])[0]["via"] == "hub").then_some(()));
    };
    let attacks = String::from_utf8_lossy(&liar::attacks(b"\nS $1 1 0 1 ")).into_owned();
    liar.write("listing", format!("S $0 1 0 1 qa\nS $1 1 0 1 {attacks}\n"));
    for _ in 0..3 {
        liar.run(&["list"]).expect(0);
        liar.run(&["hub", "status"]).expect(0);
        liar.run(&["hub", "status", "--json"]).expect(0);
    }
    // So much that nobody wants to have it by itself.
    let many: String = (0..4000).map(|number| format!("S ${number} 1 0 1 {}-{number}\n", "x".repeat(40))).collect();
    liar.write("listing", &many);
    eventually("them to be listed", || (sessions(&rows(&liar.operator.world, &["w"])[0]).len() == 4000).then_some(()));
    liar.run(&["hub", "status"]).expect(0);
    liar.has_session("#(touch pwned)");
    eventually("it to be listed", || (sessions(&rows(&liar.operator.world, &["w"])[0]) == ["#(touch pwned)"]).then_some(()));
    by_hub("w");
    liar.run(&["list"]).expect(0);
    liar.run(&["hub", "status"]).expect(0);
}

/// Nobody has asked for what the hub does by itself: where nobody has logged in, it runs no program that may ask a person.
#[test]
fn by_itself_it_logs_in_to_nothing() {
    let (mut operator, _workers) = factory();
    let plugin = login_plugin::LoginPlugin::of(&mut operator, "fail", "Never");
    let list = |live: &str| {
        let before = plugin.runs();
        let mut list = operator.world.command(&["list", "--json"]);
        list.env("FACTORY_WORKER_LIVE", live);
        let rows = hub::rows_of(list);
        assert!(rows.iter().all(|row| row["status"] == "unauthorized" && row["via"] == "direct"), "{rows:#?}");
        plugin.runs() - before
    };
    let by_itself = list("off");
    let _hub = Hub::start(&operator.world);
    let before = plugin.runs();
    assert_eq!(list("on"), by_itself);
    eventually("the hub to have found that it may not", || {
        let standing = standing(&operator.world);
        let rows = standing["registries"][0]["rows"].as_array()?;
        (rows.len() == 2 && rows.iter().all(|row| row["answer"].get("Err").is_some())).then_some(())
    });
    assert_eq!(list("on"), by_itself);
    assert_eq!(plugin.runs() - before, 2 * by_itself);
}

/// Where a command of the operator's has just got in, so does the hub, with what the plugin has kept: nobody is asked anything.
#[test]
fn it_follows_whoever_has_logged_in() {
    let (mut operator, _workers) = factory();
    let plugin = login_plugin::LoginPlugin::of(&mut operator, "browser", "Never");
    plugin.is_logged_in();
    let _hub = Hub::start(&operator.world);
    known(&operator.world, &[]);
    assert_eq!(plugin.logins(), 0);
}
