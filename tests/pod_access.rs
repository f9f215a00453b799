//! Pods behind TLS, a login and a role: what each of them says when it does not hold.

#[path = "support/operator.rs"]
mod operator;
mod support;
#[path = "support/verdict.rs"]
mod verdict;

use std::fs;

use kubesim::{Cluster, Kubeconfig, Login};
use operator::{Operator, resolutions};
use rstest::rstest;
use serde_json::{Map, Value, json};
use verdict::{FORBIDDEN, HIDDEN, LOGIN_FAILS, NOT_TRUSTED, UNAUTHORIZED, assert_found};

const LONG: &str = "--timeout=60s";

/// The role that the README asks for.
const ROLE: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: operator}
rules:
- {apiGroups: [''], resources: [pods], verbs: [get, list, watch]}
- {apiGroups: [''], resources: [pods/exec], verbs: [get, create]}
- {apiGroups: [apps], resources: [deployments, statefulsets], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: operator}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: operator}
subjects: [{kind: User, name: ann}]
";

/// An operator who is the user ann, with a role; the worker `w` is the Deployment `fleet`.
fn ann(role: &str) -> (Operator, Login) {
    let cluster = Cluster::start();
    cluster.deployment("fleet").session("qa", "cat").start();
    let manifest = cluster.directory().join("role.yaml");
    fs::write(&manifest, role).unwrap();
    cluster.kubectl(&["apply", "-f", manifest.to_str().unwrap()]).expect(0);
    let login = cluster.user("ann");
    let kubeconfig = cluster.directory().join("ann");
    Kubeconfig::new().login("secure", &cluster, &login).write(&kubeconfig);
    let mut operator = Operator::of(cluster);
    operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    (operator.worker("w", "fleet", ""), login)
}

#[test]
fn the_role_of_the_readme_is_enough() {
    let (operator, _login) = ann(ROLE);
    assert_eq!(operator.rows()[0]["status"], "running");
    operator.run(&["peek", "w/qa"]).expect(0);
    let calls = operator.cluster.calls().about_objects();
    assert!(calls.iter().filter(|call| call.user == "ann").count() >= 4, "{calls:?}");
    let checks = doctor(&operator);
    for permission in ["get pods", "create pods/exec", "get pods/exec", "list pods", "list deployments.apps", "watch pods"] {
        assert_eq!(checks[permission], "ok", "{checks:#}");
    }
}

/// What `deploy/` gives an operator, and what `doctor` looks for.
#[test]
fn the_role_that_can_be_applied_lacks_nothing_that_doctor_asks_for() {
    let role = fs::read_to_string(format!("{}/deploy/k8s/access/operator.yaml", support::ROOT)).unwrap();
    let (_, binding) = ROLE.split_once("---").unwrap();
    let (operator, _login) =
        ann(&format!("{role}---{}", binding.replace("Role, name: operator", "Role, name: factory-worker-operator")));
    operator.rows();
    let checks = doctor(&operator);
    let verbs = ["get ", "list ", "create ", "watch "];
    let permissions: Vec<_> =
        checks.as_object().unwrap().iter().filter(|(name, _)| verbs.iter().any(|verb| name.starts_with(verb))).collect();
    assert!(permissions.len() == 7 && permissions.iter().all(|(_, verdict)| **verdict == "ok"), "{checks:#?}");
}

#[test]
fn a_role_without_watch_works_and_doctor_says_what_is_lost() {
    let (operator, _login) = ann(&ROLE.replace("[get, list, watch]", "[get, list]"));
    assert_eq!(operator.rows()[0]["status"], "running");
    assert_eq!(doctor(&operator)["watch pods"], "warn");
}

#[test]
fn a_role_without_exec_is_forbidden_and_doctor_says_which_permission() {
    let (operator, _login) = ann(&ROLE.replace("pods/exec", "pods/log"));
    let row = assert_found(&operator, LONG, FORBIDDEN);
    assert!(row["reason"].as_str().unwrap().contains("ann may not create pods/exec"), "{row}");
    assert_eq!(doctor(&operator)["create pods/exec"], "fail");
}

