//! What a person reads, reason and remedy, for each text that kubectl 1.32 was heard to say by an API server 1.32.13. Both are
//! whole: whatever is said twice, or leads nowhere, is seen here.

use rstest::rstest;

use super::*;

const PODS: &str = "compare pod, namespace and context in workers.yaml with `kubectl get pods`";
const NETWORK: &str = "check the network and the VPN; does `kubectl get pods` answer?";
const ROLE: &str = "ask for a role that may get pods, and create and get pods/exec, in this namespace";

#[rstest]
#[case::no_program(
    "error: Internal error occurred: Internal error occurred: error executing command in container: failed to exec in container: failed to start exec \"449c\": OCI runtime exec failed: exec failed: unable to start container process: exec: \"nosuch\": executable file not found in $PATH: unknown",
    "there is no nosuch in the container",
    "install it in the image, or correct the command under commands: in workers.yaml"
)]
#[case::no_container(
    "Error from server (BadRequest): container nope is not valid for pod p1",
    "there is no container nope in pod p1",
    "set container: in workers.yaml to one that the pod has"
)]
#[case::no_pod("Error from server (NotFound): pods \"gone\" not found", "there is no pod gone", PODS)]
#[case::not_running(
    "error: Internal error occurred: unable to upgrade connection: container not found (\"bad\")",
    "container bad is not running",
    "try again in a moment"
)]
#[case::no_host(
    "Error from server (BadRequest): pod nosel does not have a host assigned",
    "pod nosel is on no node yet",
    "`kubectl describe pod` says what it waits for"
)]
#[case::succeeded(
    "error: cannot exec into a container in a completed pod; current phase is Succeeded",
    "the pod has ended (Succeeded)",
    "restart it: delete the pod, so that its owner makes a new one"
)]
#[case::no_deployment("Error from server (NotFound): deployments.apps \"none\" not found", "there is no Deployment none", PODS)]
#[case::no_namespace(
    "Error from server (NotFound): namespaces \"nosuchns\" not found",
    "there is no namespace nosuchns",
    "`kubectl get namespaces` lists those there are"
)]
#[case::no_polecat(
    "Error from server (NotFound): polecats.gastown.io \"nux\" not found",
    "there is no polecat nux",
    "`kubectl get polecats.gastown.io` lists those there are"
)]
#[case::logs_of_no_pod(
    "error: error from server (NotFound): pods \"gone\" not found in namespace \"words\"",
    "there is no pod gone",
    PODS
)]
#[case::logs_of_no_namespace(
    "error: error from server (NotFound): namespaces \"nosuchns\" not found in namespace \"nosuchns\"",
    "there is no namespace nosuchns",
    "`kubectl get namespaces` lists those there are"
)]
#[case::no_image(
    "Error from server (BadRequest): container \"bad\" in pod \"bad\" is waiting to start: image can't be pulled",
    "pod bad: its container waits to start: image can't be pulled",
    "`kubectl describe pod` says what it waits for"
)]
#[case::no_previous(
    "Error from server (BadRequest): previous terminated container \"p1\" in pod \"p1\" not found",
    "container p1 of pod p1 has not ended before, so there is no previous log",
    "leave --previous out: what it has said since it began is its whole log"
)]
#[case::no_context(
    "Error in configuration: context was not found for specified context: nope",
    "there is no context nope in the kubeconfig",
    CONTEXTS
)]
#[case::no_resource_type(
    "error: the server doesn't have a resource type \"nosuchthing\"",
    "the cluster does not know that: the server doesn't have a resource type \"nosuchthing\"",
    RESOURCES
)]
#[case::may_not_get(
    "Error from server (Forbidden): pods \"p1\" is forbidden: User \"limited\" cannot get resource \"pods\" in API group \"\" in the namespace \"words\"",
    "limited may not get pods in namespace words",
    ROLE
)]
#[case::may_not_delete(
    "Error from server (Forbidden): pods \"p1\" is forbidden: User \"limited\" cannot delete resource \"pods\" in API group \"\" in the namespace \"words\"",
    "limited may not delete pods in namespace words",
    "ask for a role that may delete pods in namespace words"
)]
#[case::may_not_create(
    "error: failed to create configmap: configmaps is forbidden: User \"limited\" cannot create resource \"configmaps\" in API group \"\" in the namespace \"words\"",
    "limited may not create configmaps in namespace words",
    "ask for a role that may create configmaps in namespace words"
)]
#[case::refused(
    "The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?",
    "connection refused by 127.0.0.1:1",
    NETWORK
)]
#[case::no_such_host(
    "Unable to connect to the server: dial tcp: lookup no-such-host.invalid on 192.0.2.53:53: no such host",
    "the API server's name is not known: dial tcp: lookup no-such-host.invalid on 192.0.2.53:53: no such host",
    NETWORK
)]
#[case::unknown_authority(
    "Unable to connect to the server: tls: failed to verify certificate: x509: certificate signed by unknown authority",
    "the API server's certificate is not trusted: tls: failed to verify certificate: x509: certificate signed by unknown authority",
    AUTHORITY
)]
#[case::no_kubeconfig(
    "error: stat /nowhere/config: no such file or directory",
    "there is no such kubeconfig: stat /nowhere/config: no such file or directory",
    KUBECONFIG
)]
// Of other kubectls, servers and what is between.
#[case::expired(
    "Unable to connect to the server: x509: certificate has expired or is not yet valid: current time 2025-11-21T01:00:00Z is after 2025-01-01T00:00:00Z",
    "the API server's certificate is not trusted: x509: certificate has expired or is not yet valid: current time 2025-11-21T01:00:00Z is after 2025-01-01T00:00:00Z",
    EXPIRED
)]
#[case::no_tls(
    "Unable to connect to the server: http: server gave HTTP response to HTTPS client",
    "no TLS with the API server: http: server gave HTTP response to HTTPS client",
    SERVER
)]
#[case::no_node(
    "Error from server: error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout",
    "the cluster cannot reach the pod's node: error dialing backend: dial tcp 10.0.0.7:10250: i/o timeout",
    NODES
)]
#[case::no_exec(
    "error: unable to upgrade connection: <html>gateway timeout</html>",
    "exec was refused on the way to the pod: unable to upgrade connection: <html>gateway timeout</html>",
    WAY
)]
#[case::node_without_pod(
    "Error from server (InternalError): Internal error occurred: unable to upgrade connection: pod does not exist",
    "its node does not have the pod yet",
    "try again in a moment"
)]
#[case::stopped(
    "error: error executing command in container: container 'worker' is terminated",
    "its container has stopped",
    "`kubectl describe pods` says how it ended"
)]
#[case::unknown("error: unknown flag: --nosuch", "kubectl failed: unknown flag: --nosuch", UNKNOWN)]
#[case::silent("", "kubectl failed and said nothing", UNKNOWN)]
fn each_text_has_its_reason_and_its_remedy(#[case] said: &str, #[case] reason: &str, #[case] remedy: &str) {
    let failure = classify(format!("{said}\n").as_bytes(), b"");
    assert_eq!((&*failure.reason, &*failure.remedy()), (reason, remedy));
}
