//! Gas City's events provider, through the real kubectl: what its conformance asks for, and what its script got wrong.

#[path = "gascity/city.rs"]
mod city;
#[path = "gascity/events.rs"]
mod events;
mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use city::City;
use events::{EVERYTHING, PROVIDER, script_counter, script_event, seqs, seqs_of};
use kubesim::{Fault, requests_for};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rstest::rstest;
use serde_json::json;
use support::eventually;

#[rstest]
#[case::unknown(&["frobnicate"], 2)]
#[case::newer(&["subscribe", "7"], 2)]
#[case::flag(&["--frobnicate"], 2)]
#[case::none(&[], 1)]
#[case::watch_without_a_number(&["watch", "soon"], 1)]
fn only_an_unknown_operation_is_exit_2(#[case] words: &[&str], #[case] code: i32) {
    let city = City::new();
    let ran = city.events(words, "").expect(code);
    assert_eq!((ran.stdout.as_str(), ran.stderr.is_empty()), ("", code == 2), "{}", ran.stderr);
    let ran = city.world.run(&[&["gc-events"], words].concat()).expect(code);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_store_that_is_not_there_yet_is_an_empty_one() {
    let city = City::new();
    assert_eq!((city.latest(), city.list(EVERYTHING), city.list("")), (0, vec![], vec![]));
    let watch = city.watch(0);
    city.record("first", "me");
    eventually("the first event", || (seqs_of(&watch) == [1]).then_some(()));
    drop(watch);
    city.assert_nothing_left();
}

#[test]
fn ensure_running_makes_the_counter_once_as_the_script_does() {
    let city = City::new();
    city.events(&["ensure-running"], "").expect(0);
    let made = city.map("gc-events-seq").unwrap();
    assert_eq!(made["data"], json!({"seq": "0"}));
    assert_eq!(made["metadata"]["labels"], script_counter(0)["metadata"]["labels"]);
    city.record("a", "b");
    city.events(&["ensure-running"], "").expect(0);
    assert_eq!(city.latest(), 1);
    city.assert_nothing_left();
}

#[test]
fn a_counter_that_was_lost_goes_on_where_the_events_are() {
    let city = City::new();
    city.record("a", "b");
    city.record("a", "b");
    for counter in ["", "0"] {
        city.cluster.kubectl(&["--namespace=gc", "delete", "configmap", "gc-events-seq"]);
        if !counter.is_empty() {
            assert_eq!(city.apply("create", &script_counter(0)).code, 0);
        }
        let before = seqs(&city.list("")).len() as u64;
        city.record("a", "b");
        assert_eq!((city.latest(), seqs(&city.list(""))), (before + 1, (1..=before + 1).collect()));
    }
}

#[test]
fn an_event_is_kept_as_it_was_said() {
    let city = City::new();
    let said = r#"{"seq":0,"type":"bead.closed","ts":"2026-04-01T12:00:00.123456789+02:00","actor":"rig/worker_",
        "subject":"gc-1","message":"a\nb \u001b[31m","payload": {"n": 1e400, "big": 12345678901234567890}, "later": [1]}"#;
    city.events(&["record"], said).expect(0);
    let map = city.map("gc-evt-0000000001").unwrap();
    let labels = json!({
        "app.kubernetes.io/managed-by": "gascity", "gc/component": "event", "gc/type": "bead.closed", "gc/actor": "rig_worker",
    });
    assert_eq!((&map["metadata"]["labels"], map["metadata"].get("annotations")), (&labels, None));
    let line = "{\"seq\":1,\"type\":\"bead.closed\",\"ts\":\"2026-04-01T12:00:00.123456789+02:00\",\"actor\":\"rig/worker_\",\
                \"subject\":\"gc-1\",\"message\":\"a\\nb \\u001b[31m\",\"payload\":{\"n\":1e400,\"big\":12345678901234567890},\"later\":[1]}";
    assert_eq!(map["data"], json!({"event": line}));
    assert_eq!(city.events(&["list"], EVERYTHING).expect(0).stdout, format!("[{line}]\n"));
    let watch = city.watch(0);
    eventually("the event", || (watch.so_far() == [line]).then_some(()));
}

