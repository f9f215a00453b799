//! Cuts and frosts of answers that are neither an exec nor a watch.

mod support;

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use kubesim::{Cluster, Farewell, Fault, eventually, execs, lists, requests, requests_for};
use support::client::Client;
use support::frames::{BINARY, Socket};

const PODS: &str = "/api/v1/namespaces/default/pods";

/// A cluster with the pod `p`.
fn cluster() -> Cluster {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    cluster
}

fn list(cluster: &Cluster) -> Client {
    let mut client = Client::of(cluster);
    client.send("GET", PODS, &[("Accept", "application/json")], "");
    client
}

#[test]
fn an_answer_is_cut_after_so_many_bytes_of_its_body() {
    let cluster = cluster();
    let whole = list(&cluster).answer();
    assert_eq!((whole.status, whole.broken), (200, None));
    let cases = [
        (Farewell::HangUp, Some(ErrorKind::UnexpectedEof)),
        (Farewell::Reset, Some(ErrorKind::ConnectionReset)),
        // As if all had been said.
        (Farewell::CloseFrame(1000), None),
    ];
    for (farewell, expected) in cases {
        for bytes in [0, 1, whole.body.len() - 1] {
            let rule = cluster.when(lists()).then(Fault::cut_after_bytes(bytes).saying(farewell));
            let mut client = list(&cluster);
            let cut = client.answer();
            // What a reset overtakes is lost.
            let all = cut.body == whole.body[..bytes];
            assert!(all || farewell == Farewell::Reset && whole.body.starts_with(&cut.body), "{farewell:?} {bytes}: {cut:?}");
            assert_eq!(cut.broken, expected, "{farewell:?} {bytes}");
            rule.lift();
        }
    }
    cluster.when(lists()).then(Fault::cut_after_bytes(whole.body.len()));
    assert_eq!(list(&cluster).answer().body, whole.body, "nothing came after the last byte");
}

#[test]
fn kubectl_takes_a_cut_answer_for_none() {
    let cluster = cluster();
    for fault in [Fault::cut_after_bytes(100), Fault::cut_after_bytes(100).looking_like_success()] {
        let rule = cluster.when(lists()).then(fault.clone());
        let ran = cluster.kubectl(&["get", "pods", "-o", "name"]).expect(1);
        assert_eq!(ran.stdout, "");
        assert!(ran.stderr.to_lowercase().contains("unexpected e"), "{fault:?}: {}", ran.stderr);
        rule.lift();
    }
}

/// A log is text, so nobody sees that some is missing.
#[test]
fn a_cut_log_looks_like_success() {
    let cluster = Cluster::start();
    cluster.pod("p").runs(&["sh", "-c", "echo 0123456789; sleep 1000"]).start();
    eventually("the line", || (cluster.kubectl(&["logs", "p"]).expect(0).stdout == "0123456789\n").then_some(()));
    cluster.when(requests_for("pods/log")).then(Fault::cut_after_bytes(4).looking_like_success());
    assert_eq!(cluster.kubectl(&["logs", "p"]).expect(0).stdout, "0123");
}

#[test]
fn an_answer_that_is_late_is_cut_in_time() {
    let cluster = cluster();
    cluster.when(lists()).then(Fault::slow(Duration::from_secs(600)));
    for (farewell, expected) in [
        (Farewell::HangUp, ErrorKind::UnexpectedEof),
        (Farewell::CloseFrame(1000), ErrorKind::UnexpectedEof),
        (Farewell::Reset, ErrorKind::ConnectionReset),
    ] {
        let rule = cluster.when(lists()).then(Fault::cut_after(Duration::from_millis(50)).saying(farewell));
        assert_eq!(list(&cluster).try_answer().unwrap_err(), expected, "{farewell:?}");
        rule.lift();
    }
}

#[test]
fn a_connection_that_waits_for_the_next_request_is_cut_in_time() {
    let cluster = cluster();
    cluster.when(lists().once()).then(Fault::cut_after(Duration::from_secs(2)));
    let mut client = list(&cluster);
    assert_eq!(client.answer().broken, None);
    assert_eq!(client.end(), None);
}

#[test]
fn nothing_comes_after_a_frost() {
    let cluster = cluster();
    let whole = list(&cluster).answer().body;
    cluster.when(lists().once()).then(Fault::freeze_after_bytes(10));
    let mut client = list(&cluster);
    assert_eq!(client.beginning(10).body, whole[..10]);
    assert!(client.is_silent_for(Duration::from_millis(200)));
    // What is asked on the same connection does not arrive; others are well.
    cluster.forget_calls();
    client.send("GET", PODS, &[], "");
    assert!(client.is_silent_for(Duration::from_millis(300)));
    assert_eq!(cluster.calls().len(), 0);
    assert_eq!(list(&cluster).answer().body, whole);
}

