//! Clients that are not kubectl: what is spoken here, and what is said to be not.

mod support;

use kubesim::{Cluster, Fault, execs};
use serde_json::json;
use support::client::Client;
use support::frames::{BINARY, PING, Socket};

const V5: &str = "v5.channel.k8s.io";
const V4: &str = "v4.channel.k8s.io";

/// A cluster with the pod `p`.
fn cluster() -> Cluster {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    cluster
}

fn open(cluster: &Cluster, query: &str, protocols: &str) -> Socket {
    Socket::open(cluster, query, protocols).unwrap_or_else(|answer| panic!("{answer:?}"))
}

#[test]
fn the_best_protocol_that_both_know_is_spoken() {
    let cluster = cluster();
    for (offered, spoken) in [
        (V4.to_owned(), V4),
        (V5.to_owned(), V5),
        (format!("{V4}, {V5}"), V5),
        (format!("channel.k8s.io,{V4},base64.channel.k8s.io"), V4),
    ] {
        assert_eq!(open(&cluster, "command=true&stdout=true", &offered).protocol, spoken, "{offered}");
    }
    let refused = Socket::open(&cluster, "command=true&stdout=true", "channel.k8s.io").err().unwrap();
    let (code, reason, message) = refused.refusal();
    assert_eq!((code, reason.as_str()), (400, "BadRequest"));
    assert!(message.contains("(channel.k8s.io)") && message.contains(V4), "{message}");
}

#[test]
fn either_protocol_tells_the_streams_and_the_status_apart() {
    let cluster = cluster();
    for protocol in [V4, V5] {
        let query = "command=sh&command=-c&command=echo+out%3B+echo+err+%3E%262%3B+exit+";
        let failed = open(&cluster, &format!("{query}9&stdout=true&stderr=true"), protocol).listen();
        assert_eq!((failed.stdout.as_str(), failed.stderr.as_str(), failed.close), ("out\n", "err\n", Some(1000)));
        assert_eq!(failed.status["status"], "Failure");
        assert_eq!(failed.status["reason"], "NonZeroExitCode");
        assert_eq!(failed.status["details"]["causes"], json!([{ "reason": "ExitCode", "message": "9" }]));
        let fine = open(&cluster, &format!("{query}0&stdout=true&stderr=true"), protocol).listen();
        assert_eq!(fine.status, json!({ "metadata": {}, "status": "Success" }));
        // What is not asked for is not sent.
        let half = open(&cluster, &format!("{query}0&stderr=true"), protocol).listen();
        assert_eq!((half.stdout.as_str(), half.stderr.as_str()), ("", "err\n"));
    }
}

#[test]
fn input_reaches_the_command_and_v5_can_end_it() {
    let cluster = cluster();
    let mut socket = open(&cluster, "command=wc&command=-c&stdin=true&stdout=true", V5);
    socket.send(BINARY, b"\0hello");
    socket.send(BINARY, &[&b"\0"[..], &[b'x'; 300]].concat());
    socket.send(BINARY, &[255, 0]);
    assert_eq!(socket.listen().stdout.trim(), "305");
    // v4 has no word for the end of input; what ends it is the command itself.
    let mut socket = open(&cluster, "command=head&command=-n1&stdin=true&stdout=true", V4);
    socket.send(BINARY, b"\0one\ntwo\n");
    let said = socket.listen();
    assert_eq!((said.stdout.as_str(), said.close), ("one\n", Some(1000)));
}

#[test]
fn a_terminal_has_the_size_it_is_given_and_pings_are_answered() {
    let cluster = cluster();
    let query = "command=sh&command=-c&command=read+x%3B+stty+size&stdin=true&stdout=true&tty=true";
    for protocol in [V4, V5] {
        let mut socket = open(&cluster, query, protocol);
        socket.send(PING, b"are you there?");
        socket.send(BINARY, b"\x04{\"Width\":91,\"Height\":33}");
        socket.send(BINARY, b"\0go\n");
        let said = socket.listen();
        assert!(said.stdout.ends_with("33 91\r\n"), "{said:?}");
        assert_eq!(said.pongs, [b"are you there?".to_vec()]);
    }
}

#[test]
fn spdy_is_not_served_and_said_so() {
    let cluster = cluster();
    let path = "/api/v1/namespaces/default/pods/p/exec?command=true&stdout=true";
    let spdy = [("Connection", "Upgrade"), ("Upgrade", "SPDY/3.1"), ("X-Stream-Protocol-Version", "v4.channel.k8s.io")];
    let (code, reason, message) = Client::of(&cluster).send("POST", path, &spdy, "").answer().refusal();
    assert_eq!((code, reason.as_str()), (400, "BadRequest"));
    assert_eq!(message, "SPDY/3.1 is not served here: pods/exec speaks websocket");
    for method in ["GET", "POST"] {
        let (code, _, message) = Client::of(&cluster).ask(method, path, "").refusal();
        assert_eq!((code, message.as_str()), (400, "Upgrade request required"), "{method}");
    }
}

#[test]
fn protobuf_is_not_served_and_said_so() {
    let cluster = cluster();
    let pods = "/api/v1/namespaces/default/pods";
    let protobuf = "application/vnd.kubernetes.protobuf";
    let (code, reason, _) = Client::of(&cluster).send("GET", pods, &[("Accept", protobuf)], "").answer().refusal();
    assert_eq!((code, reason.as_str()), (406, "NotAcceptable"));
    let (code, reason, message) =
        Client::of(&cluster).send("POST", pods, &[("Content-Type", protobuf)], "k8s\0\n\x04v1").answer().refusal();
    assert_eq!((code, reason.as_str()), (415, "UnsupportedMediaType"));
    assert!(message.contains("application/json") && message.contains(protobuf), "{message}");
    // A client that would rather have it takes what there is.
    let both = format!("{protobuf},application/json");
    let answer = Client::of(&cluster).send("GET", pods, &[("Accept", &both)], "").answer();
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    assert_eq!(answer.json()["kind"], "PodList");
}

#[test]
fn an_exec_that_kubectl_tries_twice_is_seen_twice() {
    let cluster = cluster();
    let exec = ["exec", "p", "--", "true"];
    let methods = |cluster: &Cluster| cluster.calls().execs().into_iter().map(|call| call.method).collect::<Vec<_>>();
    cluster.kubectl(&exec).expect(0);
    assert_eq!(methods(&cluster), ["GET"]);
    cluster.forget_calls();
    // Refused before the command could run: kubectl tries its older protocol, and is refused for the same reason.
    cluster.when(execs().once()).then(Fault::Status(503));
    let ran = cluster.kubectl(&exec).expect(1);
    assert!(ran.stderr.contains("the server is currently unable to handle the request"), "{}", ran.stderr);
    assert_eq!(methods(&cluster), ["GET", "POST"]);
    cluster.forget_calls();
    // Cut after the request went out: nobody sends it again.
    for fault in [Fault::HangUp, Fault::Reset, Fault::cut_after_bytes(0), Fault::cut_after(std::time::Duration::ZERO)] {
        let rule = cluster.when(execs()).then(fault.clone());
        cluster.kubectl(&["exec", "p", "--", "echo", "x"]).expect(1);
        assert_eq!(methods(&cluster), ["GET"], "{fault:?}");
        cluster.forget_calls();
        rule.lift();
    }
}
