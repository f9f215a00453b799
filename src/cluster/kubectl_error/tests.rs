use proptest::prelude::*;
use rstest::rstest;

use super::*;

const LOG: &str = "E1121 01:40:20.741793   17055 memcache.go:265] \"Unhandled Error\" err=\"couldn't get current server API \
                   group list: Get \\\"https://10.0.0.1:6443/api?timeout=32s\\\": something\"\n";

fn check(stderr: &str, status: &str, before_start: bool, reason: &str) {
    for text in [stderr.to_owned(), format!("{LOG}{LOG}{stderr}"), format!("what the command said\n{stderr}")] {
        let failure = classify(text.as_bytes(), b"");
        assert_eq!((failure.status(), failure.before_start), (status, before_start), "{text}\n→ {failure:?}");
        assert!(failure.reason.contains(reason), "{text}\n→ {failure:?}");
        assert!(!failure.reason.contains('\n'), "{failure:?}");
    }
}

/// Recorded with kubectl 1.27, 1.32 and 1.33 against closed ports, silent ports, servers with a wrong certificate, and
/// a server that answers with the errors of a real API server; those of runtimes are from their own sources.
#[rstest]
#[case::refused(
    "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?\n",
    "connection refused by 127.0.0.1:1"
)]
#[case::dial_timeout("Unable to connect to the server: dial tcp 10.1.2.3:6443: i/o timeout\n", "cannot be reached")]
#[case::no_route("Unable to connect to the server: dial tcp 10.1.2.3:6443: connect: no route to host\n", "no route to host")]
#[case::network_down(
    "Unable to connect to the server: dial tcp 10.1.2.3:6443: connect: network is unreachable\n",
    "network is unreachable"
)]
#[case::no_such_host(
    "Unable to connect to the server: dial tcp: lookup nosuch.invalid on 10.255.255.53:53: no such host\n",
    "nosuch.invalid"
)]
#[case::dns_trouble(
    "Unable to connect to the server: dial tcp: lookup k8s.example on 10.0.0.53:53: server misbehaving\n",
    "cannot be looked up"
)]
#[case::x509(
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority\n",
    "certificate is not trusted"
)]
#[case::x509_san(
    "Unable to connect to the server: tls: failed to verify certificate: x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP SANs\n",
    "certificate is not trusted"
)]
#[case::x509_expired(
    "Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2025-11-21T01:00:00Z is after 2025-01-01T00:00:00Z\n",
    "certificate is not trusted"
)]
#[case::handshake("Unable to connect to the server: net/http: TLS handshake timeout\n", "does not answer")]
#[case::no_tls("Unable to connect to the server: http: server gave HTTP response to HTTPS client\n", "no TLS")]
#[case::no_context("Error in configuration: context was not found for specified context: nope\n", "no context nope")]
#[case::no_context_127("error: context \"nope\" does not exist\n", "no context nope")]
#[case::cannot_locate("error: cannot locate context nope\n", "no context nope")]
#[case::no_current("error: current-context is not set\n", "no current context")]
#[case::minify("error: current-context must exist in order to minify\n", "no current context")]
#[case::no_kubeconfig_file("error: stat /nonexistent: no such file or directory\n", "no such kubeconfig")]
#[case::no_kubeconfig(
    "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n",
    "no kubeconfig"
)]
#[case::bad_kubeconfig(
    "error: error loading config file \"bad\": yaml: line 1: did not find expected node content\n",
    "cannot be read"
)]
#[case::wrong_kubeconfig(
    "error: invalid configuration: [unable to read client-cert /x for u due to open /x: no such file or directory]\n",
    "the kubeconfig is wrong"
)]
#[case::busy(
    "Error from server (TooManyRequests): the server has received too many requests and has asked us to try again later (get pods w1)\n",
    "429"
)]
#[case::unavailable("Error from server (ServiceUnavailable): the server is currently unable to handle the request\n", "503")]
#[case::backend(
    "Error from server (InternalError): error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout\n",
    "cannot reach the pod's node"
)]
#[case::backend_refused(
    "Error from server: error dialing backend: dial tcp 10.0.0.7:10250: connect: connection refused\n",
    "cannot reach the pod's node"
)]
#[case::konnectivity(
    "Error from server (InternalError): Internal error occurred: error dialing backend: No agent available\n",
    "No agent available"
)]
#[case::not_kubernetes("Error from server (NotFound): the server could not find the requested resource\n", "no Kubernetes API")]
fn nothing_was_sent_and_the_worker_is_unreachable(#[case] stderr: &str, #[case] reason: &str) {
    check(stderr, "unreachable", true, reason);
}