#[test]
fn a_frost_in_time_comes_before_a_late_answer_and_after_an_early_one() {
    let cluster = cluster();
    let slow = cluster.when(lists()).then(Fault::slow(Duration::from_millis(100)));
    let frost = cluster.when(lists()).then(Fault::freeze_after(Duration::ZERO));
    assert!(list(&cluster).is_silent_for(Duration::from_millis(500)));
    frost.lift();
    slow.lift();
    cluster.when(lists()).then(Fault::freeze_after(Duration::from_secs(2)));
    let mut client = list(&cluster);
    assert_eq!(client.answer().broken, None);
    assert!(client.is_silent_for(Duration::from_millis(2200)));
    client.send("GET", PODS, &[], "");
    assert!(client.is_silent_for(Duration::from_millis(200)));
}

#[test]
fn kubectl_waits_on_a_frozen_list_as_long_as_it_is_told_to() {
    let cluster = cluster();
    for fault in [Fault::freeze_after_bytes(0), Fault::freeze_after_bytes(100), Fault::freeze_after(Duration::ZERO)] {
        let rule = cluster.when(requests()).then(fault.clone());
        let ran = cluster.kubectl(&["get", "pods", "--request-timeout=300ms"]).expect(1);
        let gave_up = ["context deadline exceeded", "Client.Timeout", "i/o timeout", "request canceled"];
        assert!(gave_up.iter().any(|words| ran.stderr.contains(words)), "{fault:?}: {}", ran.stderr);
        rule.lift();
    }
}

/// A refusal is an answer like another.
#[test]
fn a_refusal_is_cut_as_well() {
    let cluster = cluster();
    cluster.when(lists()).then(Fault::Status(503));
    cluster.when(lists()).then(Fault::cut_after_bytes(20));
    let cut = list(&cluster).answer();
    assert_eq!((cut.status, cut.body.len(), cut.broken), (503, 20, Some(ErrorKind::UnexpectedEof)));
}

#[test]
fn a_cut_watch_ends_as_its_farewell_says() {
    let cluster = cluster();
    let watch = |farewell| {
        let rule = cluster.when(requests().once()).then(Fault::cut_after(Duration::from_secs(1)).saying(farewell));
        let mut client = Client::of(&cluster);
        client.send("GET", &format!("{PODS}?watch=true&resourceVersion=0"), &[], "");
        let answer = client.answer();
        rule.lift();
        assert!(String::from_utf8_lossy(&answer.body).starts_with("{\"object\":{"), "{answer:?}");
        answer.broken
    };
    assert_eq!(watch(Farewell::HangUp), Some(ErrorKind::UnexpectedEof));
    assert_eq!(watch(Farewell::Reset), Some(ErrorKind::ConnectionReset));
    assert_eq!(watch(Farewell::CloseFrame(1000)), None);
}

#[test]
fn jitter_delays_each_request_differently() {
    let cluster = cluster();
    cluster.when(lists()).then(Fault::Slow { round_trip: Duration::ZERO, jitter: Duration::from_millis(200) });
    let mut client = Client::of(&cluster);
    let times: Vec<Duration> = (0..20)
        .map(|_| {
            let since = Instant::now();
            client.ask("GET", PODS, "");
            since.elapsed()
        })
        .collect();
    let (least, most) = (times.iter().min().unwrap(), times.iter().max().unwrap());
    assert!(*most > Duration::from_millis(100) && *most > *least + Duration::from_millis(50), "{times:?}");
}

#[test]
fn jitter_delays_the_frames_of_an_exec() {
    let cluster = cluster();
    let query = "command=cat&stdin=true&stdout=true";
    let mut socket = Socket::open(&cluster, query, "v5.channel.k8s.io").unwrap_or_else(|answer| panic!("{answer:?}"));
    let echo = |socket: &mut Socket| {
        let since = Instant::now();
        socket.send(BINARY, b"\0x");
        assert_eq!(socket.next().unwrap(), (BINARY, b"\x01x".to_vec()));
        since.elapsed()
    };
    let mut quick: Vec<Duration> = (0..20).map(|_| echo(&mut socket)).collect();
    cluster.when(execs()).then(Fault::Slow { round_trip: Duration::ZERO, jitter: Duration::from_millis(100) });
    let mut socket = Socket::open(&cluster, query, "v5.channel.k8s.io").unwrap_or_else(|answer| panic!("{answer:?}"));
    let mut slow: Vec<Duration> = (0..20).map(|_| echo(&mut socket)).collect();
    quick.sort_unstable();
    slow.sort_unstable();
    assert!(slow[10] > quick[10] + Duration::from_millis(10), "{quick:?} {slow:?}");
}
