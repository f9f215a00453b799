//! The hub as commands see it: what it knows is said without asking anybody, and it comes and goes as it should.

#[path = "support/hub.rs"]
mod hub;
#[path = "support/kubectls.rs"]
mod kubectls;
#[path = "support/operator.rs"]
mod operator;
#[path = "support/picker.rs"]
mod picker;
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use hub::{Hub, factory, known, rows, rows_of, sessions, standing, ways};
use nix::sys::signal::Signal;
use rstest::rstest;
use serde_json::Value;
use support::{BIN, World, eventually};

/// When a row was so.
fn as_of(row: &Value) -> SystemTime {
    humantime::parse_rfc3339(row["as_of"].as_str().unwrap()).unwrap()
}

/// The time now, as exactly as a row says it.
fn now() -> SystemTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_millis(since.as_millis() as u64)
}

fn has_hub(world: &World) -> bool {
    world.run(&["hub", "status"]).code == 0
}

#[test]
fn what_it_knows_is_listed_and_peeked_without_any_kubectl() {
    let (operator, [a, _b]) = factory();
    let notes = kubectls::note_kubectl(&operator);
    let before = now();
    let direct = rows(&operator.world, &[]);
    assert_eq!(ways(&direct), ["direct", "direct"]);
    assert!(direct.iter().all(|row| as_of(row) >= before));
    let _hub = Hub::start(&operator.world);
    known(&operator.world, &[]);
    // Nobody is asked by a command that the hub takes in time.
    let quietly = |arguments: &[&str]| {
        eventually("the hub to take it", || {
            fs::write(&notes, "").unwrap();
            operator.cluster.forget_calls();
            let rows = rows(&operator.world, arguments);
            (ways(&rows) == ["hub", "hub"]).then(|| {
                assert_eq!((kubectls::verbs(&notes), operator.cluster.calls().execs().len()), (vec![], 0));
                rows
            })
        })
    };
    let listed = quietly(&[]);
    assert_eq!(listed[0]["pod"], a.pod().name());
    assert_eq!(sessions(&listed[0]), ["qa"]);
    a.pod().tmux(&["send-keys", "-t", "=qa:", "hello there", "Enter"]);
    eventually("the screen", || operator.run(&["peek", "a/qa"]).expect(0).stdout.contains("hello there").then_some(()));
    assert_eq!((kubectls::verbs(&notes), operator.cluster.calls().execs().len()), (vec![], 0));
    let before = now();
    let fresh = quietly(&["--fresh"]);
    assert!(fresh.iter().all(|row| as_of(row) >= before), "{fresh:#?}");
}

#[test]
fn it_is_not_asked_where_the_operator_wants_none() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let _hub = Hub::start(&world);
    known(&world, &[]);
    let mut off = world.command(&["list", "--json"]);
    off.env("FACTORY_WORKER_LIVE", "off");
    assert_eq!(ways(&rows_of(off)), ["direct"]);
    let registry = fs::read_to_string(world.registry_path()).unwrap();
    fs::write(world.registry_path(), format!("live: off\n{registry}")).unwrap();
    assert_eq!(ways(&rows(&world, &[])), ["direct"]);
    // It lets go of the workers that it is not to follow any more.
    eventually("nobody to be followed", || hub::of_worker(&world, "here").is_none().then_some(()));
    fs::write(world.registry_path(), registry).unwrap();
    known(&world, &[]);
}

#[rstest]
#[case::wanted("on", "", true)]
#[case::unwanted_here("off", "", false)]
#[case::unwanted_ever("on", "live: off\n", false)]
fn the_picker_starts_one_unless_the_operator_wants_none(#[case] live: &str, #[case] line: &str, #[case] starts: bool) {
    let world = World::new().env("FACTORY_WORKER_LIVE", live).worker("here");
    world.session("here", "qa", "exec cat");
    let registry = fs::read_to_string(world.registry_path()).unwrap();
    fs::write(world.registry_path(), format!("{line}{registry}")).unwrap();
    let screen = picker::picker(&world, "");
    screen.wait("here/qa");
    assert_eq!(has_hub(&world), starts);
    screen.keys(&["Escape"]);
    picker::wait_left(&screen, 0);
    assert_eq!(has_hub(&world), starts);
}