#[rstest]
#[case::read_timeout("Unable to connect to the server: read tcp 10.0.0.2:5000->10.1.2.3:6443: i/o timeout\n", "does not answer")]
#[case::exec_timeout("error: read tcp 10.0.0.2:5000->10.1.2.3:6443: i/o timeout\n", "does not answer")]
#[case::client_timeout(
    "Unable to connect to the server: context deadline exceeded (Client.Timeout exceeded while awaiting headers)\n",
    "does not answer"
)]
#[case::reset("error: read tcp 127.0.0.1:45160->127.0.0.1:18001: read: connection reset by peer\n", "reset")]
#[case::reset_127(
    "error: error sending request: Post \"https://k:6443/api/v1/namespaces/factory/pods/w1/exec?command=sh&command=secret\": read tcp 127.0.0.1:45160->127.0.0.1:18001: read: connection reset by peer\n",
    "reset: read tcp"
)]
#[case::eof("Unable to connect to the server: EOF\n", "cut")]
#[case::unexpected_eof("error: unexpected EOF\n", "cut")]
#[case::internal("Error from server (InternalError): Internal error occurred: etcdserver: request timed out\n", "500")]
#[case::bad_gateway(
    "Error from server (InternalError): an error on the server (\"<html>bad gateway</html>\") has prevented the request from succeeding (get pods w1)\n",
    "bad gateway"
)]
#[case::server_timeout("Error from server (Timeout): Timeout: request did not complete within the allotted duration\n", "504")]
#[case::upgrade("error: unable to upgrade connection: <html>gateway timeout</html>\n", "gateway timeout")]
#[case::upgrade_kubelet(
    "Error from server (InternalError): Internal error occurred: unable to upgrade connection: <h3>Unauthorized</h3>\n",
    "Unauthorized"
)]
#[case::stream_reset(
    "error: error reading from error stream: next reader: read tcp 127.0.0.1:44332->127.0.0.1:18001: read: connection reset by peer\n",
    "connection was lost"
)]
#[case::websocket_1006(
    "error: error reading from error stream: next reader: websocket: close 1006 (abnormal closure): unexpected EOF\n",
    "connection was lost"
)]
#[case::stream_error("error: stream error: stream ID 3; INTERNAL_ERROR; received from peer\n", "connection was lost")]
#[case::lost("error: lost connection to pod\n", "connection was lost")]
#[case::unknown_words("error: something kubectl 1.99 says\n", "something kubectl 1.99 says")]
fn the_connection_failed_and_something_may_have_been_sent(#[case] stderr: &str, #[case] reason: &str) {
    check(stderr, "unreachable", false, reason);
}

#[rstest]
#[case::not_logged_in("error: You must be logged in to the server (Unauthorized)\n", "not logged in")]
#[case::expired(
    "error: You must be logged in to the server (the server has asked for the client to provide credentials)\n",
    "not logged in"
)]
#[case::plugin(
    "Unable to connect to the server: getting credentials: exec: executable gke-gcloud-auth-plugin failed with exit code 1\n",
    "gke-gcloud-auth-plugin failed"
)]
#[case::plugin_missing(
    "Unable to connect to the server: getting credentials: exec: executable aws-missing not found\n\nIt looks like you are trying to use a client-go credential plugin that is not installed.\n\nInstall aws for use\n",
    "executable aws-missing not found"
)]
#[case::plugin_asks(
    "Unable to connect to the server: getting credentials: exec plugin cannot support interactive mode: standard input is not a terminal\n",
    "insists on a terminal"
)]
fn the_operator_has_to_log_in(#[case] stderr: &str, #[case] reason: &str) {
    check(stderr, "unauthorized", true, reason);
}

#[rstest]
#[case::exec(
    "Error from server (Forbidden): pods \"w1\" is forbidden: User \"bob\" cannot create resource \"pods/exec\" in API group \"\" in the namespace \"factory\"\n",
    "bob may not create pods/exec in namespace factory"
)]
#[case::get(
    "Error from server (Forbidden): pods \"w1\" is forbidden: User \"system:serviceaccount:a:b\" cannot get resource \"pods\" in API group \"\" in the namespace \"factory\"\n",
    "system:serviceaccount:a:b may not get pods in namespace factory"
)]
#[case::create(
    "error: failed to create configmap: configmaps is forbidden: User \"limited\" cannot create resource \"configmaps\" in API group \"\" in the namespace \"words\"\n",
    "limited may not create configmaps in namespace words"
)]
#[case::other("Error from server (Forbidden): admission webhook \"no-exec\" denied the request: not today\n", "not today")]
fn the_operator_may_not(#[case] stderr: &str, #[case] reason: &str) {
    check(stderr, "forbidden", true, reason);
}

