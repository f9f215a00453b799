//! Every fault, as the real kubectl sees it.

use std::time::{Duration, Instant};

use kubesim::{Cluster, Farewell, Fault, Kubeconfig, eventually, everything, execs, lists, requests};

/// A cluster with the pod `p`.
fn cluster() -> Cluster {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    cluster
}

const SAY: &[&str] = &["exec", "p", "--", "printf", "0123456789"];

#[test]
fn refusals_are_worded_as_a_real_server_words_them() {
    let cluster = cluster();
    let cases = [
        (401, "error: You must be logged in to the server (Unauthorized)"),
        (
            403,
            "Error from server (Forbidden): pods \"p\" is forbidden: User \"kubesim\" cannot get resource \"pods\" in API group \"\" \
             in the namespace \"default\"",
        ),
        (500, "Error from server (InternalError): Internal error occurred: etcdserver: request timed out"),
        (503, "Error from server (ServiceUnavailable): the server is currently unable to handle the request"),
    ];
    for (code, text) in cases {
        let rule = cluster.when(requests()).then(Fault::Status(code));
        let ran = cluster.kubectl(&["get", "pod", "p"]).expect(1);
        assert!(ran.stderr.contains(text), "{code}: {}", ran.stderr);
        rule.lift();
    }
    cluster.kubectl(&["get", "pod", "p"]).expect(0);
}

#[test]
fn too_many_requests_is_tried_again_by_kubectl() {
    let cluster = cluster();
    cluster.when(requests().once()).then(Fault::Status(429));
    cluster.kubectl(&["get", "pod", "p"]).expect(0);
    assert_eq!(cluster.calls().about_objects().len(), 2);
}

#[test]
fn an_exec_can_be_refused_alone() {
    let cluster = cluster();
    cluster.when(execs()).then(Fault::Status(403));
    let ran = cluster.kubectl(SAY).expect(1);
    assert!(ran.stderr.contains("pods \"p\" is forbidden: User \"kubesim\" cannot "), "{}", ran.stderr);
    assert!(ran.stderr.contains("resource \"pods/exec\""), "{}", ran.stderr);
    assert_eq!(cluster.calls().execs().len(), 2, "kubectl tries its older protocol as well");
}

#[test]
fn a_container_that_is_not_there_yet() {
    let cluster = cluster();
    cluster.when(execs().once()).then(Fault::ContainerNotFound);
    let ran = cluster.kubectl(SAY).expect(1);
    let text = "error: Internal error occurred: unable to upgrade connection: container not found (\"worker\")\n";
    assert_eq!(ran.stderr, text);
    cluster.kubectl(SAY).expect(0);
}

#[test]
fn a_cut_that_looks_like_success() {
    let cluster = cluster();
    cluster.when(execs()).then(Fault::cut_after_bytes(4).looking_like_success());
    let ran = cluster.kubectl(SAY).expect(0);
    assert_eq!(ran.stdout, "0123");
}

#[test]
fn a_cut_behind_the_last_byte_loses_the_status() {
    let cluster = cluster();
    cluster.when(execs()).then(Fault::cut_after_bytes(10).looking_like_success());
    let ran = cluster.kubectl(&["exec", "p", "--", "sh", "-c", "printf 0123456789; exit 9"]).expect(0);
    assert_eq!(ran.stdout, "0123456789");
}

#[test]
fn other_cuts_are_errors() {
    let cluster = cluster();
    for farewell in [Farewell::HangUp, Farewell::Reset, Farewell::CloseFrame(1001), Farewell::CloseFrame(1011)] {
        let rule = cluster.when(execs()).then(Fault::cut_after_bytes(4).saying(farewell));
        let ran = cluster.kubectl(SAY).expect(1);
        assert_eq!(ran.stdout, "0123", "{farewell:?}: {}", ran.stderr);
        assert!(ran.stderr.lines().last().unwrap().starts_with("error: "), "{farewell:?}: {}", ran.stderr);
        rule.lift();
    }
}

#[test]
fn a_cut_in_time_leaves_the_process() {
    let cluster = cluster();
    let pod = cluster.find_pod("default", "p");
    cluster.when(execs()).then(Fault::cut_after(Duration::from_millis(50)));
    cluster.kubectl(&["exec", "p", "--", "sh", "-c", "sleep 0.3; echo done >mark"]).expect(1);
    eventually("the process's end", || pod.home().join("mark").exists().then_some(()));
}