/// A hub of another version, which ends when it is told to unless it is newer.
fn other_hub(world: &World, revision: u32) -> JoinHandle<()> {
    let socket = hub::socket(world);
    let listener = UnixListener::bind(&socket).unwrap();
    thread::spawn(move || {
        for mut client in listener.incoming().map_while(Result::ok) {
            let mut wanted = String::new();
            BufReader::new(&client).read_line(&mut wanted).unwrap();
            let _ = writeln!(client, "{{\"other\":{{\"revision\":{revision},\"release\":\"0.0.1\"}}}}");
            if wanted.contains("\"stop\"") && revision == 0 {
                break;
            }
        }
        fs::remove_file(socket).unwrap();
    })
}

#[test]
fn one_of_an_older_version_makes_room_and_a_newer_one_is_let_be() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let older = other_hub(&world, 0);
    assert_eq!(ways(&rows(&world, &[])), ["direct"]);
    let pick = || {
        let screen = picker::picker(&world, "");
        screen.wait("here/qa");
        screen.keys(&["Escape"]);
        picker::wait_left(&screen, 0);
    };
    pick();
    older.join().unwrap();
    assert!(has_hub(&world));
    world.run(&["hub", "stop"]).expect(0);
    let _newer = other_hub(&world, 4_000_000);
    pick();
    assert!(world.run(&["hub", "status"]).expect(1).stderr.contains("another version's"));
}

/// Of whoever starts it in the background it takes nothing along: no file, no directory, no terminal.
#[test]
fn it_keeps_nothing_of_who_started_it() {
    let world = hub::world().worker("here");
    let kept = world.path("kept");
    let screen = world.screen_with("");
    screen.enter(&format!("exec 7>{} 8</etc/passwd; clear; {BIN} pick; echo left with $?", kept.display()));
    screen.wait("> ");
    let pid = eventually("the hub", || world.run(&["hub", "status"]).code.eq(&0).then(|| standing(&world)["pid"].clone()));
    let process = format!("/proc/{pid}");
    assert_eq!(fs::read_link(format!("{process}/cwd")).unwrap().to_str(), Some("/"));
    for entry in fs::read_dir(format!("{process}/fd")).unwrap().flatten() {
        // It opens and closes files while we look.
        let Ok(file) = fs::read_link(entry.path()) else { continue };
        let file = file.to_string_lossy().into_owned();
        assert!(!file.starts_with("/dev/pts") && file != kept.to_str().unwrap() && file != "/etc/passwd", "{file}");
    }
    let stat = fs::read_to_string(format!("{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    // Its group, its session and its terminal.
    assert_eq!([fields[2], fields[3], fields[4]], [&pid.to_string(), &pid.to_string(), "0"]);
    let environment = fs::read(format!("{process}/environ")).unwrap();
    assert!(!environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(b"TMUX")));
}

#[test]
fn what_happens_in_pods_and_what_commands_did_is_in_the_next_list() {
    let (operator, [a, b]) = factory();
    let _hub = Hub::start(&operator.world);
    known(&operator.world, &[]);
    let lists = |name: &str, wanted: &[&str]| {
        eventually(&format!("{wanted:?} to be listed"), || {
            (sessions(&known(&operator.world, &[name])[0]) == wanted).then_some(())
        });
    };
    a.pod().tmux(&["new-session", "-d", "-s", "dev", "exec cat"]);
    lists("a", &["dev", "qa"]);
    b.pod().tmux(&["rename-session", "-t", "=qa:", "review"]);
    lists("b", &["review"]);
    a.pod().tmux(&["kill-session", "-t", "=qa:"]);
    lists("a", &["dev"]);
    // Whatever a command of ours has done, the list was made after that.
    // (Of cat nobody can tell that it took a line.)
    for (command, code) in [(&["nudge", "a/dev", "well?"] as &[&str], 5), (&["interrupt", "a/dev"], 0)] {
        operator.run(command).expect(code);
        let done = now();
        let listed = rows(&operator.world, &["a"]);
        assert!(as_of(&listed[0]) >= done, "{command:?} {listed:#?}");
    }
    let no_session = || sessions(&rows(&operator.world, &["a"])[0]).is_empty().then_some(());
    eventually("the session to be gone", no_session);
}

#[test]
fn it_ends_with_the_last_tmux_that_it_serves_and_not_before() {
    let world = hub::world().worker("here");
    let tmux = ["one", "two"].map(|name| {
        let socket = world.path(name);
        world.tmux(&socket, &["new-session", "-d", "-s", "main", "exec cat"]);
        let pid = world.tmux(&socket, &["display-message", "-p", "#{pid}"]);
        (format!("{},{},0", socket.display(), pid.trim()), socket)
    });
    let hub = Hub::start(&world);
    let from = |tmux: &str| {
        let mut list = world.command(&["list", "--json"]);
        list.env("TMUX", tmux);
        rows_of(list)
    };
    // One that is gone already is none that it could serve.
    from(&format!("{},{},0", tmux[0].1.display(), i32::MAX));
    for (tmux, _) in &tmux {
        from(tmux);
    }
    let goes_on = || {
        let runs_for = || standing(&world)["runs_for"].as_u64().unwrap();
        let then = runs_for() + 3;
        eventually("it to go on", || (runs_for() >= then).then_some(()));
    };
    goes_on();
    world.tmux(&tmux[0].1, &["kill-server"]);
    goes_on();
    world.tmux(&tmux[1].1, &["kill-server"]);
    assert_eq!(hub.wait(), 0);
    assert!(!has_hub(&world));
}

#[test]
fn it_is_stopped_and_ctrl_c_ends_it_and_nothing_is_left() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    let stop = || world.run(&["hub", "stop"]).expect(0).stdout;
    assert_eq!(stop(), "no hub runs\n");
    let status = world.run(&["hub", "status"]).expect(1);
    assert_eq!((status.stdout.as_str(), status.stderr.as_str()), ("", "factory-worker: no hub runs\n"));
    let left = || hub::left(&world);
    let hub = Hub::start(&world);
    known(&world, &[]);
    assert!(world.run(&["hub", "status"]).expect(0).stdout.contains("1 of 1 workers are there"));
    assert_eq!(stop(), "the hub has ended\n");
    assert_eq!(hub.wait(), 0);
    assert!(left().is_empty(), "{:?}", left());
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let hub = Hub::start(&world);
        known(&world, &[]);
        hub.signal(signal);
        assert_eq!(hub.wait(), 130);
        assert!(left().is_empty(), "{:?}", left());
    }
    assert_eq!(stop(), "no hub runs\n");
}