#[rstest]
#[case::pods("pods", "get", "", "ask for a role that may get pods, and create and get pods/exec, in this namespace")]
#[case::exec("pods/exec", "create", "", "ask for a role that may get pods, and create and get pods/exec, in this namespace")]
#[case::logs("pods/log", "get", "", "ask for a role that may get pods/log in namespace words")]
#[case::polecats(
    "polecats",
    "create",
    "gastown.io",
    "ask for a role that may create polecats (API group gastown.io) in namespace words"
)]
fn what_may_not_be_done_is_what_to_ask_for(
    #[case] resource: &str,
    #[case] verb: &str,
    #[case] group: &str,
    #[case] remedy: &str,
) {
    let what = format!("cannot {verb} resource \"{resource}\" in API group \"{group}\" in the namespace \"words\"");
    let said = format!("Error from server (Forbidden): x is forbidden: User \"limited\" {what}\n");
    assert_eq!(classify(said.as_bytes(), b"").remedy(), remedy);
    let said = said.replace(" in the namespace \"words\"", " at the cluster scope");
    assert!(!classify(said.as_bytes(), b"").remedy().contains("in namespace"));
}

#[test]
fn a_rule_of_the_cluster_is_no_lack_of_rights() {
    let failure = classify(b"Error from server (Forbidden): admission webhook \"no-exec\" denied the request: not today\n", b"");
    assert!(failure.remedy().contains("a rule of the cluster forbids it"), "{}", failure.remedy());
}

#[rstest]
#[case::pod("Error from server (NotFound): pods \"w1\" not found\n", "missing", "there is no pod w1")]
#[case::deployment("Error from server (NotFound): deployments.apps \"d\" not found\n", "missing", "there is no Deployment d")]
#[case::namespace("Error from server (NotFound): namespaces \"n\" not found\n", "missing", "there is no namespace n")]
#[case::of_logs(
    "error: error from server (NotFound): pods \"gone\" not found in namespace \"words\"\n",
    "missing",
    "there is no pod gone"
)]
#[case::namespace_of_logs(
    "error: error from server (NotFound): namespaces \"nosuchns\" not found in namespace \"nosuchns\"\n",
    "missing",
    "there is no namespace nosuchns"
)]
#[case::namespace_of_create(
    "Error from server (NotFound): error when creating \"/x/m.yaml\": namespaces \"nosuchns\" not found\n",
    "missing",
    "there is no namespace nosuchns"
)]
#[case::resource(
    "error: the server doesn't have a resource type \"nosuchthing\"\n",
    "missing",
    "the cluster does not know that: the server"
)]
#[case::secret("Error from server (NotFound): secrets \"s\" not found\n", "missing", "there is no Secret s")]
#[case::container(
    "Error from server (BadRequest): container worker is not valid for pod w1\n",
    "no container",
    "there is no container worker in pod w1"
)]
#[case::container_client(
    "error: container worker not found in pod w1\n",
    "no container",
    "there is no container worker in pod w1"
)]
#[case::not_running(
    "error: unable to upgrade connection: container not found (\"worker\")\n",
    "starting",
    "container worker is not running"
)]
#[case::not_running_132(
    "error: Internal error occurred: unable to upgrade connection: container not found (\"worker\")\n",
    "starting",
    "container worker is not running"
)]
#[case::not_running_spdy(
    "Error from server (InternalError): Internal error occurred: unable to upgrade connection: container not found (\"worker\")\n",
    "starting",
    "container worker is not running"
)]
#[case::kubelet(
    "Error from server (InternalError): Internal error occurred: unable to upgrade connection: pod does not exist\n",
    "starting",
    "does not have the pod"
)]
#[case::no_host("Error from server (BadRequest): pod w1 does not have a host assigned\n", "pending", "on no node")]
#[case::completed(
    "error: cannot exec into a container in a completed pod; current phase is Succeeded\n",
    "completed",
    "Succeeded"
)]
#[case::stopped(
    "error: error executing command in container: failed to exec in container: failed to create exec \"a1\": cannot exec in a stopped state: unknown\n",
    "crashing",
    "has stopped"
)]
#[case::exited(
    "error: Internal error occurred: error executing command in container: failed to exec in container: container is in CONTAINER_EXITED state\n",
    "crashing",
    "has stopped"
)]
#[case::terminated("error: error executing command in container: container 'worker' is terminated\n", "crashing", "has stopped")]
#[case::waiting(
    "Error from server (BadRequest): container \"worker\" in pod \"w1\" is waiting to start: ContainerCreating\n",
    "starting",
    "pod w1: its container waits to start: ContainerCreating"
)]
#[case::no_image(
    "Error from server (BadRequest): container \"worker\" in pod \"w1\" is waiting to start: trying and failing to pull image\n",
    "pending",
    "pod w1: its container waits to start: trying and failing to pull image"
)]
#[case::no_image_yet(
    "Error from server (BadRequest): container \"bad\" in pod \"bad\" is waiting to start: image can't be pulled\n",
    "pending",
    "pod bad: its container waits to start: image can't be pulled"
)]
#[case::no_log_before(
    "Error from server (BadRequest): previous terminated container \"p1\" in pod \"p1\" not found\n",
    "missing",
    "container p1 of pod p1 has not ended before, so there is no previous log"
)]
fn the_pod_is_not_what_was_expected(#[case] stderr: &str, #[case] status: &str, #[case] reason: &str) {
    check(stderr, status, true, reason);
}