#[test]
fn connections_that_end_before_an_answer() {
    let cluster = cluster();
    for fault in [Fault::HangUp, Fault::Reset] {
        cluster.forget_calls();
        let rule = cluster.when(execs().of("p")).then(fault.clone());
        let ran = cluster.kubectl(SAY).expect(1);
        assert!(ran.stderr.contains("EOF") || ran.stderr.contains("connection reset by peer"), "{fault:?}: {}", ran.stderr);
        assert_eq!(cluster.calls().execs().len(), 1);
        rule.lift();
    }
    // What only reads is tried again by kubectl itself, a second later.
    cluster.forget_calls();
    cluster.when(requests().once()).then(Fault::Reset);
    cluster.kubectl(&["get", "pod", "p"]).expect(0);
    assert_eq!(cluster.calls().about_objects().len(), 2);
}

#[test]
fn nobody_listens() {
    let cluster = cluster();
    cluster.refuse_connections();
    let ran = cluster.kubectl(SAY).expect(1);
    assert!(ran.stderr.contains("refused"), "{}", ran.stderr);
    cluster.accept_connections();
    cluster.kubectl(SAY).expect(0);
}

#[test]
fn one_of_two_contexts_is_dead() {
    let (cluster, other) = (cluster(), Cluster::start());
    let file = cluster.directory().join("three");
    Kubeconfig::new().context("one", &cluster).context("two", &other).in_namespace("n").dead_context("dead").write(&file);
    let file = file.to_str().unwrap();
    let get = |context: &str| cluster.kubectl(&["--kubeconfig", file, "--context", context, "get", "pods", "-o", "name"]);
    assert_eq!(get("one").expect(0).stdout, "pod/p\n");
    assert_eq!(get("two").expect(0).stdout, "");
    assert_eq!(other.calls().about_objects().iter().next().unwrap().namespace, "n");
    assert!(get("dead").expect(1).stderr.contains("refused"));
}

#[test]
fn silence_lasts() {
    let cluster = cluster();
    cluster.when(lists()).then(Fault::Silence);
    let ran = cluster.kubectl(&["get", "pods", "--request-timeout=300ms"]).expect(1);
    assert!(ran.stderr.contains("context deadline exceeded") || ran.stderr.contains("imeout"), "{}", ran.stderr);
}

#[test]
fn a_slow_network_delays_every_request_and_frame_but_does_not_queue_them() {
    let cluster = cluster();
    cluster.kubectl(SAY).expect(0); // discovery is in kubectl's cache now
    let measure = || {
        let since = Instant::now();
        cluster
            .kubectl(&["exec", "p", "--", "sh", "-c", "i=0; while [ $i -lt 100 ]; do i=$((i + 1)); echo $i; sleep 0.005; done"])
            .expect(0);
        since.elapsed()
    };
    let quick = measure();
    cluster.when(everything()).then(Fault::slow(Duration::from_millis(200)));
    let slow = measure();
    // Two connections, three requests, and the last frame's way back; a hundred frames one after the other would take 10 s.
    assert!(slow > Duration::from_millis(1300), "{quick:?} {slow:?}");
    assert!(slow < quick + Duration::from_secs(9), "{quick:?} {slow:?}");
}

#[test]
fn a_frozen_exec_says_nothing_more() {
    let cluster = cluster();
    let pod = cluster.find_pod("default", "p");
    for fault in [Fault::freeze_after_bytes(4), Fault::freeze_after_bytes(4).with_pongs()] {
        let rule = cluster.when(execs()).then(fault);
        let mark = pod.home().join("mark");
        let mut command = cluster.kubectl_command(&["exec", "p", "--", "sh", "-c", "printf 0123456789; echo >mark"]);
        let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        eventually("the command's end", || mark.exists().then_some(()));
        let mut said = [0; 4];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        assert_eq!(&said, b"0123");
        assert!(child.try_wait().unwrap().is_none(), "kubectl noticed nothing yet");
        child.kill().unwrap();
        child.wait().unwrap();
        std::fs::remove_file(mark).unwrap();
        rule.lift();
    }
}
