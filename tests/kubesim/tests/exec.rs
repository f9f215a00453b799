//! What the real kubectl does in pods.

use kubesim::{Cluster, Ran, Stage};

#[test]
fn kubectl_gets_pods_and_their_owners() {
    let cluster = Cluster::start();
    cluster.pod("alone").start();
    cluster.deployment("worker-1").start();
    cluster.stateful_set("worker-2").start();
    let ran = cluster.kubectl(&["get", "deployments,statefulsets,pods", "-o", "name"]).expect(0);
    let names: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(names[..3], ["deployment.apps/worker-1", "statefulset.apps/worker-2", "pod/alone"]);
    assert!(names[3].starts_with("pod/worker-1-") && names[3].len() == "pod/worker-1-0123456789-abcde".len(), "{names:?}");
    assert_eq!(names[4..], ["pod/worker-2-0"]);
    let ran = cluster.kubectl(&["get", "pod", "alone", "-o", "jsonpath={.kind} {.status.phase}"]).expect(0);
    assert_eq!(ran.stdout, "Pod Running");
    let ran = cluster.kubectl(&["get", "pods", "-l", "app in (worker-1),!other", "-o", "name"]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 1);
    let ran = cluster.kubectl(&["get", "pod", "nobody"]).expect(1);
    assert_eq!(ran.stderr, "Error from server (NotFound): pods \"nobody\" not found\n");
}

#[test]
fn exec_keeps_streams_arguments_and_status() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let script = "printf 'out %s|' \"$@\"; echo err >&2; exit 7";
    let ran = cluster.kubectl(&["exec", "p", "--", "sh", "-c", script, "sh", "a b", "#(x);", "ü", ""]).expect(7);
    assert_eq!(ran.stdout, "out a b|out #(x);|out ü|out |");
    assert_eq!(ran.stderr, "err\ncommand terminated with exit code 7\n");
    let calls = cluster.calls().about_objects();
    let asked: Vec<_> = calls.iter().map(|call| (call.verb.as_str(), call.resource.as_str())).collect();
    assert_eq!(asked, [("get", "pods"), ("get", "pods/exec")]);
    assert_eq!(calls.execs().iter().next().unwrap().command[4], "a b");
}

#[test]
fn exec_passes_input_and_its_end() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let command = cluster.kubectl_command(&["exec", "-i", "p", "--", "wc", "-c"]);
    let ran = Ran::with_input(command, &[b'x'; 300_000]).expect(0);
    assert_eq!(ran.stdout.trim(), "300000");
}

#[test]
fn a_megabyte_arrives_whole() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let ran = cluster.kubectl(&["exec", "p", "--", "sh", "-c", "head -c 5000000 /dev/zero | tr '\\0' x; exit 3"]).expect(3);
    assert_eq!(ran.stdout.len(), 5_000_000);
}

#[test]
fn exec_by_owner_and_by_container() {
    let cluster = Cluster::start();
    cluster.deployment("d").container("side").script("who", "#!/bin/sh\necho side\n").start();
    cluster.stateful_set("s").default_container("main").container("main").script("who", "#!/bin/sh\necho main\n").start();
    let ran = cluster.kubectl(&["exec", "deploy/d", "-c", "side", "--", "who"]).expect(0);
    assert_eq!(ran.stdout, "side\n");
    let ran = cluster.kubectl(&["exec", "statefulset/s", "--", "who"]).expect(0);
    assert_eq!(ran.stdout, "main\n");
    let ran = cluster.kubectl(&["exec", "deploy/d", "--", "true"]).expect(0);
    assert_eq!(ran.stderr, "Defaulted container \"worker\" out of: worker, side\n");
    let ran = cluster.kubectl(&["exec", "deploy/d", "-c", "nope", "--", "true"]).expect(1);
    assert!(ran.stderr.contains("container nope is not valid for pod d-"), "{}", ran.stderr);
}

#[test]
fn the_environment_is_what_the_pod_says() {
    let cluster = Cluster::start();
    cluster.pod("p").env("COLOUR", "green").start();
    let ran = cluster.kubectl(&["exec", "p", "--", "env"]).expect(0);
    let names: Vec<&str> = ran.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    // The kubelet says where the API is.
    let expected = ["COLOUR", "HOME", "HOSTNAME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT", "PATH", "TMUX_TMPDIR"];
    assert_eq!(names, expected);
    assert!(ran.stdout.contains("COLOUR=green\n") && ran.stdout.contains("HOSTNAME=p\n"));
}

#[test]
fn a_program_that_is_not_there() {
    let cluster = Cluster::start();
    cluster.pod("p").without("tmux").without("sh").start();
    for program in ["tmux", "sh", "/no/such"] {
        let ran = cluster.kubectl(&["exec", "p", "--", program]).expect(1);
        assert!(ran.stderr.contains("OCI runtime exec failed: exec failed: unable to start container process"), "{}", ran.stderr);
        assert!(ran.stderr.contains(&format!("exec: \"{program}\": ")), "{}", ran.stderr);
    }
    cluster.kubectl(&["exec", "p", "--", "cat", "/dev/null"]).expect(0);
}

#[test]
fn each_pod_has_a_tmux_of_its_own() {
    let cluster = Cluster::start();
    let one = cluster.pod("one").session("qa", "cat").session("odd #(name);", "cat").start().pod();
    cluster.pod("two").start();
    let list = ["tmux", "list-sessions", "-F", "#{session_name}"];
    let ran = cluster.kubectl(&[&["exec", "one", "--"], &list[..]].concat()).expect(0);
    assert_eq!(ran.stdout, "odd #(name);\nqa\n");
    let ran = cluster.kubectl(&[&["exec", "two", "--"], &list[..]].concat()).expect(1);
    assert!(ran.stderr.contains("no server running on") || ran.stderr.contains("No such file"), "{}", ran.stderr);
    one.tmux(&["send-keys", "-t", "=qa:", "hello", "Enter"]);
    while !one.pane("qa").contains("hello\nhello") {}
}

#[test]
fn a_pod_that_does_not_run_says_why() {
    let cluster = Cluster::start();
    let message = |stage, name| {
        cluster.pod(name).in_stage(stage).start();
        cluster.kubectl(&["exec", name, "--", "true"]).expect(1).stderr
    };
    assert!(message(Stage::Pending, "a").contains("pod a does not have a host assigned"));
    let lost = "unable to upgrade connection: container not found (\"worker\")";
    assert!(message(Stage::ContainerCreating, "b").contains(lost));
    assert!(message(Stage::CrashLoopBackOff, "c").contains(lost));
    assert!(message(Stage::Completed, "d").contains("cannot exec into a container in a completed pod"));
}
