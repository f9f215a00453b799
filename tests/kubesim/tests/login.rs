//! TLS, tokens and permissions.

use std::path::PathBuf;

use kubesim::{Cluster, Farewell, Fault, Kubeconfig, Login, Ran, execs};

struct Context {
    cluster: Cluster,
    file: PathBuf,
}

impl Context {
    fn of(cluster: Cluster, login: &Login) -> Self {
        let file = cluster.directory().join("login");
        Kubeconfig::new().login("secure", &cluster, login).write(&file);
        Self { cluster, file }
    }

    fn kubectl(&self, arguments: &[&str]) -> Ran {
        self.cluster.kubectl(&[&["--kubeconfig", self.file.to_str().unwrap()], arguments].concat())
    }
}

const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get]}
- {apiGroups: [''], resources: [pods/exec], verbs: [get, create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects:
- {kind: ServiceAccount, namespace: default, name: robot}
";

#[test]
fn an_exec_through_tls_keeps_every_byte() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let login = cluster.admin("alice");
    let context = Context::of(cluster, &login);
    let ran = context.kubectl(&["exec", "p", "--", "sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x; exit 4"]).expect(4);
    assert_eq!(ran.stdout.len(), 3_000_000);
    let calls = context.cluster.calls().about_objects();
    assert!(calls.iter().all(|call| call.user == "alice"), "{calls:?}");
}

#[test]
fn cuts_through_tls() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let login = cluster.admin("alice");
    let context = Context::of(cluster, &login);
    for farewell in [Farewell::HangUp, Farewell::Reset] {
        let rule = context.cluster.when(execs()).then(Fault::cut_after_bytes(4).saying(farewell));
        let ran = context.kubectl(&["exec", "p", "--", "printf", "0123456789"]).expect(1);
        assert_eq!(ran.stdout, "0123", "{farewell:?}: {}", ran.stderr);
        let reset = ran.stderr.contains("connection reset by peer");
        assert_eq!(reset, farewell == Farewell::Reset, "{}", ran.stderr);
        rule.lift();
    }
}

#[test]
fn a_token_that_is_worth_nothing() {
    let cluster = Cluster::start();
    let login = cluster.admin("alice");
    let context = Context::of(cluster, &login);
    let ran = context.kubectl(&["auth", "whoami", "-o", "jsonpath={.status.userInfo.username}"]).expect(0);
    assert_eq!(ran.stdout, "alice");
    context.cluster.expire(&login);
    let ran = context.kubectl(&["get", "pods"]).expect(1);
    assert!(ran.stderr.contains("You must be logged in to the server"), "{}", ran.stderr);
}

#[test]
fn an_authority_that_nobody_knows() {
    let (cluster, other) = (Cluster::start(), Cluster::start());
    let file = cluster.directory().join("wrong");
    let server = format!("--server={}", cluster.secure_url());
    Kubeconfig::new().login("wrong", &other, &other.admin("alice")).write(&file);
    let ran = cluster.kubectl(&["--kubeconfig", file.to_str().unwrap(), &server, "get", "pods"]).expect(1);
    assert!(ran.stderr.contains("x509: certificate signed by unknown authority"), "{}", ran.stderr);
}

#[test]
fn roles_say_what_a_user_may() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    let login = cluster.user("system:serviceaccount:default:robot");
    let context = Context::of(cluster, &login);
    let ran = context.kubectl(&["get", "pod", "p"]).expect(1);
    let text = "pods \"p\" is forbidden: User \"system:serviceaccount:default:robot\" cannot get resource \"pods\"";
    assert!(ran.stderr.contains(text), "{}", ran.stderr);
    let roles = context.cluster.directory().join("roles.yaml");
    std::fs::write(&roles, ROLE).unwrap();
    context.cluster.kubectl(&["apply", "-f", roles.to_str().unwrap()]).expect(0);
    context.kubectl(&["get", "pod", "p"]).expect(0);
    context.kubectl(&["exec", "p", "--", "true"]).expect(0);
    context.kubectl(&["get", "pods"]).expect(1);
    for (arguments, answer) in [
        (&["get", "pods"][..], "yes\n"),
        (&["create", "pods", "--subresource=exec"], "yes\n"),
        // This asks about pods that are *called* exec.
        (&["create", "pods/exec"], "no\n"),
        (&["list", "pods"], "no\n"),
        (&["get", "deployments.apps"], "no\n"),
    ] {
        let ran = context.kubectl(&[&["auth", "can-i"], arguments].concat());
        assert_eq!((ran.stdout.as_str(), ran.code), (answer, i32::from(answer != "yes\n")), "{arguments:?}");
    }
}

#[test]
fn a_test_can_forbid_what_it_likes() {
    let cluster = Cluster::start();
    cluster.pod("p").start();
    cluster.forbid("*", "pods/exec");
    cluster.kubectl(&["get", "pods"]).expect(0);
    let ran = cluster.kubectl(&["exec", "p", "--", "true"]).expect(1);
    assert!(ran.stderr.contains("cannot create resource \"pods/exec\""), "{}", ran.stderr);
    cluster.kubectl(&["auth", "can-i", "create", "pods", "--subresource=exec"]).expect(1);
    cluster.forbid_nothing();
    cluster.kubectl(&["exec", "p", "--", "true"]).expect(0);
}
