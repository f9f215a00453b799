//! Every request goes the same way: it is recorded, then it meets the faults, then it is answered.

mod support;

use kubesim::{Cluster, Fault, everything, requests_for};
use support::client::Client;

const REVIEWS: &[(&str, &str, &str)] = &[
    (
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        "selfsubjectaccessreviews",
        r#"{"spec":{"resourceAttributes":{"verb":"get","resource":"pods","namespace":"default"}}}"#,
    ),
    ("/apis/authentication.k8s.io/v1/selfsubjectreviews", "selfsubjectreviews", "{}"),
];

#[test]
fn reviews_are_recorded_and_meet_faults() {
    let cluster = Cluster::start();
    for (path, resource, body) in REVIEWS {
        let ask = || Client::of(&cluster).ask("POST", path, body);
        assert_eq!(ask().status, 201);
        let calls = cluster.calls();
        let call = calls.iter().next().unwrap();
        assert_eq!((call.verb.as_str(), call.resource.as_str(), call.path.as_str()), ("create", *resource, *path));
        let rule = cluster.when(requests_for(resource).once()).then(Fault::Status(503));
        assert_eq!(ask().refusal().0, 503);
        assert_eq!(ask().status, 201, "only one was hit");
        rule.lift();
        let rule = cluster.when(requests_for(resource)).then(Fault::Status(403));
        let (_, reason, message) = ask().refusal();
        let said = format!("cannot create resource \"{resource}\" in API group \"");
        assert!(reason == "Forbidden" && message.contains(&said), "{message}");
        rule.lift();
        cluster.when(requests_for(resource).once()).then(Fault::cut_after_bytes(5));
        assert_eq!(ask().body.len(), 5);
        assert_eq!(Client::of(&cluster).ask("GET", path, "").refusal().0, 405);
        assert_eq!(cluster.calls().len(), 6);
        cluster.forget_calls();
    }
}

#[test]
fn kubectl_sees_the_faults_of_a_review() {
    let cluster = Cluster::start();
    cluster.when(requests_for("selfsubjectaccessreviews")).then(Fault::Status(503));
    let ran = cluster.kubectl(&["auth", "can-i", "get", "pods"]).expect(1);
    assert!(ran.stderr.contains("the server is currently unable to handle the request"), "{}", ran.stderr);
}

#[test]
fn what_is_not_there_is_recorded_and_meets_faults() {
    let cluster = Cluster::start();
    for path in [
        "/api/v1/namespaces/default/gadgets",
        "/apis/example.com/v1/widgets",
        "/api/v1/namespaces/default/pods/p/portforward",
        "/api/v1/a/b/c/d",
        "/nothing",
    ] {
        let (code, reason, message) = Client::of(&cluster).ask("GET", path, "").refusal();
        assert_eq!((code, reason.as_str()), (404, "NotFound"), "{path}: {message}");
        assert_eq!(message, "the server could not find the requested resource");
        assert_eq!(cluster.calls().iter().map(|call| call.path.as_str()).collect::<Vec<_>>(), [path]);
        let rule = cluster.when(everything()).then(Fault::Status(500));
        assert_eq!(Client::of(&cluster).ask("GET", path, "").refusal().0, 500);
        rule.lift();
        cluster.forget_calls();
    }
}

/// `/version`, `/livez`, discovery and schemas are requests like others.
#[test]
fn what_the_api_is_is_recorded_and_meets_faults() {
    let cluster = Cluster::start();
    for path in ["/version", "/livez", "/api", "/apis", "/api/v1", "/apis/apps/v1", "/openapi/v3"] {
        assert_eq!(Client::of(&cluster).ask("GET", path, "").status, 200, "{path}");
        let rule = cluster.when(everything()).then(Fault::Status(403));
        let (code, _, message) = Client::of(&cluster).ask("GET", path, "").refusal();
        assert_eq!((code, message), (403, format!("forbidden: User \"kubesim\" cannot get path \"{path}\"")));
        rule.lift();
        assert_eq!(cluster.calls().len(), 2, "{path}");
        assert_eq!(cluster.calls().about_objects().len(), 0, "{path}");
        cluster.forget_calls();
    }
}

#[test]
fn nobody_without_a_login_learns_who_they_are() {
    let cluster = Cluster::start();
    let file = cluster.directory().join("nobody");
    let login = cluster.user("alice");
    kubesim::Kubeconfig::new().login("c", &cluster, &login).write(&file);
    let ask = || cluster.kubectl(&["--kubeconfig", file.to_str().unwrap(), "auth", "whoami", "-o", "name"]);
    ask().expect(0);
    cluster.expire(&login);
    assert!(ask().expect(1).stderr.contains("Unauthorized"));
    assert_eq!(cluster.calls().matching(&requests_for("selfsubjectreviews")).len(), 2);
}