#[test]
fn who_is_in_other_surroundings_asks_by_himself() {
    let world = hub::world().worker("here");
    let kubeconfig = world.path("kubeconfig");
    let world = world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    world.session("here", "qa", "exec cat");
    let _hub = Hub::start(&world);
    known(&world, &[]);
    let elsewhere = world.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let elsewhere = elsewhere.to_str().unwrap();
    let registry = world.registry_path();
    let direct = |variable: &str, value: &str| {
        let mut list = world.command(&["list", "--json", "--workers", registry.to_str().unwrap()]);
        list.env(variable, value);
        assert_eq!(ways(&rows_of(list)), ["direct"], "{variable}");
    };
    for (variable, value) in [("AWS_PROFILE", "other"), ("HTTPS_PROXY", "http://127.0.0.1:9"), ("HOME", elsewhere)] {
        direct(variable, value);
    }
    direct("KUBECONFIG", &format!("{elsewhere}/config"));
    direct("AWS_PROFILE", "other");
    let said = world.run(&["hub", "status"]).expect(0).stdout;
    for line in [
        "went direct 2 times: its AWS_PROFILE is another one",
        "went direct once: its HTTPS_PROXY is another one",
        "went direct once: its HOME is another one",
        "went direct once: its kubeconfig is another one",
    ] {
        assert!(said.lines().any(|told| told == line), "{line}\n{said}");
    }
    assert_eq!(ways(&rows(&world, &[])), ["hub"]);
}

#[test]
fn workers_of_this_machine_need_no_kubectl() {
    let world = hub::world().worker("here");
    world.session("here", "qa", "exec cat");
    // All programs that there are but that one.
    let programs = world.path("programs");
    fs::create_dir(&programs).unwrap();
    let path = std::env::var("PATH").unwrap();
    for directory in path.split(':') {
        for program in fs::read_dir(directory).into_iter().flatten().flatten() {
            if program.file_name() != "kubectl" {
                let _ = symlink(program.path(), programs.join(program.file_name()));
            }
        }
    }
    let world = world.env("PATH", programs.to_str().unwrap());
    let _hub = Hub::start(&world);
    assert_eq!(sessions(&known(&world, &[])[0]), ["qa"]);
    assert!(world.run(&["peek", "here/qa"]).code == 0);
    world.worker_tmux("here", &["rename-session", "-t", "=qa:", "review"]);
    eventually("the new name", || (sessions(&rows(&world, &[])[0]) == ["review"]).then_some(()));
}