#[rstest]
#[case(r#"{"Type":"a"}"#, &[1, 3])]
#[case(r#"{"Type":"a_b"}"#, &[2])]
#[case(r#"{"Actor":"x_y"}"#, &[2])]
#[case(r#"{"Actor":"x/y"}"#, &[1, 4])]
#[case(r#"{"Type":"a","Actor":"x/y"}"#, &[1])]
#[case(r#"{"AfterSeq":2}"#, &[3, 4])]
#[case(r#"{"Since":"2026-04-01T10:00:00.2Z"}"#, &[2, 3])]
#[case(r#"{"Since":"2026-04-01T11:00:00.300000001+01:00"}"#, &[3])]
#[case(r#"{"Type":"a","Since":"2026-04-01T10:00:00Z","AfterSeq":1}"#, &[3])]
#[case(r#"{"Type":"nothing"}"#, &[])]
fn filters_are_exact(#[case] filter: &str, #[case] expected: &[u64]) {
    let city = City::new();
    let long = "a".repeat(70);
    let events = [
        ("a", "x/y", "10:00:00.1Z"),
        ("a_b", "x_y", "10:00:00.3Z"),
        ("a", &long, "12:00:00.5+01:00"),
        ("a/b", "x/y", "09:59:59Z"),
    ];
    for (kind, actor, time) in events {
        let event = json!({"seq": 0, "type": kind, "actor": actor, "ts": format!("2026-04-01T{time}")});
        city.events(&["record"], &event.to_string()).expect(0);
    }
    assert_eq!(seqs(&city.list(filter)), expected);
}

#[test]
fn sixteen_writers_lose_nothing_and_leave_no_gap() {
    let city = City::new();
    let watch = city.watch(0);
    thread::scope(|scope| {
        for writer in 0..16 {
            let city = &city;
            scope.spawn(move || {
                for _ in 0..2 {
                    city.record("written", &format!("writer-{writer}"));
                }
            });
        }
    });
    let events = city.list(EVERYTHING);
    assert_eq!(seqs(&events), (1..=32).collect::<Vec<_>>());
    for writer in 0..16 {
        let actor = format!("writer-{writer}");
        assert_eq!(events.iter().filter(|event| event["actor"] == *actor).count(), 2, "{actor}");
    }
    assert_eq!(city.latest(), 32);
    // A writer that is slower than the watch is patient comes late, and not never; the order is for the unit tests.
    eventually("all of them, each once", || {
        let mut seen = seqs_of(&watch);
        seen.sort_unstable();
        (seen == (1..=32).collect::<Vec<_>>()).then_some(())
    });
    drop(watch);
    city.assert_nothing_left();
}