#[rstest]
#[case("sh", "executable file not found in $PATH: unknown", Kind::NoShell)]
#[case("tmux", "executable file not found in $PATH: unknown", Kind::NoTmux)]
#[case("/bin/sh", "stat /bin/sh: no such file or directory: unknown", Kind::NoShell)]
#[case("/opt/tmux", "stat /opt/tmux: no such file or directory: unknown", Kind::NoTmux)]
#[case("factory", "executable file not found in $PATH: unknown", Kind::Failed)]
#[case("/etc/passwd", "permission denied: unknown", Kind::Failed)]
fn a_program_that_the_container_lacks_has_not_started(#[case] program: &str, #[case] why: &str, #[case] kind: Kind) {
    let containerd = "error executing command in container: failed to exec in container: failed to start exec \"2a\": OCI \
                      runtime exec failed: exec failed: unable to start container process: exec: ";
    for stderr in [
        format!("error: {containerd}\"{program}\": {why}\n"),
        format!("error: Internal error occurred: {containerd}\"{program}\": {why}\n"),
        format!("Error from server (InternalError): Internal error occurred: {containerd}\"{program}\": {why}\n"),
    ] {
        let failure = classify(stderr.as_bytes(), b"");
        assert_eq!((failure.kind, failure.before_start), (kind, true), "{stderr}\n→ {failure:?}");
        assert!(failure.reason.contains(program), "{failure:?}");
    }
}

#[test]
fn what_a_login_plugin_said_is_passed_on() {
    let stderr = format!(
        "Token expired, run: cloud login\n{LOG}Token expired, run: cloud login\nUnable to connect to the server: getting \
         credentials: exec: executable sh failed with exit code 3\n"
    );
    let failure = classify(stderr.as_bytes(), b"");
    assert_eq!(failure.kind, Kind::Unauthorized);
    assert!(failure.reason.ends_with("(Token expired, run: cloud login)"), "{failure}");
}

#[test]
fn kubectl_that_asks_for_a_user_name_has_no_credentials() {
    let failure = classify(b"error: EOF\n", b"Please enter Username: ");
    assert_eq!((failure.kind, failure.before_start), (Kind::Unauthorized, true));
}

#[test]
fn a_command_that_has_spoken_has_started() {
    let failure = classify(b"Error from server (NotFound): pods \"w1\" not found\n", b"output");
    assert!(!failure.before_start, "{failure:?}");
}

#[test]
fn what_the_command_wrote_is_not_taken_for_kubectls_words() {
    let stderr = b"Error from server (NotFound): pods \"w1\" not found\nerror: lost connection to pod\n";
    let failure = classify(stderr, b"");
    assert_eq!((failure.kind, failure.before_start), (Kind::Unreachable, false));
}

#[test]
fn hostile_words_come_out_as_text() {
    let failure = classify(b"error: \x1b]0;title\x07\x1b[31mno\x1b[0m\r\n", b"");
    assert!(failure.reason.chars().all(|c| !c.is_control()), "{failure:?}");
}

#[test]
fn a_long_reason_is_cut() {
    let failure = classify(format!("error: {}\n", "x".repeat(5000)).as_bytes(), b"");
    assert!(failure.reason.chars().count() <= REASON + 1);
}

proptest! {
    #[test]
    fn whatever_kubectl_says_is_a_reason_of_one_line(
        words in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        noise in "[a-z\": \n\u{1b}\u{9b}\u{202e}\\\\(){}<>]{0,30}",
        stdout in "(something)?",
    ) {
        let known: Vec<&str> = RULES.iter().flat_map(|rule| rule.words).chain(&BEGINNINGS).copied().collect();
        let said: String = words.iter().map(|at| format!("{}{noise}", at.get(&known))).collect();
        let failure = classify(said.as_bytes(), stdout.as_bytes());
        prop_assert!(!failure.reason.is_empty() && !failure.reason.contains(neutralise::deceives), "{failure:?}");
        prop_assert!(stdout.is_empty() || !failure.before_start, "{failure:?}");
        let _ = (not_started(&said), last_words(said.as_bytes()));
    }

    #[test]
    fn any_bytes_are_a_reason(said in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!classify(&said, b"").reason.contains(char::is_control));
    }
}