#[test]
fn a_role_that_may_list_nothing_still_reaches_a_pod_by_its_name() {
    let (operator, _login) =
        ann(&ROLE.replace("verbs: [get, list, watch]", "verbs: [get]").replace("verbs: [list]", "verbs: [get]"));
    let pod = operator.cluster.kubectl(&["get", "pods", "-o", "name"]).expect(0).stdout;
    let operator = operator.worker("x", pod.trim(), "");
    assert_eq!(operator.rows()[1]["status"], "running");
}

/// What it is that has the name cannot be known: it may be a Deployment, which the operator may not see.
#[rstest]
#[case::bare("fleet", "fleet was not found")]
#[case::deployment("deploy/fleet", "Deployment fleet was not found")]
#[case::stateful_set("statefulset/fleet", "StatefulSet fleet was not found")]
fn a_role_that_may_list_nothing_finds_no_deployment_and_says_why(#[case] pod: &str, #[case] reason: &str) {
    let (operator, _login) =
        ann(&ROLE.replace("verbs: [get, list, watch]", "verbs: [get]").replace("verbs: [list]", "verbs: [get]"));
    let mut operator = Operator { world: support::World::new(), ..operator };
    let kubeconfig = operator.cluster.directory().join("ann");
    operator.world = operator.world.env("KUBECONFIG", kubeconfig.to_str().unwrap());
    let operator = operator.worker("w", pod, "");
    // Also for whoever was told so before, at the same price.
    for _ in 0..2 {
        let row = assert_found(&operator, LONG, HIDDEN);
        let said = row["reason"].as_str().unwrap();
        assert!(said.contains(reason) && said.contains("ann may not list"), "{row}");
        let (_, calls) = operator.watched(&["list"]);
        assert!(calls.execs().is_empty(), "{calls:?}");
        assert_eq!(resolutions(&calls), 1);
    }
}

#[test]
fn a_login_that_expires_is_unauthorized() {
    let (operator, login) = ann(ROLE);
    assert_eq!(operator.rows()[0]["status"], "running");
    operator.cluster.expire(&login);
    assert_found(&operator, LONG, UNAUTHORIZED);
}

#[test]
fn a_login_plugin_that_fails_is_unauthorized() {
    let (mut operator, _login) = ann(ROLE);
    let file = operator.cluster.directory().join("plugin");
    let plugin = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "sh",
        "args": ["-c", "echo 'your session is over' >&2; exit 3"],
        "interactiveMode": "Never",
    }});
    Kubeconfig::new().secure("plugin", &operator.cluster, plugin).write(&file);
    operator.world = operator.world.env("KUBECONFIG", file.to_str().unwrap());
    let row = assert_found(&operator, LONG, LOGIN_FAILS);
    assert!(row["reason"].as_str().unwrap().contains("your session is over"), "{row}");
}

#[test]
fn an_authority_that_nobody_knows_is_unreachable() {
    let (mut operator, _login) = ann(ROLE);
    let file = operator.cluster.directory().join("stranger");
    let server = json!({ "server": operator.cluster.secure_url() });
    Kubeconfig::new().entry("stranger", server, json!({ "token": "token-of-ann" })).write(&file);
    operator.world = operator.world.env("KUBECONFIG", file.to_str().unwrap());
    let row = assert_found(&operator, LONG, NOT_TRUSTED);
    assert!(row["reason"].as_str().unwrap().contains("certificate"), "{row}");
}

#[test]
fn the_token_is_said_nowhere() {
    let (operator, login) = ann(ROLE);
    operator.cluster.forbid("*", "pods/exec");
    for command in [&["-v", "list"][..], &["-v", "peek", "w/qa"], &["doctor"], &["list", "--json"]] {
        let ran = operator.run(command);
        assert!(!ran.stdout.contains(&login.token) && !ran.stderr.contains(&login.token), "{command:?}");
    }
}

/// What doctor finds, by the name of each check.
fn doctor(operator: &Operator) -> Value {
    let said: Value = serde_json::from_str(&operator.run(&["doctor", "--json"]).stdout).unwrap();
    let checks = said["checks"].as_array().unwrap().iter();
    checks.map(|check| (check["check"].as_str().unwrap().to_owned(), check["verdict"].clone())).collect::<Map<_, _>>().into()
}