#[test]
fn the_script_and_we_write_and_read_one_store() {
    let city = City::new();
    assert_eq!(city.apply("create", &script_counter(0)).code, 0);
    city.script_records("a", "script");
    assert_eq!((city.latest(), seqs(&city.list(r#"{"Actor":"script"}"#))), (1, vec![1]));
    let watch = city.watch(1);
    thread::scope(|scope| {
        scope.spawn(|| (0..4).for_each(|_| city.script_records("a", "script")));
        scope.spawn(|| (0..4).for_each(|_| city.record("a", "binary")));
    });
    let events = city.list(EVERYTHING);
    assert_eq!(seqs(&events), (1..=9).collect::<Vec<_>>());
    let by = |actor: &str| events.iter().filter(|event| event["actor"] == actor).count();
    assert_eq!((by("script"), by("binary")), (5, 4));
    // What the script's list would select.
    let selected =
        city.cluster.kubectl(&["--namespace=gc", "get", "configmaps", "--selector=gc/component=event,gc/actor=binary", "-oname"]);
    assert_eq!(selected.stdout.lines().count(), 4, "{}", selected.stdout);
    eventually("all of them, each once", || {
        let mut seen = seqs_of(&watch);
        seen.sort_unstable();
        (seen == (2..=9).collect::<Vec<_>>()).then_some(())
    });
}

#[test]
fn a_number_that_the_script_has_taken_is_its_own() {
    // What we are told of the counter comes late: the script counts meanwhile, if it is fast enough on this machine.
    let (city, number) =
        [2, 4, 8, 12].into_iter().find_map(|seconds| race(Duration::from_secs(seconds))).expect("a slow machine");
    city.script_applies(number, "a", "script");
    let actors: Vec<_> = city.list("").iter().map(|event| event["actor"].as_str().unwrap().to_owned()).collect();
    assert_eq!(actors, ["binary", "script", "binary"]);
}

/// A record of ours in the middle of which the script counts; the script's number, unless we were faster.
fn race(slowness: Duration) -> Option<(City, u64)> {
    let city = City::new();
    city.record("a", "binary");
    city.cluster.forget_calls();
    city.cluster.when(requests_for("configmaps").once()).then(Fault::slow(slowness));
    let number = thread::scope(|scope| {
        scope.spawn(|| city.record("a", "binary"));
        eventually("our question", || (!city.cluster.calls().about_objects().is_empty()).then_some(()));
        city.script_counts()
    });
    (number == 2).then_some((city, number))
}

#[test]
fn a_watch_goes_on_after_the_server_ended_it_and_after_410() {
    let city = City::new();
    (0..3).for_each(|_| city.record("before", "me"));
    // The server ends a watch when it likes to, as if all had been said.
    let end = Fault::cut_after(Duration::from_millis(300)).looking_like_success();
    city.cluster.when(kubesim::watches().next(3)).then(end);
    let watch = city.watch(1);
    eventually("what is there", || (seqs_of(&watch) == [2, 3]).then_some(()));
    (0..3).for_each(|_| city.record("between", "me"));
    eventually("the fourth watch", || (city.cluster.calls().matching(&kubesim::watches()).len() >= 4).then_some(()));
    eventually("what came meanwhile", || (seqs_of(&watch) == [2, 3, 4, 5, 6]).then_some(()));
    // While it is away, the history is lost: it must list again rather than go on from its version.
    let rule = city.cluster.when(kubesim::watches()).then(Fault::Status(503));
    city.cluster.drop_connections();
    city.record("unseen", "me");
    city.cluster.compact();
    rule.lift();
    city.record("after", "me");
    eventually("the rest", || (seqs_of(&watch) == (2..=8).collect::<Vec<_>>()).then_some(()));
    drop(watch);
    city.assert_nothing_left();
}

#[test]
fn a_watch_ends_with_its_reader_and_leaves_nothing_behind() {
    let city = City::new();
    city.record("a", "b");
    let mut command = city.command(PROVIDER, &["watch", "0"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    assert!(line.contains("\"seq\":1"), "{line}");
    // Nothing is written any more, and yet it notices.
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    city.assert_nothing_left();
}

/// Whatever the kubectl does at the time: one that stands still does not hear of it before it is woken.
#[rstest]
fn killing_us_leaves_no_kubectl(#[values(false, true)] stands_still: bool) {
    let city = City::new();
    city.record("a", "b");
    let mut watch = city.watch(0);
    eventually("the event", || (seqs_of(&watch) == [1]).then_some(()));
    let left = city.left_processes();
    let kubectl = left.iter().find(|(_, words)| words.contains("kubectl") && !words.starts_with("sh ")).unwrap();
    // Nobody else can open its socket, or write with it what it is not there for.
    let words = kubectl.1.split(' ').collect::<Vec<_>>();
    let socket = Path::new(words.iter().find_map(|word| word.strip_prefix("--unix-socket=")).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!([mode(socket.parent().unwrap()), mode(&city.world.path("run/factory-worker"))], [0o700; 2]);
    assert!(socket.to_str().unwrap().len() < 100 && socket.parent().unwrap().file_name().unwrap().len() == 32);
    assert!(words.contains(&"--accept-paths=^/api/v1/namespaces/gc/configmaps(/[a-z0-9.-]+)?$"), "{words:?}");
    if stands_still {
        kill(Pid::from_raw(kubectl.0), Signal::SIGSTOP).unwrap();
    }
    watch.child.kill().unwrap();
    watch.child.wait().unwrap();
    city.assert_nothing_left();
}

/// What is where the sockets would be.
#[derive(Debug, Clone, Copy)]
enum Runtime {
    /// Nothing that is ours: it is somewhere else then.
    OpenToOthers,
    Missing,
}

#[rstest]
fn a_runtime_directory_that_is_no_place_is_passed_over(#[values(Runtime::OpenToOthers, Runtime::Missing)] runtime: Runtime) {
    let city = City::new();
    let place = city.world.path("run");
    match runtime {
        Runtime::OpenToOthers => {
            fs::create_dir(place.join("factory-worker")).unwrap();
            fs::set_permissions(place.join("factory-worker"), fs::Permissions::from_mode(0o755)).unwrap();
        }
        Runtime::Missing => fs::remove_dir(&place).unwrap(),
    }
    city.record("a", "b");
    assert_eq!(city.latest(), 1);
}

#[test]
fn an_event_that_no_watcher_could_read_is_refused() {
    let city = City::new();
    let event = |bytes: usize| json!({"type": "a", "actor": "b", "message": "x".repeat(bytes)}).to_string();
    let ran = city.events(&["record"], &event(64 * 1024)).expect(1);
    assert!(ran.stderr.contains("64 KiB"), "{}", ran.stderr);
    assert!(city.map("gc-events-seq").is_none(), "it took no number");
    city.events(&["record"], &event(63 * 1024)).expect(0);
    let watch = city.watch(0);
    eventually("the long one", || (seqs_of(&watch) == [1]).then_some(()));
    // One of another writer's is told as far as it can be.
    let text = json!({"seq": 2, "type": "a", "actor": "b", "ts": "2026-04-01T10:00:00Z", "payload": "x".repeat(70_000)});
    assert_eq!(city.apply("create", &script_event(2, "a", "b", &text.to_string())).code, 0);
    eventually("the shortened one", || (seqs_of(&watch) == [1, 2]).then_some(()));
    assert!(watch.so_far().iter().all(|line| line.len() < 64 * 1024));
}

#[rstest]
#[case("no JSON")]
#[case(r#"{"type": "a", "ts": "soon"}"#)]
fn what_is_no_event_takes_no_number(#[case] input: &str) {
    let city = City::new();
    let ran = city.events(&["record"], input).expect(1);
    assert!(!ran.stderr.is_empty() && city.map("gc-events-seq").is_none());
}

#[rstest]
fn trouble_is_an_error_and_never_an_answer(
    #[values(
        Fault::Status(401),
        Fault::Status(403),
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(503),
        Fault::HangUp,
        Fault::Reset
    )]
    fault: Fault,
) {
    let city = City::new();
    city.record("a", "b");
    city.cluster.when(requests_for("configmaps")).then(fault);
    for words in [&["ensure-running"][..], &["record"], &["list"], &["latest-seq"], &["watch", "0"]] {
        let input = if words[0] == "record" { r#"{"type":"a","actor":"b"}"# } else { "" };
        let ran = city.events(words, input).expect(1);
        assert_eq!(ran.stdout, "", "{words:?}");
        assert!(!ran.stderr.trim().is_empty(), "{words:?}");
    }
    city.cluster.lift_all_faults();
    assert_eq!(seqs(&city.list("")), [1], "nothing was half done");
    city.assert_nothing_left();
}

#[rstest]
#[case::unreachable(|city: &City| city.cluster.refuse_connections(), "refused")]
#[case::no_such_context(|_: &City| {}, "nowhere")]
#[case::no_such_namespace(|_: &City| {}, "namespace nope")]
fn what_is_wrong_is_said(#[case] break_it: fn(&City), #[case] said: &str) {
    let mut city = City::new();
    city = match said {
        "nowhere" => city.env("GC_K8S_CONTEXT", "nowhere"),
        "namespace nope" => city.env("GC_K8S_NAMESPACE", "nope"),
        _ => city,
    };
    break_it(&city);
    let ran = city.events(&["record"], r#"{"type":"a","actor":"b"}"#).expect(1);
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    city.assert_nothing_left();
}

#[test]
fn an_event_is_not_lost_when_the_server_stumbles_after_it_was_counted() {
    let city = City::new();
    city.record("a", "b");
    // The third request of a record is the first to write the event.
    city.cluster.when(requests_for("configmaps").passing(2).next(2)).then(Fault::Status(503));
    city.record("a", "b");
    assert_eq!((city.latest(), seqs(&city.list(""))), (2, vec![1, 2]));
}

#[test]
fn a_record_is_one_kubectl_however_many_write() {
    let mut city = City::new();
    city.record("a", "b");
    let notes = city.note_kubectl();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| city.record("a", "b"));
        }
    });
    assert_eq!(fs::read_to_string(&notes).unwrap().lines().count(), 4);
    fs::write(&notes, "").unwrap();
    city.list(EVERYTHING);
    assert_eq!(fs::read_to_string(&notes).unwrap().lines().count(), 1);
}
